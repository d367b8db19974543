//! Sections and their tags.

use super::super::element::{Element, Value};
use super::super::lexer::{Boundary, Lexer};
use super::super::source::Span;
use super::{Body, End, Parser};

impl Parser<'_> {
    /// Reads a section from `<` to the end of its end tag.
    pub(super) fn section(&mut self, lexer: &mut Lexer<'_>, body: &mut Body) {
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

    /// Reads an end tag. `None` if it ends nothing, which is reported.
    pub(super) fn end_tag(&mut self, lexer: &mut Lexer<'_>) -> Option<End> {
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
}
