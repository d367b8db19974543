//! ISO 8601 and RFC 3339 times, read by hand: the fast way for the usual texts.

use super::civil::MAX_YEAR_DIGITS;
use super::fields::{Fields, TextZone};
use super::strptime::Cursor;

/// What stands between date and time.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Separator {
    /// A `T`, as ISO 8601 and Ruby's `Time.iso8601` want it.
    T,
    /// A `T` or a blank, as RFC 3339 allows.
    TOrBlank,
}

/// Reads `2024-02-15T09:16:42.849+09:00`, from end to end but for white space. The
/// fraction and the zone may be missing.
pub(super) fn read(text: &str, separator: Separator) -> Option<Fields<'_>> {
    let text = text.trim_ascii();
    let negative = text.starts_with('-');
    let mut cursor = Cursor {
        rest: text.strip_prefix('-').unwrap_or(text),
    };
    let (year, digits) = cursor.digits(MAX_YEAR_DIGITS)?;
    if digits < 4 {
        return None;
    }
    let year = i64::try_from(year).ok()?;
    let month = after(&mut cursor, "-")?;
    let day = after(&mut cursor, "-")?;
    let may_separate: &[char] = if separator == Separator::T {
        &['T', 't']
    } else {
        &['T', 't', ' ']
    };
    cursor.rest = cursor.rest.strip_prefix(may_separate)?;
    let hour = after(&mut cursor, "")?;
    let minute = after(&mut cursor, ":")?;
    let second = after(&mut cursor, ":")?;
    let nanoseconds = match cursor.rest.strip_prefix('.') {
        None => None,
        Some(rest) => {
            cursor.rest = rest;
            Some(cursor.fraction(usize::MAX)?)
        }
    };
    Some(Fields {
        year: Some(if negative { -year } else { year }),
        month: Some(month),
        day: Some(day),
        hour: Some(hour),
        minute: Some(minute),
        second: Some(second),
        nanoseconds,
        zone: zone(cursor.rest)?,
        ..Fields::default()
    })
}

/// Two digits after the prefix.
fn after(cursor: &mut Cursor<'_>, prefix: &str) -> Option<u8> {
    cursor.rest = cursor.rest.strip_prefix(prefix)?;
    let (value, count) = cursor.digits(2)?;
    (count == 2).then_some(value as u8)
}

/// Nothing, `Z`, `+09:00`, `+0900` or `+09`, up to the end.
fn zone(text: &str) -> Option<Option<TextZone<'static>>> {
    let two = |tens: u8, ones: u8| {
        let digits = tens.is_ascii_digit() && ones.is_ascii_digit();
        digits.then(|| i32::from(tens - b'0') * 10 + i32::from(ones - b'0'))
    };
    let (sign, hours, minutes) = match *text.as_bytes() {
        [] => return Some(None),
        [b'Z' | b'z'] => (b'+', 0, 0),
        [sign, h, i] => (sign, two(h, i)?, 0),
        [sign, h, i, m, n] | [sign, h, i, b':', m, n] => (sign, two(h, i)?, two(m, n)?),
        _ => return None,
    };
    let seconds = hours * 3600 + minutes * 60;
    let offset = match sign {
        b'+' => seconds,
        b'-' => -seconds,
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(Some(TextZone::Offset(offset)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{EventTime, Zone};

    fn moment(text: &str, separator: Separator) -> Option<String> {
        let tokyo = Zone::parse("Asia/Tokyo").unwrap();
        let moment = read(text, separator)?.moment(&tokyo, EventTime::new(0, 0))?;
        Some(moment.to_string())
    }

    #[test]
    fn fraction_and_zone_may_be_missing() {
        for (text, expected) in [
            ("2024-02-15T09:16:42Z", "1707988602.000000000"),
            ("2024-02-15t09:16:42.8491234567z", "1707988602.849123456"),
            ("2024-02-15T18:16:42+09:00", "1707988602.000000000"),
            ("2024-02-15T03:46:42.5-0530", "1707988602.500000000"),
            (" 2024-02-15T10:16:42+01 ", "1707988602.000000000"),
            ("2024-02-15T18:16:42", "1707988602.000000000"),
            ("2024-02-29T24:00:00Z", "1709251200.000000000"),
            ("0001-01-01T00:00:00Z", "-62135596800.000000000"),
        ] {
            assert_eq!(
                moment(text, Separator::T).as_deref(),
                Some(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn a_blank_separates_only_where_it_may() {
        assert!(moment("2024-02-15 09:16:42Z", Separator::TOrBlank).is_some());
        assert_eq!(moment("2024-02-15 09:16:42Z", Separator::T), None);
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            "x",
            "2024-02-15",
            "2024-2-15T09:16:42Z",
            "24-02-15T09:16:42Z",
            "2024-02-15T09:16:42.Z",
            "2024-02-15T09:16:42Zx",
            "2024-02-15T09:16:42+9",
            "2024-02-15T09:16Z",
            "2024-13-15T09:16:42Z",
            "2024-02-15T25:16:42Z",
            "2024-02-15T09:16:42+99:00",
            "2024-02-15T09:16:42 JST",
        ] {
            assert_eq!(moment(text, Separator::TOrBlank), None, "{text}");
        }
    }
}
