//! Strings: their escapes checked, undone and made.

use std::borrow::Cow;

use super::block::next_special;
use super::error::{Fault, Problem};

/// The offset after the escape sequence whose backslash is at `backslash`.
pub(super) fn end_of_escape(text: &str, backslash: usize) -> Result<usize, Fault> {
    let bytes = text.as_bytes();
    match bytes.get(backslash + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(backslash + 2),
        Some(b'u') => {
            let unit = four_digits(text, backslash + 2)?;
            match unit {
                0xd800..0xdc00 => {
                    let low = bytes.get(backslash + 6..backslash + 8) == Some(b"\\u");
                    let low = low.then(|| four_digits(text, backslash + 8)).transpose()?;
                    match low {
                        Some(0xdc00..0xe000) => Ok(backslash + 12),
                        _ => Err(lone(backslash, unit)),
                    }
                }
                0xdc00..0xe000 => Err(lone(backslash, unit)),
                _ => Ok(backslash + 6),
            }
        }
        _ => {
            let expected = "one of \" \\ / b f n r t u after a backslash";
            Err(Fault::unexpected(text, backslash + 1, expected))
        }
    }
}

fn lone(offset: usize, unit: u16) -> Fault {
    let problem = Problem::LoneSurrogate(unit);
    Fault { offset, problem }
}

fn four_digits(text: &str, start: usize) -> Result<u16, Fault> {
    let rest = text.as_bytes().get(start..).unwrap_or_default();
    let digits = rest.iter().take(4).take_while(|b| b.is_ascii_hexdigit());
    match digits.count() {
        4 => Ok(text
            .get(start..start + 4)
            .and_then(|digits| u16::from_str_radix(digits, 16).ok())
            .expect("invariant: four hexadecimal digits are a number below 65536")),
        count => Err(Fault::unexpected(
            text,
            start + count,
            "four hexadecimal digits after \\u",
        )),
    }
}

/// The text that a checked string stands for; `raw` is what is between its quotes.
pub(crate) fn unescape(raw: &str) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'\\', raw.as_bytes()) else {
        return Cow::Borrowed(raw);
    };
    let (plain, mut rest) = raw.split_at(first);
    let mut text = String::with_capacity(raw.len());
    text.push_str(plain);
    while let Some((before, escape)) = rest.split_once('\\') {
        text.push_str(before);
        rest = push_unescaped(&mut text, escape);
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// Undoes one checked escape (without its backslash) and gives what comes after it.
fn push_unescaped<'a>(text: &mut String, escape: &'a str) -> &'a str {
    let mut chars = escape.chars();
    let c = match chars.next() {
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('u') => {
            let unit = |at: usize| u16::from_str_radix(escape.get(at..at + 4)?, 16).ok();
            // The second half of a pair stands behind another `\u`; what stands there
            // otherwise is not looked at.
            let units = unit(1).into_iter().chain(unit(7));
            let decoded = char::decode_utf16(units).next();
            let c = decoded
                .and_then(Result::ok)
                .unwrap_or(char::REPLACEMENT_CHARACTER);
            let length = if c.len_utf16() == 2 { 11 } else { 5 };
            text.push(c);
            return escape.get(length..).unwrap_or_default();
        }
        Some(itself) => itself,
        None => return "",
    };
    text.push(c);
    chars.as_str()
}

/// Writes `text` as a JSON string, quotes included, with no more escapes than needed.
pub(crate) fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    push_escaped_text(out, text);
    out.push('"');
}

/// Writes what stands between the quotes of such a string.
pub(crate) fn push_escaped_text(out: &mut String, text: &str) {
    let mut rest = text;
    loop {
        let (plain, special) = rest.split_at(next_special(rest.as_bytes(), 0));
        out.push_str(plain);
        let mut chars = special.chars();
        match chars.next() {
            None => break,
            Some(c) => push_escaped(out, c),
        }
        rest = chars.as_str();
    }
}

/// Writes a quote, a backslash or a control character as an escape.
pub(super) fn push_escaped(out: &mut String, special: char) {
    out.push_str(match special {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\u{8}' => "\\b",
        '\u{c}' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        other => {
            use std::fmt::Write as _;
            let code = u32::from(other);
            return write!(out, "\\u{code:04x}").expect("invariant: a String takes any text");
        }
    });
}
