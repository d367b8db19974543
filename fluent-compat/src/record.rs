//! One record, and the fields in it.

mod members;
mod path;

pub use members::Members;
pub use path::{FieldPath, FieldPathError};

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::json;
use crate::ruby;

/// One JSON object in normal form: compact, keys unique at every level, valid UTF-8,
/// numbers digit for digit as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a>(&'a str);

impl<'a> Record<'a> {
    /// `text` must be an object in the normal form of [`crate::json`].
    pub(crate) fn from_normal_form(text: &'a str) -> Self {
        Self(text)
    }

    /// The record's text.
    pub fn as_json(self) -> &'a str {
        self.0
    }

    /// The field at `path`, if the record has it.
    pub fn get(self, path: &FieldPath) -> Option<RawField<'a>> {
        path.find(self.0).map(RawField)
    }

    /// The top-level field named `key`, if the record has it.
    pub fn get_key(self, key: &str) -> Option<RawField<'a>> {
        self.fields()
            .find(|(name, _)| name == key)
            .map(|(_, field)| field)
    }

    /// The top-level fields in order: the key, unescaped, and the field.
    pub fn fields(self) -> impl Iterator<Item = (Cow<'a, str>, RawField<'a>)> {
        json::members(self.0).map(|(key, value)| (json::unescape(key), RawField(value)))
    }

    /// Appends the record with `members` added to it to `out`.
    pub fn push_with(self, members: &Members, out: &mut String) {
        members.add_to(self, out);
    }

    /// Appends the record to `out`, without the field at `path` if it has it.
    pub(crate) fn push_without(self, path: &FieldPath, out: &mut String) {
        path.push_without(self.0, out);
    }

    /// Appends the record to `out`, with those top-level fields replaced for which
    /// `replacement` gives other JSON (in normal form).
    pub(crate) fn push_rewritten(
        self,
        out: &mut String,
        mut replacement: impl FnMut(&str, RawField<'a>) -> Option<String>,
    ) {
        out.push('{');
        for (key, value) in json::members(self.0) {
            let other = replacement(&json::unescape(key), RawField(value));
            json::push_member(out, key, other.as_deref().unwrap_or(value));
        }
        out.push('}');
    }

    /// The record as a tree.
    pub fn to_map(self) -> Map<String, Value> {
        serde_json::from_str(self.0)
            .expect("invariant: a record is an object of at most 127 levels")
    }
}

/// The value of a field as its raw JSON text, in normal form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawField<'a>(&'a str);

impl<'a> RawField<'a> {
    /// `json` is one JSON value; of objects and arrays only [`RawField::as_json`] is of use
    /// unless they are in normal form.
    pub(crate) fn from_json(json: &'a str) -> Self {
        Self(json)
    }

    /// The field's JSON.
    pub fn as_json(self) -> &'a str {
        self.0
    }

    /// Whether the field is `null`.
    pub fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// Whether the field is a string.
    pub fn is_text(self) -> bool {
        self.0.starts_with('"')
    }

    /// Whether the field is a number.
    pub fn is_number(self) -> bool {
        self.0.starts_with(|c: char| c == '-' || c.is_ascii_digit())
    }

    /// The field as text, as Ruby's `to_s` writes it into placeholders and columns: a
    /// string as it is, nothing for `null`, a number's own digits, and objects and arrays
    /// as Ruby shows them (`{"k"=>"v"}`, `[1, nil]`).
    pub fn to_text(self) -> Cow<'a, str> {
        match self.0.as_bytes() {
            [b'"', .., b'"'] => json::unescape(self.0.get(1..self.0.len() - 1).unwrap_or_default()),
            [b'{' | b'[', ..] => Cow::Owned(ruby::inspect_json(self.0)),
            b"null" => Cow::Borrowed(""),
            _ => Cow::Borrowed(self.0),
        }
    }
}

#[cfg(test)]
mod tests;
