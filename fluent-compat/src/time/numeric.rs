//! Unix times written as decimal numbers, exact to the nanosecond.

use super::EventTime;

/// Reads `1707988602`, `1707988602.849`, `1.707988602849e9`, `-0.5`. No double in
/// between: `1707988602.849123456` keeps all its digits. What is finer than a
/// nanosecond is cut off, towards the past. `None` if the text is no such number, or
/// one beyond all times.
pub(super) fn parse(text: &str) -> Option<EventTime> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let nanoseconds = in_nanoseconds(whole, fraction, exponent)?;
    let nanoseconds = if negative { -nanoseconds } else { nanoseconds };
    let seconds = i64::try_from(nanoseconds.div_euclid(NANOS_PER_SECOND)).ok()?;
    Some(EventTime::new(
        seconds,
        nanoseconds.rem_euclid(NANOS_PER_SECOND) as u32,
    ))
}

const NANOS_PER_SECOND: i128 = 1_000_000_000;
const NANO_DIGITS: i64 = 9;

/// The digits with the decimal point moved to where nanoseconds begin.
fn in_nanoseconds(whole: &str, fraction: &str, exponent: i64) -> Option<i128> {
    let kept = i64::try_from(whole.len())
        .ok()?
        .checked_add(exponent)?
        .checked_add(NANO_DIGITS)?;
    let mut digits = whole
        .bytes()
        .chain(fraction.bytes())
        .map(|digit| i128::from(digit - b'0'));
    let mut value: i128 = 0;
    for _ in 0..kept.max(0) {
        match digits.next() {
            Some(digit) => value = value.checked_mul(10)?.checked_add(digit)?,
            // An exponent may ask for a great many zeros behind a zero.
            None if value == 0 => break,
            None => value = value.checked_mul(10)?,
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn all_digits_count_wherever_the_point_is() {
        let time = Some(EventTime::new(1_707_988_602, 849_123_456));
        assert_eq!(parse("1707988602.849123456"), time);
        assert_eq!(parse("1707988602.8491234567"), time);
        assert_eq!(parse("1.707988602849123456e9"), time);
        assert_eq!(parse("1707988602849123456E-9"), time);
        assert_eq!(parse("1e10"), Some(EventTime::new(10_000_000_000, 0)));
        assert_eq!(parse("0e999999999"), Some(EventTime::new(0, 0)));
        assert_eq!(parse("1e-999999999"), Some(EventTime::new(0, 0)));
        assert_eq!(parse("1."), Some(EventTime::new(1, 0)));
    }

    #[test]
    fn nanoseconds_count_forward_before_1970_too() {
        assert_eq!(parse("-5"), Some(EventTime::new(-5, 0)));
        assert_eq!(parse("-0.25"), Some(EventTime::new(-1, 750_000_000)));
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in [
            "", "-", ".", "abc", "12abc", "1.2.3", "1e", "1e5.5", "0x10", "NaN", "1e400", "--1",
            "1_0",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_display_writes_is_read_back(seconds in 0..i64::MAX, nanoseconds in 0_u32..1_000_000_000) {
            let time = EventTime::new(seconds, nanoseconds);
            prop_assert_eq!(parse(&time.to_string()), Some(time));
        }
    }
}
