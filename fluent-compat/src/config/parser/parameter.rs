//! Lines of a name and a value.

use super::super::element::{Attribute, RESERVED, Value};
use super::super::lexer::{Boundary, Lexer};
use super::super::secret::sounds_secret;
use super::{Body, Parser};

/// The sections in which Fluentd refuses unknown names that begin with `@`; elsewhere it warns.
const TOP_SECTIONS: [&str; 4] = ["match", "source", "filter", "system"];

impl Parser<'_> {
    /// Reads one line `name value`.
    pub(super) fn parameter(&mut self, lexer: &mut Lexer<'_>, body: &mut Body) {
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
            if sounds_secret(&attribute.name) {
                self.diagnostics.conceal(attribute.value_span);
            }
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
}
