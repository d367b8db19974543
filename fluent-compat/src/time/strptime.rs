//! Ruby's `strptime`, compiled once, run without allocation.
//!
//! Fluentd has two of them: the strptime gem, for formats of plain directives, and
//! Ruby's own for all others. They differ in what they let pass (leading blanks, the
//! year's digits, hour 24), so a format is compiled into steps that already know.
//! Text behind what the format asks for is ignored by both.

mod compile;

use super::fields::{Fields, TextZone, year_of_two_digits};
use super::strftime::{MONTHS, WEEKDAYS, short};

pub(super) use compile::FormatError;

/// A format, ready to read texts by it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Strptime {
    steps: Vec<Step>,
}

#[derive(Clone, PartialEq, Debug)]
enum Step {
    /// These very bytes.
    Literal(Vec<u8>),
    /// Any white space, also none.
    Blanks,
    Number(Number),
    /// With a sign or without.
    Year {
        width: usize,
    },
    /// Digits after the decimal point; those beyond nanoseconds are cut.
    Fraction {
        width: usize,
    },
    /// Seconds or milliseconds since 1970, with a minus or without.
    Epoch {
        unit: EpochUnit,
    },
    MonthName,
    WeekdayName,
    /// AM or PM.
    Meridian,
    /// `%z` of the gem: an offset or `Z`.
    Offset,
    /// `%z` and `%Z` of Ruby: an offset or a name.
    Zone,
}

/// Digits within a range.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Number {
    field: NumberField,
    /// The most digits that are read.
    width: usize,
    min: u32,
    max: u32,
    /// A blank may stand for the first digit.
    blank: bool,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum NumberField {
    Century,
    Day,
    DayOfYear,
    Hour,
    IsoWeek,
    IsoYear,
    IsoYearOfCentury,
    Minute,
    Month,
    Second,
    WeekFromMonday,
    WeekFromSunday,
    WeekdayFromMonday,
    WeekdayFromSunday,
    YearOfCentury,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum EpochUnit {
    Seconds,
    Milliseconds,
}

impl Strptime {
    pub(super) fn new(format: &str) -> Result<Strptime, FormatError> {
        compile::compile(format).map(|steps| Strptime { steps })
    }

    /// What the text says, or nothing if it does not match.
    pub(super) fn read<'t>(&self, text: &'t str) -> Option<Fields<'t>> {
        let mut cursor = Cursor { rest: text };
        let mut fields = Fields::default();
        for step in &self.steps {
            cursor.take(step, &mut fields)?;
        }
        Some(fields)
    }

    /// Whether the text says by itself which moment it means, in any zone.
    pub(super) fn reads_zone(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step, Step::Offset | Step::Zone | Step::Epoch { .. }))
    }

    /// Whether fractions of a second are read.
    pub(super) fn reads_fraction(&self) -> bool {
        let milliseconds = Step::Epoch {
            unit: EpochUnit::Milliseconds,
        };
        self.steps
            .iter()
            .any(|step| matches!(step, Step::Fraction { .. }) || *step == milliseconds)
    }
}

/// Reads from the front of a text.
pub(super) struct Cursor<'t> {
    pub(super) rest: &'t str,
}

impl<'t> Cursor<'t> {
    fn take(&mut self, step: &Step, fields: &mut Fields<'t>) -> Option<()> {
        match step {
            Step::Literal(bytes) => {
                // Literals are a byte or two: a call to compare memory costs more.
                let mut text = self.rest.bytes();
                bytes
                    .iter()
                    .all(|byte| text.next() == Some(*byte))
                    .then_some(())?;
                self.rest = self.rest.get(bytes.len()..)?;
            }
            Step::Blanks => self.rest = self.rest.trim_ascii_start(),
            Step::Number(number) => {
                let value = self.number(number)?;
                number.field.set(value, fields);
            }
            Step::Year { width } => fields.year = Some(self.signed(*width, &['+', '-'])?),
            Step::Fraction { width } => fields.nanoseconds = Some(self.fraction(*width)?),
            Step::Epoch { unit } => {
                let negative = self.rest.starts_with('-');
                let value = self.signed(ALL_DIGITS, &['-'])?;
                fields.epoch_is_negative = negative;
                match unit {
                    EpochUnit::Seconds => fields.epoch = Some(value),
                    EpochUnit::Milliseconds => {
                        fields.epoch = Some(value / 1000);
                        fields.nanoseconds = Some((value.unsigned_abs() % 1000) as u32 * 1_000_000);
                    }
                }
            }
            Step::MonthName => fields.month = Some(self.name(&MONTHS)? as u8 + 1),
            Step::WeekdayName => fields.weekday = Some(self.name(&WEEKDAYS)? as u8),
            Step::Meridian => fields.afternoon = Some(self.meridian()?),
            Step::Offset => fields.zone = Some(TextZone::Offset(self.simple_offset()?)),
            Step::Zone => fields.zone = Some(self.zone()?),
        }
        Some(())
    }

    fn number(&mut self, number: &Number) -> Option<u32> {
        let mut width = number.width;
        if number.blank
            && let Some(rest) = self.rest.strip_prefix(' ')
        {
            self.rest = rest;
            width = 1;
        }
        let value = u32::try_from(self.digits(width)?.0).ok()?;
        (number.min..=number.max).contains(&value).then_some(value)
    }

    fn signed(&mut self, width: usize, signs: &[char]) -> Option<i64> {
        let sign = self.rest.chars().next().filter(|sign| signs.contains(sign));
        if sign.is_some() {
            self.rest = self.rest.get(1..)?;
        }
        let value = i64::try_from(self.digits(width)?.0).ok()?;
        Some(if sign == Some('-') { -value } else { value })
    }

