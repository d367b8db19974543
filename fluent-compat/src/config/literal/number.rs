//! Numbers, bare or with a unit.

use super::{Converted, LiteralError, Reading};

/// Units of a size, in the order in which Fluentd looks for them.
const SIZES: [(char, i64); 4] = [
    ('k', 1 << 10),
    ('m', 1 << 20),
    ('g', 1 << 30),
    ('t', 1 << 40),
];

/// Units of a time, in the order in which Fluentd looks for them.
const TIMES: [(char, i64); 4] = [('s', 1), ('m', 60), ('h', 60 * 60), ('d', 24 * 60 * 60)];

/// Bytes: digits and one of k, m, g, t in either case, or a whole number. `256MB` is fine.
///
/// # Errors
/// A number beyond 64 bits.
pub fn size(text: &str) -> Result<Converted<i64>, LiteralError> {
    match with_unit(&text.to_ascii_lowercase(), &SIZES, "b")? {
        Some(size) => Ok(size),
        None => integer(text),
    }
}

/// Seconds: digits and one of s, m, h, d, or a number that may have a fraction.
///
/// # Errors
/// A number beyond 64 bits.
pub fn time(text: &str) -> Result<Converted<f64>, LiteralError> {
    match with_unit(text, &TIMES, "")? {
        // Whole seconds up to 2⁵³ are exact: some 285 million years.
        #[allow(clippy::cast_precision_loss, reason = "see above")]
        Some(Converted { value, reading }) => Ok(Converted {
            value: value as f64,
            reading,
        }),
        None => Ok(float(text)),
    }
}

/// The digits at the start of a text, with a sign and single underscores among them; 0
/// where there are none.
///
/// # Errors
/// A number beyond 64 bits.
pub fn integer(text: &str) -> Result<Converted<i64>, LiteralError> {
    let (number, rest) = split_integer(text.trim_start());
    let value = if number.is_empty() {
        0
    } else {
        parse_integer(&number)?
    };
    Ok(Converted {
        value,
        reading: reading(&number, rest),
    })
}

/// The decimal number at the start of a text; 0 where there is none.
pub fn float(text: &str) -> Converted<f64> {
    let (number, rest) = split_float(text.trim_start());
    let value = number.parse().unwrap_or(0.0);
    Converted {
        value,
        reading: reading(&number, rest),
    }
}

/// The first digits in a text that one of the units follows, the units tried in turn. The
/// suffix may follow the unit without harm.
fn with_unit(
    text: &str,
    units: &[(char, i64)],
    suffix: &str,
) -> Result<Option<Converted<i64>>, LiteralError> {
    for (unit, factor) in units {
        let found = text.match_indices(*unit).find_map(|(at, _)| {
            let head = text.get(..at)?;
            let before = head.trim_end_matches(|character: char| character.is_ascii_digit());
            let digits = head
                .strip_prefix(before)
                .filter(|digits| !digits.is_empty())?;
            Some((before, digits, text.get(at + 1..)?))
        });
        let Some((before, digits, rest)) = found else {
            continue;
        };
        let is_whole = before.is_empty() && (rest.is_empty() || rest == suffix);
        let reading = if is_whole {
            Reading::Whole
        } else {
            Reading::Partial
        };
        let value = parse_integer(digits)?
            .checked_mul(*factor)
            .ok_or(LiteralError::OutOfRange)?;
        return Ok(Some(Converted { value, reading }));
    }
    Ok(None)
}

fn parse_integer(digits: &str) -> Result<i64, LiteralError> {
    digits.parse().map_err(|_| LiteralError::OutOfRange)
}

fn reading(number: &str, rest: &str) -> Reading {
    if !number.is_empty() && rest.trim().is_empty() {
        Reading::Whole
    } else {
        Reading::Partial
    }
}

/// Splits off sign and digits, underscores removed; nothing if no digit comes.
fn split_integer(text: &str) -> (String, &str) {
    let (sign, unsigned) = split_sign(text);
    let (digits, rest) = split_digits(unsigned);
    if digits.is_empty() {
        (String::new(), text)
    } else {
        (format!("{sign}{digits}"), rest)
    }
}

/// Splits off what Ruby takes for a float: digits, a fraction that has some, an exponent
/// that has some. `.5` has none before its point.
fn split_float(text: &str) -> (String, &str) {
    let (sign, unsigned) = split_sign(text);
    let (whole, mut rest) = split_digits(unsigned);
    let mut number = format!("{sign}{whole}");
    let fraction = rest.strip_prefix('.').map(split_digits);
    let has_fraction = fraction
        .as_ref()
        .is_some_and(|(digits, _)| !digits.is_empty());
    if whole.is_empty() && !has_fraction {
        return (String::new(), text);
    }
    if let Some((digits, after)) = fraction.filter(|_| has_fraction) {
        number = format!("{number}.{digits}");
        rest = after;
    }
    if let Some(after) = rest.strip_prefix(['e', 'E']) {
        let (exponent, after) = split_integer(after);
        if !exponent.is_empty() {
            number = format!("{number}e{exponent}");
            rest = after;
        }
    }
    (number, rest)
}

fn split_sign(text: &str) -> (&str, &str) {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    (text.strip_suffix(unsigned).unwrap_or_default(), unsigned)
}

/// Splits off digits; an underscore between two of them is passed over.
fn split_digits(text: &str) -> (String, &str) {
    let mut digits = String::new();
    let mut rest = text;
    loop {
        let separated = rest
            .strip_prefix('_')
            .filter(|_| !digits.is_empty())
            .unwrap_or(rest);
        let after = separated.trim_start_matches(|character: char| character.is_ascii_digit());
        let run = separated.strip_suffix(after).unwrap_or_default();
        if run.is_empty() {
            return (digits, rest);
        }
        digits.push_str(run);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_in_part_is_told() {
        let reading = |text| size(text).unwrap().reading;
        for text in ["10k", "256MB", "10kb", "1_000", "0", " 12 "] {
            assert_eq!(reading(text), Reading::Whole, "{text}");
        }
        for text in ["1.5m", "abc", "", "10 m", "0x10", "10mm", "-5k", "1__0"] {
            assert_eq!(reading(text), Reading::Partial, "{text}");
        }
    }

    #[test]
    fn a_time_takes_the_first_unit_of_seconds_minutes_hours_days() {
        for (text, seconds, reading) in [
            ("1m30s", 30.0, Reading::Partial),
            ("500ms", 30_000.0, Reading::Partial),
            ("1d", 86_400.0, Reading::Whole),
            ("1.5", 1.5, Reading::Whole),
            ("1M", 1.0, Reading::Partial),
        ] {
            assert_eq!(
                time(text),
                Ok(Converted {
                    value: seconds,
                    reading
                }),
                "{text}"
            );
        }
    }

    #[test]
    fn floats_end_where_ruby_ends_them() {
        for (text, value) in [
            ("1_0.5_0", 10.5),
            ("1.", 1.0),
            ("1.e5", 1.0),
            ("1e", 1.0),
            ("-.5e-1x", -0.05),
            ("+2", 2.0),
            ("-", 0.0),
            ("Infinity", 0.0),
            ("1e400", f64::INFINITY),
        ] {
            assert_eq!(float(text).value, value, "{text}");
        }
    }

    #[test]
    fn a_number_beyond_64_bits_is_an_error() {
        assert_eq!(size("99999999t"), Err(LiteralError::OutOfRange));
        assert_eq!(
            integer("9223372036854775808"),
            Err(LiteralError::OutOfRange)
        );
        assert_eq!(
            integer("-9223372036854775808").map(|number| number.value),
            Ok(i64::MIN)
        );
    }
}
