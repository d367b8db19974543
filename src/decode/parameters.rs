//! The parameters of a request: those of its query, and of a form in its body.

use std::borrow::Cow;
use std::sync::LazyLock;

use fluent_compat::time::{
    EventTime, TimeError, TimeParser, TimeParserConfig, TimeType, TimeValue, Zone, ZoneChoice,
};
use percent_encoding::percent_decode;

/// Fluentd's parser of the parameter `time`: `time_type float`.
static SECONDS: LazyLock<TimeParser> = LazyLock::new(|| {
    let config = TimeParserConfig {
        time_type: TimeType::Float,
        time_format: None,
        time_format_fallbacks: Vec::new(),
        zone: ZoneChoice::Utc,
    };
    TimeParser::new(&config, &Zone::Utc).expect("invariant: seconds need no format")
});

/// Those parameters that mean something to `in_http`. Of several of a name the last counts.
#[derive(Debug, Default)]
pub(super) struct Parameters<'a> {
    /// The time of all events.
    pub(super) time: Option<Cow<'a, [u8]>>,
    /// Events, each kind for its parser.
    pub(super) json: Option<Cow<'a, [u8]>>,
    pub(super) ndjson: Option<Cow<'a, [u8]>>,
    pub(super) msgpack: Option<Cow<'a, [u8]>>,
}

/// A `time` parameter that is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("parameter {0}")]
pub(super) struct TimeParameterError(#[from] TimeError);

impl<'a> Parameters<'a> {
    /// Those of a request's query.
    pub(super) fn of_query(query: Option<&'a str>) -> Self {
        let mut parameters = Self::default();
        for (name, value) in pairs(query.unwrap_or_default().as_bytes()) {
            parameters.set(&name, value);
        }
        parameters
    }

    /// Sets the parameter, if it is one that means something.
    pub(super) fn set(&mut self, name: &[u8], value: Cow<'a, [u8]>) {
        let parameter = match name {
            b"time" => &mut self.time,
            b"json" => &mut self.json,
            b"ndjson" => &mut self.ndjson,
            b"msgpack" => &mut self.msgpack,
            _ => return,
        };
        *parameter = Some(value);
    }

    /// The time for all events. Zero and nothing at all stand for `now`, as in Fluentd;
    /// unlike there no digit is lost, and what is no number is refused.
    pub(super) fn time(&self, now: EventTime) -> Result<Option<EventTime>, TimeParameterError> {
        let Some(text) = &self.time else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(text);
        let time = match text.trim() {
            "" => now,
            text => SECONDS.parse(TimeValue::Text(text), now)?,
        };
        let is_zero = time == EventTime::new(0, 0);
        Ok(Some(if is_zero { now } else { time }))
    }
}

/// The names and values of an `application/x-www-form-urlencoded` text, unescaped.
pub(super) fn pairs(text: &[u8]) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    let pairs = text.split(|byte| *byte == b'&');
    pairs.filter(|pair| !pair.is_empty()).map(|pair| {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let mut half = || unescape(halves.next().unwrap_or_default());
        (half(), half())
    })
}

fn unescape(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'+') {
        return percent_decode(text).into();
    }
    let spaced: Vec<u8> = text
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    Cow::Owned(percent_decode(&spaced).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: EventTime = EventTime::new(1_700_000_000, 5);

    fn time(query: &str) -> Result<Option<EventTime>, String> {
        let parameters = Parameters::of_query(Some(query));
        parameters.time(NOW).map_err(|error| error.to_string())
    }

    #[test]
    fn a_time_keeps_all_its_digits() {
        let expected = EventTime::new(1_518_756_037, 313_700_000);
        assert_eq!(time("time=1518756037.3137"), Ok(Some(expected)));
        let expected = EventTime::new(1_518_756_037, 123_456_789);
        assert_eq!(time("time=1518756037.1234567891"), Ok(Some(expected)));
        assert_eq!(time("time=7"), Ok(Some(EventTime::new(7, 0))));
        assert_eq!(time("time=1e9"), Ok(Some(EventTime::new(1_000_000_000, 0))));
        let before_1970 = EventTime::new(-2, 500_000_000);
        assert_eq!(time("time=-1.5"), Ok(Some(before_1970)));
    }

    #[test]
    fn a_time_may_be_written_out() {
        let expected = EventTime::new(1_707_988_602, 849_000_000);
        assert_eq!(time("time=2024-02-15T09:16:42.849Z"), Ok(Some(expected)));
    }

    #[test]
    fn no_time_and_zero_differ() {
        assert_eq!(time("a=1"), Ok(None));
        for zero in ["time=0", "time=0.0", "time="] {
            assert_eq!(time(zero), Ok(Some(NOW)), "{zero}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in ["time=soon", "time=1.x", "time=.", "time=%ff"] {
            assert!(time(bad).is_err(), "{bad}: {:?}", time(bad));
        }
        let expected = "parameter time `soon` is neither a number of seconds nor an RFC 3339 time";
        assert_eq!(time("time=soon").unwrap_err(), expected);
    }

    #[test]
    fn the_last_of_a_name_counts() {
        let parameters = Parameters::of_query(Some("json=1&json=2"));
        assert_eq!(parameters.json.as_deref(), Some(&b"2"[..]));
    }

    #[test]
    fn names_and_values_are_unescaped_to_bytes() {
        let pairs: Vec<_> = pairs(b"a-b=1&&c=d%20e+f&%ff=%00=&g").collect();
        let expected: [(&[u8], &[u8]); 4] = [
            (b"a-b", b"1"),
            (b"c", b"d e f"),
            (b"\xff", b"\x00="),
            (b"g", b""),
        ];
        let expected = expected.map(|(name, value)| (name.into(), value.into()));
        assert_eq!(pairs, expected);
    }
}
