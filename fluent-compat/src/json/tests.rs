use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;

/// The normal form of one object, and the raw value of its time key.
fn scan(text: &str, time_key: Option<&TimeKey>) -> Result<(String, Option<String>), Fault> {
    let mut scanner = Scanner::new(text, NestingLimit::default());
    let mut out = String::new();
    let time = scanner.record(&mut out, time_key)?;
    match scanner.peek_token() {
        None => Ok((out, time.map(|raw| raw.into_owned()))),
        Some(_) => Err(scanner.unexpected("the end")),
    }
}

fn normal(text: &str) -> String {
    match scan(text, None) {
        Ok((normal, _)) => normal,
        Err(fault) => panic!("{text:?}: {fault:?}"),
    }
}

fn problem(text: &str) -> String {
    let fault = scan(text, None).expect_err(text);
    format!("{} at byte {}", fault.problem, fault.offset)
}

#[test]
fn white_space_outside_strings_is_left_out() {
    let spaced = " {\t\"a\" : [ 1 ,\r\n2 ] , \"b c\" : { } , \"d\":[ ]}\n";
    assert_eq!(normal(spaced), r#"{"a":[1,2],"b c":{},"d":[]}"#);
}

#[test]
fn numbers_keep_their_digits() {
    let text = r#"{"a":-0,"b":1.10,"c":1E-7,"d":1e400,"e":-9223372036854775809,"f":0.0}"#;
    assert_eq!(normal(text), text);
}

#[test]
fn control_characters_in_strings_are_escaped() {
    let text = "{\"a\u{1}\":\"x\ty\nz\u{7f}\"}";
    assert_eq!(normal(text), "{\"a\\u0001\":\"x\\ty\\nz\u{7f}\"}");
}

#[test]
fn the_last_of_repeated_keys_counts_at_the_place_of_the_first() {
    let cases = [
        (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
        (r#"{"o":{"x":1,"x":[ 2 ]}}"#, r#"{"o":{"x":[2]}}"#),
        (r#"{"ab":1,"\u0061b":1e400}"#, r#"{"ab":1e400}"#),
        (r#"{"b":1,"a":{},"c":0,"b":2}"#, r#"{"b":2,"a":{},"c":0}"#),
        ("{\"a\tb\":1,\"a\\tb\":2}", r#"{"a\tb":2}"#),
    ];
    for (text, expected) in cases {
        assert_eq!(normal(text), expected, "{text}");
    }
}

#[test]
fn keys_that_only_look_alike_are_kept() {
    let text = r#"{"b":{"k":1},"a":{"k":1},"":0,"B":[{"k":1},{"k":2}],"aa":1}"#;
    assert_eq!(normal(text), text);
}

#[test]
fn the_time_key_is_captured_and_cut_out() {
    let cases = [
        (r#"{"time":1,"b":2}"#, r#"{"b":2}"#, "1"),
        (r#"{"a":1,"time":"x","b":2}"#, r#"{"a":1,"b":2}"#, r#""x""#),
        (r#"{"a":1,"time":null}"#, r#"{"a":1}"#, "null"),
        (r#"{"time":1}"#, "{}", "1"),
        ("{ \"a\" : 1 , \"time\" : 1 }", r#"{"a":1}"#, "1"),
        ("{ \"time\" : 1 , \"a\" : 1 }", r#"{"a":1}"#, "1"),
        (
            r#"{"a":1,"tim\u0065":[ 1 ],"b":2}"#,
            r#"{"a":1,"b":2}"#,
            "[ 1 ]",
        ),
        ("{\"time\":\"a\tb\",\"a\":1}", r#"{"a":1}"#, "\"a\tb\""),
        (r#"{"time":1,"a":0,"time":2}"#, r#"{"a":0}"#, "2"),
        (r#"{"a":1,"time":3,"a":0}"#, r#"{"a":0}"#, "3"),
    ];
    for (text, record, time) in cases {
        let key = |keep| TimeKey {
            name: "time".to_owned(),
            keep,
        };
        let cut = scan(text, Some(&key(false))).unwrap();
        assert_eq!(cut, (record.to_owned(), Some(time.to_owned())), "{text}");
        let kept = scan(text, Some(&key(true))).unwrap();
        assert_eq!(kept, (normal(text), Some(time.to_owned())), "{text}");
    }
}

#[test]
fn a_time_key_deeper_down_is_an_ordinary_key() {
    let text = r#"{"a":{"time":1},"b":[{"time":2}]}"#;
    let key = TimeKey {
        name: "time".to_owned(),
        keep: false,
    };
    assert_eq!(scan(text, Some(&key)), Ok((text.to_owned(), None)));
}

#[test]
fn errors_say_where_what_and_what_else() {
    let cases = [
        ("{\"a\":", "found the end, expected a value at byte 5"),
        (
            "{\n\"a\":1,}",
            "found '}', expected a key in double quotes at byte 8",
        ),
        (
            "{'a':1}",
            "found '\\'', expected a key in double quotes at byte 1",
        ),
        ("{\"a\" 1}", "found '1', expected ':' after a key at byte 5"),
        (
            "{\"a\":1 2}",
            "found '2', expected ',' or '}' after a value at byte 7",
        ),
        (
            "{\"a\":[1 2]}",
            "found '2', expected ',' or ']' after a value at byte 8",
        ),
        (
            "{\"a\":01}",
            "found '1', expected no digit after a leading zero at byte 6",
        ),
        ("{\"a\":+1}", "found '+', expected a value at byte 5"),
        ("{\"a\":1.}", "found '}', expected a digit at byte 7"),
        ("{\"a\":1e}", "found '}', expected a digit at byte 7"),
        ("{\"a\":-}", "found '}', expected a digit at byte 6"),
        ("{\"a\":NaN}", "found 'N', expected a value at byte 5"),
        (
            "{\"a\":nil}",
            "found 'n', expected true, false, null or another value at byte 5",
        ),
        (
            "{\"a\":1/*c*/}",
            "found '/', expected ',' or '}' after a value at byte 6",
        ),
        ("{\"a\":ż}", "found 'ż', expected a value at byte 5"),
        (
            "{\"a\":\"x",
            "found the end, expected '\"' at the end of a string at byte 7",
        ),
        (
            "{\"a\":\"\\x\"}",
            "found 'x', expected one of \" \\ / b f n r t u after a backslash at byte 7",
        ),
        (
            "{\"a\":\"\\u12g4\"}",
            "found 'g', expected four hexadecimal digits after \\u at byte 10",
        ),
        (
            "{\"a\":\"\\ud83cx\"}",
            "found the lone surrogate \\ud83c, expected a pair of them or a character \
             at byte 6",
        ),
        (
            "{\"a\":\"\\udf89\"}",
            "found the lone surrogate \\udf89, expected a pair of them or a character \
             at byte 6",
        ),
        ("{\"a\":1}{", "found '{', expected the end at byte 7"),
        ("[]", "found '[', expected an object at byte 0"),
    ];
    for (text, message) in cases {
        assert_eq!(problem(text), message, "{text}");
    }
}

#[test]
fn nesting_is_followed_up_to_the_limit_and_no_further() {
    let nested = |levels: usize| {
        let arrays = levels - 1;
        format!("{{\"a\":{}{}}}", "[".repeat(arrays), "]".repeat(arrays))
    };
    let deepest = normal(&nested(127));
    assert!(serde_json::from_str::<Value>(&deepest).is_ok());
    let message = problem(&nested(128));
    assert!(
        message.contains("more than 127 objects and arrays"),
        "{message}"
    );

    let limit = NestingLimit::new(2).unwrap();
    let mut out = String::new();
    assert!(
        Scanner::new(&nested(2), limit)
            .record(&mut out, None)
            .is_ok()
    );
    assert!(
        Scanner::new(&nested(3), limit)
            .record(&mut out, None)
            .is_err()
    );
    assert_eq!((NestingLimit::new(0), NestingLimit::new(128)), (None, None));
}

#[test]
fn escapes_are_undone() {
    let raw = r#"a\"\\\/\b\f\n\r\t\u017c\ud83c\udf89\u00e9 \u0041"#;
    assert_eq!(unescape(raw), "a\"\\/\u{8}\u{c}\n\r\t\u{17c}\u{1f389}é A");
    assert!(matches!(unescape("plain"), std::borrow::Cow::Borrowed(_)));
}

fn any_value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>()
            .prop_filter("JSON has neither", |f| f.is_finite())
            .prop_map(|f| format!("{f:e}")),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number.prop_map(|n| Value::Number(n.parse().unwrap())),
        any_text().prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            any_map(inner).prop_map(Value::Object),
        ]
    })
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c\"\\\\\u{0}-\u{20}ż🎉]{0,24}", any::<String>()]
}

fn any_map(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec((any_text(), value), 0..8).prop_map(|pairs| pairs.into_iter().collect())
}

fn any_record() -> impl Strategy<Value = Map<String, Value>> {
    any_map(any_value())
}

proptest! {
    #[test]
    fn the_scanner_reads_what_serde_json_reads(record in any_record(), pretty: bool) {
        let text = match pretty {
            true => serde_json::to_string_pretty(&record).unwrap(),
            false => serde_json::to_string(&record).unwrap(),
        };
        let normal = normal(&text);
        let read: Map<String, Value> = serde_json::from_str(&normal).unwrap();
        prop_assert_eq!(&read, &record);
        prop_assert_eq!(&normal, &serde_json::to_string(&record).unwrap());
    }

    #[test]
    fn the_time_key_is_what_a_map_would_give(record in any_record(), at: prop::sample::Index) {
        prop_assume!(!record.is_empty());
        let name = record.keys().nth(at.index(record.len())).unwrap().clone();
        let text = serde_json::to_string_pretty(&record).unwrap();
        let key = TimeKey { name: name.clone(), keep: false };
        let (normal, time) = scan(&text, Some(&key)).unwrap();
        let mut rest = record;
        let value = rest.shift_remove(&name).unwrap();
        prop_assert_eq!(normal, serde_json::to_string(&rest).unwrap());
        let time: Value = serde_json::from_str(&time.unwrap()).unwrap();
        prop_assert_eq!(time, value);
    }

    #[test]
    fn both_agree_on_what_is_an_object(text in r#"\{("[ab\\u0-1]{0,3}"|[-\[\]{}:, \t0-2.e]|true|null){0,12}\}"#) {
        let ours = scan(&text, None);
        let theirs = serde_json::from_str::<Map<String, Value>>(&text);
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{}: {:?} {:?}", text, ours, theirs);
        if let (Ok((normal, _)), Ok(map)) = (ours, theirs) {
            prop_assert_eq!(serde_json::from_str::<Map<String, Value>>(&normal).unwrap(), map);
        }
    }

    #[test]
    fn the_normal_form_of_the_normal_form_is_itself(text in r#"\{("[ab]{1,2}":(1|"\\u0061"| \[ \]|\{"b":1, "b":2\}),){0,6}"z":0\}"#) {
        let once = normal(&text);
        prop_assert_eq!(normal(&once), once);
    }

    #[test]
    fn no_text_makes_the_scanner_panic(text: String, tail in r#"[\[{"\\u:,0-9a-f}\]]{0,30}"#) {
        let key = TimeKey { name: "a".to_owned(), keep: false };
        let _ = scan(&text, Some(&key));
        let _ = scan(&format!("{{\"a\":{tail}"), Some(&key));
    }
}

#[test]
fn keys_with_the_same_beginning_are_told_apart() {
    for (first, second) in [
        ("", "a"),
        ("a", "ab"),
        ("b", "ab"),
        ("abcdefgh", "abcdefghi"),
        ("abcdefgz", "abcdefgh"),
        ("abcdefghz", "abcdefgha"),
        ("żżżżż", "żżżż"),
    ] {
        let text = format!(r#"{{"{first}":1,"{second}":2}}"#);
        assert_eq!(normal(&text), text);
        let text = format!(r#"{{"{first}":1,"{second}":2,"{first}":3}}"#);
        assert_eq!(normal(&text), format!(r#"{{"{first}":3,"{second}":2}}"#));
        let text = format!(r#"{{"{second}":1,"{second}":2}}"#);
        assert_eq!(normal(&text), format!(r#"{{"{second}":2}}"#));
    }
    assert_eq!(normal(r#"{"":1,"":2}"#), r#"{"":2}"#);
}
