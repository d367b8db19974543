use std::collections::BTreeSet;
use std::time::Duration;

use fluent_compat::chunk::ChunkId;
use fluent_compat::events::Events;
use fluent_compat::object_key::Named;
use fluent_compat::tag::Tag;
use fluent_compat::time::EventTime;
use forebay_certs::{Authority, KeyAlgorithm, Subject, Validity};
use serde_json::Value;

use super::super::buffer::{self, BufferDefaults, BufferSettings, Owner};
use super::super::testing::Bench;
use super::*;
use crate::evidence::tests::private_key;
use crate::sink::s3::{Addressing, Checksum, Credentials, StoreAs};

/// What a `<match>` says of its objects and of its buffer.
fn output_of(
    section: &Params<'_>,
    context: &Context<'_>,
) -> Option<(Option<S3Config>, BufferSettings)> {
    let owner = Owner {
        name: "b",
        id: None,
        objects: object_size(section),
    };
    let buffer = section.section_or_empty("buffer");
    let buffer = buffer::buffer(buffer, owner, BufferDefaults::S3, context)?;
    let chunks = S3Buffer {
        keys: &buffer.chunk_keys,
        slots: buffer.slots.as_ref(),
        spool_directory: PathBuf::from("/spool"),
    };
    Some((s3(section, &chunks, context), buffer))
}

/// An output with these lines beside its bucket, its buffer, and the remarks on the lines,
/// the first of which is the third of the file.
fn output(bench: &Bench, lines: &str) -> (Option<(S3Config, BufferSettings)>, Vec<String>) {
    bench.read(
        &format!("<match **>\n@type s3\n{lines}\ns3_bucket b\n</match>\n"),
        |section, context| {
            let (config, buffer) = output_of(&section, context)?;
            section.known_but_ignored(&[]);
            for caller in ["format", "inject"] {
                let _ = section.section(caller);
            }
            section.finish();
            Some((config?, buffer))
        },
    )
}

fn config(lines: &str) -> S3Config {
    let (found, remarks) = output(&Bench::new(), lines);
    assert!(remarks.is_empty(), "{remarks:?}");
    found.unwrap().0
}

fn remarks(lines: &str) -> Vec<String> {
    output(&Bench::new(), lines).1
}

#[test]
fn the_recorded_outputs_name_their_objects_as_fluentd_does() {
    let recording = include_str!("../../../fluent-compat/vectors/s3_objects.json");
    let recording: Value = serde_json::from_str(recording).unwrap();
    for case in recording["cases"].as_array().unwrap() {
        let lines = case["match"].as_str().unwrap();
        let lines = lines.replace("s3_bucket b\n", "");
        let (found, remarks) = output(&Bench::new(), &lines);
        if case.get("error").is_some() {
            assert!(found.is_none() || !remarks.is_empty(), "{}", case["id"]);
            continue;
        }
        let (config, buffer) = found.unwrap();
        // The digits that Fluentd takes from its clock are no one's to know.
        if case["id"] == "no-check" {
            continue;
        }
        let recorded: BTreeSet<_> = members(&case["puts"])
            .map(|put| put["key"].as_str().unwrap().to_owned())
            .collect();
        let named: BTreeSet<_> = members(&case["feed"])
            .map(|event| name(&config, &buffer, event))
            .collect();
        assert_eq!(named, recorded, "{}", case["id"]);
        let content_type = &case["puts"][0]["options"]["content_type"];
        assert_eq!(
            config.store_as.content_type(),
            content_type,
            "{}",
            case["id"]
        );
    }
}

fn members(array: &Value) -> impl Iterator<Item = &Value> {
    array.as_array().unwrap().iter()
}

