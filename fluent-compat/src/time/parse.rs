//! Times read as a section's `time_*` parameters say.

use super::iso8601::Separator;
use super::strptime::{FormatError, Strptime};
use super::{EventTime, TimeType, Zone, ZoneChoice, date_time, guess, iso8601, numeric};

/// The parameters of a section that reads times.
#[derive(Clone, Debug)]
pub struct TimeParserConfig {
    /// `time_type`
    pub time_type: TimeType,
    /// `time_format`: directives of `strptime`, or `%iso8601`; without one a text is
    /// guessed.
    pub time_format: Option<String>,
    /// `time_format_fallbacks`, with `time_type mixed`: further formats, among them
    /// `unixtime` and `float`.
    pub time_format_fallbacks: Vec<String>,
    /// `localtime`, `utc`, `timezone`: the zone of texts that name none.
    pub zone: ZoneChoice,
}

/// Reads times. Formats are compiled once, and reading by them does not allocate.
///
/// A text's own zone counts, also with `utc` or `timezone`; those are for texts that
/// name none.
#[derive(Clone, Debug)]
pub struct TimeParser {
    /// Tried in order. Only `time_type mixed` has several.
    readers: Vec<Reader>,
    zone: Zone,
}

/// A time as a record holds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimeValue<'a> {
    /// A string, unescaped.
    Text(&'a str),
    /// A JSON number, digit for digit.
    Number(&'a str),
    /// Any other JSON value, as it stands: never a time.
    Other(&'a str),
}

/// Why the parameters cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TimeConfigError {
    /// `time_type mixed` without any format.
    #[error("time_type is mixed, but neither time_format nor time_format_fallbacks is set")]
    MixedWithoutFormat,
    /// The format names no part of a time.
    #[error("time_format `{format}` has no directive such as %Y or %s in it")]
    NoTime {
        /// The format as it stood.
        format: String,
    },
    /// The format has a directive that `strptime` does not know.
    #[error("`{directive}` in time_format `{format}` is no directive that can be read")]
    UnknownDirective {
        /// The format as it stood.
        format: String,
        /// The directive, with its `%`.
        directive: String,
    },
    /// A zone for texts that are guessed.
    #[error("utc, localtime false and timezone need a time_format, as in Fluentd")]
    ZoneWithoutFormat,
}

/// Why a value is not the time of an event.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TimeError {
    /// None of the formats of `time_type mixed` fits.
    #[error("time {found} fits none of {expected}")]
    FitsNone {
        /// The value.
        found: Excerpt,
        /// The formats.
        expected: String,
    },
    /// The text is not what the format says.
    #[error("time {found} does not match time_format `{format}`")]
    Mismatch {
        /// The value.
        found: Excerpt,
        /// The format.
        format: String,
    },
    /// The text matches, but there is no such time.
    #[error("time {found} does not exist")]
    NoSuchTime {
        /// The value.
        found: Excerpt,
    },
    /// Neither a number nor RFC 3339.
    #[error("time {found} is neither a number of seconds nor an RFC 3339 time")]
    NotNumeric {
        /// The value.
        found: Excerpt,
    },
    /// `time_type string` and something that is no string.
    #[error("time {found} is no string, as time_type string wants it")]
    NotText {
        /// The value.
        found: Excerpt,
    },
    /// A text without a format from which no time can be guessed.
    #[error("no time can be read from {found}; a time_format would say how")]
    Unreadable {
        /// The value.
        found: Excerpt,
    },
}

/// The beginning of a value, short enough for a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Excerpt(String);

#[derive(Clone, Debug)]
enum Reader {
    /// Whole seconds of a number.
    UnixTime,
    Float,
    /// `%iso8601`
    Iso8601,
    /// [`date_time::FORMAT`], and what else `strptime` takes for it.
    DateTime {
        strptime: Strptime,
    },
    Format {
        format: String,
        strptime: Strptime,
    },
    Guess,
}

