use std::path::PathBuf;
use std::time::Duration;

use fluent_compat::chunk::ChunkKeys;

use super::*;
use crate::settings::testing::Bench;

const UNTIL: RetryLimit = RetryLimit::Until {
    timeout: Duration::from_secs(60),
    max_times: None,
};

/// What an s3 output's `<secondary>` is, and the remarks on it.
fn read(lines: &str, limit: RetryLimit) -> (String, Vec<String>) {
    let conf = format!("<match **>\n<secondary>\n{lines}\n</secondary>\n</match>\n");
    let keys = ChunkKeys::default();
    let chunks = S3Buffer {
        keys: &keys,
        slots: None,
        spool_directory: PathBuf::new(),
    };
    let (read, remarks) = Bench::new().read(&conf, |output, context| {
        secondary(&output, "s3", &chunks, Some(limit), context)
    });
    let found = match read {
        None => "a mistake".to_owned(),
        Some(None) => "none".to_owned(),
        Some(Some(SinkSettings::File(config))) => config.path.to_string(),
        Some(Some(SinkSettings::S3(config))) => config.bucket,
        Some(Some(SinkSettings::Stdout)) => "stdout".to_owned(),
    };
    (found, remarks)
}

#[test]
fn a_secondary_is_the_plugin_of_its_match_or_another_that_takes_chunks() {
    for (lines, expected) in [
        ("@type secondary_file\ndirectory /v", "/v/dump.bin"),
        ("@type file\npath /v/a", "/v/a.log"),
        ("@type stdout", "stdout"),
        (
            "@type s3\ns3_bucket b\ns3_object_key_format ${chunk_id}",
            "b",
        ),
        ("s3_bucket b\ns3_object_key_format ${chunk_id}", "b"),
    ] {
        let found = read(lines, UNTIL);
        assert_eq!(found, (expected.to_owned(), Vec::new()), "{lines}");
    }
}

#[test]
fn what_cannot_be_or_has_no_effect_is_told() {
    let plain = "@type stdout";
    for (lines, limit, expected) in [
        ("@type copy", UNTIL, "3:7 error: unknown plugin `copy`"),
        (
            "@type stdout\n<buffer>\n</buffer>",
            UNTIL,
            "4:2 error: <secondary> cannot have a <buffer>",
        ),
        (
            "@type stdout\n<format>\n</format>",
            UNTIL,
            "4:2 warning: <format> in <secondary> has no effect",
        ),
        (
            plain,
            RetryLimit::Forever,
            "2:2 warning: with `retry_forever true`",
        ),
    ] {
        let (_, remarks) = read(lines, limit);
        assert_eq!(remarks.len(), 1, "{lines}: {remarks:?}");
        assert!(remarks[0].starts_with(expected), "{remarks:?}");
    }
}
