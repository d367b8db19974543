use fluent_compat::events::Events;
use fluent_compat::time::EventTime;

use super::super::testing::Bench;
use super::*;

/// What is added to an empty record, and the remarks.
fn added(section: &str) -> (Option<String>, Vec<String>) {
    let mut events = Events::new();
    events.push_map(
        EventTime::new(1_707_988_602, 849_000_000),
        &serde_json::Map::new(),
    );
    let event = events.iter().next().unwrap();
    let bench = Bench::new().in_zone("Asia/Tokyo");
    bench.read(
        &format!("<inject>\n{section}\n</inject>\n"),
        |section, context| {
            let mut text = String::new();
            let event = inject(section, context)?.apply("test.log", &event, &mut text);
            Some(event.record.as_json().to_owned())
        },
    )
}

fn record(section: &str) -> String {
    let (record, remarks) = added(section);
    assert!(remarks.is_empty(), "{remarks:?}");
    record.unwrap()
}

#[test]
fn all_fields_are_added() {
    let section = "hostname_key h\nworker_id_key w\ntag_key t\ntime_key s";
    let expected = r#"{"h":"box","w":0,"t":"test.log","s":1707988602.849}"#;
    assert_eq!(record(section), expected);
    assert_eq!(record("hostname_key h\nhostname h1"), r#"{"h":"h1"}"#);
}

#[test]
fn a_time_is_written_as_its_type_and_zone_say() {
    let text = |section: &str| record(&format!("time_key t\ntime_type string\n{section}"));
    assert_eq!(text(""), r#"{"t":"2024-02-15T18:16:42+09:00"}"#);
    assert_eq!(text("utc true"), r#"{"t":"2024-02-15T09:16:42Z"}"#);
    assert_eq!(text("localtime false"), r#"{"t":"2024-02-15T09:16:42Z"}"#);
    assert_eq!(
        text("timezone +01:00"),
        r#"{"t":"2024-02-15T10:16:42+01:00"}"#
    );
    let format = "time_format %Y-%m-%dT%H:%M:%S.%LZ\nutc true\nlocaltime true";
    assert_eq!(text(format), r#"{"t":"2024-02-15T09:16:42.849Z"}"#);
    let millis = record("time_key t\ntime_type unixtime_millis");
    assert_eq!(millis, r#"{"t":1707988602849}"#);
}

#[test]
fn nothing_to_add_is_none() {
    assert_eq!(added(""), (None, Vec::new()));
}

#[test]
fn a_format_for_a_number_is_told() {
    let (record, remarks) = added("time_key t\ntime_format %Y");
    assert_eq!(record.as_deref(), Some(r#"{"t":1707988602.849}"#));
    let reason = "the time is a number unless `time_type` is string";
    let expected = [format!(
        "3:13 warning: `time_format` has no effect: {reason}"
    )];
    assert_eq!(remarks, expected);
}

#[test]
fn what_lacks_its_key_is_told() {
    let (record, remarks) = added("hostname h1\ntime_type string\ntime_key_ t");
    assert_eq!(record, None);
    assert_eq!(
        remarks,
        [
            "2:10 warning: `hostname` has no effect: there is no `hostname_key`",
            "3:11 warning: `time_type` has no effect: there is no `time_key`",
            "4:1 warning: unknown parameter `time_key_` in <inject>: it has no effect \
             [did you mean `time_key`?]",
        ]
    );
}

#[test]
fn every_mistake_is_told() {
    let (_, remarks) = added("time_key t\ntime_type text\ntimezone Mars/Olympus\nutc on");
    let starts = [
        "3:11 error: expected `float`, ",
        "4:10 error: `timezone`: unknown time zone",
        "5:5 error: `utc`: ",
    ];
    assert_eq!(remarks.len(), starts.len(), "{remarks:?}");
    for (remark, start) in remarks.iter().zip(starts) {
        assert!(remark.starts_with(start), "{remark}");
    }
}
