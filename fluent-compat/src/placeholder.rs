//! Placeholders: `${tag}`, `${tag[1]}`, `${chunk_id}`, `${user}` and `%Y/%m/%d` in
//! texts like `path`, as Fluentd's `extract_placeholders` fills them in.
//!
//! A text is taken apart once, when the configuration is read. So a value that goes
//! in is never itself looked at for placeholders: a tag `${user}` stays that.

mod parse;

use crate::chunk::{ChunkId, ChunkKeys, Metadata};
use crate::time::{Strftime, Zone};

/// A text of the configuration with its placeholders.
#[derive(Clone, Debug)]
pub struct Placeholders {
    source: String,
    parts: Vec<Part>,
    warnings: Vec<PlaceholderWarning>,
    has_fields: bool,
    zone: Zone,
}

/// A value that must not become part of a name. It can never succeed later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{placeholder} is {found:?}, and a name may neither start a path nor climb up in it")]
pub struct PlaceholderError {
    /// The placeholder, or the whole text where several make it up together.
    pub placeholder: String,
    /// What it was to be replaced by.
    pub found: String,
}

/// A placeholder that will not be filled in, as the chunk keys do not have it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceholderWarning {
    /// It is no chunk key while other fields are: nothing comes in its place.
    #[error("{placeholder} is no chunk key, so nothing comes in its place")]
    Dropped {
        /// The placeholder.
        placeholder: String,
    },
    /// It is no chunk key: the name has it letter for letter.
    #[error("{placeholder} is no chunk key, so it stays as it is written")]
    Kept {
        /// The placeholder.
        placeholder: String,
    },
    /// A time format, and `time` is no chunk key: the name has it letter for letter.
    #[error(
        "{format:?} looks like a time format, but time is no chunk key, so it stays as it is written"
    )]
    Timeless {
        /// The text with the time format.
        format: String,
    },
}

#[derive(Clone, Debug)]
enum Part {
    ChunkId,
    /// The name of a chunk key.
    Field(String),
    Text(String),
    Tag,
    /// Counted from the end if negative, as in Ruby.
    TagAt(i64),
    Time {
        source: String,
        format: Strftime,
    },
}

impl Placeholders {
    /// Takes a text apart. `zone` is the buffer's (`timekey_zone`, or UTC with
    /// `timekey_use_utc`); times are written in it.
    ///
    /// What the chunk keys do not have is no error, as with Fluentd, but one of the
    /// [`warnings`](Self::warnings).
    pub fn parse(source: &str, keys: &ChunkKeys, zone: &Zone) -> Self {
        let (parts, warnings) = parse::parts(source, keys);
        Self {
            source: source.to_owned(),
            has_fields: keys.fields().len() > 0,
            parts,
            warnings,
            zone: zone.clone(),
        }
    }

    /// The text as it is written in the configuration.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The placeholders that will not be filled in.
    pub fn warnings(&self) -> &[PlaceholderWarning] {
        &self.warnings
    }

    /// What the text begins with for every chunk: all before its first placeholder.
    pub fn literal_prefix(&self) -> String {
        let mut prefix = String::new();
        for part in &self.parts {
            match part {
                Part::Text(literal) => prefix.push_str(literal),
                Part::Time { source, .. } => {
                    prefix.push_str(source.split('%').next().unwrap_or_default());
                    break;
                }
                Part::ChunkId | Part::Field(_) | Part::Tag | Part::TagAt(_) => break,
            }
        }
        prefix
    }

    /// Whether each chunk's text is its own, because it has the chunk's id in it.
    pub fn has_chunk_id(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::ChunkId))
    }

    /// The text for one chunk.
    ///
    /// A part of the tag that is not there and a field without a value become
    /// nothing. What the chunk does not know at all, since it was begun under
    /// another configuration, stays as it is written.
    ///
    /// # Errors
    /// If a tag or a field would start a path at its root or climb up in it.
    pub fn render(&self, id: ChunkId, metadata: &Metadata) -> Result<String, PlaceholderError> {
        let mut text = String::with_capacity(self.source.len() + 32);
        for part in &self.parts {
            part.render(id, metadata, &self.zone, &mut text)?;
        }
        if self.has_fields && climbs(&text) > climbs(&self.source) {
            return Err(PlaceholderError {
                placeholder: self.source.clone(),
                found: text,
            });
        }
        Ok(text)
    }
}

impl Part {
    fn render(
        &self,
        id: ChunkId,
        metadata: &Metadata,
        zone: &Zone,
        text: &mut String,
    ) -> Result<(), PlaceholderError> {
        match self {
            Self::ChunkId => text.push_str(&id.to_string()),
            Self::Field(name) => {
                let value = metadata.variable(name).unwrap_or_default();
                text.push_str(checked(value, || format!("${{{name}}}"))?);
            }
            Self::Text(literal) => text.push_str(literal),
            Self::Tag => match &metadata.tag {
                Some(tag) => text.push_str(checked(tag.as_str(), || "${tag}".to_owned())?),
                None => text.push_str("${tag}"),
            },
            Self::TagAt(at) => match &metadata.tag {
                Some(tag) => {
                    let tag = checked(tag.as_str(), || format!("${{tag[{at}]}}"))?;
                    text.push_str(tag_part(tag, *at).unwrap_or_default());
                }
                None => text.push_str(&format!("${{tag[{at}]}}")),
            },
            Self::Time { source, format } => match metadata.timekey {
                Some(timekey) => {
                    text.push_str(&format.format(timekey.start(), zone));
                }
                None => text.push_str(source),
            },
        }
        Ok(())
    }
}

fn tag_part(tag: &str, at: i64) -> Option<&str> {
    // NOTE: Ruby's split leaves out empty parts at the end, and so do we.
    let mut parts = tag.trim_end_matches('.').split('.');
    match usize::try_from(at) {
        Ok(at) => parts.nth(at),
        Err(_) => parts
            .rev()
            .nth(usize::try_from(at.unsigned_abs()).ok()?.checked_sub(1)?),
    }
}

fn checked(value: &str, placeholder: impl FnOnce() -> String) -> Result<&str, PlaceholderError> {
    let starts_at_root = value.lines().any(|line| line.starts_with(['/', '\\']));
    if starts_at_root || climbs(value) > 0 {
        return Err(PlaceholderError {
            placeholder: placeholder(),
            found: value.to_owned(),
        });
    }
    Ok(value)
}

/// How often a text goes up in a path, `../` or `..\`.
fn climbs(text: &str) -> usize {
    text.matches("../").count() + text.matches("..\\").count()
}

#[cfg(test)]
mod tests;
