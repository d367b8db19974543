//! Times written as a section's `time_*` parameters say.

use super::{EventTime, Strftime, TimeType, Zone};

/// Writes times by `time_type`, `time_format` and the zone of `timezone`, `utc` and
/// `localtime`.
#[derive(Clone, Debug)]
pub struct TimeFormatter {
    style: Style,
    zone: Zone,
}

#[derive(Clone, Debug)]
enum Style {
    UnixTime,
    Float,
    Text(Strftime),
}

impl TimeFormatter {
    /// A formatter of this type. Text without a format is ISO 8601 to the second:
    /// `2024-02-15T09:16:42Z` in [`Zone::Utc`], `2024-02-15T18:16:42+09:00` in others.
    /// `mixed` is written as `float`, as Fluentd does.
    pub fn new(time_type: TimeType, time_format: Option<&str>, zone: Zone) -> TimeFormatter {
        let style = match (time_type, time_format) {
            (TimeType::UnixTime, _) => Style::UnixTime,
            (TimeType::Float | TimeType::Mixed, _) => Style::Float,
            (TimeType::String, Some(format)) => Style::Text(Strftime::new(format)),
            (TimeType::String, None) if matches!(zone, Zone::Utc) => {
                Style::Text(Strftime::new("%Y-%m-%dT%H:%M:%SZ"))
            }
            (TimeType::String, None) => Style::Text(Strftime::new("%Y-%m-%dT%H:%M:%S%:z")),
        };
        TimeFormatter { style, zone }
    }

    /// Writes the time to the end of `out`: text, `1707988602`, or
    /// `1707988602.849123456` with all nine digits.
    pub fn write(&self, time: EventTime, out: &mut Vec<u8>) {
        use std::io::Write as _;
        let written = match &self.style {
            Style::UnixTime => write!(out, "{}", time.seconds()),
            Style::Float => write!(out, "{time}"),
            Style::Text(format) => {
                format.write(time, &self.zone, out);
                Ok(())
            }
        };
        written.expect("invariant: a Vec takes all that is written to it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(time_type: TimeType, format: Option<&str>, zone: Zone) -> String {
        let mut out = b"at ".to_vec();
        let formatter = TimeFormatter::new(time_type, format, zone);
        formatter.write(EventTime::new(1_707_988_602, 9_123_456), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_without_a_format_is_iso_8601() {
        assert_eq!(
            text(TimeType::String, None, Zone::Utc),
            "at 2024-02-15T09:16:42Z"
        );
        let zero = Zone::parse("+00:00").unwrap();
        assert_eq!(
            text(TimeType::String, None, zero),
            "at 2024-02-15T09:16:42+00:00"
        );
        let host_in_utc = Zone::from(jiff::tz::TimeZone::UTC);
        assert_eq!(
            text(TimeType::String, None, host_in_utc),
            "at 2024-02-15T09:16:42+00:00"
        );
        let tokyo = Zone::parse("Asia/Tokyo").unwrap();
        assert_eq!(
            text(TimeType::String, None, tokyo),
            "at 2024-02-15T18:16:42+09:00"
        );
    }

    #[test]
    fn numbers_do_not_look_at_format_or_zone() {
        let tokyo = Zone::parse("Asia/Tokyo").unwrap();
        assert_eq!(
            text(TimeType::UnixTime, Some("%Y"), tokyo.clone()),
            "at 1707988602"
        );
        assert_eq!(
            text(TimeType::Float, None, tokyo.clone()),
            "at 1707988602.009123456"
        );
        assert_eq!(
            text(TimeType::Mixed, Some("%Y"), tokyo),
            "at 1707988602.009123456"
        );
    }
}
