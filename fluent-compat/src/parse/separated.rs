//! `<parse> @type tsv` and `ltsv`.

use serde_json::{Map, Value};

use super::error::Failure;
use super::pattern::Pattern;
use super::rules::RecordRules;
use crate::events::Events;
use crate::ruby;
use crate::time::EventTime;

/// `<parse> @type tsv`: values between delimiters. The last key takes all that is left;
/// a key for which there is no value gets `null`.
#[derive(Debug, Clone)]
pub struct TsvParser {
    /// The keys, in the order of the values (`keys`).
    pub keys: Vec<String>,
    /// What stands between values (`delimiter`, a tab by default).
    pub delimiter: String,
    /// What is done with the record.
    pub rules: RecordRules,
}

impl TsvParser {
    pub(super) fn parse(
        &self,
        text: &str,
        now: EventTime,
        events: &mut Events,
    ) -> Result<(), Failure> {
        let mut values = text.splitn(self.keys.len(), &self.delimiter);
        let mut record = Map::new();
        for key in &self.keys {
            record.insert(key.clone(), values.next().map_or(Value::Null, Value::from));
        }
        self.rules.push_map(record, 0, now, events)
    }
}

/// `<parse> @type ltsv`: values with their labels. What has no label is left out.
#[derive(Debug, Clone)]
pub struct LtsvParser {
    /// What stands between fields.
    pub delimiter: LtsvDelimiter,
    /// What stands between a label and its value (`label_delimiter`, a colon by default).
    pub label_delimiter: String,
    /// What is done with the record.
    pub rules: RecordRules,
}

/// What stands between the fields of a line.
#[derive(Debug, Clone)]
pub enum LtsvDelimiter {
    /// This text (`delimiter`, a tab by default).
    Text(String),
    /// Whatever matches (`delimiter_pattern`).
    Pattern(Pattern),
}

impl LtsvParser {
    pub(super) fn parse(
        &self,
        text: &str,
        now: EventTime,
        events: &mut Events,
    ) -> Result<(), Failure> {
        let pairs: Vec<&str> = match &self.delimiter {
            LtsvDelimiter::Text(delimiter) => ruby::split(text, delimiter),
            LtsvDelimiter::Pattern(pattern) => pattern.regex().split(text).collect(),
        };
        let record: Map<String, Value> = pairs
            .into_iter()
            .filter_map(|pair| pair.split_once(&self.label_delimiter))
            .map(|(label, value)| (label.to_owned(), Value::from(value)))
            .collect();
        self.rules.push_map(record, 0, now, events)
    }
}
