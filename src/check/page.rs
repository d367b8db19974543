//! Headings and rows, with what they say in one column.

use std::fmt::Write;

use fluent_compat::config::Ink;

/// The length of the longest name of a row.
const NAMES: usize = 11;

/// A page in the making.
pub(super) struct Page {
    ink: Ink,
    text: String,
}

impl Page {
    pub(super) fn new(ink: Ink) -> Self {
        let text = String::new();
        Self { ink, text }
    }

    /// Begins a part of the page.
    pub(super) fn heading(&mut self, what: &str, detail: &str) {
        let what = self.ink.bold(what);
        // Writing into a String cannot fail.
        let _ = match self.text.is_empty() {
            true => writeln!(self.text, "{what}  {detail}"),
            false => writeln!(self.text, "\n{what}  {detail}"),
        };
    }

    /// One thing that is to be known of it.
    pub(super) fn row(&mut self, name: &str, value: &str) {
        // Padded before it is painted: escape sequences have no width.
        let name = self.ink.dim(&format!("{name:<NAMES$}"));
        let _ = writeln!(self.text, "  {name}  {value}");
    }

    pub(super) fn finish(mut self) -> String {
        self.text.push('\n');
        self.text
    }
}
