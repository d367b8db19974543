//! Time zones, always resolved: which offset holds at a moment, and which moment a
//! wall clock shows.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::civil::{SECONDS_PER_DAY, seconds_at};

/// A time zone as Fluentd's `timezone` and `timekey_zone` name it.
#[derive(Clone, Debug)]
pub enum Zone {
    /// UTC because of `utc true`: written `Z` in ISO 8601, not `+00:00`.
    Utc,
    /// A fixed offset, in seconds east of Greenwich.
    Fixed(FixedOffset),
    /// A zone of the tz database, or the host's own.
    Named(TimeZone),
}

/// Seconds east of Greenwich, less than a day either way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FixedOffset(i32);

/// Which zone a section asks for: its `localtime`, `utc` and `timezone`.
#[derive(Clone, Debug, Default)]
pub enum ZoneChoice {
    /// The host's zone: the default.
    #[default]
    Local,
    /// `utc true` or `localtime false`.
    Utc,
    /// `timezone …`, which outweighs the two others.
    Named(Zone),
}

/// Why a zone cannot be had.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ZoneError {
    /// Neither an offset nor a name of the tz database.
    #[error(
        "unknown time zone `{found}`; allowed are an offset (+09:00, +0900, +09), \
         a name of the tz database such as Asia/Tokyo, and UTC"
    )]
    Unknown {
        /// The text as it stood.
        found: String,
    },
    /// `localtime` and `utc` say opposite things.
    #[error("`localtime {localtime}` and `utc {utc}` contradict each other; keep one of them")]
    Contradiction {
        /// What `localtime` said.
        localtime: bool,
        /// What `utc` said.
        utc: bool,
    },
}

impl Zone {
    /// Reads a `timezone` or `timekey_zone`: `+09:00`, `-0530`, `+09`, `Asia/Tokyo`,
    /// `America/Argentina/Buenos_Aires`. Beyond Fluentd `UTC` is understood. Other
    /// abbreviations are refused, as Fluentd refuses them: `CST` means five things.
    pub fn parse(text: &str) -> Result<Zone, ZoneError> {
        if text == "UTC" {
            return Ok(Zone::Utc);
        }
        if let Some(offset) = FixedOffset::parse(text) {
            return Ok(Zone::Fixed(offset));
        }
        let unknown = || ZoneError::Unknown {
            found: text.to_owned(),
        };
        if !text.contains('/') {
            return Err(unknown());
        }
        TimeZone::get(text).map(Zone::Named).map_err(|_| unknown())
    }

    /// The offset that holds at a moment, in seconds east of Greenwich.
    pub fn offset_at(&self, unix_seconds: i64) -> i32 {
        match self {
            Zone::Utc => 0,
            Zone::Fixed(offset) => offset.seconds(),
            Zone::Named(zone) => zone.to_offset(timestamp(unix_seconds)).seconds(),
        }
    }

    /// What `%Z` writes: `UTC`, an abbreviation such as `JST`, and nothing for a
    /// fixed offset.
    pub fn abbreviation_at(&self, unix_seconds: i64) -> String {
        match self {
            Zone::Utc => "UTC".to_owned(),
            Zone::Fixed(_) => String::new(),
            Zone::Named(zone) => zone
                .to_offset_info(timestamp(unix_seconds))
                .abbreviation()
                .to_owned(),
        }
    }

    /// The offset that this zone calls by the abbreviation in that year's winter or
    /// summer; case does not matter.
    pub(crate) fn offset_of_abbreviation(&self, name: &str, year: i64) -> Option<i32> {
        [1, 7].into_iter().find_map(|month| {
            let moment = self.unix_seconds_of(seconds_at(year, month, 1, 0, 0, 0));
            let same = self.abbreviation_at(moment).eq_ignore_ascii_case(name);
            same.then(|| self.offset_at(moment))
        })
    }

    /// The last change of the offset after `start` and not after `end`, both in unix
    /// seconds: the first second of the new offset.
    pub(crate) fn last_change_in(&self, start: i64, end: i64) -> Option<i64> {
        let Zone::Named(zone) = self else {
            return None;
        };
        // This runs for every event, and mostly ends here. Two changes that cancel each
        // other lie weeks apart; a slot so long begins at the same moment either way.
        if self.offset_at(start) == self.offset_at(end) {
            return None;
        }
        zone.preceding(timestamp(end.saturating_add(1)))
            .map(|change| change.timestamp().as_second())
            .find(|change| self.offset_at(change - 1) != self.offset_at(*change))
            .filter(|change| *change > start)
    }

    /// The first change of the offset after `start` and not after `end`, as above.
    pub(crate) fn first_change_in(&self, start: i64, end: i64) -> Option<i64> {
        let Zone::Named(zone) = self else {
            return None;
        };
        if self.offset_at(start) == self.offset_at(end) {
            return None;
        }
        zone.following(timestamp(start))
            .map(|change| change.timestamp().as_second())
            .find(|change| self.offset_at(change - 1) != self.offset_at(*change))
            .filter(|change| *change <= end)
    }

    /// The unix second at which this zone's wall clock shows so many seconds since
    /// its own 1970-01-01 00:00:00. A moment that occurs twice is its first
    /// occurrence; one that is skipped is moved on by the gap's length (02:30
    /// becomes 03:30), both as Ruby's `Time.local` has it.
    pub(crate) fn unix_seconds_of(&self, wall_seconds: i64) -> i64 {
        match self {
            Zone::Utc => wall_seconds,
            Zone::Fixed(offset) => wall_seconds.saturating_sub(offset.seconds().into()),
            Zone::Named(zone) => {
                let wall = Offset::UTC.to_datetime(timestamp(wall_seconds));
                match zone.to_ambiguous_timestamp(wall).compatible() {
                    Ok(moment) if in_range(wall_seconds) => moment.as_second(),
                    _ => wall_seconds.saturating_sub(self.offset_at(wall_seconds).into()),
                }
            }
        }
    }
}

