//! `<parse>`: what a request's body says, as events.
//!
//! A body is taken whole or not at all: at the first thing that is no event the parser
//! stops, says what it found and where, and gives no events. (Fluentd drops what it
//! cannot read and answers 200.)

mod apache2;
mod csv;
mod error;
mod fields;
mod json;
mod msgpack;
mod pattern;
mod regexp;
mod rules;
mod separated;

pub use apache2::Apache2Parser;
pub use csv::{CsvDelimiter, CsvDelimiterError, CsvParser};
pub use error::{ParseError, Reason};
pub use fields::{FieldRules, FieldType, FieldTypeError};
pub use json::JsonParser;
pub use msgpack::MsgpackParser;
pub use pattern::{Pattern, PatternError, PatternOptions};
pub use regexp::RegexpParser;
pub use rules::{NullTime, RecordRules};
pub use separated::{LtsvDelimiter, LtsvParser, TsvParser};

pub use crate::json::{NestingLimit, TimeKey};

use std::str::Utf8Error;

use error::Failure;
use serde_json::{Map, Value};

use crate::events::Events;
use crate::time::EventTime;

/// What reads bodies: `@type` of `<parse>` with its parameters.
#[derive(Debug, Clone)]
pub enum Parser {
    /// `json`: an object, or an array of objects.
    Json(JsonParser),
    /// `msgpack`: maps and arrays of maps, one after another.
    Msgpack(MsgpackParser),
    /// `none`: the whole text is one field.
    None(NoneParser),
    /// `csv`: one row.
    Csv(CsvParser),
    /// `tsv`: values of known keys.
    Tsv(TsvParser),
    /// `ltsv`: values with their labels.
    Ltsv(LtsvParser),
    /// `regexp` and `nginx`: what the named groups of an expression matched.
    Regexp(RegexpParser),
    /// `apache2`: a line of an access log in the combined format.
    Apache2(Apache2Parser),
}

impl Parser {
    /// The events of a body. `now` is the time of those that have none of their own.
    pub fn parse(&self, body: &[u8], now: EventTime) -> Result<Events, ParseError> {
        let mut events = Events::with_capacity(body.len());
        self.parse_piece(body, now, &mut events)
            .map_err(|failure| failure.locate(body, 0))?;
        Ok(events)
    }

    /// The events of a body each line of which is a body of its own (ndjson, for JSON).
    /// Blank lines are skipped. MessagePack has no lines and is read as by
    /// [`Parser::parse`].
    pub fn parse_lines(&self, body: &[u8], now: EventTime) -> Result<Events, ParseError> {
        if matches!(self, Self::Msgpack(_)) {
            return self.parse(body, now);
        }
        let mut events = Events::with_capacity(body.len());
        let mut start = 0;
        while let Some(rest) = body.get(start..).filter(|rest| !rest.is_empty()) {
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest.get(..end).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.trim_ascii().is_empty() {
                self.parse_piece(line, now, &mut events)
                    .map_err(|failure| failure.locate(body, start))?;
            }
            start += end + 1;
        }
        Ok(events)
    }

    fn parse_piece(
        &self,
        piece: &[u8],
        now: EventTime,
        events: &mut Events,
    ) -> Result<(), Failure> {
        let text = || utf8(piece).map_err(Failure::not_utf8);
        match self {
            Self::Json(parser) => parser.parse(text()?, now, events),
            Self::Msgpack(parser) => parser.parse(piece, now, events),
            Self::None(parser) => parser.parse(text()?, now, events),
            Self::Csv(parser) => parser.parse(text()?, now, events),
            Self::Tsv(parser) => parser.parse(text()?, now, events),
            Self::Ltsv(parser) => parser.parse(text()?, now, events),
            Self::Regexp(parser) => parser.parse(text()?, now, events),
            Self::Apache2(parser) => parser.parse(text()?, now, events),
        }
    }
}

/// As `std::str::from_utf8`, ten times as fast where not all is ASCII.
fn utf8(bytes: &[u8]) -> Result<&str, Utf8Error> {
    // Only the slow way knows where the mistake is.
    simdutf8::basic::from_utf8(bytes).or_else(|_| std::str::from_utf8(bytes))
}

/// `<parse> @type none`.
#[derive(Debug, Clone)]
pub struct NoneParser {
    /// The field that the text becomes (`message_key`, `message` by default).
    pub message_key: String,
}

impl NoneParser {
    fn parse(&self, text: &str, now: EventTime, events: &mut Events) -> Result<(), Failure> {
        let field = (self.message_key.clone(), Value::from(text));
        events.push_map(now, &Map::from_iter([field]));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
