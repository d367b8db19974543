//! Fluentd's times: [`EventTime`], zones, and their texts both ways.

mod civil;
mod date_time;
mod fields;
mod format;
mod guess;
mod iso8601;
mod numeric;
mod parse;
mod strftime;
mod strptime;
mod zone;

pub use format::TimeFormatter;
pub use parse::{Excerpt, TimeConfigError, TimeError, TimeParser, TimeParserConfig, TimeValue};
pub use strftime::Strftime;
pub use zone::{FixedOffset, Zone, ZoneChoice, ZoneError};

/// When an event happened: `Fluent::EventTime`, unix seconds and nanoseconds.
///
/// The nanoseconds count forward from the second, before 1970 too.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EventTime {
    seconds: i64,
    /// Below 1,000,000,000.
    nanoseconds: u32,
}

impl EventTime {
    /// A time of so many unix seconds and nanoseconds; a whole second or more
    /// among the nanoseconds is carried into the seconds.
    pub const fn new(seconds: i64, nanoseconds: u32) -> Self {
        EventTime {
            seconds: seconds.saturating_add((nanoseconds / NANOS_PER_SECOND) as i64),
            nanoseconds: nanoseconds % NANOS_PER_SECOND,
        }
    }

    /// Unix seconds.
    pub const fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds since the second began, below 1,000,000,000.
    pub const fn nanoseconds(self) -> u32 {
        self.nanoseconds
    }
}

/// `time_type`: how a time is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimeType {
    /// `string`: by `time_format`.
    String,
    /// `unixtime`: seconds since 1970.
    UnixTime,
    /// `float`: seconds since 1970 with a fraction.
    Float,
    /// `mixed`: whichever of `time_format` and `time_format_fallbacks` fits first.
    Mixed,
}

const NANOS_PER_SECOND: u32 = 1_000_000_000;

impl std::fmt::Display for EventTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let EventTime {
            seconds,
            nanoseconds,
        } = self;
        write!(f, "{seconds}.{nanoseconds:09}")
    }
}
