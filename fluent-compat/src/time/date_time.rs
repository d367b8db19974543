//! `%Y-%m-%dT%H:%M:%S`, the format that Teleport's template has: nearly every event's time is
//! read by it, so it has a way of its own.

use super::civil::seconds_at;

/// The format that [`read`] reads.
pub(super) const FORMAT: &str = "%Y-%m-%dT%H:%M:%S";

/// The seconds from 1970 on the wall clock of the time that the text begins with. Nothing
/// comes back for what only `strptime` makes something of, such as a single digit or a leap
/// second.
pub(super) fn read(text: &str) -> Option<i64> {
    let [
        y0,
        y1,
        y2,
        y3,
        b'-',
        m0,
        m1,
        b'-',
        d0,
        d1,
        b'T',
        h0,
        h1,
        b':',
        n0,
        n1,
        b':',
        s0,
        s1,
    ] = *text.as_bytes().first_chunk::<19>()?
    else {
        return None;
    };
    let year = two_digits(y0, y1, 0..=99)? * 100 + two_digits(y2, y3, 0..=99)?;
    Some(seconds_at(
        year,
        two_digits(m0, m1, 1..=12)?,
        two_digits(d0, d1, 1..=31)?,
        two_digits(h0, h1, 0..=23)?,
        two_digits(n0, n1, 0..=59)?,
        two_digits(s0, s1, 0..=59)?,
    ))
}

fn two_digits(tens: u8, ones: u8, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    let value = digit(tens)? * 10 + digit(ones)?;
    range.contains(&value).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::super::strptime::Strptime;
    use super::super::{EventTime, Zone};
    use super::*;

    fn by_strptime(text: &str) -> Option<i64> {
        let fields = Strptime::new(FORMAT).unwrap().read(text)?;
        let moment = fields.moment(&Zone::Utc, EventTime::new(0, 0))?;
        Some(moment.seconds())
    }

    #[test]
    fn it_reads_what_strptime_reads() {
        for date in [
            "1969-12-31",
            "2024-02-29",
            "2023-02-31",
            "0000-01-01",
            "9999-12-31",
        ] {
            for rest in [
                "T00:00:00",
                "T23:59:59.973Z",
                "T09:16:42+05:00",
                "T12:34:56 and more",
            ] {
                let text = format!("{date}{rest}");
                assert!(read(&text).is_some(), "{text}");
                assert_eq!(read(&text), by_strptime(&text), "{text}");
            }
        }
    }

    #[test]
    fn it_leaves_to_strptime_what_is_not_of_two_digits_and_in_its_range() {
        for text in [
            "",
            "2024-02-29",
            "2024-13-01T00:00:00",
            "2024-00-01T00:00:00",
            "2024-01-32T00:00:00",
            "2024-01-01T24:00:00",
            "2024-01-01T00:60:00",
            "2024-12-31T23:59:60",
            "2024-1-01T00:00:000",
            "+024-01-01T00:00:00",
            "2024-01-01 00:00:00",
            "２024-01-01T00:00:00",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