impl From<TimeZone> for Zone {
    /// The host's zone. On a host in UTC it is written `+00:00` in ISO 8601, as
    /// Fluentd does, and not `Z`.
    fn from(zone: TimeZone) -> Zone {
        Zone::Named(zone)
    }
}

impl FixedOffset {
    /// Seconds east of Greenwich.
    pub fn seconds(self) -> i32 {
        self.0
    }

    fn parse(text: &str) -> Option<FixedOffset> {
        let (sign, digits) = match text.as_bytes() {
            [b'+', digits @ ..] => (1, digits),
            [b'-', digits @ ..] => (-1, digits),
            _ => return None,
        };
        let (hours, minutes) = match *digits {
            [h, i] => (two_digits(h, i)?, 0),
            [h, i, m, n] | [h, i, b':', m, n] => (two_digits(h, i)?, two_digits(m, n)?),
            _ => return None,
        };
        // Ruby's Time takes no offset of a day or more.
        let seconds = hours * 3600 + minutes * 60;
        (minutes < 60 && i64::from(seconds) < SECONDS_PER_DAY)
            .then_some(FixedOffset(sign * seconds))
    }
}

impl ZoneChoice {
    /// Makes one choice of a section's `localtime`, `utc` and `timezone`.
    pub fn new(
        localtime: Option<bool>,
        utc: Option<bool>,
        timezone: Option<Zone>,
    ) -> Result<ZoneChoice, ZoneError> {
        if let (Some(localtime), Some(utc)) = (localtime, utc)
            && localtime == utc
        {
            return Err(ZoneError::Contradiction { localtime, utc });
        }
        let local = localtime.unwrap_or(!utc.unwrap_or(false));
        Ok(match timezone {
            Some(zone) => ZoneChoice::Named(zone),
            None if local => ZoneChoice::Local,
            None => ZoneChoice::Utc,
        })
    }

    /// The zone itself, where the host's is `local`.
    pub fn resolve(self, local: &Zone) -> Zone {
        match self {
            ZoneChoice::Local => local.clone(),
            ZoneChoice::Utc => Zone::Utc,
            ZoneChoice::Named(zone) => zone,
        }
    }
}

fn two_digits(tens: u8, ones: u8) -> Option<i32> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| i32::from(tens - b'0') * 10 + i32::from(ones - b'0'))
}

/// The nearest moment that jiff holds: beyond the years ±9999 the last known offset
/// goes on.
fn timestamp(unix_seconds: i64) -> Timestamp {
    Timestamp::from_second(unix_seconds).unwrap_or(if unix_seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

fn in_range(unix_seconds: i64) -> bool {
    Timestamp::from_second(unix_seconds).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-02-15 and 2024-07-15, 12:00 UTC.
    const WINTER: i64 = 1_707_998_400;
    const SUMMER: i64 = 1_721_044_800;

    #[test]
    fn offsets_are_read_in_all_three_forms() {
        for (text, seconds) in [
            ("+09:00", 32_400),
            ("-0530", -19_800),
            ("+09", 32_400),
            ("-00:00", 0),
        ] {
            assert_eq!(
                Zone::parse(text).unwrap().offset_at(WINTER),
                seconds,
                "{text}"
            );
        }
    }

    #[test]
    fn named_zones_follow_summer_time() {
        let warsaw = Zone::parse("Europe/Warsaw").unwrap();
        assert_eq!(
            (warsaw.offset_at(WINTER), warsaw.offset_at(SUMMER)),
            (3600, 7200)
        );
        assert_eq!(warsaw.abbreviation_at(SUMMER), "CEST");
        assert!(Zone::parse("America/Argentina/Buenos_Aires").is_ok());
    }

    #[test]
    fn what_is_no_zone_is_refused_with_what_is_allowed() {
        for text in [
            "",
            "JST",
            "EST5EDT",
            "Mars/Olympus",
            "+9",
            "+9:00",
            "+24:00",
            "+09:60",
            "09:00",
            "+09-00",
        ] {
            let error = Zone::parse(text).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("unknown time zone `{text}`; allowed are")),
                "{error}"
            );
        }
    }

    #[test]
    fn the_last_known_offset_goes_on_for_ever() {
        let tokyo = Zone::parse("Asia/Tokyo").unwrap();
        assert_eq!(tokyo.offset_at(i64::MAX), 32_400);
        assert_eq!(
            tokyo.unix_seconds_of(1_000_000_000_000),
            1_000_000_000_000 - 32_400
        );
    }

    #[test]
    fn timezone_outweighs_utc_and_utc_outweighs_the_default() {
        let choice = |localtime, utc, zone: Option<&str>| {
            ZoneChoice::new(localtime, utc, zone.map(|zone| Zone::parse(zone).unwrap()))
        };
        assert!(matches!(choice(None, None, None), Ok(ZoneChoice::Local)));
        assert!(matches!(
            choice(None, Some(true), None),
            Ok(ZoneChoice::Utc)
        ));
        assert!(matches!(
            choice(Some(false), None, None),
            Ok(ZoneChoice::Utc)
        ));
        assert!(matches!(
            choice(Some(true), Some(false), None),
            Ok(ZoneChoice::Local)
        ));
        assert!(matches!(
            choice(None, Some(true), Some("+01")),
            Ok(ZoneChoice::Named(_))
        ));
        let error = choice(Some(true), Some(true), None).unwrap_err();
        assert_eq!(
            error,
            ZoneError::Contradiction {
                localtime: true,
                utc: true
            }
        );
    }
}
