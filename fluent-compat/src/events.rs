//! The events of one request.

use serde_json::{Map, Value};
use smallvec::SmallVec;

use crate::record::{Members, Record};
use crate::time::EventTime;

/// One event: a record and its time. The tag is the request's, not the event's.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// When it happened, as the record or the clock says.
    pub time: EventTime,
    /// What happened.
    pub record: Record<'a>,
}

/// The events of one request, in order.
///
/// All records' texts stand one after another in one string, so that a request costs a
/// few allocations however many events it has.
#[derive(Debug, Clone, Default)]
pub struct Events {
    /// Records in normal form, with nothing between them.
    text: String,
    ends: SmallVec<[End; 1]>,
}

/// Where a record ends; it begins where the one before it ends.
#[derive(Debug, Clone, Copy)]
struct End {
    offset: usize,
    time: EventTime,
}

impl Events {
    /// No events.
    pub fn new() -> Self {
        Self::default()
    }

    /// No events, with room for records of `bytes` bytes in all.
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes),
            ends: SmallVec::new(),
        }
    }

    /// Appends a record that exists as a tree, which must not be nested deeper than 127
    /// levels.
    pub fn push_map(&mut self, time: EventTime, record: &Map<String, Value>) {
        let text = serde_json::to_string(record)
            .expect("invariant: a map with string keys can be written as JSON");
        self.text.push_str(&text);
        self.seal(time);
    }

    /// Appends an event as it is.
    pub fn push(&mut self, event: &Event<'_>) {
        self.text.push_str(event.record.as_json());
        self.seal(event.time);
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no event.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all records as JSON in normal form.
    pub fn text_len(&self) -> usize {
        self.text.len()
    }

    /// The events, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Event<'_>> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let text = self.text.get(start..end.offset);
            start = end.offset;
            Event {
                time: end.time,
                record: Record::from_normal_form(
                    text.expect("invariant: a record's ends are at its braces"),
                ),
            }
        })
    }

    /// Gives every event the same time (`?time=` of a request).
    pub fn set_time(&mut self, time: EventTime) {
        for end in &mut self.ends {
            end.time = time;
        }
    }

    /// The same events with `members` added to every record.
    pub fn with_members(&self, members: &Members) -> Self {
        let mut events = Self::with_capacity(self.text.len());
        for event in self.iter() {
            event.record.push_with(members, &mut events.text);
            events.seal(event.time);
        }
        events
    }

    /// Where the next record's normal form is to be appended, before [`Events::seal`].
    pub(crate) fn text_mut(&mut self) -> &mut String {
        &mut self.text
    }

    /// Makes what was appended to the text an event.
    pub(crate) fn seal(&mut self, time: EventTime) {
        self.ends.push(End {
            offset: self.text.len(),
            time,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            other => panic!("{other} is no object"),
        }
    }

    #[test]
    fn records_come_back_in_order_with_their_times() {
        let mut events = Events::new();
        events.push_map(EventTime::new(1, 5), &map(json!({"b": 1, "a": "ż"})));
        events.push_map(EventTime::new(2, 0), &map(json!({})));
        let seen: Vec<_> = events
            .iter()
            .map(|event| (event.time.seconds(), event.record.as_json()))
            .collect();
        assert_eq!(seen, [(1, r#"{"b":1,"a":"ż"}"#), (2, "{}")]);
        assert_eq!((events.len(), events.is_empty()), (2, false));
    }

    #[test]
    fn members_are_added_to_every_record() {
        let mut events = Events::new();
        events.push_map(EventTime::new(1, 5), &map(json!({"a": 1})));
        events.push_map(EventTime::new(2, 0), &map(json!({"b": 2, "a": 3})));
        let mut members = Members::new();
        members.push_text("b", "x");
        let events = events.with_members(&members);
        let seen: Vec<_> = events
            .iter()
            .map(|event| (event.time.seconds(), event.record.as_json()))
            .collect();
        assert_eq!(seen, [(1, r#"{"a":1,"b":"x"}"#), (2, r#"{"b":"x","a":3}"#)]);
    }

    #[test]
    fn the_time_of_a_request_replaces_the_records() {
        let mut events = Events::new();
        events.push_map(EventTime::new(1, 5), &Map::new());
        events.set_time(EventTime::new(9, 1));
        let times: Vec<_> = events.iter().map(|event| event.time).collect();
        assert_eq!(times, [EventTime::new(9, 1)]);
    }
}
