use std::num::NonZeroU64;

use super::*;
use crate::chunk::ChunkKeys;
use crate::tag::Tag;
use crate::timekey::TimekeySlots;

const CREATED: EventTime = EventTime::new(1_707_988_602, 849_000_000); // 2024-02-15 09:16:42 UTC

struct Case {
    format: Option<&'static str>,
    path: &'static str,
    check_object: CheckObject,
    timekey: u64,
    hex_random_length: u64,
}

const CASE: Case = Case {
    format: None,
    path: "logs/",
    check_object: CheckObject::Yes,
    timekey: 3_600,
    hex_random_length: 4,
};

impl Case {
    fn of(format: &'static str) -> Self {
        Self {
            format: Some(format),
            ..CASE
        }
    }

    fn template(&self) -> Result<ObjectKeyTemplate, ObjectKeyError> {
        ObjectKeyTemplate::new(&ObjectKeyOptions {
            path: self.path,
            format: self.format,
            check_object: self.check_object,
            index_format: IndexFormat::default(),
            hex_random_length: HexRandomLength::new(self.hex_random_length)?,
            time_slice_format: None,
            file_extension: "gz",
            hostname: "h1",
            chunk_keys: &ChunkKeys::parse("tag,time").unwrap(),
            slots: Some(&self.slots()),
            zone: &Zone::Utc,
        })
    }

    fn slots(&self) -> TimekeySlots {
        TimekeySlots::new(NonZeroU64::new(self.timekey).unwrap(), Zone::Utc)
    }

    fn key(&self, index: u64) -> String {
        self.try_key(index).unwrap()
    }

    fn try_key(&self, index: u64) -> Result<String, NameError> {
        let metadata = self.metadata();
        self.template().unwrap().render(named(&metadata), index)
    }

    fn own_key(&self, index: u64) -> String {
        let metadata = self.metadata();
        let template = self.template().unwrap();
        template.render_own(named(&metadata), index).unwrap()
    }

    fn metadata(&self) -> Metadata {
        Metadata {
            timekey: Some(self.slots().slot(CREATED)),
            tag: Some(Tag::new("test.log")),
            variables: Vec::new(),
        }
    }
}

fn named(metadata: &Metadata) -> Named<'_> {
    Named {
        id: id(),
        metadata,
        created: CREATED,
    }
}

fn id() -> ChunkId {
    ChunkId::from_parts(CREATED, 0x0123_4567_89ab_cdef)
}

#[test]
fn the_default_is_path_slice_and_index() {
    assert_eq!(CASE.key(0), "logs/2024021509_0.gz");
    assert_eq!(CASE.key(12), "logs/2024021509_12.gz");
}

#[test]
fn the_slice_is_as_fine_as_the_timekey() {
    for (timekey, slice) in [
        (1, "20240215091642"),
        (60, "202402150916"),
        (3_600, "2024021509"),
        (86_400, "20240215"),
    ] {
        let key = Case { timekey, ..CASE }.key(0);
        assert_eq!(key, format!("logs/{slice}_0.gz"), "timekey {timekey}");
    }
}

#[test]
fn random_digits_are_the_end_of_the_id_backwards() {
    assert_eq!(Case::of("%{hex_random}").key(0), "fedc");
    let long = Case {
        hex_random_length: 16,
        ..Case::of("%{hex_random}")
    };
    assert_eq!(long.key(0), "fedcba9876543210");
}

#[test]
fn the_uuid_is_of_version_4_and_the_same_each_time() {
    let key = Case::of("%{uuid_flush}").key(0);
    let groups: Vec<&str> = key.split('-').collect();
    assert_eq!(
        groups.iter().map(|group| group.len()).collect::<Vec<_>>(),
        [8, 4, 4, 4, 12]
    );
    assert!(groups[2].starts_with('4'), "{key}");
    assert!(groups[3].starts_with(['8', '9', 'a', 'b']), "{key}");
    assert_eq!(groups[4], "456789abcdef");
    assert_eq!(key, Case::of("%{uuid_flush}").key(0));
}

#[test]
fn hostname_and_tag_are_filled_in() {
    assert_eq!(
        Case::of("%{path}%{hostname}/${tag[0]}.%{file_extension}").key(0),
        "logs/h1/test.gz"
    );
}

#[test]
fn the_path_may_have_placeholders_of_its_own() {
    let case = Case {
        path: "%Y/%{time_slice}/${tag}/",
        ..CASE
    };
    assert_eq!(case.key(0), "2024/2024021509/test.log/2024021509_0.gz");
}

