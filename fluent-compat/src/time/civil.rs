//! Calendar arithmetic on plain integers, in no zone.
//!
//! Total over every `i64` second: a timestamp in milliseconds that was sent as
//! seconds lands in the year 56000, beyond what calendar crates hold, and must
//! still come out as some text. Days beyond a month's end roll over into the next
//! month, as Ruby's `Time.local` has it.

/// The seconds of a day without a zone change.
pub(crate) const SECONDS_PER_DAY: i64 = 86_400;

/// Years of more digits are not read: their seconds could overflow.
pub(crate) const MAX_YEAR_DIGITS: usize = 9;

/// A moment of the calendar and of the clock on the wall, with no zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Civil {
    /// Astronomical: 0 is 1 BC.
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: u8,
    /// 1 to 31.
    pub(crate) day: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    pub(crate) second: u8,
    /// 0 is Sunday.
    pub(crate) weekday: u8,
    /// 1 to 366.
    pub(crate) day_of_year: u16,
}

impl Civil {
    /// The moment so many seconds after 1970-01-01 00:00:00 of the same wall clock.
    pub(crate) fn from_seconds(seconds: i64) -> Civil {
        let days = seconds.div_euclid(SECONDS_PER_DAY);
        let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let (year, month, day) = date_of(days);
        Civil {
            year,
            month,
            day,
            hour: (of_day / 3600) as u8,
            minute: (of_day / 60 % 60) as u8,
            second: (of_day % 60) as u8,
            weekday: (days + 4).rem_euclid(7) as u8,
            day_of_year: (days - days_before(year, 1) + 1) as u16,
        }
    }

    /// Year, month, day, hour, minute, second.
    pub(crate) fn largest_first(&self) -> [i64; 6] {
        let Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
            ..
        } = *self;
        [
            year,
            month.into(),
            day.into(),
            hour.into(),
            minute.into(),
            second.into(),
        ]
    }

    /// The week of the year, 0 to 53: week 1 begins with the first such weekday (0 is
    /// Sunday, 1 Monday).
    pub(crate) fn week_of_year(&self, first_weekday: i64) -> i64 {
        let since_first = (i64::from(self.weekday) - first_weekday).rem_euclid(7);
        (i64::from(self.day_of_year) + 6 - since_first) / 7
    }

    /// The year and week of ISO 8601: week 1 is the one with the year's first Thursday.
    pub(crate) fn iso_week(&self) -> (i64, i64) {
        let weekday = (i64::from(self.weekday) + 6).rem_euclid(7);
        let day = days_before(self.year, 1) + i64::from(self.day_of_year) - 1;
        let thursday = day - weekday + 3;
        let (year, _, _) = date_of(thursday);
        (year, (thursday - days_before(year, 1)) / 7 + 1)
    }
}

/// Days from 1970-01-01 to the first of the month (1 to 12).
pub(crate) fn days_before(year: i64, month: i64) -> i64 {
    // Years counted from March put the leap day last, so that month lengths follow
    // one linear rule; 400 years are always 146,097 days.
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let days_before_month = (153 * month_from_march + 2) / 5;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leap_days + days_before_month - DAYS_TO_1970
}

/// Seconds from 1970-01-01 00:00:00 to a moment of the same wall clock. Every field
/// may exceed its range (30 February, hour 24, second 60) and rolls over.
pub(crate) fn seconds_at(
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
) -> i64 {
    let days = days_before(year, month) + day - 1;
    days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second
}

/// From 1 March of year 0 to 1 January 1970.
const DAYS_TO_1970: i64 = 719_468;

const DAYS_PER_400_YEARS: i64 = 146_097;

fn date_of(days: i64) -> (i64, u8, u8) {
    let days = days + DAYS_TO_1970;
    let era = days.div_euclid(DAYS_PER_400_YEARS);
    let of_era = days.rem_euclid(DAYS_PER_400_YEARS);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month as u8, day as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_calendar_agrees_with_jiff(seconds in -62_135_596_800_i64..253_402_207_000) {
            let civil = Civil::from_seconds(seconds);
            let jiff = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::from_second(seconds).unwrap());
            prop_assert_eq!(civil.year, i64::from(jiff.year()));
            prop_assert_eq!((civil.month, civil.day), (jiff.month() as u8, jiff.day() as u8));
            prop_assert_eq!(civil.hour, jiff.hour() as u8);
            prop_assert_eq!(civil.second, jiff.second() as u8);
            prop_assert_eq!(civil.day_of_year, jiff.day_of_year() as u16);
            let week = jiff.date().iso_week_date();
            prop_assert_eq!(civil.iso_week(), (week.year().into(), week.week().into()));
            prop_assert_eq!(civil.weekday, jiff.weekday().to_sunday_zero_offset() as u8);
        }

        #[test]
        fn every_second_comes_back(seconds in i64::MIN / 2..i64::MAX / 2) {
            let c = Civil::from_seconds(seconds);
            let back = seconds_at(
                c.year, c.month.into(), c.day.into(), c.hour.into(), c.minute.into(), c.second.into(),
            );
            prop_assert_eq!(back, seconds);
        }
    }

    #[test]
    fn a_day_beyond_the_month_rolls_over() {
        assert_eq!(
            seconds_at(2024, 2, 30, 0, 0, 0),
            seconds_at(2024, 3, 1, 0, 0, 0)
        );
        assert_eq!(
            seconds_at(2024, 12, 31, 24, 0, 0),
            seconds_at(2025, 1, 1, 0, 0, 0)
        );
        assert_eq!(seconds_at(2024, 2, 29, 23, 59, 60), 1_709_251_200);
    }
}
