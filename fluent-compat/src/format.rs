//! `<format>`: what is written for an event.

mod columns;
mod msgpack;
mod newline;
mod out_file;
mod stdout;

pub use columns::{CsvFormatter, CsvQuotes, LtsvFormatter, SingleValueFormatter, TsvFormatter};
pub use newline::Newline;
pub use out_file::OutFileFormatter;
pub use stdout::StdoutFormatter;

use crate::events::Event;
use crate::ruby;

/// What writes events: `@type` of `<format>` with its parameters.
#[derive(Debug, Clone)]
pub enum Formatter {
    /// `json`: the record.
    Json(Newline),
    /// `out_file`: time, tag and record.
    OutFile(OutFileFormatter),
    /// `csv`: some fields as one row.
    Csv(CsvFormatter),
    /// `tsv`: some fields with tabs between them.
    Tsv(TsvFormatter),
    /// `ltsv`: all fields with their labels.
    Ltsv(LtsvFormatter),
    /// `single_value`: one field.
    SingleValue(SingleValueFormatter),
    /// `msgpack`: the record as MessagePack.
    Msgpack,
    /// `hash`: the record as Ruby shows it.
    Hash(Newline),
    /// `stdout`: a line for people.
    Stdout(StdoutFormatter),
}

/// An event that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// A text, object or array that is too large for MessagePack.
    #[error(
        "found a value of {length} bytes or fields, expected 4294967295 at most in MessagePack"
    )]
    TooLong {
        /// Bytes of a text, members of an object, elements of an array.
        length: usize,
    },
}

impl Formatter {
    /// Appends what is written for the event to `out`. After an error there may be a part
    /// of it in `out`.
    pub fn format(
        &self,
        tag: &str,
        event: &Event<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        match self {
            Self::Json(newline) => {
                out.extend_from_slice(event.record.as_json().as_bytes());
                newline.write(out);
            }
            Self::OutFile(formatter) => formatter.format(tag, event, out),
            Self::Csv(formatter) => formatter.format(event.record, out),
            Self::Tsv(formatter) => formatter.format(event.record, out),
            Self::Ltsv(formatter) => formatter.format(event.record, out),
            Self::SingleValue(formatter) => formatter.format(event.record, out),
            Self::Msgpack => msgpack::write(event.record.as_json(), out)?,
            Self::Hash(newline) => {
                let shown = ruby::inspect_json(event.record.as_json());
                out.extend_from_slice(shown.as_bytes());
                newline.write(out);
            }
            Self::Stdout(formatter) => formatter.format(tag, event, out)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