    /// At least one digit and at most `width` of them: their value and their count.
    pub(super) fn digits(&mut self, width: usize) -> Option<(u64, usize)> {
        let bytes = self.rest.as_bytes();
        let mut value: u64 = 0;
        let mut count = 0;
        while count < width
            && let Some(byte @ b'0'..=b'9') = bytes.get(count)
        {
            value = value.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
            count += 1;
        }
        self.rest = self.rest.get(count..)?;
        (count > 0).then_some((value, count))
    }

    /// Digits after a decimal point, in nanoseconds.
    pub(super) fn fraction(&mut self, width: usize) -> Option<u32> {
        let (value, count) = self.digits(width.min(NANO_DIGITS))?;
        let cut = self
            .rest
            .bytes()
            .take(width.saturating_sub(NANO_DIGITS))
            .take_while(u8::is_ascii_digit);
        self.rest = self.rest.get(cut.count()..)?;
        (count..NANO_DIGITS).try_fold(value as u32, |value, _| value.checked_mul(10))
    }

    /// The index of the name, whole or abbreviated, at which the text begins.
    fn name(&mut self, names: &[&'static str]) -> Option<usize> {
        names
            .iter()
            .position(|name| self.take_word(name) || self.take_word(short(name)))
    }

    fn take_word(&mut self, word: &str) -> bool {
        match self.rest.split_at_checked(word.len()) {
            Some((start, rest)) if start.eq_ignore_ascii_case(word) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Whether it is PM.
    fn meridian(&mut self) -> Option<bool> {
        if self.take_word("am") || self.take_word("a.m.") {
            Some(false)
        } else {
            (self.take_word("pm") || self.take_word("p.m.")).then_some(true)
        }
    }

    /// `Z`, `+hh`, `+hhmm`, `+hh:mm`, the sign at will, in seconds.
    fn simple_offset(&mut self) -> Option<i32> {
        if self.take_word("z") {
            return Some(0);
        }
        let negative = self.rest.starts_with('-');
        self.rest = self.rest.strip_prefix(['+', '-']).unwrap_or(self.rest);
        let (hours, _) = self.digits(2)?;
        self.rest = self.rest.strip_prefix(':').unwrap_or(self.rest);
        let minutes = self.digits(2).map_or(0, |(minutes, _)| minutes);
        let seconds = (hours * 3600 + minutes * 60) as i32;
        Some(if negative { -seconds } else { seconds })
    }

    /// `Z`, `UTC`, `JST`, `+9`, `+09:00`, `GMT-0530`, `+09:00:00`.
    pub(super) fn zone(&mut self) -> Option<TextZone<'t>> {
        let before = self.rest;
        let prefixed = ["GMT", "UTC", "UT"]
            .into_iter()
            .any(|name| self.take_word(name));
        if self.rest.starts_with(['+', '-']) {
            return self.long_offset().map(TextZone::Offset);
        }
        if prefixed && !self.rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Some(TextZone::Offset(0));
        }
        let letters = before.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (name, rest) = before.split_at_checked(letters)?;
        self.rest = rest;
        (letters > 0).then_some(TextZone::Name(name))
    }

    fn long_offset(&mut self) -> Option<i32> {
        let negative = self.rest.starts_with('-');
        self.rest = self.rest.get(1..)?;
        let (first, count) = self.digits(ALL_DIGITS)?;
        let (hours, minutes, seconds) = match count {
            1 | 2 => {
                let minutes = self.colon_and_digits();
                (
                    first,
                    minutes.unwrap_or(0),
                    minutes.and_then(|_| self.colon_and_digits()).unwrap_or(0),
                )
            }
            3 | 4 => (first / 100, first % 100, 0),
            5 | 6 => (first / 10_000, first / 100 % 100, first % 100),
            _ => return None,
        };
        if hours > 23 || minutes > 59 || seconds > 59 {
            return None;
        }
        let offset = (hours * 3600 + minutes * 60 + seconds) as i32;
        Some(if negative { -offset } else { offset })
    }

    fn colon_and_digits(&mut self) -> Option<u64> {
        let mut ahead = Cursor {
            rest: self.rest.strip_prefix(':')?,
        };
        let (value, _) = ahead.digits(2)?;
        self.rest = ahead.rest;
        Some(value)
    }
}

const NANO_DIGITS: usize = 9;

/// As many digits as there are. A number that overflows does not match.
const ALL_DIGITS: usize = usize::MAX;

impl NumberField {
    fn set(self, value: u32, fields: &mut Fields<'_>) {
        // Each range is that of its step, and fits.
        let small = Some(value as u8);
        match self {
            NumberField::Century => fields.century = Some(value.into()),
            NumberField::Day => fields.day = small,
            NumberField::DayOfYear => fields.day_of_year = Some(value as u16),
            NumberField::Hour => fields.hour = small,
            NumberField::IsoWeek => fields.iso_week = small,
            NumberField::IsoYear => fields.iso_year = Some(value.into()),
            NumberField::IsoYearOfCentury => {
                fields.iso_year = Some(year_of_two_digits(value.into()))
            }
            NumberField::Minute => fields.minute = small,
            NumberField::Month => fields.month = small,
            NumberField::Second => fields.second = small,
            NumberField::WeekFromMonday => fields.week_from_monday = small,
            NumberField::WeekFromSunday => fields.week_from_sunday = small,
            NumberField::WeekdayFromMonday => fields.weekday = Some((value % 7) as u8),
            NumberField::WeekdayFromSunday => fields.weekday = small,
            NumberField::YearOfCentury => fields.year_of_century = Some(value.into()),
        }
    }
}

#[cfg(test)]
mod tests;
