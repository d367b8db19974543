//! What a text said of a time, and which moment that is.

use super::civil::{Civil, SECONDS_PER_DAY, days_before, seconds_at};
use super::{EventTime, Zone};

/// The parts of a time that a text named.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Fields<'t> {
    pub(super) year: Option<i64>,
    /// `%C`
    pub(super) century: Option<i64>,
    /// `%y`
    pub(super) year_of_century: Option<i64>,
    pub(super) month: Option<u8>,
    pub(super) day: Option<u8>,
    pub(super) day_of_year: Option<u16>,
    pub(super) hour: Option<u8>,
    pub(super) minute: Option<u8>,
    pub(super) second: Option<u8>,
    pub(super) nanoseconds: Option<u32>,
    /// PM, not AM.
    pub(super) afternoon: Option<bool>,
    /// Unix seconds, cut towards 1970.
    pub(super) epoch: Option<i64>,
    /// The minus before the epoch counts for the fraction too.
    pub(super) epoch_is_negative: bool,
    pub(super) zone: Option<TextZone<'t>>,
    pub(super) iso_year: Option<i64>,
    pub(super) iso_week: Option<u8>,
    /// 0 is Sunday.
    pub(super) weekday: Option<u8>,
    pub(super) week_from_sunday: Option<u8>,
    pub(super) week_from_monday: Option<u8>,
}

/// A zone within a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TextZone<'t> {
    /// Seconds east of Greenwich.
    Offset(i32),
    /// A name such as `JST`, which may mean nothing to us.
    Name(&'t str),
}

