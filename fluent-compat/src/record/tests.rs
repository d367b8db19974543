use serde_json::json;

use super::*;

const RECORD: &str = r#"{"user":"al\u00ef","n":1.10,"nil":null,"a.b":{"c d":[10,{"x":"]}\""},[]]},"t":true,"u\n":1,"e":{}}"#;

fn record() -> Record<'static> {
    Record::from_normal_form(RECORD)
}

fn at(path: &str) -> Option<&'static str> {
    let path = FieldPath::parse(path).expect(path);
    record().get(&path).map(RawField::as_json)
}

#[test]
fn fields_are_found_by_their_addresses() {
    let cases = [
        ("n", Some("1.10")),
        ("$.n", Some("1.10")),
        ("$['n']", Some("1.10")),
        ("a.b", Some(r#"{"c d":[10,{"x":"]}\""},[]]}"#)),
        ("$['a.b'][\"c d\"][0]", Some("10")),
        ("$['a.b']['c d'][1]['x']", Some(r#""]}\"""#)),
        ("$['a.b']['c d'][-1]", Some("[]")),
        ("$['a.b']['c d'][-3]", Some("10")),
        ("$['a.b']['c d'][3]", None),
        ("$['a.b']['c d'][-4]", None),
        ("$.n.x", None),
        ("$.n[0]", None),
        ("$.e.x", None),
        ("u\n", Some("1")),
        ("missing", None),
        ("", None),
    ];
    for (path, expected) in cases {
        assert_eq!(at(path), expected, "{path:?}");
    }
}

#[test]
fn addresses_that_lead_nowhere_are_refused() {
    let cases = [
        (
            "$.",
            "found no key in \"$.\", expected one as in $.key or $['key']",
        ),
        (
            "$.a b",
            "found white space in \"a b\", expected bracket notation as in $['a b']",
        ),
        ("$.a[0", "found '[' without its ']' in \"$.a[0\""),
        ("$['a]", "found '[' without its ']' in \"$['a]\""),
        (
            "$.a[]",
            "found [] in \"$.a[]\", expected a number or a key in quotes",
        ),
        (
            "$[x]",
            "found [x] in \"$[x]\", expected a number or a key in quotes",
        ),
        (
            "$['a']b",
            "found \"b\" after ']' in \"$['a']b\", expected '[' or the end",
        ),
    ];
    for (path, message) in cases {
        let error = FieldPath::parse(path).expect_err(path);
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn fields_have_the_text_that_ruby_gives_them() {
    let text = |path: &str| {
        let path = FieldPath::parse(path).unwrap();
        record()
            .get(&path)
            .map(|field| field.to_text().into_owned())
    };
    assert_eq!(text("user").as_deref(), Some("alï"));
    assert_eq!(text("n").as_deref(), Some("1.10"));
    assert_eq!(text("nil").as_deref(), Some(""));
    assert_eq!(text("t").as_deref(), Some("true"));
    assert_eq!(
        text("a.b").as_deref(),
        Some(r#"{"c d"=>[10, {"x"=>"]}\""}, []]}"#)
    );
}

#[test]
fn a_map_has_all_fields_in_order() {
    let keys: Vec<_> = record().to_map().keys().cloned().collect();
    assert_eq!(keys, ["user", "n", "nil", "a.b", "t", "u\n", "e"]);
    assert_eq!(
        record().to_map().get("a.b"),
        Some(&json!({"c d": [10, {"x": "]}\""}, []]}))
    );
    let fields: Vec<_> = record().fields().map(|(key, _)| key.into_owned()).collect();
    assert_eq!(fields, keys);
}

#[test]
fn members_are_added_at_the_end_or_replace_what_is_there() {
    let mut members = Members::new();
    members.push_text("host", "a\"b");
    members.push_integer("n", 7);
    members.push_text("host", "c");
    let cases = [
        ("{}", r#"{"host":"c","n":7}"#),
        (r#"{"a":{}}"#, r#"{"a":{},"host":"c","n":7}"#),
        (r#"{"n":1e400,"x":1.0}"#, r#"{"n":7,"x":1.0,"host":"c"}"#),
        (r#"{"h\u006fst":1}"#, r#"{"h\u006fst":"c","n":7}"#),
    ];
    for (before, after) in cases {
        let mut out = "kept".to_owned();
        Record::from_normal_form(before).push_with(&members, &mut out);
        assert_eq!(out, format!("kept{after}"));
    }
    let mut out = String::new();
    record().push_with(&Members::new(), &mut out);
    assert_eq!(out, RECORD);
}
