//! `<parse> @type apache2`.

use regex_lite::Captures;
use serde_json::{Map, Value};

use super::error::{Failure, Reason};
use super::pattern::{Pattern, PatternOptions};
use crate::events::Events;
use crate::ruby;
use crate::time::{EventTime, TimeParser, TimeValue};

/// `<parse> @type apache2`: a line of an access log in the combined format.
#[derive(Debug, Clone)]
pub struct Apache2Parser {
    expression: Pattern,
    time_parser: TimeParser,
    keep_time_key: bool,
}

impl Apache2Parser {
    /// A parser; the time is to be read by
    /// [`RegexpParser::ACCESS_LOG_TIME`](super::RegexpParser::ACCESS_LOG_TIME), and is
    /// kept as the field `time` if wanted (`keep_time_key`).
    pub fn new(time_parser: TimeParser, keep_time_key: bool) -> Self {
        Self {
            expression: Pattern::new(COMBINED, PatternOptions::default())
                .expect("invariant: the expression is a constant, which a test compiles"),
            time_parser,
            keep_time_key,
        }
    }

    pub(super) fn parse(
        &self,
        text: &str,
        now: EventTime,
        events: &mut Events,
    ) -> Result<(), Failure> {
        let Some(captures) = self.expression.regex().captures(text) else {
            return Err(Failure::at(0, Reason::NoMatch));
        };
        let time_text = captures.name("time").map_or("", |found| found.as_str());
        let time = self.time_parser.parse(TimeValue::Text(time_text), now);
        let time = time.map_err(|reason| {
            let key = "time".to_owned();
            Failure::at(0, Reason::Time { key, reason })
        })?;
        let mut record: Map<String, Value> = FIELDS
            .into_iter()
            .map(|name| (name.to_owned(), field(name, &captures)))
            .collect();
        if self.keep_time_key {
            record.insert("time".to_owned(), Value::from(time_text));
        }
        events.push_map(time, &record);
        Ok(())
    }
}

const FIELDS: [&str; 8] = [
    "host", "user", "method", "path", "code", "size", "referer", "agent",
];

/// The field's value; a dash stands for nothing, and so does the status 0.
fn field(name: &str, captures: &Captures<'_>) -> Value {
    let Some(text) = captures.name(name).map(|found| found.as_str()) else {
        return Value::Null;
    };
    match (name, text) {
        ("method" | "path", _) => Value::from(text),
        ("code", _) => number(text).filter(|n| n != 0).unwrap_or_default(),
        (_, "-") => Value::Null,
        ("size", _) => number(text).unwrap_or_default(),
        _ => Value::from(text),
    }
}

fn number(text: &str) -> Option<Value> {
    ruby::to_i(text).parse().ok().map(Value::Number)
}

/// Client, identity, user, time, request line, status, size; then, if they are there,
/// referer and agent.
const COMBINED: &str = concat!(
    r#"^(?<host>[^ ]*) [^ ]* (?<user>[^ ]*) \[(?<time>[^\]]*)\] "#,
    r#""(?<method>\S+)(?: +(?<path>(?:[^"]|\\")*?)(?: +\S*)?)?" (?<code>[^ ]*) (?<size>[^ ]*)"#,
    r#"(?: "(?<referer>(?:[^"]|\\")*)" "(?<agent>(?:[^"]|\\")*)")?$"#,
);