impl Fields<'_> {
    /// The moment meant: in the text's own zone if it names one that is known, else
    /// in `zone`. What stands before the first part named (the year, the month, …) is
    /// taken from `now`, what stands behind it is its smallest value. Nothing comes
    /// back if there is no such time.
    pub(super) fn moment(&self, zone: &Zone, now: EventTime) -> Option<EventTime> {
        let nanoseconds = self.nanoseconds.unwrap_or(0);
        if let Some(epoch) = self.epoch {
            return Some(if self.epoch_is_negative && nanoseconds > 0 {
                EventTime::new(epoch - 1, 1_000_000_000 - nanoseconds)
            } else {
                EventTime::new(epoch, nanoseconds)
            });
        }
        let offset = self.offset(zone, now);
        let wall = self.wall_seconds(|| {
            let offset = offset.unwrap_or_else(|| zone.offset_at(now.seconds()));
            Civil::from_seconds(now.seconds().saturating_add(offset.into()))
        })?;
        let seconds = match offset {
            Some(offset) => wall - i64::from(offset),
            None => zone.unix_seconds_of(wall),
        };
        Some(EventTime::new(seconds, nanoseconds))
    }

    /// Seconds from 1970 on the wall clock.
    fn wall_seconds(&self, now: impl Fn() -> Civil) -> Option<i64> {
        let number = |field: Option<u8>| field.map(i64::from);
        let mut named = [
            self.whole_year(),
            number(self.month),
            number(self.day),
            self.whole_hour(),
            number(self.minute),
            number(self.second),
        ];
        if let Some(date) = self.date_by_day_or_week(&now) {
            let [year, month, day, ..] = &mut named;
            let date = Civil::from_seconds(date? * SECONDS_PER_DAY);
            (*year, *month, *day) = (
                Some(date.year),
                Some(date.month.into()),
                Some(date.day.into()),
            );
        }
        let first_named = named.iter().position(Option::is_some)?;
        let before = if first_named == 0 {
            SMALLEST
        } else {
            now().largest_first()
        };
        let mut value = SMALLEST;
        for (index, ((value, named), before)) in value.iter_mut().zip(named).zip(before).enumerate()
        {
            *value = if index < first_named {
                before
            } else {
                named.unwrap_or(*value)
            };
        }
        let [year, month, day, hour, minute, second] = value;
        let exists = (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && (hour < 24 || (hour == 24 && minute == 0 && second == 0))
            && minute < 60
            && second <= 60;
        exists.then(|| seconds_at(year, month, day, hour, minute, second))
    }

    fn whole_year(&self) -> Option<i64> {
        match (self.year, self.year_of_century, self.century) {
            (_, Some(year), Some(century)) => Some(century * 100 + year),
            (_, Some(year), None) => Some(year_of_two_digits(year)),
            (year, None, _) => year,
        }
    }

    fn whole_hour(&self) -> Option<i64> {
        let hour = i64::from(self.hour?);
        Some(match self.afternoon {
            None => hour,
            Some(false) => hour % 12,
            Some(true) => hour % 12 + 12,
        })
    }

    /// The day that its number in the year or a week's number names, counted from
    /// 1970; `Some(None)` if the year has no such day.
    fn date_by_day_or_week(&self, now: impl Fn() -> Civil) -> Option<Option<i64>> {
        let year = || self.whole_year().unwrap_or_else(|| now().year);
        if let Some(of_year) = self.day_of_year {
            let day = days_before(year(), 1) + i64::from(of_year) - 1;
            return Some((day < days_before(year() + 1, 1)).then_some(day));
        }
        if self.month.is_some() && self.day.is_some() {
            return None;
        }
        let weekday = i64::from(self.weekday.unwrap_or(SUNDAY));
        let monday_weekday = (i64::from(self.weekday.unwrap_or(MONDAY)) + 6) % 7;
        if let (Some(year), Some(week)) = (self.iso_year, self.iso_week) {
            // The week with 4 January in it is the first.
            let fourth = days_before(year, 1) + 3;
            let monday = first_weekday_from(fourth - 6, MONDAY);
            return Some(Some(monday + (i64::from(week) - 1) * 7 + monday_weekday));
        }
        let (week, first, weekday) = match (self.week_from_sunday, self.week_from_monday) {
            (Some(week), _) => (week, SUNDAY, weekday),
            (None, Some(week)) => (week, MONDAY, monday_weekday),
            (None, None) => return None,
        };
        let week_one = first_weekday_from(days_before(year(), 1), first);
        Some(Some(week_one + (i64::from(week) - 1) * 7 + weekday))
    }

    /// The offset of the text's own zone, if it is known.
    fn offset(&self, zone: &Zone, now: EventTime) -> Option<i32> {
        match self.zone? {
            TextZone::Offset(offset) => Some(offset),
            TextZone::Name(name) => abbreviation_offset(name).or_else(|| {
                let this_year = || Civil::from_seconds(now.seconds()).year;
                zone.offset_of_abbreviation(name, self.whole_year().unwrap_or_else(this_year))
            }),
        }
    }
}

/// The year that two digits mean: 69 to 99 lie in the last century.
pub(super) fn year_of_two_digits(year: i64) -> i64 {
    year + if year < 69 { 2000 } else { 1900 }
}

/// Year, month, day, hour, minute, second.
const SMALLEST: [i64; 6] = [1970, 1, 1, 0, 0, 0];

const SUNDAY: u8 = 0;
const MONDAY: u8 = 1;

/// The first such weekday on that day (counted from 1970) or after it.
fn first_weekday_from(day: i64, weekday: u8) -> i64 {
    // 1970-01-01 was a Thursday.
    let day_weekday = (day + 4).rem_euclid(7);
    day + (i64::from(weekday) - day_weekday).rem_euclid(7)
}

/// The offset of an abbreviation that Ruby knows in every zone: those of RFC 2822,
/// and the letters of the armed forces.
fn abbreviation_offset(name: &str) -> Option<i32> {
    let hours = match *name.as_bytes() {
        [letter] => match letter.to_ascii_uppercase() {
            letter @ b'A'..=b'I' => i32::from(letter - b'A') + 1,
            letter @ b'K'..=b'M' => i32::from(letter - b'K') + 10,
            letter @ b'N'..=b'Y' => -i32::from(letter - b'N') - 1,
            b'Z' => 0,
            _ => return None,
        },
        _ => {
            HOURS
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))?
                .1
        }
    };
    Some(hours * 3600)
}

