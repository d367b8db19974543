//! `<format> @type csv`, `tsv`, `ltsv` and `single_value`.

use super::Newline;
use crate::record::{FieldPath, Record};

/// `<format> @type csv`: some fields as one row.
#[derive(Debug, Clone)]
pub struct CsvFormatter {
    /// The fields of the row (`fields`).
    pub fields: Vec<FieldPath>,
    /// What stands between them (`delimiter`, a comma by default).
    pub delimiter: String,
    /// Which fields have quotes around them (`force_quotes`).
    pub quotes: CsvQuotes,
    /// What ends the row: a line feed unless `add_newline` is false.
    pub newline: Newline,
}

/// Which fields of a row have quotes around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CsvQuotes {
    /// All (`force_quotes true`).
    Always,
    /// Those that are empty, or have a quote, a line break or the delimiter in them; but
    /// none around a field that is not there (`force_quotes false`).
    Needed,
}

impl CsvFormatter {
    pub(super) fn format(&self, record: Record<'_>, out: &mut Vec<u8>) {
        for (n, path) in self.fields.iter().enumerate() {
            if n > 0 {
                out.extend_from_slice(self.delimiter.as_bytes());
            }
            let field = record.get(path).filter(|field| !field.is_null());
            let text = field.map(|field| field.to_text());
            if self.needs_quotes(text.as_deref()) {
                let text = text.unwrap_or_default().replace('"', "\"\"");
                out.push(b'"');
                out.extend_from_slice(text.as_bytes());
                out.push(b'"');
            } else {
                out.extend_from_slice(text.unwrap_or_default().as_bytes());
            }
        }
        self.newline.write(out);
    }

    fn needs_quotes(&self, text: Option<&str>) -> bool {
        let special = |c| matches!(c, '"' | '\r' | '\n') || self.delimiter.contains(c);
        match self.quotes {
            CsvQuotes::Always => true,
            CsvQuotes::Needed => text.is_some_and(|text| text.is_empty() || text.contains(special)),
        }
    }
}

/// `<format> @type tsv`: some fields with a delimiter between them.
#[derive(Debug, Clone)]
pub struct TsvFormatter {
    /// The names of the fields (`keys`).
    pub keys: Vec<String>,
    /// What stands between them (`delimiter`, a tab by default).
    pub delimiter: String,
    /// What ends the line.
    pub newline: Newline,
}

impl TsvFormatter {
    pub(super) fn format(&self, record: Record<'_>, out: &mut Vec<u8>) {
        for (n, key) in self.keys.iter().enumerate() {
            if n > 0 {
                out.extend_from_slice(self.delimiter.as_bytes());
            }
            write_key(record, key, out);
        }
        self.newline.write(out);
    }
}

/// `<format> @type ltsv`: all fields with their labels.
#[derive(Debug, Clone)]
pub struct LtsvFormatter {
    /// What stands between fields (`delimiter`, a tab by default).
    pub delimiter: String,
    /// What stands between a label and its value (`label_delimiter`, a colon by default).
    pub label_delimiter: String,
    /// What a delimiter inside a value becomes (`replacement`, a space by default).
    pub replacement: String,
    /// What ends the line.
    pub newline: Newline,
}

impl LtsvFormatter {
    pub(super) fn format(&self, record: Record<'_>, out: &mut Vec<u8>) {
        for (n, (label, field)) in record.fields().enumerate() {
            if n > 0 {
                out.extend_from_slice(self.delimiter.as_bytes());
            }
            out.extend_from_slice(label.as_bytes());
            out.extend_from_slice(self.label_delimiter.as_bytes());
            let value = field.to_text().replace(&self.delimiter, &self.replacement);
            out.extend_from_slice(value.as_bytes());
        }
        self.newline.write(out);
    }
}

/// `<format> @type single_value`: one field, nothing if the record does not have it.
#[derive(Debug, Clone)]
pub struct SingleValueFormatter {
    /// The name of the field (`message_key`, `message` by default).
    pub message_key: String,
    /// What ends the line.
    pub newline: Newline,
}

impl SingleValueFormatter {
    pub(super) fn format(&self, record: Record<'_>, out: &mut Vec<u8>) {
        write_key(record, &self.message_key, out);
        self.newline.write(out);
    }
}

fn write_key(record: Record<'_>, key: &str, out: &mut Vec<u8>) {
    if let Some(field) = record.get_key(key) {
        out.extend_from_slice(field.to_text().as_bytes());
    }
}
