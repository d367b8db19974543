use super::*;
use crate::events::Events;
use crate::record::FieldPath;
use crate::time::{EventTime, Strftime, Zone};

const RECORD: &str = r#"{"a":"x,y","b":"","c":null,"d":1.50,"e":"q\"q","f":{"g":"l\nm"}}"#;

fn written(formatter: &Formatter, record: &str) -> Vec<u8> {
    let mut events = Events::new();
    events.text_mut().push_str(record);
    events.seal(EventTime::new(1_707_988_602, 849_000_000));
    let mut out = b"before ".to_vec();
    for event in events.iter() {
        formatter.format("test.log", &event, &mut out).unwrap();
    }
    out.split_off("before ".len())
}

fn text(formatter: &Formatter, record: &str) -> String {
    String::from_utf8(written(formatter, record)).unwrap()
}

fn csv(quotes: CsvQuotes) -> Formatter {
    let fields = ["a", "b", "c", "missing", "d", "e", "$.f.g", "f"];
    Formatter::Csv(CsvFormatter {
        fields: fields.map(|path| FieldPath::parse(path).unwrap()).into(),
        delimiter: ",".to_owned(),
        quotes,
        newline: Newline::Lf,
    })
}

#[test]
fn a_record_is_written_as_it_came() {
    assert_eq!(
        text(&Formatter::Json(Newline::Lf), RECORD),
        format!("{RECORD}\n")
    );
    assert_eq!(text(&Formatter::Json(Newline::None), RECORD), RECORD);
}

#[test]
fn quotes_in_csv_are_doubled_and_stand_where_they_must() {
    assert_eq!(
        text(&csv(CsvQuotes::Needed), RECORD),
        "\"x,y\",\"\",,,1.50,\"q\"\"q\",\"l\nm\",\"{\"\"g\"\"=>\"\"l\\nm\"\"}\"\n"
    );
    assert_eq!(
        text(&csv(CsvQuotes::Always), r#"{"a":1}"#),
        "\"1\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"\n"
    );
}

#[test]
fn a_delimiter_inside_an_ltsv_value_is_replaced() {
    let formatter = Formatter::Ltsv(LtsvFormatter {
        delimiter: "\t".to_owned(),
        label_delimiter: ":".to_owned(),
        replacement: "_".to_owned(),
        newline: Newline::CrLf,
    });
    assert_eq!(
        text(&formatter, r#"{"a":"x\ty","b":null}"#),
        "a:x_y\tb:\r\n"
    );
    assert_eq!(text(&formatter, "{}"), "\r\n");
}

#[test]
fn the_line_end_of_the_inner_format_is_not_doubled_by_stdout() {
    for newline in [Newline::None, Newline::Lf, Newline::CrLf] {
        let formatter = Formatter::Stdout(StdoutFormatter {
            time_format: Strftime::new(StdoutFormatter::TIME_FORMAT),
            zone: Zone::Utc,
            inner: Box::new(Formatter::Hash(newline)),
        });
        assert_eq!(
            text(&formatter, r#"{"a":"x"}"#),
            "2024-02-15 09:16:42.849000000 +0000 test.log: {\"a\"=>\"x\"}\n"
        );
    }
}

#[test]
fn the_delimiter_of_out_file_is_known_by_its_name() {
    let names = ["SPACE", "space", "COMMA", "TAB", "|"];
    let delimiters = names.map(OutFileFormatter::delimiter);
    assert_eq!(delimiters, [' ', ' ', ',', '\t', '\t']);
}

#[test]
fn numbers_take_the_smallest_room_in_msgpack() {
    let cases: [(&str, &[u8]); 12] = [
        ("0", &[0x00]),
        ("127", &[0x7f]),
        ("128", &[0xcc, 0x80]),
        ("65536", &[0xce, 0, 1, 0, 0]),
        (
            "18446744073709551615",
            &[0xcf, 255, 255, 255, 255, 255, 255, 255, 255],
        ),
        // 2 to the 64th, as Teleport sends the largest u64.
        (
            "18446744073709552000",
            &[0xcb, 0x43, 0xf0, 0, 0, 0, 0, 0, 0],
        ),
        ("-1", &[0xff]),
        ("-33", &[0xd0, 0xdf]),
        ("1.5", &[0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]),
        ("-0", &[0x00]),
        ("[true,false,null]", &[0x93, 0xc3, 0xc2, 0xc0]),
        (r#""\u017c""#, &[0xa2, 0xc5, 0xbc]),
    ];
    for (json, bytes) in cases {
        let record = format!(r#"{{"a":{json}}}"#);
        let expected = [&[0x81, 0xa1, b'a'], bytes].concat();
        assert_eq!(written(&Formatter::Msgpack, &record), expected, "{json}");
    }
}
