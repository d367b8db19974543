use proptest::prelude::*;

use super::*;
use crate::time::{TimeParser, TimeParserConfig, TimeType, Zone, ZoneChoice};

const NOW: EventTime = EventTime::new(1_700_000_000, 5);

fn time_parser(time_type: TimeType, format: Option<&str>) -> TimeParser {
    let config = TimeParserConfig {
        time_type,
        time_format: format.map(str::to_owned),
        time_format_fallbacks: Vec::new(),
        zone: ZoneChoice::Local,
    };
    TimeParser::new(&config, &Zone::Utc).unwrap()
}

fn rules() -> RecordRules {
    RecordRules {
        time_key: Some(TimeKey {
            name: "time".to_owned(),
            keep: false,
        }),
        time_parser: time_parser(TimeType::Float, None),
        null_time: NullTime::Refused,
        fields: FieldRules::default(),
    }
}

fn json(rules: RecordRules) -> JsonParser {
    JsonParser {
        rules,
        nesting: NestingLimit::default(),
    }
}

fn lines_of(events: &Events) -> Vec<String> {
    let line = |event: crate::events::Event<'_>| match event.time {
        NOW => event.record.as_json().to_owned(),
        time => format!("{}: {}", time.seconds(), event.record.as_json()),
    };
    events.iter().map(line).collect()
}

fn parsed(parser: &Parser, body: &str) -> Vec<String> {
    match parser.parse(body.as_bytes(), NOW) {
        Ok(events) => lines_of(&events),
        Err(error) => panic!("{body:?}: {error}"),
    }
}

fn refused(parser: &Parser, body: &[u8]) -> String {
    match parser.parse(body, NOW) {
        Ok(events) => panic!("{body:?} gave {:?}", lines_of(&events)),
        Err(error) => error.to_string(),
    }
}

fn typed(types: &[(&str, &str)]) -> FieldRules {
    let parse = |(key, definition): &(&str, &str)| {
        let field_type = FieldType::parse(definition, &Zone::Utc).unwrap();
        ((*key).to_owned(), field_type)
    };
    FieldRules {
        types: types.iter().map(parse).collect(),
        ..FieldRules::default()
    }
}

proptest! {
    #[test]
    fn no_body_makes_a_parser_panic(
        bytes: Vec<u8>,
        text in r#"[\[\]{}",:a\\0-2 \r\n\t\|e.-]{0,40}"#,
    ) {
        let delimiter = CsvDelimiter::new("||").unwrap();
        let parsers = [
            Parser::Json(json(rules())),
            Parser::Msgpack(MsgpackParser(json(rules()))),
            Parser::Csv(CsvParser { keys: vec!["a".to_owned()], delimiter, rules: rules() }),
            Parser::Apache2(Apache2Parser::new(rules().time_parser, true)),
        ];
        for parser in parsers {
            for body in [&bytes, text.as_bytes()] {
                let _ = parser.parse(body, NOW);
                let _ = parser.parse_lines(body, NOW);
            }
        }
    }

    #[test]
    fn what_is_written_as_msgpack_is_read_as_it_was(
        text: String,
        number: i64,
        unsigned: u64,
        list in prop::collection::vec(any::<bool>(), 0..300),
        fields in prop::collection::btree_map(any::<String>(), any::<i16>(), 0..40),
    ) {
        let record = serde_json::json!({
            "text": text.repeat(9), "number": number, "unsigned": unsigned,
            "float": 1.5, "list": list, "fields": fields, "nothing": null,
        });
        let mut events = Events::new();
        events.push_map(NOW, record.as_object().unwrap());
        let mut packed = Vec::new();
        for event in events.iter() {
            crate::format::Formatter::Msgpack.format("t", &event, &mut packed).unwrap();
        }
        let parser = Parser::Msgpack(MsgpackParser(json(rules())));
        prop_assert_eq!(lines_of(&parser.parse(&packed, NOW).unwrap()), [record.to_string()]);
    }
}

mod json_bodies {
    use super::*;

    #[test]
    fn lines_are_bodies_of_their_own() {
        let body = "{\"a\":1,\"time\":7}\r\n\n \t\n[{\"a\":2},{\"a\":3}]\n{\"a\":4}";
        let events = Parser::Json(json(rules())).parse_lines(body.as_bytes(), NOW);
        let expected = ["7: {\"a\":1}", "{\"a\":2}", "{\"a\":3}", "{\"a\":4}"];
        assert_eq!(lines_of(&events.unwrap()), expected);
    }

