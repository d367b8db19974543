//! `<inject>`: what an output adds to each record before it is written.

use crate::events::Event;
use crate::record::{Members, Record};
use crate::time::{EventTime, TimeFormatter};

/// The fields that `<inject>` adds; those without a name are not added. A field that the
/// record has already is replaced.
#[derive(Debug, Clone, Default)]
pub struct Inject {
    /// The field for the host's name (`hostname_key`).
    pub hostname_key: Option<String>,
    /// The host's name: `hostname`, or what the host says.
    pub hostname: String,
    /// The field for the worker's number (`worker_id_key`).
    pub worker_id_key: Option<String>,
    /// The worker's number.
    pub worker_id: u32,
    /// The field for the tag (`tag_key`).
    pub tag_key: Option<String>,
    /// The field for the event's time (`time_key`), and how it is written.
    pub time: Option<(String, InjectedTime)>,
}

/// How an injected time is written: `time_type` of `<inject>`.
#[derive(Debug, Clone)]
pub enum InjectedTime {
    /// Seconds with their fraction down to microseconds (`float`, the default).
    Float,
    /// Whole seconds (`unixtime`).
    Unixtime,
    /// Whole milliseconds (`unixtime_millis`).
    UnixtimeMillis,
    /// Whole microseconds (`unixtime_micros`).
    UnixtimeMicros,
    /// Nanoseconds (`unixtime_nanos`).
    UnixtimeNanos,
    /// Text (`string`).
    Text(TimeFormatter),
}

impl Inject {
    /// Whether nothing is added.
    pub fn is_empty(&self) -> bool {
        self.hostname_key.is_none()
            && self.worker_id_key.is_none()
            && self.tag_key.is_none()
            && self.time.is_none()
    }

    /// The event with the fields added. Its record is in `text`, what was there is
    /// discarded: one string serves many events.
    pub fn apply<'t>(&self, tag: &str, event: &Event<'_>, text: &'t mut String) -> Event<'t> {
        let mut members = Members::new();
        if let Some(key) = &self.hostname_key {
            members.push_text(key, &self.hostname);
        }
        if let Some(key) = &self.worker_id_key {
            members.push_integer(key, self.worker_id.into());
        }
        if let Some(key) = &self.tag_key {
            members.push_text(key, tag);
        }
        if let Some((key, how)) = &self.time {
            how.push(&mut members, key, event.time);
        }
        text.clear();
        event.record.push_with(&members, text);
        Event {
            time: event.time,
            record: Record::from_normal_form(text),
        }
    }
}

impl InjectedTime {
    fn push(&self, members: &mut Members, key: &str, time: EventTime) {
        match self {
            Self::Float => members.push(key, float(time)),
            Self::Unixtime => members.push_integer(key, time.seconds().into()),
            Self::UnixtimeMillis => {
                members.push_integer(key, nanoseconds(time).div_euclid(1_000_000))
            }
            Self::UnixtimeMicros => members.push_integer(key, nanoseconds(time).div_euclid(1_000)),
            Self::UnixtimeNanos => members.push_integer(key, nanoseconds(time)),
            Self::Text(formatter) => {
                let mut text = Vec::new();
                formatter.write(time, &mut text);
                members.push_text(key, &String::from_utf8_lossy(&text));
            }
        }
    }
}

/// Nanoseconds since 1970.
fn nanoseconds(time: EventTime) -> i128 {
    i128::from(time.seconds()) * 1_000_000_000 + i128::from(time.nanoseconds())
}

/// Seconds and as many decimals as they need, at least one and at most six.
fn float(time: EventTime) -> String {
    // Truncated towards zero, as Ruby does it.
    let microseconds = nanoseconds(time) / 1_000;
    let sign = if microseconds < 0 { "-" } else { "" };
    let microseconds = microseconds.unsigned_abs();
    let seconds = microseconds / 1_000_000;
    let fraction = format!("{:06}", microseconds % 1_000_000);
    let fraction = match fraction.trim_end_matches('0') {
        "" => "0",
        digits => digits,
    };
    format!("{sign}{seconds}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Events;

    fn injected(inject: &Inject, record: &str, time: EventTime) -> String {
        let mut events = Events::new();
        events.text_mut().push_str(record);
        events.seal(time);
        let event = events.iter().next().unwrap();
        let mut text = "what was there".to_owned();
        let event = inject.apply("test.log", &event, &mut text);
        assert_eq!(event.time, time);
        event.record.as_json().to_owned()
    }

    #[test]
    fn fields_are_added_in_order_and_replace_what_the_record_has() {
        let inject = Inject {
            hostname_key: Some("host".to_owned()),
            hostname: "a\"b".to_owned(),
            worker_id_key: Some("worker".to_owned()),
            worker_id: 0,
            tag_key: Some("tag".to_owned()),
            time: Some(("time".to_owned(), InjectedTime::Unixtime)),
        };
        let time = EventTime::new(1_707_988_602, 849_000_000);
        assert_eq!(
            injected(&inject, r#"{"a":1e2}"#, time),
            r#"{"a":1e2,"host":"a\"b","worker":0,"tag":"test.log","time":1707988602}"#
        );
        assert_eq!(
            injected(&inject, r#"{"tag":[],"a":1e2}"#, time),
            r#"{"tag":"test.log","a":1e2,"host":"a\"b","worker":0,"time":1707988602}"#
        );
    }

    #[test]
    fn without_names_nothing_is_added() {
        assert!(Inject::default().is_empty());
        let record = r#"{"a":{}}"#;
        let same = injected(&Inject::default(), record, EventTime::new(0, 0));
        assert_eq!(same, record);
    }

    #[test]
    fn times_are_written_as_numbers() {
        let cases = [
            (
                InjectedTime::Float,
                1_707_988_602,
                849_000_999,
                "1707988602.849",
            ),
            (InjectedTime::Float, 5, 0, "5.0"),
            (InjectedTime::Float, -1, 500_000_000, "-0.5"),
            (InjectedTime::UnixtimeMillis, 5, 1_999_999, "5001"),
            (InjectedTime::UnixtimeMicros, 5, 1_999_999, "5001999"),
            (InjectedTime::UnixtimeNanos, 5, 1_999_999, "5001999999"),
            (InjectedTime::UnixtimeNanos, -1, 1, "-999999999"),
        ];
        for (how, seconds, nanoseconds, expected) in cases {
            let inject = Inject {
                time: Some(("t".to_owned(), how)),
                ..Inject::default()
            };
            let time = EventTime::new(seconds, nanoseconds);
            let expected = format!("{{\"t\":{expected}}}");
            assert_eq!(injected(&inject, "{}", time), expected);
        }
    }
}
