use fluent_compat::events::Events;
use fluent_compat::time::EventTime;
use serde_json::Value;

use super::super::testing::Bench;
use super::*;

/// The `<format>` section and what is written for one event, and the remarks.
fn written(bench: &Bench, section: &str, record: &Value) -> (Option<String>, Vec<String>) {
    let mut events = Events::new();
    let time = EventTime::new(1_707_988_602, 849_000_000);
    events.push_map(time, record.as_object().unwrap());
    let event = events.iter().next().unwrap();
    bench.read(
        &format!("<format>\n{section}\n</format>\n"),
        |section, context| {
            let formatter = formatter(section, "out_file", context)?;
            let mut out = Vec::new();
            formatter.format("test.log", &event, &mut out).unwrap();
            Some(String::from_utf8_lossy(&out).into_owned())
        },
    )
}

fn line(section: &str) -> String {
    let record = serde_json::json!({"a": 1, "b": "x,\"y\"", "c": {"d": true}});
    let (line, remarks) = written(&Bench::new(), section, &record);
    assert!(remarks.is_empty(), "{remarks:?}");
    line.unwrap()
}

fn remarks(section: &str) -> Vec<String> {
    written(
        &Bench::new(),
        section,
        &Value::Object(serde_json::Map::new()),
    )
    .1
}

#[test]
fn the_recorded_sections_write_what_fluentd_wrote() {
    let recordings = [
        (
            "UTC",
            include_str!("../../../fluent-compat/vectors/formatters.json"),
        ),
        (
            "Asia/Tokyo",
            include_str!("../../../fluent-compat/vectors/asia-tokyo/formatters.json"),
        ),
    ];
    for (zone, recording) in recordings {
        let recording: Value = serde_json::from_str(recording).unwrap();
        for case in recording["cases"].as_array().unwrap() {
            let section = format!(
                "@type {}\n{}",
                case["type"].as_str().unwrap(),
                case["conf"].as_str().unwrap()
            );
            let bench = Bench::new().in_zone(zone);
            let (found, remarks) = written(&bench, &section, &case["record"]);
            assert!(remarks.is_empty(), "{}: {remarks:?}", case["id"]);
            // MessagePack's bytes are no text, and are asked for where they are made.
            if let Some(text) = case["text"].as_str() {
                assert_eq!(found.as_deref(), Some(text), "{}", case["id"]);
            }
        }
    }
}

#[test]
fn without_a_type_it_is_the_callers() {
    let expected = "2024-02-15T09:16:42Z\t{\"a\":1,\"b\":\"x,\\\"y\\\"\",\"c\":{\"d\":true}}\n";
    assert_eq!(line("output_tag false\nutc true"), expected);
}

#[test]
fn a_row_may_have_nested_fields_and_tabs() {
    assert_eq!(
        line("@type csv\nfields a,$.c.d\ndelimiter TAB"),
        "\"1\"\t\"true\"\n"
    );
    assert_eq!(
        line("@type csv\nfields a,b\nforce_quotes no\nadd_newline false"),
        "1,\"x,\"\"y\"\"\""
    );
    assert_eq!(
        line("@type tsv\nkeys a,b\ndelimiter |\nnewline crlf"),
        "1|x,\"y\"\r\n"
    );
}

#[test]
fn a_line_for_people_may_hold_another_format() {
    let section = "@type stdout\noutput_type single_value\nmessage_key a\ntime_format %H:%M";
    assert_eq!(line(section), "09:16 test.log: 1\n");
}

#[test]
fn an_unknown_type_is_told_with_those_there_are() {
    let expected = "2:7 error: unknown plugin `jsno`: there are json, out_file, csv, tsv, ltsv, \
                    single_value, msgpack, hash, stdout [did you mean `json`?]";
    assert_eq!(remarks("@type jsno"), [expected]);
    let [remark] = &remarks("@type stdout\noutput_type stdout")[..] else {
        panic!("one remark is to be made")
    };
    assert!(
        remark.starts_with("3:13 error: expected `json`, "),
        "{remark}"
    );
}

#[test]
fn every_mistake_of_a_section_is_told() {
    let section = "@type csv\nfields ,\nforce_quotes maybe\nadd_newline 1\ndelimiter \"\"";
    assert_eq!(
        remarks(section),
        [
            "3:8 error: `fields`: expected one name at least, found none",
            "4:14 error: `force_quotes`: expected true, yes, false or no, found `maybe`",
            "5:13 error: `add_newline`: expected true, yes, false or no, found `1`",
            "6:11 error: `delimiter`: expected one character at least, found none",
        ]
    );
    let missing = ["1:2 error: parameter `keys` is missing in <format>"];
    assert_eq!(remarks("@type tsv"), missing);
}

#[test]
fn parameters_of_times_that_are_not_written_are_told() {
    let reason = "only `@type out_file` and `@type stdout` write the time";
    assert_eq!(
        remarks("@type json\ntime_format %Y\nutc true"),
        [
            format!("3:13 warning: `time_format` has no effect: {reason}"),
            format!("4:5 warning: `utc` has no effect: {reason}"),
        ]
    );
    let reason = "`@type stdout` writes the time in the host's zone";
    let expected = [format!("3:5 warning: `utc` has no effect: {reason}")];
    assert_eq!(remarks("@type stdout\nutc true"), expected);
    let contradiction = "`localtime true` and `utc true` contradict each other; keep one of them";
    let expected = [format!("3:5 error: {contradiction}")];
    assert_eq!(remarks("localtime true\nutc true"), expected);
}
