//! Files in the place of a line.

use std::path::PathBuf;

use super::super::element::Value;
use super::super::include::Includes;
use super::super::lexer::{Boundary, Lexer};
use super::super::source::Span;
use super::{Body, Parser};

impl Parser<'_> {
    /// At the top of a file the old name is known as well.
    pub(super) fn eat_include(&self, lexer: &mut Lexer<'_>) -> bool {
        let start = lexer.offset();
        if lexer.eat_word("include") {
            let message = "`include` is deprecated: write `@include`";
            self.diagnostics.warning(lexer.span_from(start), message);
            return true;
        }
        lexer.eat_word("@include")
    }

    /// Reads the pattern behind `@include` and then the files that it names, as if their
    /// text stood in its place.
    pub(super) fn include(&mut self, lexer: &mut Lexer<'_>, body: &mut Body) {
        lexer.skip_inline_blanks();
        if lexer.is_at_line_end() {
            let message = "expected the path of a file to include";
            return self.diagnostics.error(lexer.span_here(), message);
        }
        let start = lexer.offset();
        let pattern = match lexer.string(Boundary::LineEnd) {
            Value::Text(pattern) => pattern,
            Value::Unreadable => return lexer.skip_line(),
            Value::Nil | Value::Default => String::new(),
        };
        let span = lexer.span_from(start);
        self.expect_line_end(lexer, "included path");
        let paths = match self.includes.resolve(&pattern) {
            Ok(paths) => paths,
            Err(error) => return self.diagnostics.error(span, error.to_string()),
        };
        if paths.is_empty() {
            let message = format!("no file matches `{pattern}`: nothing is included");
            self.diagnostics.warning(span, message);
        }
        for path in paths {
            self.include_file(path, &pattern, span, body);
        }
    }

    fn include_file(&mut self, path: PathBuf, pattern: &str, span: Span, body: &mut Body) {
        if Includes::looks_like_backup(&path, pattern) {
            let message = format!("`{}` looks like a backup and is included", path.display());
            self.diagnostics.warning(span, message);
        }
        match self.includes.enter(&path) {
            Ok(text) => {
                if self.descend(span) {
                    let open = std::mem::take(&mut self.open);
                    self.file(path, &text, body);
                    self.open = open;
                    self.depth -= 1;
                }
                self.includes.leave();
            }
            // Fluentd goes on without a word.
            Err(error) if error.is_missing() => {
                self.diagnostics
                    .warning(span, format!("{error}: nothing is included"));
            }
            Err(error) => self.diagnostics.error(span, error.to_string()),
        }
    }
}
