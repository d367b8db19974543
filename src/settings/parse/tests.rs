use fluent_compat::parse::NullTime;
use fluent_compat::time::EventTime;
use serde_json::Value;

use super::super::testing::Bench;
use super::*;

const NOW: EventTime = EventTime::new(1_700_000_000, 5);

/// What a `<parse>` section makes of a body, each event as `time record` or the one reason
/// why there are none, and the remarks on the section.
fn read(bench: &Bench, section: &str, body: &str) -> (Option<Vec<String>>, Vec<String>) {
    bench.read(
        &format!("<parse>\n{section}\n</parse>\n"),
        |section, context| {
            let parser = parser(section, context)?;
            Some(match parser.parse(body.as_bytes(), NOW) {
                Err(error) => vec![error.to_string()],
                Ok(events) => events
                    .iter()
                    .map(|event| match event.time {
                        NOW => format!("now {}", event.record.as_json()),
                        time => format!("{time} {}", event.record.as_json()),
                    })
                    .collect(),
            })
        },
    )
}

fn event(section: &str, body: &str) -> String {
    let (events, remarks) = read(&Bench::new(), section, body);
    assert!(remarks.is_empty(), "{remarks:?}");
    events.unwrap().join("\n")
}

fn remarks(section: &str) -> Vec<String> {
    read(&Bench::new(), section, "").1
}

#[test]
fn the_recorded_sections_read_the_times_that_fluentd_read() {
    let compared = compare_times(
        "UTC",
        include_str!("../../../fluent-compat/vectors/json_bodies.json"),
        include_str!("../../../fluent-compat/vectors/differences/json_bodies.json"),
    );
    assert!(compared > 15, "only {compared} were compared");
    let compared = compare_times(
        "Asia/Tokyo",
        include_str!("../../../fluent-compat/vectors/asia-tokyo/json_bodies.json"),
        include_str!("../../../fluent-compat/vectors/differences/asia-tokyo/json_bodies.json"),
    );
    assert!(compared > 0, "only {compared} were compared");
}

/// Where we differ on purpose is asked for where bodies are read.
fn compare_times(zone: &str, recording: &str, differences: &str) -> usize {
    let recording: Value = serde_json::from_str(recording).unwrap();
    let differences: Value = serde_json::from_str(differences).unwrap();
    let mut compared = 0;
    for case in recording["cases"].as_array().unwrap() {
        let differs = differences.get(case["id"].as_str().unwrap()).is_some();
        let (Some(body), Some(events), false) =
            (case["body"].as_str(), case["events"].as_array(), differs)
        else {
            continue;
        };
        let bench = Bench::new().in_zone(zone);
        let (found, remarks) = read(&bench, case["parse"].as_str().unwrap(), body);
        assert!(remarks.is_empty(), "{}: {remarks:?}", case["id"]);
        let found = found.unwrap();
        let found: Vec<_> = found.iter().map(|event| event.split(' ').next()).collect();
        let times: Vec<_> = events.iter().map(|event| event["time"].as_str()).collect();
        assert_eq!(found, times, "{}", case["id"]);
        compared += 1;
    }
    compared
}

