//! The words of a configuration: white space, comments, quoted and plain texts.
//!
//! The parser says what may come next, since what ends a plain text depends on the place:
//! the end of the line for a value, a blank for a name, `>` for an argument. A text that
//! cannot be read is reported here and handed on as [`Value::Unreadable`], so that reading
//! goes on behind it.

mod json;
mod quoted;

use super::diagnostic::Diagnostics;
use super::element::Value;
use super::embedded::{self, Environment, Evaluated};
use super::source::{FileId, Span};

/// Reads one file from front to back. A clone is for looking ahead.
#[derive(Clone)]
pub(super) struct Lexer<'a> {
    file: FileId,
    text: &'a str,
    /// In bytes, on a character's border.
    offset: usize,
    environment: &'a Environment,
    diagnostics: &'a Diagnostics,
}

/// What ends a text without quotes.
#[derive(Clone, Copy)]
pub(super) enum Boundary {
    /// White space or the end of the file: a name.
    Spacing,
    /// The end of the line, or a comment behind a blank: a value.
    LineEnd,
    /// `>`, with any blanks and comments before it: an argument.
    TagEnd,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(
        file: FileId,
        text: &'a str,
        environment: &'a Environment,
        diagnostics: &'a Diagnostics,
    ) -> Self {
        // Editors on Windows put a byte order mark before the text.
        let offset = if text.starts_with('\u{feff}') {
            '\u{feff}'.len_utf8()
        } else {
            0
        };
        Self {
            file,
            text,
            offset,
            environment,
            diagnostics,
        }
    }

    /// Where reading goes on.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// From there up to here.
    pub(super) fn span_from(&self, start: usize) -> Span {
        Span::new(self.file, start, self.offset)
    }

    /// The next character, or the place behind the last one.
    pub(super) fn span_here(&self) -> Span {
        let next = self.peek().filter(|next| !is_newline(*next));
        Span::new(
            self.file,
            self.offset,
            self.offset + next.map_or(0, char::len_utf8),
        )
    }

    /// From here to the last word of the line.
    pub(super) fn span_to_line_end(&self) -> Span {
        let line = self.rest().split(is_newline).next().unwrap_or_default();
        Span::new(self.file, self.offset, self.offset + line.trim_end().len())
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    /// Whether only blanks and a comment are left of the line.
    pub(super) fn is_at_line_end(&self) -> bool {
        let rest = self.rest().trim_start_matches(is_blank);
        rest.is_empty() || rest.starts_with(is_newline) || rest.starts_with('#')
    }

    pub(super) fn starts_with(&self, symbol: &str) -> bool {
        self.rest().starts_with(symbol)
    }

    /// Takes a symbol if it comes next.
    pub(super) fn eat(&mut self, symbol: &str) -> bool {
        let is_next = self.starts_with(symbol);
        if is_next {
            self.offset += symbol.len();
        }
        is_next
    }

    /// Takes the word `include` or the like if white space follows it.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let rest = self.rest().strip_prefix(word);
        let is_next = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(is_spacing));
        is_next && self.eat(word)
    }

    /// Skips white space and comments.
    pub(super) fn skip_spacing(&mut self) {
        loop {
            self.take_while(is_spacing);
            if !self.starts_with("#") {
                return;
            }
            self.skip_line();
        }
    }

    /// Skips white space, but no comments, and says whether it reached another line.
    pub(super) fn skip_blanks(&mut self) -> bool {
        self.take_while(is_spacing).contains('\n')
    }

    /// Skips blanks on this line.
    pub(super) fn skip_inline_blanks(&mut self) {
        self.take_while(is_blank);
    }

    /// Skips the rest of the line.
    pub(super) fn skip_line(&mut self) {
        self.take_while(|character| !is_newline(character));
    }

    /// The name of a section; empty if none comes next.
    pub(super) fn section_name(&mut self) -> &'a str {
        self.take_while(|character| character.is_ascii_alphanumeric() || character == '_')
    }

    /// A parameter's value: an array, a hash or a text.
    pub(super) fn literal(&mut self) -> Value {
        match self.peek() {
            Some('[' | '{') => self.json(),
            _ => self.string(Boundary::LineEnd),
        }
    }

    /// A text, quoted or not. Only a quoted one can be empty.
    pub(super) fn string(&mut self, boundary: Boundary) -> Value {
        match self.peek() {
            Some('"') => self.double_quoted(),
            Some('\'') => self.single_quoted(),
            _ => Value::Text(self.unquoted(boundary).to_owned()),
        }
    }

    /// A text without quotes. A `#` directly behind a character belongs to the text, and
    /// so does one that begins it.
    fn unquoted(&mut self, boundary: Boundary) -> &'a str {
        let start = self.offset;
        while let Some(next) = self.peek() {
            if is_newline(next) || self.is_at(boundary) {
                break;
            }
            // A run of blanks that ends nothing belongs to the text as a whole.
            if self.take_while(is_blank).is_empty() {
                self.bump();
            }
        }
        self.text.get(start..self.offset).unwrap_or_default()
    }

    fn is_at(&self, boundary: Boundary) -> bool {
        if self.starts_with("#") {
            return false;
        }
        match boundary {
            Boundary::Spacing => self.rest().starts_with(is_spacing),
            Boundary::LineEnd => self.is_at_line_end(),
            Boundary::TagEnd => {
                let mut ahead = self.clone();
                ahead.skip_spacing();
                ahead.starts_with(">")
            }
        }
    }

    /// Evaluates embedded code, the `#{` of which has been taken, up to and with its `}`.
    /// `None` when it cannot be, which is reported.
    fn embedded(&mut self) -> Option<Evaluated> {
        let start = self.offset - "#{".len();
        let Some(len) = embedded::code_len(self.rest()) else {
            let span = Span::new(self.file, start, self.offset);
            self.diagnostics
                .error(span, "embedded code is not closed by `}` on its line");
            return None;
        };
        let code = self.rest().get(..len).unwrap_or_default();
        self.offset += len + "}".len();
        match embedded::evaluate(code, self.environment) {
            Ok(value) => Some(value),
            Err(error) => {
                self.diagnostics
                    .error(self.span_from(start), error.to_string());
                None
            }
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.offset..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.offset += next.len_utf8();
        Some(next)
    }

    fn take_while(&mut self, matches: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let len = rest
            .find(|character| !matches(character))
            .unwrap_or(rest.len());
        self.offset += len;
        rest.get(..len).unwrap_or_default()
    }
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

fn is_newline(character: char) -> bool {
    matches!(character, '\n' | '\r')
}

fn is_spacing(character: char) -> bool {
    is_blank(character) || is_newline(character)
}

#[cfg(test)]
mod tests;
