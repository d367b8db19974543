//! The values of `<record>`: texts with placeholders in them, JSON with such texts in it.

mod placeholder;

use std::sync::OnceLock;

use regex_lite::Regex;
use serde_json::Value;

use crate::events::Event;
use crate::json::{push_escaped_text, push_quoted};
use crate::record::{Members, Record};
use placeholder::Placeholder;

pub(super) use placeholder::Scope;
pub use placeholder::{PlaceholderError, Surroundings};

/// The value that a field gets.
#[derive(Debug, Clone)]
pub struct Template(Kind);

#[derive(Debug, Clone)]
enum Kind {
    /// The same for every event: JSON in normal form.
    Fixed(String),
    /// A text put together anew for each event.
    Text(Vec<Piece>),
    /// A value with the type that it has in the record.
    Typed(Placeholder),
    Object(Vec<(Name, Kind)>),
    Array(Vec<Kind>),
}

/// A field's name, which may have placeholders, too.
#[derive(Debug, Clone)]
pub struct Name(Vec<Piece>);

#[derive(Debug, Clone)]
enum Piece {
    Literal(String),
    Placeholder(Placeholder),
}

/// What becomes of a value that is one placeholder and nothing else: `auto_typecast`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typing {
    /// It has the type that it has in the record (`true`, the default).
    Kept,
    /// It is a text (`false`).
    Text,
}

impl Template {
    /// Reads a parameter of `<record>`. One that begins with `{` or `[` is JSON, if it can
    /// be read as such, and its texts are templates.
    pub fn parse(text: &str, typing: Typing) -> Result<Self, PlaceholderError> {
        let json = match text.as_bytes().first() {
            Some(b'{' | b'[') => serde_json::from_str(text).ok(),
            _ => None,
        };
        match json {
            Some(value) => Kind::of_json(&value, typing),
            None => Kind::of_text(text, typing),
        }
        .map(Self)
    }

    /// Appends the value's JSON in normal form.
    pub(super) fn push_json(&self, scope: &Scope<'_>, event: &Event<'_>, out: &mut String) {
        self.0.push_json(scope, event, out);
    }

    /// Whether values of the record come to stand deeper than they stood.
    pub(super) fn nests(&self) -> bool {
        matches!(self.0, Kind::Object(_) | Kind::Array(_))
    }
}

impl Kind {
    fn of_json(value: &Value, typing: Typing) -> Result<Self, PlaceholderError> {
        Ok(match value {
            Value::String(text) => Self::of_text(text, typing)?,
            Value::Array(values) => {
                let values = values.iter().map(|value| Self::of_json(value, typing));
                Self::Array(values.collect::<Result<_, _>>()?)
            }
            Value::Object(members) => {
                let members = members
                    .iter()
                    .map(|(name, value)| Ok((Name::parse(name)?, Self::of_json(value, typing)?)));
                Self::Object(members.collect::<Result<_, _>>()?)
            }
            other => Self::Fixed(other.to_string()),
        })
    }

    fn of_text(text: &str, typing: Typing) -> Result<Self, PlaceholderError> {
        let mut pieces = pieces(text)?;
        if let (Typing::Kept, [Piece::Placeholder(_)]) = (typing, pieces.as_slice())
            && let Some(Piece::Placeholder(placeholder)) = pieces.pop()
        {
            return Ok(Self::Typed(placeholder));
        }
        let is_fixed = pieces
            .iter()
            .all(|piece| matches!(piece, Piece::Literal(_)));
        Ok(match is_fixed {
            true => {
                let mut quoted = String::with_capacity(text.len() + 2);
                push_quoted(&mut quoted, text);
                Self::Fixed(quoted)
            }
            false => Self::Text(pieces),
        })
    }

    fn push_json(&self, scope: &Scope<'_>, event: &Event<'_>, out: &mut String) {
        match self {
            Self::Fixed(json) => out.push_str(json),
            Self::Text(pieces) => {
                out.push('"');
                for piece in pieces {
                    piece.push_escaped(scope, event, out);
                }
                out.push('"');
            }
            Self::Typed(placeholder) => placeholder.push_json(scope, event, out),
            Self::Object(members) => {
                // Names that come out alike are one, as in Ruby's Hash.
                let mut expanded = Members::new();
                for (name, value) in members {
                    let mut json = String::new();
                    value.push_json(scope, event, &mut json);
                    expanded.push(&name.expand(scope, event), json);
                }
                Record::from_normal_form("{}").push_with(&expanded, out);
            }
            Self::Array(values) => {
                out.push('[');
                for (n, value) in values.iter().enumerate() {
                    out.push_str(if n == 0 { "" } else { "," });
                    value.push_json(scope, event, out);
                }
                out.push(']');
            }
        }
    }
}

impl Name {
    /// Reads a parameter's name.
    pub fn parse(text: &str) -> Result<Self, PlaceholderError> {
        pieces(text).map(Self)
    }

    pub(super) fn expand(&self, scope: &Scope<'_>, event: &Event<'_>) -> String {
        let mut name = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => name.push_str(text),
                Piece::Placeholder(placeholder) => name.push_str(&placeholder.text(scope, event)),
            }
        }
        name
    }
}

impl Piece {
    fn push_escaped(&self, scope: &Scope<'_>, event: &Event<'_>, out: &mut String) {
        match self {
            Self::Literal(text) => push_escaped_text(out, text),
            Self::Placeholder(placeholder) => {
                push_escaped_text(out, &placeholder.text(scope, event));
            }
        }
    }
}

/// What Fluentd takes for placeholders: `${…}`, and `__NAME__`, of which it knows none.
fn pieces(text: &str) -> Result<Vec<Piece>, PlaceholderError> {
    static PLACEHOLDER: OnceLock<Regex> = OnceLock::new();
    let placeholder = PLACEHOLDER.get_or_init(|| {
        Regex::new(r"\$\{[^}]+\}|__[A-Z_]+__")
            .expect("invariant: the expression is a constant, which a test compiles")
    });
    let mut pieces = Vec::new();
    let mut end = 0;
    let literal = |from: usize, to: usize| {
        let text = text.get(from..to).filter(|text| !text.is_empty());
        text.map(|text| Piece::Literal(text.to_owned()))
    };
    for found in placeholder.find_iter(text) {
        pieces.extend(literal(end, found.start()));
        pieces.push(Piece::Placeholder(Placeholder::parse(found.as_str())?));
        end = found.end();
    }
    pieces.extend(literal(end, text.len()));
    Ok(pieces)
}

#[cfg(test)]
mod tests;
