use super::super::source::Sources;
use super::*;

/// Reads the value that a line ends with, and the remarks it gives as `column message`.
fn read(text: &str) -> (Value, Vec<String>) {
    let mut sources = Sources::default();
    let file = sources.add("fluent.conf".into(), text.into());
    let variables = [("A".to_owned(), "x\"y".to_owned())];
    let environment = Environment::new("box").with_variables(variables);
    let diagnostics = Diagnostics::default();
    let value = Lexer::new(file, text, &environment, &diagnostics).literal();
    let remarks = diagnostics.to_vec().into_iter().map(|remark| {
        let location = sources.locate(remark.span).unwrap();
        format!("{}:{} {}", location.line, location.column, remark.message)
    });
    (value, remarks.collect())
}

fn text(conf: &str) -> String {
    match read(conf) {
        (Value::Text(text), remarks) if remarks.is_empty() => text,
        other => panic!("{conf}: {other:?}"),
    }
}

#[test]
fn plain_texts_end_with_the_line_or_a_comment() {
    for (conf, value) in [
        ("a b \t\n", "a b"),
        ("a # b", "a"),
        ("a#b #c", "a#b"),
        ("a##", "a##"),
        ("#b c # d", "#b c"),
        ("a\rb", "a"),
        ("a\\nb", "a\\nb"),
        ("%Y/\u{17c}\u{f3}\u{142}w", "%Y/żółw"),
    ] {
        assert_eq!(text(conf), value, "{conf:?}");
    }
}

#[test]
fn double_quotes_know_escapes_code_and_lines() {
    for (conf, value) in [
        (
            r#""a\"b\\\t\n\r\f\b\0\'\#{x}""#,
            "a\"b\\\t\n\r\u{c}\u{8}\0'#{x}",
        ),
        ("\"a\\\n b\"", "a b"),
        ("\"a\\\r\n b\"", "a b"),
        ("\"a\n\n b\"", "a\n\n b"),
        ("\"#{hostname}-#{ENV['A']}-#\"", "box-x\"y-#"),
        ("\"#{ENV[\"A\"]}\"", "x\"y"),
    ] {
        assert_eq!(text(conf), value, "{conf:?}");
    }
}

#[test]
fn one_special_word_decides_for_the_whole_value() {
    assert_eq!(read("\"a#{use_nil}b\"").0, Value::Nil);
    assert_eq!(read("\"a#{use_default}\"").0, Value::Default);
    assert_eq!(read("\"#{use_default}#{use_nil}\"").0, Value::Nil);
}

#[test]
fn single_quotes_know_two_escapes_and_no_code() {
    assert_eq!(text(r"'a\'b\\c\n#{hostname}'"), r"a'b\c\n#{hostname}");
}

#[test]
fn what_is_wrong_in_quotes_is_told_at_its_place() {
    for (conf, remark) in [
        (r#""ab \q c""#, "1:5 unknown escape in double quotes"),
        ("\"ab", "1:1 text in double quotes is not closed"),
        ("\"ab\\", "1:1 text in double quotes is not closed"),
        (
            "'ab\n'",
            "1:1 text in single quotes is not closed on its line",
        ),
        (
            "\"a\n#{1 + 2}\"",
            "2:1 this embedded code is not known here",
        ),
        (
            "\"#{hostname\n}\"",
            "1:2 embedded code is not closed by `}` on its line",
        ),
        (
            "\"#{ENV.fetch('B')}\"",
            "1:2 environment variable B is not set",
        ),
    ] {
        let (value, remarks) = read(conf);
        assert_eq!(value, Value::Unreadable, "{conf:?}");
        assert!(
            remarks.len() == 1 && remarks[0].starts_with(remark),
            "{conf:?}: {remarks:?}"
        );
    }
}

#[test]
fn several_mistakes_in_one_text_are_all_told() {
    let (_, remarks) = read(r#""\q #{x} \u""#);
    assert_eq!(remarks.len(), 3, "{remarks:?}");
}

#[test]
fn arrays_and_hashes_become_compact_json() {
    for (conf, value) in [
        ("[\"a\", # first, with ]\n \"b\"] # last", r#"["a","b"]"#),
        (
            "{ \"k\": [1.50, {\"#\": \"]\"}] }",
            r##"{"k":[1.50,{"#":"]"}]}"##,
        ),
        ("[ # nothing\n]", "[]"),
        ("[\"#{ENV['A']}\", \"#\\\"#\"]", r##"["x\"y","#\"#"]"##),
        ("{\"a\":1,\"b\":2,\"a\":3}", r#"{"a":3,"b":2}"#),
    ] {
        assert_eq!(text(conf), value, "{conf:?}");
    }
}

#[test]
fn what_is_wrong_in_an_array_is_told_at_its_place() {
    for (conf, remark) in [
        (
            "[a, b]",
            "1:2 array or hash is not valid JSON: expected value",
        ),
        (
            "[\"#{ENV['A']}\", # c\n  \u{142}]",
            "2:3 array or hash is not valid JSON",
        ),
        ("[1,\n 2}", "2:3 array or hash is not valid JSON"),
        ("[1, 2", "1:1 array or hash is not closed"),
        ("[\"a\\", "1:1 array or hash is not closed"),
        (
            "[\"#{use_nil}\"]",
            "1:3 use_nil and use_default stand for a whole value",
        ),
        ("[\"#{1 + 2}\"]", "1:3 this embedded code is not known here"),
    ] {
        let (value, remarks) = read(conf);
        assert_eq!(value, Value::Unreadable, "{conf:?}");
        assert!(
            remarks.len() == 1 && remarks[0].starts_with(remark),
            "{conf:?}: {remarks:?}"
        );
    }
}

#[test]
fn json_nested_without_end_is_refused() {
    let (value, remarks) = read(&("[".repeat(100_000) + &"]".repeat(100_000)));
    assert_eq!((value, remarks.len()), (Value::Unreadable, 1));
}