fn name(config: &S3Config, buffer: &BufferSettings, event: &Value) -> String {
    let mut events = Events::new();
    let time = event["time"].as_str().unwrap();
    let seconds = time.split('.').next().unwrap().parse().unwrap();
    events.push_map(
        EventTime::new(seconds, 0),
        event["record"].as_object().unwrap(),
    );
    let tag = Tag::new(event["tag"].as_str().unwrap());
    let event = events.iter().next().unwrap();
    let metadata = buffer
        .chunk_keys
        .metadata(buffer.slots.as_ref(), &tag, &event);
    let chunk = Named {
        id: ChunkId::from_bytes([7; 16]),
        metadata: &metadata,
        created: event.time,
    };
    config.keys.render(chunk, 0).unwrap()
}

#[test]
fn the_defaults_are_fluentds() {
    let config = config("");
    assert_eq!(
        (config.bucket.as_str(), config.region.as_str()),
        ("b", "us-east-1")
    );
    assert_eq!(config.store_as, StoreAs::Gzip);
    assert_eq!(
        (config.existing, config.checksum),
        (Existing::Keep, Checksum::Crc32c)
    );
    assert_eq!(config.object.storage_class, "STANDARD");
    assert!(matches!(config.credentials, Credentials::Chain));
    assert_eq!(config.spool_directory, PathBuf::from("/spool"));
}

#[test]
fn the_region_may_come_from_the_environment() {
    let bench = Bench::new().with_variable("AWS_REGION", "eu-north-1");
    let region = |lines| output(&bench, lines).0.unwrap().0.region;
    assert_eq!(region(""), "eu-north-1");
    assert_eq!(region("s3_region eu-west-1"), "eu-west-1");
}

#[test]
fn the_store_and_the_objects_are_as_configured() {
    let config = config(
        "s3_endpoint http://127.0.0.1:9000\nforce_path_style true\nenable_dual_stack\nstore_as zstd\n\
         overwrite true\nstorage_class STANDARD_IA\nacl private\ntagging team=audit\n\
         compute_checksums false\nuse_server_side_encryption aws:kms\nssekms_key_id k1\n\
         proxy_uri http://proxy:3128\ns3_metadata {\"kind\":\"audit\",\"number\":7}\n<compress>\nlevel 9\n</compress>",
    );
    assert_eq!(config.endpoint.unwrap().as_str(), "http://127.0.0.1:9000");
    assert_eq!(config.proxy.unwrap().url().expose(), "http://proxy:3128");
    assert_eq!(
        (config.addressing, config.amazon.dual_stack),
        (Addressing::Path, true)
    );
    assert!(
        config.store_as != StoreAs::from_name("zstd").unwrap(),
        "the level is 9"
    );
    assert_eq!(
        (config.existing, config.checksum),
        (Existing::Overwrite, Checksum::None)
    );
    let object = config.object;
    assert_eq!(object.storage_class, "STANDARD_IA");
    assert_eq!(object.acl.as_deref(), Some("private"));
    assert_eq!(object.tagging.as_deref(), Some("team=audit"));
    assert_eq!(object.kms_key_id.unwrap().expose(), "k1");
    let names: Vec<_> = object
        .metadata
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["kind", "number"]);
}

