//! What Ruby's own methods make of a value: `to_s`, `inspect`, `to_i`, `to_f`, `split`.
//!
//! Fluentd writes records into columns and placeholders with them, and `types` of
//! `<parse>` converts with them.

use std::fmt::Write as _;

use crate::json;

/// `inspect` of a value whose JSON is in normal form, as Ruby up to 3.3 writes it:
/// `{"k"=>[1, "x", nil]}`. Numbers keep their digits.
pub(crate) fn inspect_json(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + value.len() / 8);
    push_inspected(&mut out, value);
    out
}

fn push_inspected(out: &mut String, value: &str) {
    match value.as_bytes() {
        [b'{', ..] => {
            out.push('{');
            for (n, (key, value)) in json::members(value).enumerate() {
                out.push_str(if n == 0 { "" } else { ", " });
                push_inspected_text(out, &json::unescape(key));
                out.push_str("=>");
                push_inspected(out, value);
            }
            out.push('}');
        }
        [b'[', ..] => {
            out.push('[');
            for (n, value) in json::elements(value).enumerate() {
                out.push_str(if n == 0 { "" } else { ", " });
                push_inspected(out, value);
            }
            out.push(']');
        }
        [b'"', .., b'"'] => {
            let raw = value.get(1..value.len() - 1).unwrap_or_default();
            push_inspected_text(out, &json::unescape(raw));
        }
        b"null" => out.push_str("nil"),
        _ => out.push_str(value),
    }
}

/// A string as Ruby shows it: `#` is escaped where it would begin an interpolation.
fn push_inspected_text(out: &mut String, text: &str) {
    out.push('"');
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '#' if matches!(chars.peek(), Some('{' | '$' | '@')) => out.push_str("\\#"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{c}' => out.push_str("\\f"),
            '\u{b}' => out.push_str("\\v"),
            '\u{8}' => out.push_str("\\b"),
            '\u{7}' => out.push_str("\\a"),
            '\u{1b}' => out.push_str("\\e"),
            '\u{7f}' => out.push_str("\\x7F"),
            c if c.is_control() => {
                let code = u32::from(c);
                write!(out, "\\u{code:04X}").expect("invariant: a String takes any text");
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// `String#to_i`: the digits of the number that the text begins with, `0` if there is
/// none. There is no limit to their number.
pub(crate) fn to_i(text: &str) -> String {
    let (sign, rest) = sign(text.trim_start());
    let digits = leading_digits(rest).0;
    match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits => format!("{sign}{digits}"),
    }
}

/// `String#to_f`: the number that the text begins with, 0 if there is none.
pub(crate) fn to_f(text: &str) -> f64 {
    let (sign, rest) = sign(text.trim_start());
    let (mut number, mut rest) = leading_digits(rest);
    if let Some((fraction, after)) = rest.strip_prefix('.').map(leading_digits)
        && !fraction.is_empty()
    {
        number = format!("{number}.{fraction}");
        rest = after;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let (exponent_sign, exponent) = self::sign(exponent);
        let exponent = leading_digits(exponent).0;
        if !exponent.is_empty() && !number.is_empty() {
            number = format!("{number}e{exponent_sign}{exponent}");
        }
    }
    format!("{sign}{number}").parse().unwrap_or(0.0)
}

/// `String#split` by a text: empty parts at the end are left out; a single space stands
/// for any white space.
pub(crate) fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    if separator == " " {
        return text.split_ascii_whitespace().collect();
    }
    let mut parts: Vec<&str> = match separator {
        // Without a separator every character is a part.
        "" => text.split("").skip(1).collect(),
        _ => text.split(separator).collect(),
    };
    let kept = parts.iter().rposition(|part| !part.is_empty());
    parts.truncate(kept.map_or(0, |last| last + 1));
    parts
}

fn sign(text: &str) -> (&'static str, &str) {
    match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    }
}

/// The digits that `text` begins with (single underscores between them are allowed and
/// left out), and the text after them.
fn leading_digits(text: &str) -> (String, &str) {
    let mut digits = String::new();
    let mut rest = text;
    loop {
        let next = if digits.is_empty() {
            rest
        } else {
            rest.strip_prefix('_').unwrap_or(rest)
        };
        match next.chars().next().filter(char::is_ascii_digit) {
            Some(digit) => {
                digits.push(digit);
                rest = next.get(1..).unwrap_or_default();
            }
            None => return (digits, rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_as_ruby_shows_them() {
        let value = r##"{"a":[1,"x",null,true],"q\"":"#{b}#c\n\u0000\u007f","e":{}}"##;
        let shown = r##"{"a"=>[1, "x", nil, true], "q\""=>"\#{b}#c\n\u0000\x7F", "e"=>{}}"##;
        assert_eq!(inspect_json(value), shown);
    }

    #[test]
    fn leading_digits_make_the_integer() {
        let cases = [
            ("42", "42"),
            (" -007x", "-7"),
            ("+1_000", "1000"),
            ("1__0", "1"),
            ("_1", "0"),
            ("x", "0"),
            ("", "0"),
            ("1.9", "1"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
        ];
        for (text, integer) in cases {
            assert_eq!(to_i(text), integer, "{text:?}");
        }
    }

    #[test]
    fn leading_digits_make_the_float() {
        let cases = [
            ("1.5abc", 1.5),
            ("-1e3", -1000.0),
            ("1_000.2_5", 1000.25),
            (".5", 0.5),
            ("1.", 1.0),
            ("1.e5", 1.0),
            ("e5", 0.0),
            ("nan", 0.0),
            ("", 0.0),
        ];
        for (text, float) in cases {
            assert!((to_f(text) - float).abs() < f64::EPSILON, "{text:?}");
        }
    }

    #[test]
    fn empty_parts_at_the_end_are_left_out() {
        assert_eq!(split("a,,b,,", ","), ["a", "", "b"]);
        assert_eq!(split(" a  b ", " "), ["a", "b"]);
        assert_eq!(split("", ","), [""; 0]);
        assert_eq!(split("abc", ""), ["a", "b", "c"]);
    }
}