#[test]
fn an_unknown_placeholder_is_nothing_and_is_warned_of() {
    let case = Case::of("a%{uuid_hash}b%{index}");
    assert_eq!(case.key(0), "ab0");
    assert_eq!(
        case.template().unwrap().warnings(),
        [ObjectKeyWarning::Unknown {
            placeholder: "%{uuid_hash}".to_owned()
        }]
    );
}

#[test]
fn the_uuids_that_the_plugin_gave_up_are_refused() {
    let error = Case::of("%{path}%{uuid:random}").template().unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("%{uuid:random} in s3_object_key_format"),
        "{error}"
    );
}

#[test]
fn unchecked_names_have_the_time_of_day() {
    let case = Case {
        check_object: CheckObject::No,
        path: "logs",
        ..CASE
    };
    assert_eq!(case.key(0), "logs/2024021509_091642.gz");
    assert_eq!(
        case.template().unwrap().warnings(),
        [ObjectKeyWarning::NotUnique]
    );
}

#[test]
fn without_an_index_a_taken_name_gets_the_id() {
    let case = Case::of("%{path}%{time_slice}.%{file_extension}");
    let id = id();
    assert_eq!(case.key(0), "logs/2024021509.gz");
    assert_eq!(case.key(1), format!("logs/2024021509_{id}.gz"));
    assert_eq!(case.key(2), format!("logs/2024021509_{id}_2.gz"));
    assert!(names_only(&case.key(1), id));
}

#[test]
fn a_name_with_the_id_or_its_uuid_belongs_to_the_chunk() {
    let other = ChunkId::from_parts(CREATED, 1);
    for format in ["x-${chunk_id}", "x-%{uuid_flush}"] {
        let case = Case::of(format);
        assert!(names_only(&case.key(0), id()), "{format}");
        assert!(!names_only(&case.key(0), other), "{format}");
        assert_eq!(case.template().unwrap().warnings(), [], "{format}");
    }
    assert!(!names_only(&CASE.key(0), id()));
}

#[test]
fn a_name_of_its_own_has_the_id_once() {
    let id = id();
    for (format, expected) in [
        ("x_%{index}.%{file_extension}", format!("x_3_{id}.gz")),
        ("x.%{file_extension}", format!("x_{id}_3.gz")),
        ("x_${chunk_id}", format!("x_{id}_{id}_3")),
        ("x_%{index}_${chunk_id}", format!("x_3_{id}")),
    ] {
        assert_eq!(Case::of(format).own_key(3), expected);
    }
}

#[test]
fn a_name_that_s3_would_not_take_is_refused() {
    let long = Case {
        path: "",
        ..Case::of("%{path}")
    };
    assert_eq!(long.try_key(0), Err(NameError::Empty));
    let text: &'static str = Box::leak("x".repeat(1_025).into_boxed_str());
    assert_eq!(
        Case::of(text).try_key(0),
        Err(NameError::TooLong { found: 1_025 })
    );
}

#[test]
fn the_index_is_written_as_sprintf_would() {
    for (format, index, text) in [
        ("%d", 7, "7"),
        ("%04d", 7, "0007"),
        ("%0d", 7, "7"),
        ("%x", 255, "ff"),
        ("%04X", 255, "00FF"),
    ] {
        assert_eq!(
            IndexFormat::parse(format).unwrap().render(index),
            text,
            "{format}"
        );
    }
}

#[test]
fn other_index_formats_are_refused() {
    for format in ["", "d", "%", "%4d", "%s", "%0-4d", "%04dx", "%0300d"] {
        let error = IndexFormat::parse(format).unwrap_err();
        assert!(error.to_string().contains("%04d"), "{error}");
    }
}

#[test]
fn more_random_digits_than_there_are_is_refused() {
    let error = HexRandomLength::new(17).unwrap_err();
    assert_eq!(
        error.to_string(),
        "hex_random_length is 17, and 16 is the most"
    );
}

#[test]
fn a_prefix_is_what_stands_before_the_first_placeholder() {
    for (format, path, expected) in [
        (None, "logs/audit/", "logs/audit/"),
        (None, "logs/%Y/%m/", "logs/"),
        (None, "logs/${tag}/", "logs/"),
        (Some("%{path}%{hostname}/%{index}"), "logs/", "logs/h1/"),
        (Some("%{time_slice}_%{index}"), "logs/", ""),
        (Some("a/${chunk_id}"), "", "a/"),
    ] {
        let template = Case {
            format,
            path,
            ..CASE
        }
        .template()
        .unwrap();
        assert_eq!(template.literal_prefix(), expected, "{format:?} {path}");
    }
}
