//! `<format> @type out_file`.

use super::Newline;
use crate::events::Event;
use crate::time::TimeFormatter;

/// `<format> @type out_file`: time, tag and record, with a delimiter between them.
#[derive(Debug, Clone)]
pub struct OutFileFormatter {
    /// How the time is written (`time_type`, `time_format`, …); `None` leaves it out
    /// (`output_time false`).
    pub time: Option<TimeFormatter>,
    /// Whether the tag is written (`output_tag`).
    pub output_tag: bool,
    /// What stands between them (`delimiter`).
    pub delimiter: char,
    /// What ends the line.
    pub newline: Newline,
}

impl OutFileFormatter {
    /// The delimiter that the parameter `delimiter` means: a space or a comma if it has
    /// the word `SPACE` or `COMMA` in it, in any case, else a tab.
    pub fn delimiter(parameter: &str) -> char {
        let parameter = parameter.to_ascii_uppercase();
        if parameter.contains("SPACE") {
            ' '
        } else if parameter.contains("COMMA") {
            ','
        } else {
            '\t'
        }
    }

    pub(super) fn format(&self, tag: &str, event: &Event<'_>, out: &mut Vec<u8>) {
        let mut delimiter = [0; 4];
        let delimiter = self.delimiter.encode_utf8(&mut delimiter).as_bytes();
        if let Some(time) = &self.time {
            time.write(event.time, out);
            out.extend_from_slice(delimiter);
        }
        if self.output_tag {
            out.extend_from_slice(tag.as_bytes());
            out.extend_from_slice(delimiter);
        }
        out.extend_from_slice(event.record.as_json().as_bytes());
        self.newline.write(out);
    }
}
