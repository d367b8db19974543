//! `<format> @type msgpack`.

use std::fmt::Debug;

use rmp::encode;

use super::FormatError;
use crate::json::{elements, members, unescape};

/// Appends a value whose JSON is in normal form as MessagePack.
pub(super) fn write(value: &str, out: &mut Vec<u8>) -> Result<(), FormatError> {
    match value.as_bytes() {
        [b'{', ..] => {
            done(encode::write_map_len(out, length(members(value).count())?));
            for (key, value) in members(value) {
                write_text(&unescape(key), out)?;
                write(value, out)?;
            }
        }
        [b'[', ..] => {
            done(encode::write_array_len(
                out,
                length(elements(value).count())?,
            ));
            for element in elements(value) {
                write(element, out)?;
            }
        }
        [b'"', raw @ .., b'"'] => {
            let raw = std::str::from_utf8(raw);
            let raw = raw.expect("invariant: a text without its quotes is a text");
            write_text(&unescape(raw), out)?;
        }
        b"null" => done(encode::write_nil(out)),
        b"true" => done(encode::write_bool(out, true)),
        b"false" => done(encode::write_bool(out, false)),
        _ => write_number(value, out),
    }
    Ok(())
}

fn write_text(text: &str, out: &mut Vec<u8>) -> Result<(), FormatError> {
    done(encode::write_str_len(out, length(text.len())?));
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

/// A whole number beyond 64 bits becomes a double, as other numbers do. (Fluentd fails on
/// those; Teleport sends them, and its numbers were doubles to begin with.)
fn write_number(digits: &str, out: &mut Vec<u8>) {
    if let Ok(number) = digits.parse::<u64>() {
        done(encode::write_uint(out, number));
    } else if let Ok(number) = digits.parse::<i64>() {
        done(encode::write_sint(out, number));
    } else {
        let number = digits.parse::<f64>();
        let number = number.expect("invariant: every JSON number is one for Rust");
        done(encode::write_f64(out, number));
    }
}

fn length(length: usize) -> Result<u32, FormatError> {
    u32::try_from(length).map_err(|_| FormatError::TooLong { length })
}

fn done<T, E: Debug>(written: Result<T, E>) {
    written.expect("invariant: a vector takes any bytes");
}
