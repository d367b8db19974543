//! Ruby's `Time#strftime`, compiled once.
//!
//! ```text
//! %[flags][width][E|O]directive
//!   flags  -  no padding      0  zeros      _  blanks
//!          ^  upper case      #  the other case      : :: ::: (for z)
//! ```

mod compile;

use super::civil::Civil;
use super::{EventTime, Zone};

/// A format, ready to write times by it.
///
/// What is no directive of Ruby's stands in the output as it stands in the format.
#[derive(Clone, PartialEq, Debug)]
pub struct Strftime {
    items: Vec<Item>,
}

#[derive(Clone, PartialEq, Debug)]
enum Item {
    Literal(String),
    Number {
        field: NumberField,
        width: usize,
        fill: u8,
    },
    Name {
        field: NameField,
        width: usize,
        fill: u8,
        case: Case,
    },
    /// `%N` and `%L`, so many digits after the decimal point.
    Fraction {
        digits: usize,
    },
    /// `%z`
    Offset {
        colons: u8,
        width: usize,
        fill: u8,
    },
    /// A directive that stands for several others, where it has a width or a case.
    Group {
        items: Vec<Item>,
        width: usize,
        fill: u8,
        case: Case,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum NumberField {
    Century,
    Day,
    DayOfYear,
    Hour,
    Hour12,
    IsoWeek,
    IsoYear,
    IsoYearOfCentury,
    Minute,
    Month,
    Second,
    UnixSeconds,
    /// Monday is 1, Sunday 7.
    WeekdayFromMonday,
    /// Sunday is 0.
    WeekdayFromSunday,
    WeekFromMonday,
    WeekFromSunday,
    Year,
    YearOfCentury,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum NameField {
    Weekday,
    WeekdayShort,
    Month,
    MonthShort,
    /// AM or PM.
    Meridian,
    ZoneAbbreviation,
    /// One character: `%%`, `%n`, `%t`.
    Char(char),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Case {
    AsIs,
    Lower,
    Upper,
}

/// A time, taken apart for writing.
struct Moment<'a> {
    civil: Civil,
    time: EventTime,
    /// Seconds east of Greenwich.
    offset: i32,
    zone: &'a Zone,
}

impl Strftime {
    /// Compiles a format.
    pub fn new(format: &str) -> Strftime {
        Strftime {
            items: compile::compile(format),
        }
    }

    /// Writes the time as it is in the zone to the end of `out`.
    pub fn write(&self, time: EventTime, zone: &Zone, out: &mut Vec<u8>) {
        let offset = zone.offset_at(time.seconds());
        let civil = Civil::from_seconds(time.seconds().saturating_add(offset.into()));
        write_items(
            &self.items,
            &Moment {
                civil,
                time,
                offset,
                zone,
            },
            out,
        );
    }

    /// The time as it is in the zone.
    pub fn format(&self, time: EventTime, zone: &Zone) -> String {
        let mut out = Vec::new();
        self.write(time, zone, &mut out);
        // Only whole strings and ASCII were written.
        String::from_utf8_lossy(&out).into_owned()
    }
}

fn write_items(items: &[Item], moment: &Moment<'_>, out: &mut Vec<u8>) {
    for item in items {
        match item {
            Item::Literal(text) => out.extend_from_slice(text.as_bytes()),
            Item::Number { field, width, fill } => {
                write_number(moment.number(*field), *width, *fill, out);
            }
            Item::Name {
                field,
                width,
                fill,
                case,
            } => {
                let start = out.len();
                moment.write_name(*field, out);
                adjust(out, start, *width, *fill, *case);
            }
            Item::Fraction { digits } => write_fraction(moment.time.nanoseconds(), *digits, out),
            Item::Offset {
                colons,
                width,
                fill,
            } => {
                write_offset(moment.offset, *colons, *width, *fill, out);
            }
            Item::Group {
                items,
                width,
                fill,
                case,
            } => {
                let start = out.len();
                write_items(items, moment, out);
                adjust(out, start, *width, *fill, *case);
            }
        }
    }
}

impl Moment<'_> {
    fn number(&self, field: NumberField) -> i64 {
        let civil = &self.civil;
        match field {
            NumberField::Century => civil.year.div_euclid(100),
            NumberField::Day => civil.day.into(),
            NumberField::DayOfYear => civil.day_of_year.into(),
            NumberField::Hour => civil.hour.into(),
            NumberField::Hour12 => i64::from((civil.hour + 11) % 12 + 1),
            NumberField::IsoWeek => civil.iso_week().1,
            NumberField::IsoYear => civil.iso_week().0,
            NumberField::IsoYearOfCentury => civil.iso_week().0.rem_euclid(100),
            NumberField::Minute => civil.minute.into(),
            NumberField::Month => civil.month.into(),
            NumberField::Second => civil.second.into(),
            NumberField::UnixSeconds => self.time.seconds(),
            NumberField::WeekdayFromMonday => i64::from((civil.weekday + 6) % 7 + 1),
            NumberField::WeekdayFromSunday => civil.weekday.into(),
            NumberField::WeekFromMonday => civil.week_of_year(1),
            NumberField::WeekFromSunday => civil.week_of_year(0),
            NumberField::Year => civil.year,
            NumberField::YearOfCentury => civil.year.rem_euclid(100),
        }
    }

    fn write_name(&self, field: NameField, out: &mut Vec<u8>) {
        let weekday = || {
            WEEKDAYS
                .get(usize::from(self.civil.weekday))
                .copied()
                .unwrap_or_default()
        };
        let month = || {
            MONTHS
                .get(usize::from(self.civil.month) - 1)
                .copied()
                .unwrap_or_default()
        };
        let text = match field {
            NameField::Weekday => weekday(),
            NameField::WeekdayShort => short(weekday()),
            NameField::Month => month(),
            NameField::MonthShort => short(month()),
            NameField::Meridian if self.civil.hour < 12 => "AM",
            NameField::Meridian => "PM",
            NameField::ZoneAbbreviation => {
                let name = self.zone.abbreviation_at(self.time.seconds());
                return out.extend_from_slice(name.as_bytes());
            }
            NameField::Char(char) => {
                return out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            }
        };
        out.extend_from_slice(text.as_bytes());
    }
}

/// The days of the week from Sunday on.
pub(super) const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// The months from January on.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A weekday's or month's abbreviation.
pub(super) fn short(name: &'static str) -> &'static str {
    name.get(..3).unwrap_or(name)
}

/// As C's `%*d` and `%0*d`: the sign counts, and stands before zeros but after blanks.
fn write_number(number: i64, width: usize, fill: u8, out: &mut Vec<u8>) {
    // Most numbers in most formats are `09`.
    let needs_blank = number < 10 && fill != b'0';
    if width == 2 && (0..100).contains(&number) && !needs_blank {
        out.extend_from_slice(&[b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]);
        return;
    }
    let mut digits = [0; 20];
    let mut count = 0;
    let mut left = number.unsigned_abs();
    for place in digits.iter_mut().rev() {
        *place = b'0' + (left % 10) as u8;
        left /= 10;
        count += 1;
        if left == 0 {
            break;
        }
    }
    let sign = if number < 0 { "-" } else { "" };
    let padding = width.saturating_sub(count + sign.len());
    if fill == b'0' {
        out.extend_from_slice(sign.as_bytes());
        out.resize(out.len() + padding, fill);
    } else {
        out.resize(out.len() + padding, fill);
        out.extend_from_slice(sign.as_bytes());
    }
    out.extend(digits.iter().skip(digits.len() - count));
}

fn write_fraction(nanoseconds: u32, digits: usize, out: &mut Vec<u8>) {
    let mut place = 100_000_000;
    for _ in 0..digits {
        // Beyond nanoseconds there are only zeros.
        let digit = nanoseconds.checked_div(place).unwrap_or(0) % 10;
        out.push(b'0' + digit as u8);
        place /= 10;
    }
}

/// `+hhmm`, `+hh:mm`, `+hh:mm:ss`, or with three colons as much of it as is not zero.
/// A width is filled before the hours.
fn write_offset(offset: i32, colons: u8, width: usize, fill: u8, out: &mut Vec<u8>) {
    let sign = if offset < 0 { b'-' } else { b'+' };
    let offset = i64::from(offset).abs();
    let (hours, minutes, seconds) = (offset / 3600, offset / 60 % 60, offset % 60);
    let parts = match colons {
        3 if minutes == 0 && seconds == 0 => 1,
        3 if seconds == 0 => 2,
        2 | 3 => 3,
        _ => 2,
    };
    let colon = usize::from(colons > 0);
    let hours_width = width.saturating_sub(1 + (parts - 1) * (2 + colon)).max(2);
    if fill == b'0' {
        out.push(sign);
        write_number(hours, hours_width, fill, out);
    } else {
        let count = if hours < 10 { 1 } else { 2 };
        out.resize(out.len() + hours_width.saturating_sub(count), fill);
        out.push(sign);
        write_number(hours, count, fill, out);
    }
    for part in [minutes, seconds].into_iter().take(parts - 1) {
        if colon == 1 {
            out.push(b':');
        }
        write_number(part, 2, b'0', out);
    }
}

/// Fills up and changes the case of what was written from `start` on.
fn adjust(out: &mut Vec<u8>, start: usize, width: usize, fill: u8, case: Case) {
    if let Some(written) = out.get_mut(start..) {
        match case {
            Case::AsIs => {}
            Case::Lower => written.make_ascii_lowercase(),
            Case::Upper => written.make_ascii_uppercase(),
        }
    }
    let missing = width.saturating_sub(out.len() - start);
    if missing > 0 {
        out.splice(start..start, std::iter::repeat_n(fill, missing));
    }
}

#[cfg(test)]
mod tests;