/// Abbreviations of more than a letter, and their hours east of Greenwich.
const HOURS: [(&str, i32); 11] = [
    ("UTC", 0),
    ("UT", 0),
    ("GMT", 0),
    ("EDT", -4),
    ("EST", -5),
    ("CDT", -5),
    ("CST", -6),
    ("MDT", -6),
    ("MST", -7),
    ("PDT", -7),
    ("PST", -8),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-02-15 09:16:42 UTC.
    const NOW: EventTime = EventTime::new(1_707_988_602, 0);

    fn moment(fields: Fields<'_>) -> Option<i64> {
        fields.moment(&Zone::Utc, NOW).map(EventTime::seconds)
    }

    fn utc(text: &str) -> Option<i64> {
        Some(text.parse::<jiff::Timestamp>().unwrap().as_second())
    }

    #[test]
    fn what_stands_before_the_first_part_named_is_taken_from_now() {
        let month = Fields {
            month: Some(3),
            day: Some(7),
            ..Fields::default()
        };
        assert_eq!(moment(month), utc("2024-03-07T00:00:00Z"));
        let minute = Fields {
            minute: Some(5),
            ..Fields::default()
        };
        assert_eq!(moment(minute), utc("2024-02-15T09:05:00Z"));
    }

    #[test]
    fn now_is_looked_up_in_the_zone_of_the_text() {
        let hour = Fields {
            hour: Some(1),
            zone: Some(TextZone::Offset(16 * 3600)),
            ..Fields::default()
        };
        assert_eq!(moment(hour), utc("2024-02-15T09:00:00Z"));
    }

    #[test]
    fn a_day_may_be_named_by_its_number_or_by_a_week() {
        let day = |year, of_year| Fields {
            year: Some(year),
            day_of_year: Some(of_year),
            ..Fields::default()
        };
        assert_eq!(moment(day(2024, 366)), utc("2024-12-31T00:00:00Z"));
        assert_eq!(moment(day(2023, 366)), None);
        let iso = Fields {
            iso_year: Some(2020),
            iso_week: Some(53),
            weekday: Some(5),
            ..Fields::default()
        };
        assert_eq!(moment(iso), utc("2021-01-01T00:00:00Z"));
        let week = Fields {
            year: Some(2024),
            week_from_monday: Some(7),
            weekday: Some(4),
            ..Fields::default()
        };
        assert_eq!(moment(week), utc("2024-02-15T00:00:00Z"));
        let week = Fields {
            year: Some(2024),
            week_from_sunday: Some(6),
            weekday: Some(4),
            ..Fields::default()
        };
        assert_eq!(moment(week), utc("2024-02-15T00:00:00Z"));
    }

    #[test]
    fn times_that_do_not_exist_are_none() {
        let date = Fields {
            year: Some(2024),
            ..Fields::default()
        };
        assert_eq!(
            moment(Fields {
                hour: Some(25),
                ..date
            }),
            None
        );
        assert_eq!(
            moment(Fields {
                hour: Some(24),
                minute: Some(1),
                ..date
            }),
            None
        );
        assert_eq!(
            moment(Fields {
                month: Some(13),
                ..date
            }),
            None
        );
        assert_eq!(moment(Fields::default()), None);
    }

    #[test]
    fn abbreviations_are_known_everywhere_or_in_their_own_zone() {
        let named = |name| Fields {
            year: Some(2024),
            zone: Some(TextZone::Name(name)),
            ..Fields::default()
        };
        assert_eq!(moment(named("est")), utc("2024-01-01T05:00:00Z"));
        assert_eq!(moment(named("M")), utc("2023-12-31T12:00:00Z"));
        assert_eq!(moment(named("Y")), utc("2024-01-01T12:00:00Z"));
        assert_eq!(moment(named("CEST")), utc("2024-01-01T00:00:00Z"));
        let warsaw = Zone::parse("Europe/Warsaw").unwrap();
        let summer = named("CEST").moment(&warsaw, NOW).map(EventTime::seconds);
        assert_eq!(summer, utc("2023-12-31T22:00:00Z"));
    }
}
