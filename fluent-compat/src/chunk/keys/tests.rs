use std::num::NonZeroU64;

use serde_json::json;

use super::*;
use crate::events::Events;
use crate::time::{EventTime, Zone};
use crate::timekey::Timekey;

fn fields(argument: &str) -> Vec<String> {
    let keys = ChunkKeys::parse(argument).unwrap();
    keys.fields().map(str::to_owned).collect()
}

#[test]
fn keys_are_listed_with_commas_or_as_json() {
    for argument in [
        "tag,time,user",
        " tag , time, user ",
        r#"["tag", "time", "user"]"#,
    ] {
        let keys = ChunkKeys::parse(argument).unwrap();
        assert!(keys.has_tag() && keys.has_time(), "{argument}");
        assert_eq!(fields(argument), ["user"], "{argument}");
    }
}

#[test]
fn nothing_and_an_empty_array_are_no_keys() {
    for argument in ["", "  ", "[]"] {
        assert!(
            ChunkKeys::parse(argument).unwrap().is_empty(),
            "{argument:?}"
        );
    }
    assert!(!ChunkKeys::only_time().is_empty());
}

#[test]
fn a_field_twice_is_one_key() {
    assert_eq!(fields("user,$.a.b,user"), ["user", "$.a.b"]);
}

#[test]
fn a_field_in_brackets_is_refused() {
    let error = ChunkKeys::parse("time,$['a']").unwrap_err();
    assert!(error.to_string().contains("bracket notation"), "{error}");
}

#[test]
fn a_key_that_no_placeholder_could_hold_is_refused() {
    for argument in ["a b", "time,,tag", "a/b", "größe"] {
        let error = ChunkKeys::parse(argument).unwrap_err();
        assert!(
            matches!(error, ChunkKeysError::Character { .. }),
            "{argument}: {error}"
        );
    }
}

#[test]
fn an_array_of_something_else_is_refused() {
    for argument in ["[1]", "[\"tag\"", "[tag]"] {
        let error = ChunkKeys::parse(argument).unwrap_err();
        assert!(
            matches!(error, ChunkKeysError::Array { .. }),
            "{argument}: {error}"
        );
    }
}

#[test]
fn only_chunk_keys_get_into_the_metadata() {
    let mut events = Events::new();
    let record = json!({"user": "alice", "n": 1, "none": null});
    events.push_map(EventTime::new(7_205, 0), record.as_object().unwrap());
    let event = events.iter().next().unwrap();
    let hour = TimekeySlots::new(NonZeroU64::new(3_600).unwrap(), Zone::Utc);
    let tag = Tag::new("test.log");
    let of = |argument: &str| {
        let keys = ChunkKeys::parse(argument).unwrap();
        keys.metadata(Some(&hour), &tag, &event)
    };
    assert_eq!(of("[]"), Metadata::default());
    let all = of("tag,time,user,n,none,missing");
    assert_eq!(all.timekey.map(Timekey::seconds), Some(7_200));
    assert_eq!(all.tag, Some(tag.clone()));
    assert_eq!(all.variable("user"), Some("alice"));
    assert_eq!(all.variable("n"), Some("1"));
    assert_eq!(
        all.variables[2..],
        [("none".to_owned(), None), ("missing".to_owned(), None)]
    );
}
