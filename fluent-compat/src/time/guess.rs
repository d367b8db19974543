//! Times of no given format, as Ruby's `Time.parse` guesses them.
//!
//! Understood are the orders in which people and programs write: ISO 8601 in long
//! and in short (`20240215T091642Z`), `2024/02/15`, `15 Feb 2024`, `Feb 15, 2024`,
//! `15-Feb-2024`, each with or without `09:16:42.849`, `AM` or `PM`, and a zone.
//! Ruby goes on to find times in almost any text; what is none of the above is not
//! read here, instead of being read as a time that nobody meant.

use std::sync::LazyLock;

use regex_lite::{Captures, Regex};

use super::civil::MAX_YEAR_DIGITS;
use super::fields::{Fields, year_of_two_digits};
use super::iso8601::{self, Separator};
use super::strftime::{MONTHS, short};
use super::strptime::Cursor;

/// What the text says, or nothing if it says neither a date nor a time.
pub(super) fn read(text: &str) -> Option<Fields<'_>> {
    if let Some(fields) = iso8601::read(text, Separator::TOrBlank) {
        return Some(fields);
    }
    let mut fields = Fields::default();
    let mut date = text.to_owned();
    let time = TIME.captures(text);
    if let Some(time) = &time {
        read_time(time, &mut fields)?;
        date.replace_range(time.get(0)?.range(), " ");
    }
    let date = WEEKDAY.replace(&date, " ");
    match (find_date(&date), time) {
        (Some(parts), _) => set_date(&parts, &mut fields)?,
        // What is left besides a time alone would be a date that we do not know.
        (None, Some(_)) if date.trim().is_empty() => {}
        (None, Some(_)) => return None,
        (None, None) => return read_digits(text),
    }
    Some(fields)
}

static TIME: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?x) (\d+) \s*:\s* (\d+) (?: \s*:\s* (\d+) (?: [,.] (\d*) )? )?
        (?: \s* ([ap]) (?: m\b | \.m\. ) )?
        (?: \s* ( (?: gmt | utc? )? [-+] \d+ (?: :\d+ (?: :\d+ )? )? | [a-z]+\b ) )?",
    )
});
static WEEKDAY: LazyLock<Regex> =
    LazyLock::new(|| regex(r"\b(?:sun|mon|tue|wed|thu|fri|sat)[a-z]*\.?,?"));
/// Day, month's name, year.
static DAY_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    regex(&format!(
        r"(\d+)(?:st|nd|rd|th)?[-/.,\s]*{MONTH_NAME}(?:[-/.,\s]*(\d+))?"
    ))
});
/// Month's name, day, year.
static MONTH_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    regex(&format!(
        r"\b{MONTH_NAME}[-/.\s]*(\d+)(?:st|nd|rd|th)?(?:[-/.,\s]*(\d+))?"
    ))
});
/// Three numbers, with the year first or last.
static NUMBERS: LazyLock<Regex> = LazyLock::new(|| regex(r"(\d+)[-/.](\d+)[-/.](\d+)"));
/// A date in eight digits, and a time in six.
static DIGITS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?x) ^\s* (\d{4}) (\d\d) (\d\d)
        (?: \s* t? \s* (\d\d) (\d\d) (?: (\d\d) (?: [,.] (\d+) )? )? )?
        \s* ( z | [-+] \d{2} (?: :?\d\d )? )? \s*$",
    )
});

const MONTH_NAME: &str = "(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*";

/// A date's parts as they stand in the text; the month by name or number.
struct DateParts<'t> {
    year: Option<&'t str>,
    month: &'t str,
    day: Option<&'t str>,
}

fn read_time<'t>(time: &Captures<'t>, fields: &mut Fields<'t>) -> Option<()> {
    fields.hour = Some(number(time, 1)?);
    fields.minute = Some(number(time, 2)?);
    fields.second = time
        .get(3)
        .map(|second| second.as_str().parse())
        .transpose()
        .ok()?;
    fields.nanoseconds = time.get(4).and_then(|digits| fraction(digits.as_str()));
    fields.afternoon = time
        .get(5)
        .map(|letter| letter.as_str().eq_ignore_ascii_case("p"));
    fields.zone = match time.get(6) {
        Some(zone) => Some(
            Cursor {
                rest: zone.as_str(),
            }
            .zone()?,
        ),
        None => None,
    };
    Some(())
}

