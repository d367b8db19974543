//! `<parse> @type csv`.

use serde_json::{Map, Value};

use super::error::{Failure, Reason};
use super::rules::RecordRules;
use crate::events::Events;
use crate::json::Found;
use crate::time::EventTime;

/// `<parse> @type csv`: one row. An empty value without quotes is `null`, and so is that
/// of a key for which there is no column; columns without a key are left out.
#[derive(Debug, Clone)]
pub struct CsvParser {
    /// The keys of the columns (`keys`).
    pub keys: Vec<String>,
    /// What stands between columns.
    pub delimiter: CsvDelimiter,
    /// What is done with the record.
    pub rules: RecordRules,
}

/// What stands between columns (`delimiter`): a comma, unless another text is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvDelimiter(String);

/// A text that cannot stand between columns.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found the delimiter {found:?}, expected a text without quotes and line breaks")]
pub struct CsvDelimiterError {
    /// The text.
    pub found: String,
}

impl CsvDelimiter {
    /// Takes any text that is not empty and has neither quotes nor line breaks in it.
    pub fn new(text: &str) -> Result<Self, CsvDelimiterError> {
        let found = text.to_owned();
        match text.is_empty() || text.contains(['"', '\r', '\n']) {
            true => Err(CsvDelimiterError { found }),
            false => Ok(Self(found)),
        }
    }
}

impl Default for CsvDelimiter {
    fn default() -> Self {
        Self(",".to_owned())
    }
}

impl CsvParser {
    pub(super) fn parse(
        &self,
        text: &str,
        now: EventTime,
        events: &mut Events,
    ) -> Result<(), Failure> {
        let mut row = Row {
            text,
            position: 0,
            delimiter: &self.delimiter.0,
        };
        let mut columns = row.columns()?.into_iter();
        let mut record = Map::new();
        for key in &self.keys {
            let value = columns.next().flatten();
            record.insert(key.clone(), value.map_or(Value::Null, Value::from));
        }
        self.rules.push_map(record, 0, now, events)
    }
}

/// A row that is being read.
struct Row<'a> {
    text: &'a str,
    position: usize,
    /// Not empty, or the row would have no end.
    delimiter: &'a str,
}

impl Row<'_> {
    /// The columns of the row, which must be the only one.
    fn columns(&mut self) -> Result<Vec<Option<String>>, Failure> {
        let mut columns = Vec::new();
        if self.rest().is_empty() {
            return Err(self.unexpected("a CSV row"));
        }
        loop {
            columns.push(match self.take("\"") {
                true => Some(self.quoted()?),
                false => self.plain()?,
            });
            if self.take(self.delimiter) {
                continue;
            }
            let ended = self.take("\r\n") || self.take("\n") || self.take("\r");
            if !(ended || self.rest().is_empty()) {
                return Err(self.unexpected("a delimiter or the end of the row after a quote"));
            }
            return match self.rest() {
                "" => Ok(columns),
                // Fluentd reads the first row and drops the others.
                _ => Err(self.unexpected("no second CSV row in one body")),
            };
        }
    }

    /// The rest of a column in quotes, whose first one is passed.
    fn quoted(&mut self) -> Result<String, Failure> {
        let mut column = String::new();
        loop {
            let Some((before, _)) = self.rest().split_once('"') else {
                self.position = self.text.len();
                return Err(self.unexpected("'\"' at the end of a CSV column"));
            };
            column.push_str(before);
            self.position += before.len() + 1;
            if !self.take("\"") {
                return Ok(column);
            }
            column.push('"');
        }
    }

    /// A column without quotes; `None` if it is empty.
    fn plain(&mut self) -> Result<Option<String>, Failure> {
        let rest = self.rest();
        let line = rest.find(['\r', '\n']).unwrap_or(rest.len());
        let end = rest.find(self.delimiter).unwrap_or(line).min(line);
        let column = rest.get(..end).unwrap_or_default().to_owned();
        if let Some(quote) = column.find('"') {
            self.position += quote;
            return Err(self.unexpected("no quote inside a CSV column that has none around it"));
        }
        self.position += end;
        Ok(Some(column).filter(|column| !column.is_empty()))
    }

    fn rest(&self) -> &str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        self.position += if found { text.len() } else { 0 };
        found
    }

    fn unexpected(&self, expected: &'static str) -> Failure {
        let found = self.rest().chars().next().map_or(Found::End, Found::Char);
        Failure::at(self.position, Reason::Csv { found, expected })
    }
}
