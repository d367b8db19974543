use super::*;
use crate::filter::Typing;

const RECORD: &str = r#"{"user":"ada","n":1.10,"ts":1707988602.849,"o":{"k":1,"l":2}}"#;

fn transformer(base: Base, fields: &[(&str, &str)]) -> RecordTransformer {
    let field = |(name, value): &(&str, &str)| {
        let value = Template::parse(value, Typing::Kept).unwrap();
        (Name::parse(name).unwrap(), value)
    };
    let fields = fields.iter().map(field).collect();
    let surroundings = Surroundings::new("box", Zone::Utc);
    RecordTransformer::new(base, fields, None, Vec::new(), surroundings)
}

fn timed(key: &str) -> RecordTransformer {
    let surroundings = Surroundings::new("box", Zone::Utc);
    RecordTransformer::new(Base::Record, vec![], Some(key), vec![], surroundings)
}

fn events(record: &str) -> Events {
    let mut events = Events::new();
    events.push(&Event {
        time: EventTime::new(5, 0),
        record: Record::from_normal_form(record),
    });
    events
}

fn rewritten(transformer: &RecordTransformer, record: &str) -> String {
    let events = transformer.apply("test.log", &events(record)).unwrap();
    let event = events.iter().next().unwrap();
    event.record.as_json().to_owned()
}

#[test]
fn fields_are_added_at_the_end_and_replaced_in_place() {
    let transformer = transformer(
        Base::Record,
        &[
            ("n", r#"<${record["n"]}>"#),
            ("host", "${hostname}"),
            ("of_${record[\"user\"]}", "${record[\"n\"]}"),
        ],
    );
    assert_eq!(
        rewritten(&transformer, RECORD),
        r#"{"user":"ada","n":"<1.10>","ts":1707988602.849,"o":{"k":1,"l":2},"host":"box","of_ada":1.10}"#
    );
}

#[test]
fn a_renewed_record_has_the_kept_fields_and_the_new_ones() {
    let nothing = transformer(Base::Kept(vec![]), &[("tag", "${tag}")]);
    assert_eq!(rewritten(&nothing, RECORD), r#"{"tag":"test.log"}"#);
    let keys = ["n", "missing", "user", "n"].map(str::to_owned).to_vec();
    let some = transformer(Base::Kept(keys), &[("user", "x")]);
    assert_eq!(rewritten(&some, RECORD), r#"{"n":1.10,"user":"x"}"#);
}

#[test]
fn fields_are_removed_after_they_have_served() {
    let mut transformer = transformer(Base::Record, &[("copy", r#"${record["o"]["k"]}"#)]);
    transformer.removed = ["$.o.k", "ts", "copy_of_nothing"]
        .map(|path| FieldPath::parse(path).unwrap())
        .to_vec();
    assert_eq!(
        rewritten(&transformer, RECORD),
        r#"{"user":"ada","n":1.10,"o":{"l":2},"copy":1}"#
    );
}

#[test]
fn the_time_can_come_from_a_field() {
    let time = |key: &str, record: &str| {
        let events = timed(key).apply("test.log", &events(record))?;
        Ok(events.iter().next().unwrap().time)
    };
    let precise = Ok(EventTime::new(1_707_988_602, 849_000_000));
    assert_eq!(time("ts", RECORD), precise);
    assert_eq!(time("ts", r#"{"ts":"1707988602.849"}"#), precise);
    assert_eq!(time("ts", r#"{"ts":"2024-02-15T09:16:42.849Z"}"#), precise);
    assert_eq!(time("missing", RECORD), Ok(EventTime::new(5, 0)));
    for no_time in ["null", "\"soon\"", "{}"] {
        let record = format!(r#"{{"ts":{no_time}}}"#);
        let (index, error): (usize, TransformError) = time("ts", &record).unwrap_err();
        assert_eq!(index, 0);
        assert!(
            error.to_string().starts_with("renew_time_key \"ts\": "),
            "{error}"
        );
    }
}

#[test]
fn what_would_be_nested_too_deeply_is_refused() {
    let transformer = transformer(Base::Record, &[("deep", r#"[["${record[\"a\"]}"]]"#)]);
    let record = |levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        events(&format!(r#"{{"a":{open}{close}}}"#))
    };
    assert!(transformer.apply("t", &record(124)).is_ok());
    let (_, error) = transformer.apply("t", &record(125)).unwrap_err();
    assert_eq!(
        error,
        TransformError::TooDeep {
            found: 128,
            limit: 127
        }
    );
}
