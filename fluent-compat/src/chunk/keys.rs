//! The chunk keys: what `<buffer …>` has as its argument.

use super::Metadata;
use crate::events::Event;
use crate::record::{FieldPath, FieldPathError};
use crate::tag::Tag;
use crate::timekey::TimekeySlots;

/// The chunk keys of an output, as `<buffer tag,time,user,$.a.b>` lists them.
#[derive(Clone, Debug, Default)]
pub struct ChunkKeys {
    time: bool,
    tag: bool,
    fields: Vec<(String, FieldPath)>,
}

/// What can be wrong with the argument of `<buffer …>`.
#[derive(Debug, thiserror::Error)]
pub enum ChunkKeysError {
    /// The argument starts like a JSON array and is none of strings.
    #[error("chunk keys {found:?} are no JSON array of strings")]
    Array {
        /// The whole argument.
        found: String,
    },
    /// A field in bracket notation, which no placeholder could name.
    #[error(
        "chunk key {key:?} is in bracket notation: a field is written user or $.a.b as a chunk key"
    )]
    Brackets {
        /// The key.
        key: String,
    },
    /// A key with a character that no placeholder could hold.
    #[error("chunk key {key:?} has other characters than a-z A-Z 0-9 - _ . @")]
    Character {
        /// The key.
        key: String,
    },
    /// A field's address that cannot be read.
    #[error("chunk key {key:?}: {source}")]
    Field {
        /// The key.
        key: String,
        /// What is wrong with it.
        source: FieldPathError,
    },
}

impl ChunkKeys {
    /// Reads the argument of `<buffer …>`: names with commas between them, or a
    /// JSON array of strings. An empty text and `[]` mean no keys.
    ///
    /// # Errors
    /// As Fluentd, it refuses what a placeholder could not name.
    pub fn parse(argument: &str) -> Result<Self, ChunkKeysError> {
        let mut keys = Self::default();
        for name in names(argument)? {
            match name.as_str() {
                "time" => keys.time = true,
                "tag" => keys.tag = true,
                _ if keys.fields.iter().any(|(known, _)| *known == name) => {}
                _ => keys.fields.push(field(name)?),
            }
        }
        Ok(keys)
    }

    /// The keys of `<buffer time>`, the default of an S3 output.
    pub fn only_time() -> Self {
        Self {
            time: true,
            ..Self::default()
        }
    }

    /// Whether `time` is a chunk key.
    pub fn has_time(&self) -> bool {
        self.time
    }

    /// Whether `tag` is a chunk key.
    pub fn has_tag(&self) -> bool {
        self.tag
    }

    /// The chunk keys that are fields, in the order of the configuration.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = &str> {
        self.fields.iter().map(|(name, _)| name.as_str())
    }

    /// Whether there are no keys at all, so that one chunk takes all events.
    pub fn is_empty(&self) -> bool {
        !self.time && !self.tag && self.fields.is_empty()
    }

    /// What the chunk of this event has in common.
    ///
    /// `slots` cuts the time and is there whenever `time` is a chunk key. Costs no
    /// allocation unless a field is a chunk key.
    pub fn metadata(&self, slots: Option<&TimekeySlots>, tag: &Tag, event: &Event<'_>) -> Metadata {
        Metadata {
            timekey: slots
                .filter(|_| self.time)
                .map(|slots| slots.slot(event.time)),
            tag: self.tag.then(|| tag.clone()),
            variables: self
                .fields
                .iter()
                .map(|(name, path)| (name.clone(), text(event, path)))
                .collect(),
        }
    }
}

fn names(argument: &str) -> Result<Vec<String>, ChunkKeysError> {
    let argument = argument.trim();
    if argument.starts_with('[') {
        return serde_json::from_str(argument).map_err(|_| ChunkKeysError::Array {
            found: argument.to_owned(),
        });
    }
    let listed = argument.trim_end_matches([',', ' ', '\t']);
    if listed.is_empty() {
        return Ok(Vec::new());
    }
    Ok(listed
        .split(',')
        .map(|name| name.trim().to_owned())
        .collect())
}

fn field(key: String) -> Result<(String, FieldPath), ChunkKeysError> {
    if key.starts_with("$[") {
        return Err(ChunkKeysError::Brackets { key });
    }
    let is_nested = key.starts_with("$.");
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
    if key.is_empty() || !is_nested && !key.bytes().all(is_plain) {
        return Err(ChunkKeysError::Character { key });
    }
    match FieldPath::parse(&key) {
        Ok(path) => Ok((key, path)),
        Err(source) => Err(ChunkKeysError::Field { key, source }),
    }
}

fn text(event: &Event<'_>, path: &FieldPath) -> Option<String> {
    let field = event.record.get(path)?;
    (!field.is_null()).then(|| field.to_text().into_owned())
}

#[cfg(test)]
mod tests;