fn find_date(text: &str) -> Option<DateParts<'_>> {
    let (captures, [year, month, day]) = if let Some(captures) = DAY_FIRST.captures(text) {
        (captures, [3, 2, 1])
    } else if let Some(captures) = MONTH_FIRST.captures(text) {
        (captures, [3, 1, 2])
    } else {
        (NUMBERS.captures(text)?, [1, 2, 3])
    };
    let (year, day) = (part(&captures, year), part(&captures, day));
    // `Feb 2024` has no day, and `15/2/2024` has its year at the end.
    let (year, day) = if day.is_some_and(|day| day.len() > 2) {
        (day, year)
    } else {
        (year, day)
    };
    Some(DateParts {
        year,
        month: part(&captures, month)?,
        day,
    })
}

fn set_date(date: &DateParts<'_>, fields: &mut Fields<'_>) -> Option<()> {
    if let Some(text) = date.year {
        let year: i64 = text
            .parse()
            .ok()
            .filter(|_| text.len() <= MAX_YEAR_DIGITS)?;
        fields.year = Some(if text.len() <= 2 {
            year_of_two_digits(year)
        } else {
            year
        });
    }
    let by_name = MONTHS
        .iter()
        .position(|name| short(name).eq_ignore_ascii_case(date.month));
    fields.month =
        Some(by_name.map_or_else(|| date.month.parse().ok(), |index| Some(index as u8 + 1))?);
    if let Some(day) = date.day {
        fields.day = Some(day.parse().ok()?);
    }
    Some(())
}

fn read_digits(text: &str) -> Option<Fields<'_>> {
    let digits = DIGITS.captures(text)?;
    Some(Fields {
        year: Some(part(&digits, 1)?.parse().ok()?),
        month: number(&digits, 2),
        day: number(&digits, 3),
        hour: number(&digits, 4),
        minute: number(&digits, 5),
        second: number(&digits, 6),
        nanoseconds: part(&digits, 7).and_then(fraction),
        zone: match part(&digits, 8) {
            Some(zone) => Some(Cursor { rest: zone }.zone()?),
            None => None,
        },
        ..Fields::default()
    })
}

fn part<'t>(captures: &Captures<'t>, group: usize) -> Option<&'t str> {
    captures.get(group).map(|part| part.as_str())
}

fn number(captures: &Captures<'_>, group: usize) -> Option<u8> {
    part(captures, group)?.parse().ok()
}

fn fraction(digits: &str) -> Option<u32> {
    Cursor { rest: digits }.fraction(usize::MAX)
}

fn regex(pattern: &str) -> Regex {
    let regex = regex_lite::RegexBuilder::new(pattern)
        .case_insensitive(true)
        .build();
    regex.expect("invariant: the patterns of this file are valid")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{EventTime, Strftime, Zone};

    fn guess(text: &str) -> Option<String> {
        let now = EventTime::new(1_707_988_602, 0);
        let moment = read(text)?.moment(&Zone::Utc, now)?;
        Some(Strftime::new("%F %T.%L").format(moment, &Zone::Utc))
    }

    #[test]
    fn the_usual_orders_are_understood() {
        for text in [
            "2024-02-15T09:16:42.849Z",
            "2024-02-15 09:16:42.849",
            "2024-02-15 18:16:42.849 +0900",
            "2024/02/15 09:16:42,849",
            "15.02.2024 9:16:42.849",
            "15 Feb 2024 09:16:42.849 GMT",
            "Thu, 15 Feb 2024 04:16:42.849 EST",
            "Thu Feb 15 09:16:42.849 2024",
            "15-Feb-2024 09:16:42.849",
            "15/Feb/2024 09:16:42.849",
            "Feb 15, 2024 9:16:42.849 AM",
            "february 15th 2024 09:16:42.849",
            "2024-Feb-15 09:16:42.849",
            "09:16:42.849 15 Feb 24",
            "20240215T091642.849Z",
            "20240215091642.849",
            "20240215 181642.849+09",
        ] {
            assert_eq!(
                guess(text).as_deref(),
                Some("2024-02-15 09:16:42.849"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_date_or_a_time_may_stand_alone() {
        for text in [
            "2024-02-15",
            "2024/2/15",
            "15 Feb 2024",
            "15 Feb",
            "20240215",
            "00:00",
        ] {
            assert_eq!(
                guess(text).as_deref(),
                Some("2024-02-15 00:00:00.000"),
                "{text}"
            );
        }
        assert_eq!(
            guess("Feb 2024").as_deref(),
            Some("2024-02-01 00:00:00.000")
        );
        assert_eq!(guess("1:05 pm").as_deref(), Some("2024-02-15 13:05:00.000"));
    }

    #[test]
    fn what_is_not_understood_is_none() {
        for text in [
            "",
            "x",
            "12",
            "1707988602",
            "15/Feb/2024:09:16:42 +0000",
            "2024-13-01",
            "02/15/2024",
            "25:00",
            "99999999999999999999-01-01",
            "tomorrow 09:16",
        ] {
            assert_eq!(guess(text), None, "{text}");
        }
    }
}
