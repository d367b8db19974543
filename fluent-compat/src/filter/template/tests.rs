use super::*;
use crate::time::{EventTime, Zone};

const RECORD: &str =
    r#"{"user":"al\"ï","n":1.10,"nil":null,"o":{"k":[1,{"x":9007199254740993}]},"a.b":true}"#;

fn surroundings() -> Surroundings {
    Surroundings::new("box", Zone::parse("+09:00").unwrap())
}

fn expanded(text: &str, typing: Typing) -> String {
    let surroundings = surroundings();
    let scope = Scope::new(&surroundings, "session.4a1b.log");
    let event = Event {
        time: EventTime::new(1_707_988_602, 849_000_000),
        record: Record::from_normal_form(RECORD),
    };
    let mut out = String::new();
    let template = Template::parse(text, typing).expect(text);
    template.push_json(&scope, &event, &mut out);
    out
}

#[test]
fn a_value_that_is_one_placeholder_keeps_its_type_and_its_digits() {
    let cases = [
        (r#"${record["user"]}"#, r#""al\"ï""#),
        (r#"${record["n"]}"#, "1.10"),
        (r#"${record["nil"]}"#, "null"),
        (r#"${record["missing"]}"#, "null"),
        (r#"${record["a.b"]}"#, "true"),
        (r#"${record["o"]}"#, r#"{"k":[1,{"x":9007199254740993}]}"#),
        (r#"${record["o"]["k"]}"#, r#"[1,{"x":9007199254740993}]"#),
        (r#"${record["n"]["k"]}"#, "null"),
        ("${tag}", r#""session.4a1b.log""#),
        ("${tag_parts[3]}", "null"),
        ("${hostname}", r#""box""#),
        ("${time}", r#""2024-02-15 18:16:42 +0900""#),
    ];
    for (text, expected) in cases {
        assert_eq!(expanded(text, Typing::Kept), expected, "{text}");
    }
}

#[test]
fn without_auto_typecast_and_among_other_text_everything_is_text() {
    let cases = [
        (r#"${record["n"]}"#, r#""1.10""#),
        (r#"${record["nil"]}"#, r#""""#),
        (r#"${record["missing"]}!"#, r#""!""#),
        (
            r#"<${record["user"]}> "${record["n"]}""#,
            r#""<al\"ï> \"1.10\"""#,
        ),
        ("${tag_parts[0]}/${tag_parts[-2]}", r#""session/4a1b""#),
        (
            "${tag_prefix[1]}+${tag_suffix[1]}",
            r#""session.4a1b+4a1b.log""#,
        ),
        (
            "${tag_prefix[-1]}+${tag_suffix[-1]}",
            r#""session.4a1b.log+log""#,
        ),
        ("plain $ { } ${} ${", r#""plain $ { } ${} ${""#),
        ("", r#""""#),
    ];
    for (text, expected) in cases {
        assert_eq!(expanded(text, Typing::Text), expected, "{text}");
    }
    assert_eq!(
        expanded(r#"${record["o"]}"#, Typing::Text),
        r#""{\"k\"=>[1, {\"x\"=>9007199254740993}]}""#
    );
}

#[test]
fn json_has_templates_in_its_texts_and_names() {
    let text = r#"{"a":["${record[\"n\"]}","n=${record[\"n\"]}",1e+3,null],"${tag_parts[0]}":{"b":"${tag}"}}"#;
    let expected = r#"{"a":[1.10,"n=1.10",1e+3,null],"session":{"b":"session.4a1b.log"}}"#;
    assert_eq!(expanded(text, Typing::Kept), expected);
    let alike = r#"{"session":1,"x":2,"${tag_parts[0]}":3}"#;
    assert_eq!(expanded(alike, Typing::Kept), r#"{"session":3,"x":2}"#);
    assert_eq!(expanded("[1, 2", Typing::Kept), r#""[1, 2""#);
}

#[test]
fn what_is_ruby_or_unknown_is_refused() {
    for placeholder in [
        "${Time.now}",
        "${record['user']}",
        "${record[\"user\"].upcase}",
        "${record}",
        "${record[\"a}b\"]}",
        "${tag_parts}",
        "${tag_parts[first]}",
        "${tag.split('.')}",
        "${foo}",
        "${ tag }",
        "__HOSTNAME__",
    ] {
        for text in [
            placeholder.to_owned(),
            format!("[\"{{\", \"x\"] {placeholder}"),
        ] {
            let error = Template::parse(&text, Typing::Kept).expect_err(&text);
            let message = error.to_string();
            assert!(message.starts_with("found "), "{message}");
        }
    }
    let error = Name::parse("${x}").unwrap_err();
    assert!(error.to_string().starts_with("found ${x}, "), "{error}");
}

#[test]
fn a_tag_is_split_as_ruby_splits_it() {
    let surroundings = surroundings();
    let scope = Scope::new(&surroundings, "a..b..");
    assert_eq!(scope.place(-1), Some(2));
    assert_eq!(scope.place(3), None);
    assert_eq!(scope.place(-4), None);
    assert_eq!(Scope::new(&surroundings, "").place(0), None);
}
