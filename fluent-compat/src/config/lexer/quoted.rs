//! Texts in quotes.

use super::super::element::Value;
use super::super::embedded::Evaluated;
use super::{Lexer, is_newline};

impl Lexer<'_> {
    /// A text in double quotes: escapes, embedded code, and it may span lines. A back-slash
    /// at the end of a line joins the next one.
    pub(super) fn double_quoted(&mut self) -> Value {
        let start = self.offset;
        let mut text = Pieces::default();
        self.eat("\"");
        loop {
            if self.eat("#{") {
                text.push_evaluated(self.embedded());
                continue;
            }
            match self.bump() {
                Some('"') => return text.finish(),
                Some('\\') => match self.escape() {
                    Some(escaped) => text.push_str(&escaped),
                    None => text.is_unreadable = true,
                },
                Some(character) => text.push(character),
                None => return self.unclosed(start, "text in double quotes is not closed"),
            }
        }
    }

    /// A text in single quotes, on one line: `\'` and `\\` are its only escapes.
    pub(super) fn single_quoted(&mut self) -> Value {
        let start = self.offset;
        let mut text = String::new();
        self.eat("'");
        loop {
            if self.eat("\\'") {
                text.push('\'');
                continue;
            }
            if self.eat("\\\\") {
                text.push('\\');
                continue;
            }
            match self.bump().filter(|character| *character != '\n') {
                Some('\'') => return Value::Text(text),
                Some(character) => text.push(character),
                None => {
                    return self.unclosed(start, "text in single quotes is not closed on its line");
                }
            }
        }
    }

    /// What an escape stands for, its back-slash being taken; `None` for one that Fluentd
    /// does not know, which is reported.
    fn escape(&mut self) -> Option<String> {
        let start = self.offset - "\\".len();
        // Windows' line break is one.
        if self.eat("\r\n") {
            return Some(String::new());
        }
        // At the end of the file the missing quote is the mistake to tell.
        let escaped = match self.bump() {
            None => return Some(String::new()),
            Some(newline) if is_newline(newline) => return Some(String::new()),
            Some('r') => '\r',
            Some('n') => '\n',
            Some('t') => '\t',
            Some('f') => '\u{c}',
            Some('b') => '\u{8}',
            Some('0') => '\0',
            Some(unknown) if unknown.is_ascii_alphanumeric() => {
                self.diagnostics.error_with_help(
                    self.span_from(start),
                    "unknown escape in double quotes; allowed are \\\" \\' \\\\ \\n \\r \\t \\f \\b \\0",
                    "a back-slash itself is written \\\\, or the text put in single quotes",
                );
                return None;
            }
            Some(symbol) => symbol,
        };
        Some(escaped.to_string())
    }

    /// Reports a text without an end at its start, and goes on behind that line, so that
    /// the mistakes below are found as well.
    pub(super) fn unclosed(&mut self, start: usize, message: &str) -> Value {
        self.offset = start;
        self.diagnostics.error(self.span_to_line_end(), message);
        self.skip_line();
        Value::Unreadable
    }
}

/// A text on its way.
#[derive(Default)]
pub(super) struct Pieces {
    text: String,
    is_nil: bool,
    is_default: bool,
    pub(super) is_unreadable: bool,
}

impl Pieces {
    pub(super) fn push(&mut self, character: char) {
        self.text.push(character);
    }

    fn push_str(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn push_evaluated(&mut self, evaluated: Option<Evaluated>) {
        match evaluated {
            Some(Evaluated::Text(text)) => self.text.push_str(&text),
            Some(Evaluated::UseNil) => self.is_nil = true,
            Some(Evaluated::UseDefault) => self.is_default = true,
            None => self.is_unreadable = true,
        }
    }

    /// One `use_nil` or `use_default` decides for the whole value, nil before default.
    fn finish(self) -> Value {
        match self {
            Self {
                is_unreadable: true,
                ..
            } => Value::Unreadable,
            Self { is_nil: true, .. } => Value::Nil,
            Self {
                is_default: true, ..
            } => Value::Default,
            Self { text, .. } => Value::Text(text),
        }
    }
}
