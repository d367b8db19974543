//! Ruby's regular expressions, as far as they can be had in linear time.

use regex_lite::{Regex, RegexBuilder};

/// A regular expression as Ruby reads it: `^` and `$` are at every line's ends, `\h` is a
/// hexadecimal digit, `/m` lets the dot match line breaks.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
}

/// What stands behind the closing slash of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PatternOptions {
    /// `i`.
    pub ignores_case: bool,
    /// `m`: the dot matches line breaks.
    pub is_multiline: bool,
}

/// An expression that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is wrong, or needs look-around, back-references or other things that take more
    /// than linear time.
    #[error("the expression /{expression}/ cannot be used: {reason}")]
    Invalid {
        /// The expression.
        expression: String,
        /// What is wrong.
        reason: String,
    },
    /// The expression of a parser, with nothing in it that makes a field.
    #[error("found no named group in /{expression}/, expected one at least, as in (?<name>.*)")]
    NoGroups {
        /// The expression.
        expression: String,
    },
}

impl Pattern {
    /// Compiles an expression, given without its slashes.
    pub fn new(expression: &str, options: PatternOptions) -> Result<Self, PatternError> {
        let mut builder = RegexBuilder::new(&translated(expression));
        builder
            .multi_line(true)
            .case_insensitive(options.ignores_case)
            .dot_matches_new_line(options.is_multiline);
        let regex = builder.build().map_err(|error| PatternError::Invalid {
            expression: expression.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self { regex })
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    pub(super) fn regex(&self) -> &Regex {
        &self.regex
    }
}

/// What Ruby spells in its own way, spelled as our engine does.
fn translated(expression: &str) -> String {
    let mut out = String::with_capacity(expression.len());
    let mut classes = 0_u32;
    let mut chars = expression.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match (chars.next(), classes) {
                (Some('h'), 0) => out.push_str("[0-9a-fA-F]"),
                (Some('h'), _) => out.push_str("0-9a-fA-F"),
                (Some('H'), 0) => out.push_str("[^0-9a-fA-F]"),
                (Some('Z'), 0) => out.push_str("\\n?\\z"),
                // Ruby needs the backslash before a slash or a quote in some places.
                (Some(plain @ ('/' | '"' | '\'')), _) => out.push(plain),
                (Some(escaped), _) => out.extend(['\\', escaped]),
                (None, _) => out.push('\\'),
            },
            '[' => {
                classes += 1;
                out.push(c);
            }
            ']' => {
                classes = classes.saturating_sub(1);
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}
