//! `<parse> @type json`.

use super::error::{Failure, Reason};
use super::rules::RecordRules;
use crate::events::Events;
use crate::json::{NestingLimit, Scanner};
use crate::record::Record;
use crate::time::EventTime;

/// `<parse> @type json`: an object is one event, an array of objects as many.
#[derive(Debug, Clone)]
pub struct JsonParser {
    /// What is done with each record.
    pub rules: RecordRules,
    /// How deep records may be nested.
    pub nesting: NestingLimit,
}

impl JsonParser {
    pub(super) fn parse(
        &self,
        text: &str,
        now: EventTime,
        events: &mut Events,
    ) -> Result<(), Failure> {
        let mut scanner = Scanner::new(text, self.nesting);
        scanner.skip_byte_order_mark();
        match scanner.peek_token() {
            Some(b'{') => self.record(&mut scanner, now, events)?,
            Some(b'[') => self.array(&mut scanner, now, events)?,
            _ => {
                let expected = "an object or an array of objects";
                return Err(scanner.unexpected(expected).into());
            }
        }
        match scanner.peek_token() {
            None => Ok(()),
            Some(_) => Err(scanner.unexpected("the end of the body").into()),
        }
    }

    fn array(
        &self,
        scanner: &mut Scanner<'_>,
        now: EventTime,
        events: &mut Events,
    ) -> Result<(), Failure> {
        scanner.take_token(b'[');
        if scanner.take_token(b']') {
            return Ok(());
        }
        for index in 0.. {
            if scanner.peek_token() != Some(b'{') {
                let found = scanner.found();
                let reason = Reason::NotAnObject { index, found };
                return Err(Failure::at(scanner.offset(), reason));
            }
            self.record(scanner, now, events)?;
            if scanner.take_token(b']') {
                break;
            }
            if !scanner.take_token(b',') {
                return Err(scanner.unexpected("',' or ']' after an object").into());
            }
        }
        Ok(())
    }

    fn record(
        &self,
        scanner: &mut Scanner<'_>,
        now: EventTime,
        events: &mut Events,
    ) -> Result<(), Failure> {
        let start = scanner.offset();
        let RecordRules {
            time_key, fields, ..
        } = &self.rules;
        let time = if fields.is_empty() {
            scanner.record(events.text_mut(), time_key.as_ref())?
        } else {
            let mut text = String::new();
            let time = scanner.record(&mut text, time_key.as_ref())?;
            let record = Record::from_normal_form(&text);
            fields.push_converted(record, now, events.text_mut());
            time
        };
        let time = self.rules.event_time(time.as_deref(), now);
        events.seal(time.map_err(|reason| Failure::at(start, reason))?);
        Ok(())
    }
}
