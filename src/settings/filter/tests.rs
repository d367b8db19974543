use fluent_compat::events::{Event, Events};
use fluent_compat::time::EventTime;
use serde_json::{Value, json};

use super::super::testing::Bench;
use super::*;

fn read(conf: &str) -> (Option<FilterSettings>, Vec<String>) {
    Bench::new().in_zone("Asia/Tokyo").read(conf, filter)
}

fn remarks(parameters: &str) -> Vec<String> {
    let (filter, remarks) = read(&format!("<filter **>\n{parameters}\n</filter>"));
    let is_wrong = remarks.iter().any(|remark| remark.contains(" error: "));
    assert_eq!(filter.is_none(), is_wrong, "{remarks:?}");
    remarks
}

fn events(record: Value) -> Events {
    let mut events = Events::new();
    let Value::Object(record) = record else {
        panic!("{record} is no object");
    };
    events.push_map(EventTime::new(1_707_988_602, 0), &record);
    events
}

fn transformed(parameters: &str, record: Value) -> Value {
    let conf = format!("<filter **>\n@type record_transformer\n{parameters}\n</filter>");
    let (filter, remarks) = read(&conf);
    assert_eq!(remarks, [""; 0]);
    let Some(FilterSettings::RecordTransformer(transformer)) = filter else {
        panic!("no transformer");
    };
    let events = transformer.apply("session.4a1b.log", &events(record));
    let events = events.unwrap();
    let first: Vec<Event<'_>> = events.iter().collect();
    first[0].record.to_map().into()
}

fn passes(parameters: &str, record: Value) -> bool {
    let conf = format!("<filter **>\n@type grep\n{parameters}\n</filter>");
    let (filter, remarks) = read(&conf);
    assert_eq!(remarks, [""; 0]);
    let Some(FilterSettings::Grep(grep)) = filter else {
        panic!("no grep");
    };
    grep.apply(&events(record)).is_none()
}

#[test]
fn records_are_transformed_as_the_section_says() {
    let parameters = "renew_record true\nkeep_keys uid, ei\nremove_keys $.o.secret\n\
                      <record>\nhost ${hostname}\nat ${time}\no ${record[\"o\"]}\n\
                      session ${tag_parts[1]}\nlist [\"${tag_parts[0]}\", 1]\n</record>";
    let record = json!({"ei": 3, "event": "x", "o": {"a": 1, "secret": 2}, "uid": "u"});
    let expected = json!({
        "uid": "u", "ei": 3, "host": "box", "at": "2024-02-15 18:16:42 +0900",
        "o": {"a": 1}, "session": "4a1b", "list": ["session", 1],
    });
    assert_eq!(transformed(parameters, record), expected);
}

#[test]
fn without_auto_typecast_fields_are_texts() {
    let parameters = "auto_typecast false\n<record>\nn ${record[\"n\"]}\n</record>";
    assert_eq!(transformed(parameters, json!({"n": 1})), json!({"n": "1"}));
}

#[test]
fn ruby_is_refused_at_its_place() {
    let help = "${record[\"key\"]}, ${tag}, ${tag_parts[0]}, ${tag_prefix[0]}, \
                ${tag_suffix[0]}, ${time} and ${hostname}";
    assert_eq!(
        remarks("@type record_transformer\nenable_ruby true"),
        [format!("3:13 error: Ruby is never run: there are {help}")]
    );
    let found = remarks("@type record_transformer\n<record>\na ${Time.now}\n${x} b\n</record>");
    let unknown = |place: &str, found: &str| {
        format!(
            "{place} error: found {found}, which nothing stands behind: there are {help}, \
             and Ruby is never run"
        )
    };
    assert_eq!(
        found,
        [unknown("4:3", "${Time.now}"), unknown("5:1", "${x}")]
    );
}

#[test]
fn parameters_that_do_not_fit_together_are_told() {
    assert_eq!(
        remarks("@type record_transformer\nkeep_keys a"),
        ["3:11 error: `keep_keys` needs `renew_record true`"]
    );
    assert_eq!(
        remarks("@type record_transformer\nremove_keys $.a["),
        ["3:13 error: found '[' without its ']' in \"$.a[\""]
    );
    assert_eq!(
        remarks("@type record_transformed"),
        [
            "2:7 error: unknown plugin `record_transformed`: there are record_transformer, grep, \
          stdout [did you mean `record_transformer`?]"
        ]
    );
}

#[test]
fn conditions_stand_in_sections_and_in_old_parameters() {
    let both = "regexp1 event ^session\nexclude1 $.user.name bot";
    assert!(passes(both, json!({"event": "session.start"})));
    assert!(!passes(both, json!({"event": "user.login"})));
    let bot = json!({"event": "session.end", "user": {"name": "robot"}});
    assert!(!passes(both, bot));

    let or = "<or>\n<regexp>\nkey a\npattern /X/i\n</regexp>\n\
              <regexp>\nkey b\npattern y\n</regexp>\n</or>";
    assert!(passes(or, json!({"a": "x"})));
    assert!(passes(or, json!({"b": "y"})));
    assert!(!passes(or, json!({"a": "y"})));

    let and = "<and>\n<exclude>\nkey a\npattern x\n</exclude>\n\
               <exclude>\nkey b\npattern y\n</exclude>\n</and>";
    assert!(!passes(and, json!({"a": "x", "b": "y"})));
    assert!(passes(and, json!({"a": "x"})));

    let exclude = "<exclude>\nkey event\npattern /^print$/\n</exclude>";
    assert!(!passes(exclude, json!({"event": "print"})));
    assert!(passes(exclude, json!({})));
}

#[test]
fn conditions_that_cannot_be_used_are_told() {
    let regexp =
        |key: &str, pattern: &str| format!("<regexp>\nkey {key}\npattern {pattern}\n</regexp>");
    assert_eq!(
        remarks(&format!(
            "@type grep\n{}\n{}",
            regexp("a", "x"),
            regexp("a", "y")
        )),
        ["8:5 error: a second condition on `a`: write one pattern for both"]
    );
    assert_eq!(
        remarks("@type grep\nregexp1 a"),
        ["3:9 error: `regexp1`: expected a field and an expression, found `a`"]
    );
    assert_eq!(
        remarks("@type grep\n<regexp>\nkey a\n</regexp>"),
        ["3:2 error: parameter `pattern` is missing in <regexp>"]
    );
    let both = format!(
        "@type grep\n<and>\n{}\n<exclude>\nkey b\npattern y\n</exclude>\n</and>",
        regexp("a", "x")
    );
    let (_, remarks) = read(&format!("<filter **>\n{both}\n</filter>"));
    assert_eq!(
        remarks,
        ["3:2 error: expected <regexp> or <exclude> in <and>, found both"]
    );
}

#[test]
fn a_printing_filter_has_a_format() {
    let (filter, remarks) =
        read("<filter a>\n@type stdout\n<format>\n@type json\n</format>\n</filter>");
    assert_eq!(remarks, [""; 0]);
    assert!(matches!(filter, Some(FilterSettings::Stdout { .. })));
}