impl TimeParser {
    /// Makes a parser of the parameters; `local` is the host's zone.
    pub fn new(config: &TimeParserConfig, local: &Zone) -> Result<TimeParser, TimeConfigError> {
        let readers = match (config.time_type, &config.time_format) {
            (TimeType::UnixTime, _) => vec![Reader::UnixTime],
            (TimeType::Float, _) => vec![Reader::Float],
            (TimeType::String, Some(format)) => vec![Reader::of_format(format)?],
            (TimeType::String, None) if !matches!(config.zone, ZoneChoice::Local) => {
                return Err(TimeConfigError::ZoneWithoutFormat);
            }
            (TimeType::String, None) => vec![Reader::Guess],
            (TimeType::Mixed, format) => {
                let formats = format.iter().chain(&config.time_format_fallbacks);
                formats
                    .map(|format| Reader::of_mixed(format))
                    .collect::<Result<_, _>>()?
            }
        };
        if readers.is_empty() {
            return Err(TimeConfigError::MixedWithoutFormat);
        }
        Ok(TimeParser {
            readers,
            zone: config.zone.clone().resolve(local),
        })
    }

    /// Reads a value. `now` supplies what a text leaves out before the first part it
    /// names, such as the year in `Feb 15 09:16:42`.
    pub fn parse(&self, value: TimeValue<'_>, now: EventTime) -> Result<EventTime, TimeError> {
        match self.readers.as_slice() {
            [reader] => reader.read(value, &self.zone, now),
            readers => {
                let mut times = readers
                    .iter()
                    .map(|reader| reader.read_strictly(value, &self.zone, now));
                times
                    .find_map(Result::ok)
                    .ok_or_else(|| TimeError::FitsNone {
                        found: Excerpt::new(value),
                        expected: readers
                            .iter()
                            .map(Reader::name)
                            .collect::<Vec<_>>()
                            .join(", "),
                    })
            }
        }
    }

    /// Whether the zone that a text names is heeded. Texts without one, and all of them
    /// where it is not, are read in the zone of `utc`, `timezone` or the host.
    pub fn reads_zone(&self) -> bool {
        self.readers.iter().all(|reader| match reader {
            Reader::UnixTime | Reader::Float | Reader::Iso8601 | Reader::Guess => true,
            Reader::DateTime { strptime } | Reader::Format { strptime, .. } => {
                strptime.reads_zone()
            }
        })
    }

    /// Whether fractions of a second are read wherever a text has them.
    pub fn reads_fraction(&self) -> bool {
        self.readers.iter().all(|reader| match reader {
            Reader::UnixTime => false,
            Reader::DateTime { strptime } | Reader::Format { strptime, .. } => {
                strptime.reads_fraction()
            }
            Reader::Float | Reader::Iso8601 | Reader::Guess => true,
        })
    }
}

impl Reader {
    fn of_format(format: &str) -> Result<Reader, TimeConfigError> {
        if format == "%iso8601" {
            return Ok(Reader::Iso8601);
        }
        let format = format.to_owned();
        match Strptime::new(&format) {
            Ok(strptime) if format == date_time::FORMAT => Ok(Reader::DateTime { strptime }),
            Ok(strptime) => Ok(Reader::Format { format, strptime }),
            Err(FormatError::NoTime) => Err(TimeConfigError::NoTime { format }),
            Err(FormatError::UnknownDirective(directive)) => {
                Err(TimeConfigError::UnknownDirective { format, directive })
            }
        }
    }

    fn of_mixed(format: &str) -> Result<Reader, TimeConfigError> {
        match format {
            "unixtime" => Ok(Reader::UnixTime),
            "float" => Ok(Reader::Float),
            format => Reader::of_format(format),
        }
    }

