//! From the words of a configuration to its tree.

mod include;
mod parameter;
mod section;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Document;
use super::diagnostic::Diagnostics;
use super::element::{Attribute, Element};
use super::embedded::Environment;
use super::include::{Includes, Loader};
use super::lexer::Lexer;
use super::source::{Sources, Span};

/// Sections in sections and files in files, together: each is a recursion. Real
/// configurations have four or five.
const MAX_DEPTH: usize = 64;

/// Mistakes after which the rest of the text is not read: it is no configuration.
const MAX_ERRORS: usize = 100;

/// See [`super::parse`].
pub(super) fn parse(path: &Path, loader: &dyn Loader, environment: &Environment) -> Document {
    let diagnostics = Diagnostics::default();
    let mut parser = Parser {
        environment,
        diagnostics: &diagnostics,
        sources: Sources::default(),
        includes: Includes::new(loader),
        open: Vec::new(),
        depth: 0,
    };
    let mut body = Body::default();
    let span = parser.main_file(path, &mut body);
    let sources = parser.sources;
    let root = Element {
        name: "ROOT".to_owned(),
        arg: String::new(),
        attributes: body.attributes,
        children: body.children,
        span,
        arg_span: span,
    };
    Document {
        sources,
        root,
        diagnostics,
    }
}

struct Parser<'p> {
    environment: &'p Environment,
    diagnostics: &'p Diagnostics,
    sources: Sources,
    includes: Includes<'p>,
    /// The names of the sections around the current line of the current file, outermost
    /// first. Empty at the top of a file, be it included from within a section.
    open: Vec<String>,
    depth: usize,
}

/// What a section holds; an included file adds to that of its includer.
#[derive(Default)]
struct Body {
    attributes: Vec<Attribute>,
    children: Vec<Element>,
}

/// How a section came to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// By its own end tag, or by another one that was taken for it and reported.
    Tag,
    /// Because an outer section's end tag comes next, which is reported.
    OuterTag,
    /// With its file.
    File,
}

impl Parser<'_> {
    /// Reads the file that all begins with, and gives the span that stands for the root.
    fn main_file(&mut self, path: &Path, body: &mut Body) -> Span {
        match self.includes.enter(path) {
            Ok(text) => self.file(path.to_owned(), &text, body),
            Err(reason) => {
                let span = Span::new(self.sources.add(path.to_owned(), "".into()), 0, 0);
                self.diagnostics.error(span, reason.to_string());
                span
            }
        }
    }

    fn file(&mut self, path: PathBuf, text: &Arc<str>, body: &mut Body) -> Span {
        let file = self.sources.add(path, Arc::clone(text));
        let mut lexer = Lexer::new(file, text, self.environment, self.diagnostics);
        self.body(&mut lexer, body);
        Span::new(file, 0, 0)
    }

    /// Reads lines and sections up to the end of the section that `open` names last, or of
    /// the file.
    fn body(&mut self, lexer: &mut Lexer<'_>, body: &mut Body) -> End {
        loop {
            lexer.skip_spacing();
            if lexer.is_at_end() || self.diagnostics.error_count() >= MAX_ERRORS {
                return End::File;
            }
            if lexer.starts_with("</") {
                if let Some(end) = self.end_tag(lexer) {
                    return end;
                }
            } else if lexer.starts_with("<") {
                self.section(lexer, body);
            } else if self.open.is_empty() && self.eat_include(lexer) {
                self.include(lexer, body);
            } else {
                self.parameter(lexer, body);
            }
        }
    }

    /// Goes one section or file deeper, unless that is too deep, which is reported.
    fn descend(&mut self, span: Span) -> bool {
        let is_allowed = self.depth < MAX_DEPTH;
        if is_allowed {
            self.depth += 1;
        } else {
            let message = format!("sections and included files lie more than {MAX_DEPTH} deep");
            self.diagnostics.error(span, message);
        }
        is_allowed
    }

    /// Reports and skips whatever is left of the line but a comment.
    fn expect_line_end(&self, lexer: &mut Lexer<'_>, behind: &str) {
        if !lexer.is_at_line_end() {
            lexer.skip_inline_blanks();
            let message = format!("expected the end of the line behind the {behind}");
            self.diagnostics.error(lexer.span_to_line_end(), message);
            lexer.skip_line();
        }
    }
}

#[cfg(test)]
mod tests;
