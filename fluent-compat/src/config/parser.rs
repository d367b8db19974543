//! From the words of a configuration to its tree.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Document;
use super::diagnostic::Diagnostics;
use super::element::{Attribute, Element, Value};
use super::embedded::Environment;
use super::include::{Includes, Loader};
use super::lexer::{Boundary, Lexer};
use super::source::{Sources, Span};

/// Sections in sections and files in files, together: each is a recursion. Real
/// configurations have four or five.
const MAX_DEPTH: usize = 64;

/// Mistakes after which the rest of the text is not read: it is no configuration.
const MAX_ERRORS: usize = 100;

/// The parameters beginning with `@` that are allowed everywhere.
const RESERVED: [&str; 4] = ["@type", "@id", "@label", "@log_level"];

/// The sections in which Fluentd refuses other names that begin with `@`; elsewhere it warns.
const TOP_SECTIONS: [&str; 4] = ["match", "source", "filter", "system"];

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
                lexer.skip_spacing();
                self.include(lexer, body);
            } else {
                self.parameter(lexer, body);
            }
        }
    }

    /// Reads an end tag. `None` if it ends nothing, which is reported.
    fn end_tag(&mut self, lexer: &mut Lexer<'_>) -> Option<End> {
        let mut ahead = lexer.clone();
        ahead.eat("</");
        let name = ahead.section_name().to_owned();
        let own = self.open.last().cloned();
        if own.as_ref() == Some(&name) {
            *lexer = ahead;
            self.tag_end(lexer, "end tag");
            return Some(End::Tag);
        }
        let tag = lexer.span_to_line_end();
        let message = match &own {
            Some(own) => format!("expected the end tag `</{own}>`"),
            None => "end tag without a section to end".to_owned(),
        };
        self.diagnostics.error(tag, message);
        if own.is_some() && self.open.contains(&name) {
            return Some(End::OuterTag);
        }
        lexer.skip_line();
        own.map(|_| End::Tag)
    }

    /// Reads a section from `<` to the end of its end tag.
    fn section(&mut self, lexer: &mut Lexer<'_>, body: &mut Body) {
        let tag_start = lexer.offset();
        lexer.eat("<");
        let start = lexer.offset();
        let name = lexer.section_name().to_owned();
        let span = lexer.span_from(start);
        if name.is_empty() {
            let message = "expected a section's name: letters, digits and `_`";
            self.diagnostics.error(lexer.span_here(), message);
            return lexer.skip_line();
        }
        lexer.skip_spacing();
        let arg_start = lexer.offset();
        let arg = lexer.string(Boundary::TagEnd);
        let arg_span = if lexer.offset() == arg_start {
            span
        } else {
            lexer.span_from(arg_start)
        };
        if arg == Value::Unreadable {
            lexer.skip_line();
        } else {
            self.tag_end(lexer, "tag");
        }
        if !self.descend(span) {
            return;
        }
        let mut inner = Body::default();
        self.open.push(name.clone());
        if self.body(lexer, &mut inner) == End::File && lexer.is_at_end() {
            let tag = Span::new(span.file(), tag_start, start + name.len());
            self.diagnostics
                .error(tag, format!("section is not ended by `</{name}>`"));
        }
        self.open.pop();
        self.depth -= 1;
        let arg = match arg {
            Value::Text(arg) => arg,
            Value::Nil | Value::Default | Value::Unreadable => String::new(),
        };
        let Body {
            attributes,
            children,
        } = inner;
        body.children.push(Element {
            name,
            arg,
            attributes,
            children,
            span,
            arg_span,
        });
    }

    /// Reads `>` and the end of the line behind it.
    fn tag_end(&self, lexer: &mut Lexer<'_>, tag: &str) {
        let mut ahead = lexer.clone();
        ahead.skip_spacing();
        if ahead.eat(">") {
            *lexer = ahead;
            self.expect_line_end(lexer, tag);
        } else {
            let message = format!("expected `>` at the end of the {tag}");
            self.diagnostics.error(lexer.span_here(), message);
            lexer.skip_line();
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

    /// Reads one line `name value`.
    fn parameter(&mut self, lexer: &mut Lexer<'_>, body: &mut Body) {
        let start = lexer.offset();
        let name = lexer.string(Boundary::Spacing);
        let name_span = lexer.span_from(start);
        let name = match name {
            Value::Text(name) => name,
            Value::Unreadable => return lexer.skip_line(),
            Value::Nil | Value::Default => {
                self.diagnostics
                    .error(name_span, "a parameter's name must be a text");
                return lexer.skip_line();
            }
        };
        let mut attribute = Attribute {
            name,
            value: Value::Text(String::new()),
            name_span,
            value_span: name_span,
        };
        let has_value = !lexer.skip_blanks() && !lexer.is_at_end();
        if has_value && attribute.name == "@include" {
            return self.include(lexer, body);
        }
        if has_value {
            self.check_name(&attribute);
            self.warn_of_comment(lexer, &attribute);
            let start = lexer.offset();
            attribute.value = lexer.literal();
            attribute.value_span = lexer.span_from(start);
            if attribute.value == Value::Unreadable {
                lexer.skip_line();
            } else {
                self.expect_line_end(lexer, "value");
            }
        }
        self.insert(attribute, body);
    }

    /// Fluentd keeps `@` for itself: an error in its own sections, a warning in others.
    fn check_name(&self, attribute: &Attribute) {
        let name = attribute.name.as_str();
        if !name.starts_with('@') || RESERVED.contains(&name) {
            return;
        }
        let message = format!(
            "`{name}` begins with `@`, which is kept for {}",
            RESERVED.map(|name| format!("`{name}`")).join(", ")
        );
        let section = self.open.last();
        if section.is_none_or(|section| TOP_SECTIONS.contains(&section.as_str())) {
            self.diagnostics.error(attribute.name_span, message);
        } else {
            self.diagnostics.warning(attribute.name_span, message);
        }
    }

    /// `name # remark` gives the parameter the text `# remark`: Fluentd knows no comments
    /// where a value is to begin.
    fn warn_of_comment(&self, lexer: &Lexer<'_>, attribute: &Attribute) {
        if lexer.starts_with("#") {
            let message = format!("this is the value of `{}`, not a comment", attribute.name);
            let help = "a comment needs a value before it, or a line of its own";
            self.diagnostics
                .warning_with_help(lexer.span_to_line_end(), message, help);
        }
    }

    /// Adds an attribute. The last of several of one name counts, in the place of the first.
    fn insert(&self, attribute: Attribute, body: &mut Body) {
        let same = body
            .attributes
            .iter_mut()
            .find(|other| other.name == attribute.name);
        let Some(earlier) = same else {
            return body.attributes.push(attribute);
        };
        // An included file may well be there to override: only one file's own
        // repetitions are suspect.
        if earlier.name_span.file() == attribute.name_span.file() {
            let message = format!("`{}` is given again: this one counts", attribute.name);
            self.diagnostics.warning(attribute.name_span, message);
        }
        *earlier = attribute;
    }

    fn expect_line_end(&self, lexer: &mut Lexer<'_>, behind: &str) {
        if !lexer.is_at_line_end() {
            lexer.skip_inline_blanks();
            let message = format!("expected the end of the line behind the {behind}");
            self.diagnostics.error(lexer.span_to_line_end(), message);
            lexer.skip_line();
        }
    }

    /// At the top of a file the old name is known as well.
    fn eat_include(&self, lexer: &mut Lexer<'_>) -> bool {
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
    fn include(&mut self, lexer: &mut Lexer<'_>, body: &mut Body) {
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

#[cfg(test)]
mod tests;
