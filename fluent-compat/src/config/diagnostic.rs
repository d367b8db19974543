//! What is wrong with a configuration, said so that one can go and mend it.

use std::cell::{Cell, RefCell};
use std::fmt::Write;

use super::ink::Ink;
use super::secret::{MASK, sounds_secret};
use super::source::{Location, Sources, Span};

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Severity {
    /// It runs, but perhaps not as meant.
    Warning,
    /// It must not run.
    Error,
}

/// One remark on one place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// Whether it may run all the same.
    pub severity: Severity,
    /// The words it is about.
    pub span: Span,
    /// What was found and what is allowed; lower-case, without full stop.
    pub message: String,
    /// The cure, where there is one to name.
    pub help: Option<String>,
    /// Another place it is about.
    pub other: Option<Span>,
}

/// Collects the remarks of all who read a configuration, so that every mistake is
/// reported in one run.
///
/// Shared by reference between the parser and the readers of nested sections, hence the
/// interior mutability.
#[derive(Debug, Default)]
pub struct Diagnostics {
    items: RefCell<Vec<Diagnostic>>,
    errors: Cell<usize>,
    /// Places whose text is a secret whatever its name.
    concealed: RefCell<Vec<Span>>,
}

impl Diagnostics {
    /// Reports a mistake.
    pub fn error(&self, span: Span, message: impl Into<String>) {
        self.push(Severity::Error, span, message.into(), None);
    }

    /// Reports a mistake, and how to mend it.
    pub fn error_with_help(&self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.push(Severity::Error, span, message.into(), Some(help.into()));
    }

    /// Reports a mistake that lies in two places together; `span` is the later one.
    pub fn error_with_other(&self, span: Span, message: impl Into<String>, other: Span) {
        self.push(Severity::Error, span, message.into(), None);
        if let Some(last) = self.items.borrow_mut().last_mut() {
            last.other = Some(other);
        }
    }

    /// Reports something that may not be meant.
    pub fn warning(&self, span: Span, message: impl Into<String>) {
        self.push(Severity::Warning, span, message.into(), None);
    }

    /// Reports something that may not be meant, and what to write instead.
    pub fn warning_with_help(
        &self,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Severity::Warning, span, message.into(), Some(help.into()));
    }

    /// Keeps the text of a place out of [`Diagnostics::render`].
    pub fn conceal(&self, span: Span) {
        self.concealed.borrow_mut().push(span);
    }

    /// Whether there is a mistake that forbids to run.
    pub fn has_errors(&self) -> bool {
        self.error_count() > 0
    }

    /// How many mistakes there are that forbid to run.
    pub fn error_count(&self) -> usize {
        self.errors.get()
    }

    /// How many remarks there are on what may not be meant.
    pub fn warning_count(&self) -> usize {
        self.items.borrow().len() - self.error_count()
    }

    /// Whether there is nothing to say at all.
    pub fn is_empty(&self) -> bool {
        self.items.borrow().is_empty()
    }

    /// The remarks in the order of the files' lines.
    pub fn to_vec(&self) -> Vec<Diagnostic> {
        let mut items = self.items.borrow().clone();
        items.sort_by_key(|item| item.span);
        items
    }

    /// The remarks as text: for each `path:line:column: error: …`, the line, a row of
    /// carets under the words meant, and the cure. Secrets are masked.
    pub fn render(&self, sources: &Sources, ink: Ink) -> String {
        let mut text = String::new();
        for item in self.to_vec() {
            self.render_one(&item, sources, ink, &mut text);
        }
        text
    }

    fn push(&self, severity: Severity, span: Span, message: String, help: Option<String>) {
        if severity == Severity::Error {
            self.errors.set(self.errors.get() + 1);
        }
        self.items.borrow_mut().push(Diagnostic {
            severity,
            span,
            message,
            help,
            other: None,
        });
    }

    fn render_one(&self, item: &Diagnostic, sources: &Sources, ink: Ink, out: &mut String) {
        let Some(location) = sources.locate(item.span) else {
            return;
        };
        let severity = match item.severity {
            Severity::Warning => ink.yellow("warning:"),
            Severity::Error => ink.red("error:"),
        };
        let Location {
            path, line, column, ..
        } = location;
        let path = path.display();
        let message = ink.bold(&item.message);
        // Writing into a String cannot fail.
        let _ = if location.text.is_empty() {
            // An empty line is a file that could not be read: there is no place in it.
            writeln!(out, "{path}: {severity} {message}")
        } else {
            writeln!(out, "{path}:{line}:{column}: {severity} {message}")
        };
        if !location.text.is_empty() {
            let excerpt = self.excerpt(item.span, &location, sources);
            let indent = caret_indent(&location);
            let carets = "^".repeat(caret_width(item.span, &location, &excerpt, sources));
            let carets = match item.severity {
                Severity::Warning => ink.yellow(&carets),
                Severity::Error => ink.red(&carets),
            };
            let _ = writeln!(out, "{line:>5} | {excerpt}\n      | {indent}{carets}");
        }
        if let Some(other) = item.other.and_then(|other| sources.locate(other)) {
            let (path, line, column) = (other.path.display(), other.line, other.column);
            let _ = writeln!(out, "      = the first: {path}:{line}:{column}");
        }
        if let Some(help) = &item.help {
            let _ = writeln!(out, "      = help: {help}");
        }
    }

    /// The line as it may be shown: masked from where a concealed place begins, or behind
    /// its first word if that names a secret.
    fn excerpt(&self, span: Span, location: &Location<'_>, sources: &Sources) -> String {
        let line = location.text;
        let concealed = self.concealed.borrow();
        let in_file = concealed
            .iter()
            .filter(|concealed| concealed.file() == span.file());
        let shown = in_file
            .filter_map(|concealed| {
                let start = sources.locate(*concealed)?;
                let last = start.line + sources.text(*concealed).matches('\n').count();
                let is_in = (start.line..=last).contains(&location.line);
                // A line that continues a secret begins with it.
                is_in.then_some(if start.line == location.line {
                    start.column - 1
                } else {
                    0
                })
            })
            .chain(secret_by_name(line))
            .min();
        match shown {
            Some(shown) => line.chars().take(shown).chain(MASK.chars()).collect(),
            None => line.to_owned(),
        }
    }
}

/// Where the value of a line begins, in characters, if the line's first word names a secret.
fn secret_by_name(line: &str) -> Option<usize> {
    let body = line.trim_start();
    let name = body
        .split([' ', '\t'])
        .next()
        .filter(|name| sounds_secret(name))?;
    Some(line.chars().count() - body.chars().count() + name.chars().count() + 1)
}

/// Blanks up to the column, with the line's own tabs so that the carets stand right.
fn caret_indent(location: &Location<'_>) -> String {
    let blank = |character| if character == '\t' { '\t' } else { ' ' };
    location
        .text
        .chars()
        .take(location.column - 1)
        .map(blank)
        .collect()
}

/// One caret a character, at least one, and none beyond the line shown.
fn caret_width(span: Span, location: &Location<'_>, excerpt: &str, sources: &Sources) -> usize {
    let words = sources
        .text(span)
        .split(['\n', '\r'])
        .next()
        .unwrap_or_default();
    let room = excerpt.chars().count().saturating_sub(location.column - 1);
    words.chars().count().min(room).max(1)
}

#[cfg(test)]
mod tests;