    #[test]
    fn a_bad_line_is_named_and_takes_the_others_with_it() {
        let cases: [(&[u8], &str); 4] = [
            (
                b"{\"a\":1}\n\n{\"a\":}\n",
                "found '}', expected a value at byte 14, line 3",
            ),
            (
                b"{\"a\":1}\n[{},5]",
                "found '5' as element 1 of the array, expected an object at byte 12, line 2",
            ),
            (
                b"{\"a\":1}\n{\"a\":\"\xff\"}",
                "found bytes that are not UTF-8 at byte 14, line 2",
            ),
            (
                b"{\"a\":1}\n{\"a\":1}{}",
                "found '{', expected the end of the body at byte 15, line 2",
            ),
        ];
        for (body, message) in cases {
            let error = Parser::Json(json(rules())).parse_lines(body, NOW);
            assert_eq!(error.unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn a_time_that_is_none_is_refused_with_the_place_of_its_record() {
        let body = b"[{\"a\":1},\n {\"a\":2,\"time\":\"soon\"}]";
        let message = refused(&Parser::Json(json(rules())), body);
        assert!(
            message.starts_with("field \"time\": time `soon`"),
            "{message}"
        );
        assert!(message.ends_with("at byte 11, line 2"), "{message}");
    }

    #[test]
    fn a_null_time_is_the_clocks_without_a_parse_section() {
        let lenient = RecordRules {
            null_time: NullTime::Now,
            ..rules()
        };
        for value in ["null", "false"] {
            let body = format!("{{\"time\":{value},\"a\":1}}");
            let events = parsed(&Parser::Json(json(lenient.clone())), &body);
            assert_eq!(events, ["{\"a\":1}"]);
            refused(&Parser::Json(json(rules())), body.as_bytes());
        }
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        let parser = Parser::Json(json(rules()));
        assert_eq!(parsed(&parser, "\u{feff} {\"a\":1}"), ["{\"a\":1}"]);
        refused(&parser, "{\u{feff}}".as_bytes());
    }

    #[test]
    fn fields_get_their_types() {
        let types = [
            ("s", "string"),
            ("i", "integer"),
            ("f", "float"),
            ("b", "bool"),
            ("t", "time:%Y-%m-%d"),
            ("z", "time:+09:%Y-%m-%d"),
            ("u", "time:unixtime"),
            ("a", "array"),
            ("c", "array:;"),
        ];
        let cases = [
            (r#"{"s":1.50}"#, r#"{"s":"1.50"}"#),
            (
                r#"{"s":{"k":["v",null]}}"#,
                r#"{"s":"{\"k\"=>[\"v\", nil]}"}"#,
            ),
            (r#"{"i":"42 apples"}"#, r#"{"i":42}"#),
            (r#"{"i":-1.9e1}"#, r#"{"i":-19}"#),
            (r#"{"i":true}"#, r#"{"i":0}"#),
            (r#"{"f":"1.5 l"}"#, r#"{"f":1.5}"#),
            (r#"{"f":2}"#, r#"{"f":2.0}"#),
            (r#"{"b":"YES"}"#, r#"{"b":true}"#),
            (r#"{"b":"no"}"#, r#"{"b":false}"#),
            (r#"{"b":1}"#, r#"{"b":true}"#),
            (r#"{"t":"1970-01-02"}"#, r#"{"t":86400}"#),
            (r#"{"t":"soon"}"#, r#"{"t":null}"#),
            (r#"{"z":"1970-01-02"}"#, r#"{"z":54000}"#),
            (r#"{"u":"17"}"#, r#"{"u":17}"#),
            (r#"{"a":"x,,\"y\","}"#, r#"{"a":["x","","\"y\""]}"#),
            (r#"{"c":"x,y;z"}"#, r#"{"c":["x,y","z"]}"#),
            (
                r#"{"s":null,"i":false,"o":1}"#,
                r#"{"s":null,"i":false,"o":1}"#,
            ),
        ];
        let parser = Parser::Json(json(RecordRules {
            fields: typed(&types),
            ..rules()
        }));
        for (body, record) in cases {
            assert_eq!(parsed(&parser, body), [record]);
        }
    }

    #[test]
    fn a_type_that_is_none_is_refused() {
        let message = FieldType::parse("number:x", &Zone::Utc)
            .unwrap_err()
            .to_string();
        let expected = "found the type \"number\", expected string, integer, float, bool, time \
                        or array";
        assert_eq!(message, expected);
        assert!(FieldType::parse("time:nothing", &Zone::Utc).is_err());
    }

    #[test]
    fn what_counts_as_null_becomes_null() {
        let pattern = Pattern::new("^(-|n/a)$", PatternOptions::default()).unwrap();
        let fields = FieldRules {
            null_value_pattern: Some(pattern),
            null_empty_string: true,
            ..typed(&[("a", "integer"), ("d", "integer")])
        };
        let parser = Parser::Json(json(RecordRules { fields, ..rules() }));
        let record = r#"{"a":"-","b":"","c":["-"],"d":"7","e":"x-"}"#;
        let expected = r#"{"a":null,"b":null,"c":["-"],"d":7,"e":"x-"}"#;
        assert_eq!(parsed(&parser, record), [expected]);
    }
}

mod msgpack_bodies {
    use super::*;

    fn parser() -> Parser {
        Parser::Msgpack(MsgpackParser(json(rules())))
    }

    fn events(body: &[u8]) -> Vec<String> {
        lines_of(&parser().parse(body, NOW).unwrap())
    }

    #[test]
    fn maps_and_arrays_of_maps_follow_one_another() {
        let body = b"\x81\xa1a\x01\x92\x80\x82\xa4time\xcd\x01\x00\xa1b\xc4\x02\xc5\xbc\x90";
        assert_eq!(events(body), ["{\"a\":1}", "{}", "256: {\"b\":\"ż\"}"]);
        assert_eq!(events(b""), [""; 0]);
    }

    #[test]
    fn every_kind_of_value_has_its_json() {
        let cases: [(&[u8], &str); 21] = [
            (b"\xc0", "null"),
            (b"\xc2", "false"),
            (b"\xc3", "true"),
            (b"\x7f", "127"),
            (b"\xe0", "-32"),
            (b"\xcc\xff", "255"),
            (b"\xcd\x01\x00", "256"),
            (b"\xce\x00\x01\x00\x00", "65536"),
            (
                b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
                "18446744073709551615",
            ),
            (b"\xd0\x80", "-128"),
            (b"\xd1\x80\x00", "-32768"),
            (b"\xd2\x80\x00\x00\x00", "-2147483648"),
            (
                b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00",
                "-9223372036854775808",
            ),
            (b"\xca\x3f\xc0\x00\x00", "1.5"),
            (b"\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00", "1.5"),
            (b"\xd9\x01\"", "\"\\\"\""),
            (b"\xda\x00\x01\n", "\"\\n\""),
            (b"\xdb\x00\x00\x00\x01x", "\"x\""),
            (b"\xdc\x00\x02\x01\x02", "[1,2]"),
            (b"\xdd\x00\x00\x00\x00", "[]"),
            (
                b"\xde\x00\x01\xa1k\xdf\x00\x00\x00\x01\xa1l\x01",
                "{\"k\":{\"l\":1}}",
            ),
        ];
        for (bytes, value) in cases {
            let body = [b"\x81\xa1a", bytes].concat();
            assert_eq!(events(&body), [format!("{{\"a\":{value}}}")]);
        }
    }

    #[test]
    fn what_no_record_can_hold_is_refused() {
        let cases: [(&[u8], &str); 8] = [
            (
                b"\x81\xa1a",
                "the end in MessagePack, expected the rest of a value at byte 3",
            ),
            (
                b"\x81\xa9a",
                "the end in MessagePack, expected the rest of a value at byte 3",
            ),
            (
                b"\x81\x01\x01",
                "a key that is no string in MessagePack, expected a string at byte 1",
            ),
            (
                b"\x81\xa1a\xd4\x01\x00",
                "an extension type in MessagePack, expected what JSON has as well at byte 3",
            ),
            (
                b"\x81\xa1a\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00",
                "NaN or Infinity in MessagePack, expected a number at byte 3",
            ),
            (
                b"\x80\x81\xa1a\xa1\xff",
                "bytes that are not UTF-8 at byte 5",
            ),
            (
                b"\x80\x07",
                "'7', expected an object or an array of objects at byte 1",
            ),
            (
                b"\x92\x80\x07",
                "'7' as element 1 of the array, expected an object at byte 0",
            ),
        ];
        for (body, message) in cases {
            assert_eq!(refused(&parser(), body), format!("found {message}, line 1"));
        }
    }

    #[test]
    fn endless_nesting_is_refused() {
        let message = refused(&parser(), &[0x91; 100_000]);
        assert!(message.contains("deeper nesting"), "{message}");
        let mut deep = b"\x81\xa1a".repeat(128);
        deep.push(1);
        let message = refused(&parser(), &deep);
        assert!(message.contains("more than 127"), "{message}");
    }

    #[test]
    fn the_last_of_repeated_keys_counts() {
        assert_eq!(
            events(b"\x83\xa1a\x01\xa1b\x02\xa1a\x03"),
            ["{\"a\":3,\"b\":2}"]
        );
    }
}

mod text_bodies {
    use super::*;

    fn keys() -> Vec<String> {
        ["a", "time", "b"].map(str::to_owned).into()
    }

    fn csv(delimiter: &str) -> Parser {
        Parser::Csv(CsvParser {
            keys: keys(),
            delimiter: CsvDelimiter::new(delimiter).unwrap(),
            rules: rules(),
        })
    }

    #[test]
    fn delimiters_that_cannot_stand_between_columns_are_refused() {
        for text in ["", "\"", "a\n"] {
            let error = CsvDelimiter::new(text).unwrap_err();
            assert_eq!(error.found, text);
        }
        assert_eq!(CsvDelimiter::new(","), Ok(CsvDelimiter::default()));
    }

    #[test]
    fn a_whole_text_is_one_field() {
        let parser = Parser::None(NoneParser {
            message_key: "m".to_owned(),
        });
        assert_eq!(parsed(&parser, "a \"b\"\n"), [r#"{"m":"a \"b\"\n"}"#]);
        assert_eq!(
            lines_of(&parser.parse_lines(b"a\nb\r\n\n", NOW).unwrap()),
            [r#"{"m":"a"}"#, r#"{"m":"b"}"#]
        );
        let message = refused(&parser, b"a\n\xff");
        assert_eq!(message, "found bytes that are not UTF-8 at byte 2, line 2");
    }

    #[test]
    fn a_csv_row_is_taken_apart() {
        let cases = [
            ("x,7,y\n", r#"7: {"a":"x","b":"y"}"#),
            ("\"x,\"\"\n\",7,\"\"", r#"7: {"a":"x,\"\n","b":""}"#),
            (",7,", r#"7: {"a":null,"b":null}"#),
            ("x,7", r#"7: {"a":"x","b":null}"#),
            ("x,7,y,z\r\n", r#"7: {"a":"x","b":"y"}"#),
        ];
        for (body, event) in cases {
            assert_eq!(parsed(&csv(","), body), [event], "{body:?}");
        }
        assert_eq!(parsed(&csv("||"), "x||7||y"), [r#"7: {"a":"x","b":"y"}"#]);
    }

    #[test]
    fn what_is_no_csv_row_is_refused() {
        let cases = [
            ("", "found the end, expected a CSV row at byte 0, line 1"),
            (
                "a,b\"c",
                "found '\"', expected no quote inside a CSV column that has none around it \
                 at byte 3, line 1",
            ),
            (
                "\"a\nb",
                "found the end, expected '\"' at the end of a CSV column at byte 4, line 2",
            ),
            (
                "\"a\"b",
                "found 'b', expected a delimiter or the end of the row after a quote \
                 at byte 3, line 1",
            ),
            (
                "a,1\nb,2\n",
                "found 'b', expected no second CSV row in one body at byte 4, line 2",
            ),
        ];
        for (body, message) in cases {
            assert_eq!(refused(&csv(","), body.as_bytes()), message);
        }
    }

    #[test]
    fn the_last_key_of_tsv_takes_what_is_left() {
        let parser = Parser::Tsv(TsvParser {
            keys: keys(),
            delimiter: "\t".to_owned(),
            rules: rules(),
        });
        assert_eq!(
            parsed(&parser, "x\t7\ty\tz"),
            [r#"7: {"a":"x","b":"y\tz"}"#]
        );
        assert_eq!(parsed(&parser, "x\t7"), [r#"7: {"a":"x","b":null}"#]);
    }

    #[test]
    fn ltsv_values_have_their_labels() {
        let parser = |delimiter| {
            Parser::Ltsv(LtsvParser {
                delimiter,
                label_delimiter: ":".to_owned(),
                rules: rules(),
            })
        };
        let tabs = parser(LtsvDelimiter::Text("\t".to_owned()));
        let body = "time:7\ta:x:y\tnothing\tb:\ta:z";
        assert_eq!(parsed(&tabs, body), [r#"7: {"a":"z","b":""}"#]);
        let pattern = Pattern::new("[, ]+", PatternOptions::default()).unwrap();
        let blanks = parser(LtsvDelimiter::Pattern(pattern));
        assert_eq!(parsed(&blanks, "a:x, b:y"), [r#"{"a":"x","b":"y"}"#]);
    }

    #[test]
    fn named_groups_become_fields() {
        let options = PatternOptions {
            ignores_case: true,
            is_multiline: false,
        };
        let pattern = r"^(?<id>\h+)(?: (?<time>\d+))?(?<more> \/x)?$";
        let pattern = Pattern::new(pattern, options).unwrap();
        let parser = Parser::Regexp(RegexpParser::new(pattern, rules()).unwrap());
        assert_eq!(parsed(&parser, "Ab 7"), [r#"7: {"id":"Ab"}"#]);
        assert_eq!(
            parsed(&parser, "zzz\nff /X\n"),
            [r#"{"id":"ff","more":" /X"}"#]
        );
        let message = refused(&parser, b"zzz");
        let expected = "found a text that the expression of <parse> does not match at byte 0, \
                        line 1";
        assert_eq!(message, expected);
    }

    #[test]
    fn expressions_that_cannot_be_used_are_refused() {
        let none = PatternOptions::default();
        assert!(Pattern::new("(?<=a)b", none).is_err());
        assert!(RegexpParser::new(Pattern::new("(a)", none).unwrap(), rules()).is_err());
    }

    const LINE: &str = "10.0.0.1 - - [15/Feb/2024:09:16:42 +0000] \"GET /a b\\\"c HTTP/1.1\" 200 12 \
                        \"-\" \"curl/8\"";

    fn access_log_time() -> TimeParser {
        time_parser(TimeType::String, Some(RegexpParser::ACCESS_LOG_TIME))
    }

    #[test]
    fn a_line_of_apache_is_taken_apart() {
        let parser = |keep| Parser::Apache2(Apache2Parser::new(access_log_time(), keep));
        let record = r#"{"host":"10.0.0.1","user":null,"method":"GET","path":"/a b\\\"c","code":200,"size":12,"referer":null,"agent":"curl/8"}"#;
        assert_eq!(
            parsed(&parser(false), LINE),
            [format!("1707988602: {record}")]
        );
        let kept = record.replace('}', r#","time":"15/Feb/2024:09:16:42 +0000"}"#);
        assert_eq!(parsed(&parser(true), LINE), [format!("1707988602: {kept}")]);
        let short = "h - u [15/Feb/2024:09:16:42 +0000] \"QUIT\" 000 -";
        let record = r#"1707988602: {"host":"h","user":"u","method":"QUIT","path":null,"code":null,"size":null,"referer":null,"agent":null}"#;
        assert_eq!(parsed(&parser(false), short), [record]);
        refused(&parser(false), b"GET / HTTP/1.1");
    }

    #[test]
    fn a_line_of_nginx_is_taken_apart() {
        let parser = Parser::Regexp(RegexpParser::nginx(RecordRules {
            time_parser: access_log_time(),
            ..rules()
        }));
        let line = LINE.replace("\\\"", "");
        let record = r#"{"remote":"10.0.0.1","host":"-","user":"-","method":"GET","path":"/a bc","code":"200","size":"12","referer":"-","agent":"curl/8"}"#;
        assert_eq!(parsed(&parser, &line), [format!("1707988602: {record}")]);
        let forwarded = format!("{line} \"10.0.0.2\"");
        let record = record.replace('}', r#","http_x_forwarded_for":"10.0.0.2"}"#);
        assert_eq!(
            parsed(&parser, &forwarded),
            [format!("1707988602: {record}")]
        );
    }
}
