//! `<format> @type stdout`.

use super::{FormatError, Formatter, Newline};
use crate::events::Event;
use crate::time::{Strftime, Zone};

/// `<format> @type stdout`: `2024-02-15 09:16:42.849000000 +0000 test.log: {…}`, a line
/// for people.
#[derive(Debug, Clone)]
pub struct StdoutFormatter {
    /// How the time is written (`time_format`, [`StdoutFormatter::TIME_FORMAT`] by
    /// default).
    pub time_format: Strftime,
    /// The host's zone, in which the time always is.
    pub zone: Zone,
    /// How the record is written (`output_type`, `json` by default).
    pub inner: Box<Formatter>,
}

impl StdoutFormatter {
    /// The default `time_format`.
    pub const TIME_FORMAT: &str = "%Y-%m-%d %H:%M:%S.%N %z";

    pub(super) fn format(
        &self,
        tag: &str,
        event: &Event<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        self.time_format.write(event.time, &self.zone, out);
        out.push(b' ');
        out.extend_from_slice(tag.as_bytes());
        out.extend_from_slice(b": ");
        let start = out.len();
        self.inner.format(tag, event, out)?;
        Newline::chomp(out, start);
        out.push(b'\n');
        Ok(())
    }
}
