use fluent_compat::chunk::{ChunkId, Metadata};
use fluent_compat::time::EventTime;
use fluent_compat::timekey::Timekey;

use super::*;
use crate::settings::testing::Bench;
use crate::sink::ChunkInfo;

/// The file of a chunk of 2026-11-21 07:00 UTC with the tag `a.b`, and the remarks.
fn named(lines: &str, timekey: Option<u64>, unfilled: Unfilled) -> (Option<String>, Vec<String>) {
    let keys = match timekey {
        Some(_) => "tag,time",
        None => "tag",
    };
    let keys = ChunkKeys::parse(keys).unwrap();
    let slots = timekey.map(|timekey| TimekeySlots::new(timekey.try_into().unwrap(), Zone::Utc));
    let parts = PathParts {
        keys: &keys,
        slots: slots.as_ref(),
    };
    let conf = format!("<match **>\n{lines}\n</match>\n");
    let (config, remarks) = Bench::new().read(&conf, |section, _| {
        let config = match section.plugin_type() {
            Some(_) => secondary_file(&section, &parts),
            None => file(&section, &parts, unfilled),
        };
        section.finish();
        config
    });
    let chunk = ChunkInfo {
        id: ChunkId::from_bytes([7; 16]),
        metadata: Metadata {
            timekey: timekey.map(|_| Timekey::new(1_795_244_400)),
            tag: Some(fluent_compat::tag::Tag::new("a.b")),
            variables: Vec::new(),
        },
        created: EventTime::new(0, 0),
        records: 1,
        bytes: 1,
    };
    let name = config.map(|config| config.file_name(&chunk, 3).unwrap());
    (name, remarks)
}

#[test]
fn files_are_called_as_fluentd_calls_them() {
    for (lines, timekey, expected) in [
        ("path /v/a", Some(86400), "/v/a.20261121_3.log"),
        ("path /v/a", Some(3600), "/v/a.2026112107_3.log"),
        ("path /v/a", Some(60), "/v/a.202611210700_3.log"),
        ("path /v/a", Some(1), "/v/a.20261121070000_3.log"),
        ("path /v/a", None, "/v/a_3.log"),
        ("path /v/a.*", Some(86400), "/v/a.20261121_3"),
        ("path /v/a.*.data", Some(86400), "/v/a.20261121_3.data"),
        ("path /v/%Y/%m/%d/a", Some(86400), "/v/2026/11/21/a_3.log"),
        ("path /v/${tag}/a", None, "/v/a.b/a_3.log"),
        (
            "path /v/${tag[1]}.${chunk_id}",
            None,
            "/v/b.07070707070707070707070707070707_3.log",
        ),
        ("path /v/a\nappend true", Some(86400), "/v/a.20261121.log"),
        (
            "path /v/a\ncompress gz",
            Some(86400),
            "/v/a.20261121_3.log.gz",
        ),
        ("path /v/a\ncompress zstd", None, "/v/a_3.log.zstd"),
        ("path /v/a\npath_suffix .json", None, "/v/a_3.json"),
        ("path /v/a\nadd_path_suffix false", None, "/v/a_3"),
        (
            "path /v/a\ntime_slice_format %Y-%m",
            Some(86400),
            "/v/a.2026-11_3.log",
        ),
        ("@type secondary_file\ndirectory /v", None, "/v/dump.bin.3"),
        (
            "@type secondary_file\ndirectory /v/\nbasename ${tag}.%H\ncompress gz",
            Some(3600),
            "/v/a.b.07.3.gz",
        ),
        (
            "@type secondary_file\ndirectory /v\nappend true",
            None,
            "/v/dump.bin",
        ),
    ] {
        let (name, remarks) = named(lines, timekey, Unfilled::Refused);
        assert_eq!(name.as_deref(), Some(expected), "{lines}");
        assert_eq!(remarks, Vec::<String>::new(), "{lines}");
    }
}

#[test]
fn a_path_that_cannot_be_is_told_at_its_place() {
    for (lines, timekey, expected) in [
        (
            "append true",
            None,
            "1:2 error: parameter `path` is missing in <match>",
        ),
        (
            "path /v/a.*",
            None,
            "2:6 error: `*` in `path` stands for the time",
        ),
        (
            "path /v/%Y/a",
            Some(86400),
            "2:6 error: `path` has %Y of the time and lacks %m",
        ),
        (
            "path /v/%Y/a",
            None,
            "2:6 error: \"/v/%Y/a\" looks like a time format",
        ),
        (
            "path /v/${user}",
            None,
            "2:6 error: ${user} is no chunk key",
        ),
        (
            "@type secondary_file\ndirectory /v\nbasename a/b",
            None,
            "4:10 error: `basename` has a `/`",
        ),
        (
            "@type secondary_file\ndirectory /v/${user}",
            None,
            "3:11 error: ${user} is no chunk key",
        ),
    ] {
        let (name, remarks) = named(lines, timekey, Unfilled::Refused);
        assert_eq!(name, None, "{lines}");
        let first = remarks.first().map_or("", String::as_str);
        assert!(first.starts_with(expected), "{lines}: {remarks:?}");
    }
}

#[test]
fn a_secondary_may_have_placeholders_that_nothing_fills() {
    let (name, remarks) = named("path /v/${user}", None, Unfilled::Tolerated);
    assert_eq!(name.as_deref(), Some("/v/${user}_3.log"));
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    assert!(remarks[0].starts_with("2:6 warning:"), "{remarks:?}");
}

#[test]
fn links_to_chunks_are_not_made() {
    let lines = "path /v/a\nsymlink_path /v/current\nrecompress true";
    let (name, remarks) = named(lines, None, Unfilled::Refused);
    assert!(name.is_some());
    assert!(
        remarks
            .iter()
            .all(|remark| remark.contains("has no effect"))
    );
    assert_eq!(remarks.len(), 2, "{remarks:?}");
}
