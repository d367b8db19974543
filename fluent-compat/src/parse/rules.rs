//! The parameters that all `<parse>` types share.

use serde_json::{Map, Value};

use super::error::{Failure, Reason};
use super::fields::FieldRules;
use crate::events::Events;
use crate::json::TimeKey;
use crate::record::{RawField, Record};
use crate::time::{EventTime, TimeError, TimeParser, TimeValue};

/// What is done with a record once it is read.
///
/// Fluentd's `estimate_current_event` is not among it: an HTTP source takes the clock
/// for a record without a time whatever that parameter says.
#[derive(Debug, Clone)]
pub struct RecordRules {
    /// The field that has the event's time (`time_key`, `keep_time_key`).
    pub time_key: Option<TimeKey>,
    /// How the time is read (`time_type`, `time_format`, …).
    pub time_parser: TimeParser,
    /// What a time of `null` means.
    pub null_time: NullTime,
    /// What becomes of the fields (`types`, `null_empty_string`, `null_value_pattern`).
    pub fields: FieldRules,
}

/// What a time key whose value is `null` or `false` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullTime {
    /// It is no time, and the body is refused: so with any `@type` in `<parse>`.
    Refused,
    /// As if there were no time key, the clock's time is taken: so without `<parse>`.
    Now,
}

impl RecordRules {
    /// The time of a record, `value` being the raw JSON of its time key.
    pub(super) fn event_time(
        &self,
        value: Option<&str>,
        now: EventTime,
    ) -> Result<EventTime, Reason> {
        let (Some(value), Some(key)) = (value, &self.time_key) else {
            return Ok(now);
        };
        if self.null_time == NullTime::Now && matches!(value, "null" | "false") {
            return Ok(now);
        }
        parse_time(&self.time_parser, RawField::from_json(value), now).map_err(|reason| {
            let key = key.name.clone();
            Reason::Time { key, reason }
        })
    }

    /// Makes an event of a record that exists as a tree; `offset` is where it was found.
    pub(super) fn push_map(
        &self,
        mut record: Map<String, Value>,
        offset: usize,
        now: EventTime,
        events: &mut Events,
    ) -> Result<(), Failure> {
        let time = self.time_key.as_ref().and_then(|key| match key.keep {
            true => record.get(&key.name).cloned(),
            false => record.shift_remove(&key.name),
        });
        let time = time.map(|value| value.to_string());
        let time = self
            .event_time(time.as_deref(), now)
            .map_err(|reason| Failure::at(offset, reason))?;
        if self.fields.is_empty() {
            events.push_map(time, &record);
        } else {
            let text = Value::Object(record).to_string();
            let record = Record::from_normal_form(&text);
            self.fields.push_converted(record, now, events.text_mut());
            events.seal(time);
        }
        Ok(())
    }
}

/// The time that a field's value stands for.
pub(super) fn parse_time(
    parser: &TimeParser,
    field: RawField<'_>,
    now: EventTime,
) -> Result<EventTime, TimeError> {
    let value = match field {
        _ if field.is_text() => TimeValue::Text(&field.to_text()),
        _ if field.is_number() => TimeValue::Number(field.as_json()),
        _ => TimeValue::Other(field.as_json()),
    };
    parser.parse(value, now)
}