#[test]
fn credentials_come_from_where_they_are_configured() {
    let credentials = |lines: &str| config(lines).credentials;
    let key = "aws_key_id k\naws_sec_key s\n";
    assert!(matches!(credentials(key), Credentials::Key(key) if key.secret.expose() == "s"));
    let role = "role_arn arn:r\nrole_session_name n\n";
    let assumed = format!(
        "{key}<assume_role_credentials>\n{role}duration_seconds 900\n</assume_role_credentials>"
    );
    match credentials(&assumed) {
        Credentials::AssumeRole {
            base: Some(_),
            role,
            external_id: None,
        } => {
            assert_eq!(
                (role.arn.as_str(), role.session_name.as_str()),
                ("arn:r", "n")
            );
            assert_eq!(role.duration, Some(Duration::from_secs(900)));
        }
        other => panic!("{other:?}"),
    }
    let identity = format!(
        "<web_identity_credentials>\n{role}web_identity_token_file /t\n</web_identity_credentials>"
    );
    assert!(matches!(
        credentials(&identity),
        Credentials::WebIdentity { token_file, .. } if token_file.as_os_str() == "/t"
    ));
    let shared = "<shared_credentials>\nprofile_name p\npath /c\n</shared_credentials>";
    assert!(matches!(
        credentials(shared),
        Credentials::Profile { name: Some(name), path: Some(_) } if name == "p"
    ));
    assert!(matches!(
        credentials("aws_profile p"),
        Credentials::Profile { path: None, .. }
    ));
    assert!(
        matches!(credentials("aws_credential_process x y"), Credentials::Process(command) if command == "x y")
    );
    let instance = "<instance_profile_credentials>\nretries 3\nport 81\nhttp_read_timeout 0.5\n</instance_profile_credentials>";
    match credentials(instance) {
        Credentials::InstanceProfile(profile) => {
            assert_eq!(profile.retries, Some(3));
            assert_eq!(profile.address, Some("169.254.169.254:81".parse().unwrap()));
            assert_eq!(profile.read_timeout, Some(Duration::from_millis(500)));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_second_way_to_credentials_and_half_a_key_are_told() {
    let lines = "aws_profile p\naws_key_id k\n<shared_credentials>\n</shared_credentials>";
    assert_eq!(
        remarks(lines),
        [
            "4:12 warning: `aws_key_id` has no effect: there is no `aws_sec_key`",
            "5:2 warning: <shared_credentials> in <match> has no effect: the credentials come \
             from `aws_profile`",
        ]
    );
}

#[test]
fn certificates_are_read_and_judged() {
    let subject = Subject::common_name("CA");
    let validity = Validity::ten_years(1_700_000_000);
    let authority = Authority::new(&subject, KeyAlgorithm::EcdsaP256, validity).unwrap();
    let pem = authority.certificate_pem();
    let bench = Bench::new()
        .with_file("/ca/one.pem", &pem)
        .with_file("/ca/notes.txt", "none here")
        .with_file("/wrong.pem", "none here");
    let bundle = |lines| {
        let (found, remarks) = output(&bench, lines);
        (found.unwrap().0.ca_bundle.is_some(), remarks)
    };
    assert_eq!(bundle("ssl_ca_bundle /ca/one.pem"), (true, Vec::new()));
    assert_eq!(bundle("ssl_ca_directory /ca"), (true, Vec::new()));
    for (lines, expected) in [
        ("ssl_ca_bundle /wrong.pem", "3:15 error: /wrong.pem: "),
        (
            "ssl_ca_bundle /away.pem",
            "3:15 error: /away.pem cannot be read: ",
        ),
        ("ssl_ca_directory /empty", "3:18 error: /empty: "),
    ] {
        let (found, remarks) = bundle(lines);
        assert!(
            !found && remarks.len() == 1 && remarks[0].starts_with(expected),
            "{remarks:?}"
        );
    }
}

#[test]
fn an_unknown_packing_is_text_and_one_by_a_program_is_a_mistake() {
    let allowed = "[there are gzip, zstd, json and text]";
    let (found, remarks) = output(&Bench::new(), "store_as gzipp");
    assert_eq!(found.unwrap().0.store_as, StoreAs::Text);
    let expected =
        format!("3:10 warning: `store_as gzipp` is unknown: objects are stored as text {allowed}");
    assert_eq!(remarks, [expected]);
    for (name, program) in [("lzo", "lzop"), ("lzma2", "xz"), ("parquet", "columnify")] {
        let expected = format!(
            "3:10 error: `store_as {name}` would run `{program}`, and no program is run {allowed}"
        );
        assert_eq!(self::remarks(&format!("store_as {name}")), [expected]);
    }
}

#[test]
fn names_that_are_not_what_they_seem_are_told_where_they_stand() {
    let lines = "path logs/${user}/\ns3_object_key_format %{path}%{time_slice}-%{host}.gz";
    assert_eq!(
        remarks(lines),
        [
            "3:6 warning: ${user} is no chunk key, so it stays as it is written",
            "4:22 warning: %{host} is unknown in s3_object_key_format, so nothing comes in its place",
            "4:22 warning: object names have neither %{index} nor ${chunk_id} in them: where a \
             name is taken, the chunk's id is added to it",
        ]
    );
}

#[test]
fn every_mistake_of_an_output_is_told() {
    let lines = "s3_endpoint s3.eu-west-1.amazonaws.com\nindex_format %5d\nhex_random_length 17\n\
                 s3_object_key_format %{uuid}\ncheck_object maybe\nchecksum_algorithm MD5\n\
                 s3_metadata a b:1,forebay-chunk:x\n<assume_role_credentials>\n</assume_role_credentials>";
    let found = remarks(lines);
    let expected = [
        "3:13 error: s3_endpoint is \"s3.eu-west-1.amazonaws.com\", and must begin with",
        "4:14 error: index_format is \"%5d\"",
        "5:19 error: hex_random_length is 17, and 16 is the most",
        "6:22 error: %{uuid} in s3_object_key_format is removed",
        "7:14 error: `check_object`: expected true",
        "8:20 error: expected `CRC32`, ",
        "9:13 error: `a b` in `s3_metadata` cannot be sent",
        "9:13 error: `forebay-chunk` in `s3_metadata` is what forebay itself",
        "10:2 error: parameter `role_arn` is missing in <assume_role_credentials>",
        "10:2 error: parameter `role_session_name` is missing in <assume_role_credentials>",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (remark, start) in found.iter().zip(expected) {
        assert!(remark.starts_with(start), "{remark}");
    }
}

#[test]
fn a_bucket_is_created_only_if_the_file_says_so() {
    let of = |lines| config(lines).missing_bucket;
    assert_eq!(of("path x"), MissingBucket::Await);
    assert_eq!(of("auto_create_bucket false"), MissingBucket::Await);
    assert_eq!(of("auto_create_bucket true"), MissingBucket::Create);
}

#[test]
fn a_delay_to_warn_for_is_a_time() {
    let hour = Some(Duration::from_secs(3600));
    assert_eq!(config("warn_for_delay 1h").warn_for_delay, hour);
    assert_eq!(config("path x").warn_for_delay, None);
}

#[test]
fn what_is_known_and_not_done_is_told_with_its_reason() {
    let lines = "check_bucket false\ncheck_apikey_on_start false\n\
                 ssl_verify_peer false\nsignature_version s3\nreduced_redundancy true\n\
                 checksum_algorithm SHA256\ncommand_parameter -9\n\
                 <bucket_lifecycle_rule>\nid x\n</bucket_lifecycle_rule>";
    let (found, remarks) = output(&Bench::new(), lines);
    assert_eq!(found.unwrap().0.object.storage_class, "REDUCED_REDUNDANCY");
    let named = [
        "5:17 warning: `ssl_verify_peer false` has no effect",
        "6:19 warning: `signature_version` has no effect",
        "7:20 warning: `reduced_redundancy` is deprecated",
        "8:20 warning: `checksum_algorithm` has no effect",
        "9:19 warning: `command_parameter` has no effect",
        "10:2 warning: <bucket_lifecycle_rule> in <match> has no effect",
    ];
    assert_eq!(remarks.len(), named.len(), "{remarks:#?}");
    for (remark, start) in remarks.iter().zip(named) {
        assert!(remark.starts_with(start), "{remark}");
    }
}

#[test]
fn an_old_time_slice_format_cuts_time_as_well() {
    let (found, remarks) = output(&Bench::new(), "time_slice_format %Y%m%d-%H\nutc");
    let (config, buffer) = found.unwrap();
    let event = serde_json::json!({"tag": "a", "time": "1707988602.0", "record": {}});
    assert_eq!(name(&config, &buffer, &event), "20240215-09_0.gz");
    assert_eq!(remarks.len(), 2, "{remarks:?}");
}

fn sized(lines: &str) -> (BufferSettings, Vec<String>) {
    let (found, remarks) = output(&Bench::new(), lines);
    (found.unwrap().1, remarks)
}

const FILE: &str = "@type file\npath /b";

#[test]
fn object_size_raises_the_default_of_chunk_limit_size_so_that_it_can_be_reached() {
    let conf = format!("object_size 200m\n<buffer time>\n{FILE}\n</buffer>");
    let (settings, remarks) = sized(&conf);
    assert!(remarks.is_empty(), "{remarks:?}");
    assert_eq!(
        settings.schedule.object_size.map(|size| size.bytes),
        Some(200 << 20)
    );
    assert_eq!(settings.buffer.chunk_limit_size, 16 * (200 << 20));
    // One more chunk has to have room beside it.
    let conf = format!("object_size 200m\n<buffer time>\n{FILE}\ntotal_limit_size 4g\n</buffer>");
    let (settings, remarks) = sized(&conf);
    assert!(remarks.is_empty(), "{remarks:?}");
    assert_eq!(settings.buffer.chunk_limit_size, 2 << 30);
    // What is small already stays as large as it was.
    let (settings, _) = sized(&format!("object_size 1m\n<buffer time>\n{FILE}\n</buffer>"));
    assert_eq!(settings.buffer.chunk_limit_size, 256 << 20);
}

#[test]
fn a_chunk_limit_size_that_is_given_stays_the_upper_bound() {
    let conf = format!("object_size 20m\n<buffer time>\n{FILE}\nchunk_limit_size 150m\n</buffer>");
    let (settings, remarks) = sized(&conf);
    assert!(remarks.is_empty(), "{remarks:?}");
    assert_eq!(settings.buffer.chunk_limit_size, 150 << 20);
}

#[test]
fn an_object_size_that_no_chunk_can_reach_is_warned_of() {
    for (lines, buffer, expected) in [
        (
            "object_size 200m",
            "chunk_limit_size 100m",
            "3:13 warning: `object_size` is 200m, and no object becomes so large: \
             `chunk_limit_size` is 100m [leave `chunk_limit_size` out, or make it 1200m at least]",
        ),
        (
            "object_size 200m",
            "chunk_limit_size 256m",
            "3:13 warning: `object_size` is 200m, and audit events shrink to a 6th: with \
             `chunk_limit_size` 256m few objects become so large \
             [leave `chunk_limit_size` out, or make it 1200m at least]",
        ),
        (
            "object_size 200m",
            "total_limit_size 300m",
            "3:13 warning: `object_size` is 200m, and audit events shrink to a 6th: with \
             `chunk_limit_size` 256m few objects become so large \
             [set `total_limit_size` to 2400m at least]",
        ),
        (
            "object_size 200m",
            "compress zstd\nchunk_limit_size 200m",
            "",
        ),
        (
            "object_size 200m\nstore_as text",
            "chunk_limit_size 200m",
            "",
        ),
        (
            "object_size 200m\nstore_as text",
            "compress gzip\nchunk_limit_size 50m",
            "",
        ),
    ] {
        let conf = format!("{lines}\n<buffer time>\n{FILE}\n{buffer}\n</buffer>");
        let (_, remarks) = sized(&conf);
        assert_eq!(remarks.join("\n"), expected, "{lines} {buffer}");
    }
}

#[test]
fn an_object_size_in_the_wrong_place_or_of_no_size_is_a_mistake() {
    assert_eq!(
        remarks("<buffer time>\nobject_size 200m\n</buffer>"),
        ["4:13 error: `object_size` stands in <match>, beside `store_as`: it is the object's size"]
    );
    for (found, bytes) in [("0", "0"), ("1k", "1024"), ("6g", "6442450944")] {
        assert_eq!(
            remarks(&format!("object_size {found}")),
            [format!(
                "3:13 error: `object_size`: expected 4k to 5g, found {bytes} bytes"
            )]
        );
    }
}

/// The digest of an output with these lines in its section, and the remarks on it.
fn digest_of(output_lines: &str, lines: &str) -> (Option<crate::evidence::Config>, Vec<String>) {
    let bench = Bench::new()
        .with_file("/keys/digest.key", &private_key())
        .with_file("/keys/none.key", "nothing");
    let conf = format!(
        "<match **>\n@type s3\n<digest>\n{lines}\n</digest>\n{output_lines}\ns3_bucket b\n</match>\n"
    );
    let (read, remarks) = bench.read(&conf, |section, context| {
        let (config, buffer) = output_of(&section, context)?;
        digest::digest(&section, config.as_ref(), Some(&buffer.buffer), context)
    });
    (read.flatten(), remarks)
}

const WHOLE: &str = "path logs/digests/\nprivate_key_path /keys/digest.key";

#[test]
fn a_digest_lies_beside_its_buffer_and_covers_what_names_begin_with() {
    let file = "path logs/audit/%Y/\n<buffer time>\n@type file\npath /b/audit\n</buffer>";
    let (found, remarks) = digest_of(file, WHOLE);
    assert!(remarks.is_empty(), "{remarks:?}");
    let found = found.unwrap();
    assert_eq!(found.directory, PathBuf::from("/b/audit/buffer.digest"));
    assert_eq!(
        (found.path.as_str(), found.covers.as_str()),
        ("logs/digests/", "logs/audit/")
    );
    assert_eq!(found.interval, Duration::from_secs(3600));
    let pattern = "path logs/audit/\n<buffer time>\n@type file\npath /b/audit.*.log\n</buffer>";
    let (found, _) = digest_of(pattern, &format!("{WHOLE}\ninterval 30m"));
    let found = found.unwrap();
    assert_eq!(found.directory, PathBuf::from("/b/audit.digest"));
    assert_eq!(found.interval, Duration::from_secs(1800));
}

#[test]
fn every_mistake_of_a_digest_is_told() {
    let memory = "path logs/audit/";
    let file = "path logs/audit/\n<buffer time>\n@type file\npath /b\n</buffer>";
    for (output, lines, expected) in [
        (
            file,
            "private_key_path /keys/digest.key",
            "parameter `path` is missing in <digest>",
        ),
        (
            file,
            "path logs/digests/",
            "parameter `private_key_path` is missing in <digest>",
        ),
        (
            file,
            "path %Y/\nprivate_key_path /keys/digest.key",
            "nothing is filled in here",
        ),
        (
            file,
            "path d/\nprivate_key_path /keys/other.key",
            "cannot read /keys/other.key",
        ),
        (
            file,
            "path d/\nprivate_key_path /keys/none.key",
            "found no private key but text that is no PEM",
        ),
        (
            file,
            "path d/\nprivate_key_path /keys/digest.key\ninterval 0",
            "expected 1s to 1d, found 0s",
        ),
        (
            file,
            "path d/\nprivate_key_path /keys/digest.key\nintervall 1h",
            "did you mean `interval`",
        ),
        (
            memory,
            WHOLE,
            "with a buffer in memory, <digest> needs a `ledger_path`",
        ),
        (
            "overwrite true\npath logs/audit/\n<buffer time>\n@type file\npath /b\n</buffer>",
            WHOLE,
            "with `overwrite true` it may become another",
        ),
        (
            file,
            "path logs/audit/digests\nprivate_key_path /keys/digest.key",
            "digests are put below `logs/audit/`, where the objects are",
        ),
    ] {
        let (_, remarks) = digest_of(output, lines);
        assert_eq!(remarks.len(), 1, "{lines}: {remarks:?}");
        assert!(remarks[0].contains(expected), "{lines}: {remarks:?}");
    }
    let (found, remarks) = digest_of(memory, &format!("{WHOLE}\nledger_path /ledger"));
    assert!(remarks.is_empty(), "{remarks:?}");
    assert_eq!(found.unwrap().directory, PathBuf::from("/ledger"));
}