    fn name(&self) -> &str {
        match self {
            Reader::UnixTime => "unixtime",
            Reader::Float => "float",
            Reader::Iso8601 => "%iso8601",
            Reader::DateTime { .. } => date_time::FORMAT,
            Reader::Format { format, .. } => format,
            Reader::Guess => "any format",
        }
    }

    /// As one of several: an RFC 3339 text is left to the readers of texts.
    fn read_strictly(
        &self,
        value: TimeValue<'_>,
        zone: &Zone,
        now: EventTime,
    ) -> Result<EventTime, TimeError> {
        match (self, value) {
            (Reader::UnixTime | Reader::Float, TimeValue::Text(text))
                if numeric::parse(text.trim_ascii()).is_none() =>
            {
                Err(TimeError::NotNumeric {
                    found: Excerpt::new(value),
                })
            }
            _ => self.read(value, zone, now),
        }
    }

    fn read(
        &self,
        value: TimeValue<'_>,
        zone: &Zone,
        now: EventTime,
    ) -> Result<EventTime, TimeError> {
        let found = || Excerpt::new(value);
        let fields = match (self, value) {
            (
                Reader::UnixTime | Reader::Float,
                TimeValue::Text(digits) | TimeValue::Number(digits),
            ) => {
                let digits = digits.trim_ascii();
                if let Some(time) = numeric::parse(digits) {
                    return Ok(if matches!(self, Reader::UnixTime) {
                        whole_seconds(time)
                    } else {
                        time
                    });
                }
                // Beyond Fluentd, which would take the year for the seconds.
                iso8601::read(digits, Separator::TOrBlank)
                    .ok_or_else(|| TimeError::NotNumeric { found: found() })?
            }
            (Reader::UnixTime | Reader::Float, TimeValue::Other(_)) => {
                return Err(TimeError::NotNumeric { found: found() });
            }
            (_, TimeValue::Number(_) | TimeValue::Other(_)) => {
                return Err(TimeError::NotText { found: found() });
            }
            (Reader::Iso8601, TimeValue::Text(text)) => {
                iso8601::read(text, Separator::T).ok_or_else(|| self.mismatch(value))?
            }
            (Reader::DateTime { strptime }, TimeValue::Text(text)) => {
                if let Some(wall) = date_time::read(text) {
                    return Ok(EventTime::new(zone.unix_seconds_of(wall), 0));
                }
                strptime.read(text).ok_or_else(|| self.mismatch(value))?
            }
            (Reader::Format { strptime, .. }, TimeValue::Text(text)) => {
                strptime.read(text).ok_or_else(|| self.mismatch(value))?
            }
            (Reader::Guess, TimeValue::Text(text)) => {
                guess::read(text).ok_or_else(|| TimeError::Unreadable { found: found() })?
            }
        };
        fields
            .moment(zone, now)
            .ok_or_else(|| TimeError::NoSuchTime { found: found() })
    }

    fn mismatch(&self, value: TimeValue<'_>) -> TimeError {
        TimeError::Mismatch {
            found: Excerpt::new(value),
            format: self.name().to_owned(),
        }
    }
}

impl Excerpt {
    fn new(value: TimeValue<'_>) -> Excerpt {
        let (quote, text) = match value {
            TimeValue::Text(text) => ("`", text),
            TimeValue::Number(text) | TimeValue::Other(text) => ("", text),
        };
        let (text, rest) = text.split_at(text.floor_char_boundary(EXCERPT_BYTES));
        let dots = if rest.is_empty() { "" } else { "…" };
        Excerpt(format!("{quote}{text}{dots}{quote}"))
    }
}

impl std::fmt::Display for Excerpt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

const EXCERPT_BYTES: usize = 64;

/// Cuts the fraction towards 1970, as Ruby's `to_i` does.
fn whole_seconds(time: EventTime) -> EventTime {
    let cut_back = time.seconds() < 0 && time.nanoseconds() > 0;
    EventTime::new(time.seconds() + i64::from(cut_back), 0)
}

#[cfg(test)]
mod tests;