#[test]
fn json_reads_numbers_as_times_unless_there_is_a_format() {
    let body = r#"{"time":"1707988602.5","a":1}"#;
    assert_eq!(event("@type json", body), r#"1707988602.500000000 {"a":1}"#);
    let body = r#"{"at":"2024-02-15 09:16:42","a":""}"#;
    let section = "@type json\njson_parser yajl\ntime_key at\ntime_format %Y-%m-%d %H:%M:%S\n\
                   timezone +01:00\nkeep_time_key\nnull_empty_string";
    assert_eq!(
        event(section, body),
        r#"1707985002.000000000 {"at":"2024-02-15 09:16:42","a":null}"#
    );
}

#[test]
fn mixed_times_are_read_by_their_formats() {
    let section = "@type json\ntime_type mixed\ntime_format_fallbacks %iso8601, unixtime";
    assert_eq!(
        event(section, r#"{"time":"1707988602"}"#),
        "1707988602.000000000 {}"
    );
    let (_, wrong) = read(&Bench::new(), "@type json\ntime_type mixed", "");
    let expected =
        "3:11 error: time_type is mixed, but neither time_format nor time_format_fallbacks is set";
    assert_eq!(wrong, [expected]);
}

#[test]
fn fields_get_types() {
    let section = "@type tsv\nkeys n,list,gone\ntypes n:integer,list:array:;\ndelimiter |\n\
                   null_value_pattern /^-$/";
    assert_eq!(
        event(section, "7|a;b|-"),
        r#"now {"n":7,"list":["a","b"],"gone":null}"#
    );
    let wrong = remarks("@type tsv\nkeys n\ntypes n:int,m:bool,o");
    let expected = "expected string, integer, float, bool, time or array";
    assert_eq!(
        wrong,
        [
            format!("4:7 error: `n` in `types`: found the type \"int\", {expected}"),
            format!("4:7 error: `o` in `types`: found the type \"\", {expected}"),
        ]
    );
}

#[test]
fn texts_are_read_by_their_parsers() {
    assert_eq!(
        event("@type none\nmessage_key m", "hi"),
        r#"now {"m":"hi"}"#
    );
    let rows = [
        (
            "@type csv\nkeys a,b",
            "1,\"x,y\"",
            r#"now {"a":"1","b":"x,y"}"#,
        ),
        ("@type ltsv", "a:1\tb:2", r#"now {"a":"1","b":"2"}"#),
        (
            "@type ltsv\ndelimiter_pattern /\\s+/\nlabel_delimiter =",
            "a=1  b=2",
            r#"now {"a":"1","b":"2"}"#,
        ),
        (
            "@type regexp\nexpression /^(?<a>x+)/i",
            "XX",
            r#"now {"a":"XX"}"#,
        ),
        (
            "@type regexp\nexpression ^(?<a>.*)$\nmultiline",
            "x\ny",
            "now {\"a\":\"x\\ny\"}",
        ),
        ("@type nginx\nexpression (?<a>y)", "xy", r#"now {"a":"y"}"#),
    ];
    for (section, body, expected) in rows {
        assert_eq!(event(section, body), expected, "{section}");
    }
    let body = "\u{81}\u{a1}a\u{1}";
    assert!(
        event("@type msgpack", body).starts_with("found "),
        "{body:?}"
    );
}

#[test]
fn access_logs_are_read_with_their_times() {
    let line = r#"10.0.0.1 - - [15/Feb/2024:09:16:42 +0000] "GET /a HTTP/1.1" 200 5"#;
    let apache2 = event("@type apache2", line);
    assert!(
        apache2.starts_with("1707988602.000000000 {\"host\":\"10.0.0.1\""),
        "{apache2}"
    );
    let nginx = event("@type nginx\nkeep_time_key", line);
    assert!(
        nginx.starts_with("1707988602.000000000 {\"remote\":\"10.0.0.1\""),
        "{nginx}"
    );
}

#[test]
fn an_unknown_type_is_told_with_those_there_are() {
    let expected = "2:7 error: unknown plugin `syslog`: there are json, msgpack, none, csv, tsv, ltsv, \
                    regexp, nginx, apache2";
    assert_eq!(remarks("@type syslog\nwith_priority true"), [expected]);
}

#[test]
fn every_mistake_of_a_section_is_told() {
    let section = "@type regexp\nexpression /a/\ntime_format %!\nutc true\nlocaltime true\n\
                   null_value_pattern /(/\nkeep_time_key 1\ntime_kye t";
    let found = remarks(section);
    let expected = [
        "3:12 error: found no named group in /a/",
        "4:13 error: `%!` in time_format",
        "5:5 error: `localtime true` and `utc true` contradict",
        "7:20 error: the expression /(/ cannot be used",
        "8:15 error: `keep_time_key`: expected true",
        "9:1 warning: unknown parameter `time_kye` in <parse>: it has no effect [did you mean `time_key`?]",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (remark, start) in found.iter().zip(expected) {
        assert!(remark.starts_with(start), "{remark}");
    }
    let expected = ["1:2 error: parameter `keys` is missing in <parse>"];
    assert_eq!(remarks("@type csv"), expected);
    let expected = ["3:1 error: `keys`: expected one name at least, found none"];
    assert_eq!(remarks("@type tsv\nkeys"), expected);
}

#[test]
fn parameters_without_an_effect_are_told() {
    let section = "@type json\nstream_buffer_size 1\ntimeout 5\nestimate_current_event false\n\
                   time_format %Y\ntime_type float\ntime_format_fallbacks %Y";
    assert_eq!(
        remarks(section),
        [
            "3:20 warning: `stream_buffer_size` has no effect: bodies are read whole",
            "4:9 warning: `timeout` has no effect: no text takes a parser here more than linear time",
            "5:24 warning: `estimate_current_event` has no effect: an event of an HTTP source \
             without a time gets the clock's",
            "6:13 warning: `time_format` has no effect: the time_type is a number",
            "8:23 warning: `time_format_fallbacks` has no effect: it goes with `time_type mixed`",
        ]
    );
    let reason = "`@type none` takes the text as it is";
    assert_eq!(
        remarks("@type none\ntypes a:integer\ntime_key t\nutc"),
        [
            format!("3:7 warning: `types` has no effect: {reason}"),
            format!("4:10 warning: `time_key` has no effect: {reason}"),
            format!("5:1 warning: `utc` has no effect: {reason}"),
        ]
    );
}

#[test]
fn teleports_own_section_is_taken_without_a_word() {
    let section = "@type json\njson_parser oj\ntime_type string\ntime_format %Y-%m-%dT%H:%M:%S";
    let body = r#"{"time":"2024-02-15T09:16:42.849Z","a":1}"#;
    assert_eq!(event(section, body), r#"1707988602.000000000 {"a":1}"#);
}

#[test]
fn without_a_type_times_are_numbers_or_as_they_are_said_to_be() {
    let rules = |section: &str| {
        let conf = format!("<parse>\n{section}\n</parse>\n");
        Bench::new().read(&conf, |section, context| default_rules(&section, context))
    };
    let (found, remarks) = rules("");
    assert_eq!(found.time_key.unwrap().name, "time");
    assert!(found.time_parser.reads_fraction() && found.null_time == NullTime::Now);
    assert!(remarks.is_empty(), "{remarks:?}");

    let (found, remarks) = rules("time_format %Y-%m-%d\ntime_key t\nkeep_time_key\ntypes a:bool");
    assert!(found.time_key.unwrap().keep);
    assert!(!found.time_parser.reads_fraction() && found.fields.is_empty());
    let expected = "5:7 warning: `types` has no effect: it needs an `@type` in <parse>";
    assert_eq!(remarks, [expected]);
}
