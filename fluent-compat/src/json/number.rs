//! Numbers, as RFC 8259 spells them.

use super::Fault;

/// The offset after the number that starts at `start` with a digit or `-`.
pub(super) fn end_of_number(text: &str, start: usize) -> Result<usize, Fault> {
    let bytes = text.as_bytes();
    let mut at = start;
    if byte(bytes, at) == Some(b'-') {
        at += 1;
    }
    at = match byte(bytes, at) {
        Some(b'0') => at + 1,
        _ => digits(text, at)?,
    };
    if byte(bytes, at).is_some_and(|b| b.is_ascii_digit()) {
        return Err(Fault::unexpected(text, at, "no digit after a leading zero"));
    }
    if byte(bytes, at) == Some(b'.') {
        at = digits(text, at + 1)?;
    }
    if let Some(b'e' | b'E') = byte(bytes, at) {
        at += 1;
        if let Some(b'+' | b'-') = byte(bytes, at) {
            at += 1;
        }
        at = digits(text, at)?;
    }
    Ok(at)
}

/// The offset after one or more digits.
fn digits(text: &str, start: usize) -> Result<usize, Fault> {
    let rest = text.as_bytes().get(start..).unwrap_or_default();
    match rest.iter().take_while(|b| b.is_ascii_digit()).count() {
        0 => Err(Fault::unexpected(text, start, "a digit")),
        count => Ok(start + count),
    }
}

fn byte(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}
