//! Names of objects: `s3_object_key_format` with all that goes into it.
//!
//! A name depends on the chunk alone (its id, its metadata, when it was begun) and
//! on an index, so that the same name comes out after a restart. Where Fluentd takes
//! the clock or random numbers at each flush, `%{hms_slice}` is when the chunk was
//! begun and `%{uuid_flush}` is made from its id.

mod options;
mod parse;

pub use options::{CheckObject, HexRandomLength, IndexFormat, ObjectKeyOptions};

use crate::chunk::{ChunkId, Metadata};
use crate::placeholder::{PlaceholderError, PlaceholderWarning, Placeholders};
use crate::time::{EventTime, Strftime, Zone};

/// S3 takes no longer names, in bytes of UTF-8.
const MAX_BYTES: usize = 1024;

/// The names of an output's objects, as `s3_object_key_format` describes them.
#[derive(Clone, Debug)]
pub struct ObjectKeyTemplate {
    pieces: Vec<Piece>,
    warnings: Vec<ObjectKeyWarning>,
    index_format: IndexFormat,
    hex_random_length: HexRandomLength,
    time_slice: Strftime,
    zone: Zone,
    /// With its dot, such as `.gz`.
    extension: String,
}

/// What an object of one chunk is named after.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// The chunk's id.
    pub id: ChunkId,
    /// What its events have in common.
    pub metadata: &'a Metadata,
    /// When it was begun.
    pub created: EventTime,
}

/// A setting that makes no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectKeyError {
    /// Longer than a chunk's id has random digits.
    #[error("hex_random_length is {found}, and 16 is the most")]
    HexRandomLength {
        /// As configured.
        found: u64,
    },
    /// A `sprintf` format of another form.
    #[error("index_format is {found:?}, and must be like %d, %04d, %x or %08X")]
    IndexFormat {
        /// As configured.
        found: String,
    },
    /// A placeholder of old versions of the plugin.
    #[error(
        "{placeholder} in s3_object_key_format is removed: use %{{uuid_flush}} or ${{chunk_id}}"
    )]
    Removed {
        /// The placeholder.
        placeholder: String,
    },
}

/// A name that cannot be. It can never succeed later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing is left after filling in.
    #[error("the object's name is empty")]
    Empty,
    /// A tag or a field that must not become part of a name.
    #[error(transparent)]
    Placeholder(#[from] PlaceholderError),
    /// Longer than S3 takes.
    #[error("the object's name has {found} bytes and {MAX_BYTES} is the most")]
    TooLong {
        /// Its length in bytes.
        found: usize,
    },
}

/// Something in a template that is taken, but not what its author may think.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectKeyWarning {
    /// A `${…}` or a time format that is not filled in.
    #[error(transparent)]
    Placeholder(#[from] PlaceholderWarning),
    /// Two chunks may get the same name.
    #[error(
        "object names have neither %{{index}} nor ${{chunk_id}} in them: \
         where a name is taken, the chunk's id is added to it"
    )]
    NotUnique,
    /// A `%{…}` that there is not. Nothing comes in its place.
    #[error("{placeholder} is unknown in s3_object_key_format, so nothing comes in its place")]
    Unknown {
        /// The placeholder.
        placeholder: String,
    },
}

#[derive(Clone, Debug)]
enum Piece {
    HexRandom,
    HmsSlice,
    Index,
    Text(Placeholders),
    TimeSlice,
    UuidFlush,
}

impl ObjectKeyTemplate {
    /// Reads the template.
    ///
    /// # Errors
    /// If it has one of the uuid placeholders that fluent-plugin-s3 has given up.
    pub fn new(options: &ObjectKeyOptions<'_>) -> Result<Self, ObjectKeyError> {
        let parse::Parsed {
            pieces,
            mut warnings,
        } = parse::pieces(options)?;
        let template = Self {
            pieces,
            index_format: options.index_format,
            hex_random_length: options.hex_random_length,
            time_slice: Strftime::new(options.time_slice_format()),
            zone: options.zone.clone(),
            extension: format!(".{}", options.file_extension),
            warnings: Vec::new(),
        };
        if !template.has_index() && !template.has_chunk_identity() {
            warnings.push(ObjectKeyWarning::NotUnique);
        }
        Ok(Self {
            warnings,
            ..template
        })
    }

    /// What the author of the template should know.
    pub fn warnings(&self) -> &[ObjectKeyWarning] {
        &self.warnings
    }

    /// What all names begin with, whatever the chunk: the text before the first placeholder.
    pub fn literal_prefix(&self) -> String {
        match self.pieces.first() {
            Some(Piece::Text(text)) => text.literal_prefix(),
            _ => String::new(),
        }
    }

    /// Whether the template has `%{index}`.
    pub fn has_index(&self) -> bool {
        self.pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Index))
    }

    /// Whether each chunk's names have its id in them.
    pub fn has_chunk_identity(&self) -> bool {
        self.pieces.iter().any(|piece| match piece {
            Piece::UuidFlush => true,
            Piece::Text(text) => text.has_chunk_id(),
            _ => false,
        })
    }

    /// The name of a chunk's object; `index` is the number of names before it that
    /// were found taken.
    ///
    /// Without `%{index}` in the template a later name has the chunk's id (and from
    /// the third on the index) before its extension, so that it is always another.
    ///
    /// # Errors
    /// See [`NameError`]; another index does not cure it.
    pub fn render(&self, chunk: Named<'_>, index: u64) -> Result<String, NameError> {
        let key = self.fill(chunk, index)?;
        if index > 0 && !self.has_index() {
            return sized(self.set_apart(&key, chunk.id, index));
        }
        sized(key)
    }

    /// The same, but in any case a name that belongs to this chunk and no other: the id
    /// is added where it is not in the template.
    ///
    /// # Errors
    /// See [`NameError`]; another index does not cure it.
    pub fn render_own(&self, chunk: Named<'_>, index: u64) -> Result<String, NameError> {
        let key = self.render(chunk, index)?;
        if names_only(&key, chunk.id) {
            return Ok(key);
        }
        sized(self.set_apart(&key, chunk.id, 1))
    }

    /// The template with everything filled in, which need not be a name: the values of
    /// `s3_metadata` are written in the same way.
    ///
    /// # Errors
    /// If a tag or a field may not go in.
    pub fn fill(&self, chunk: Named<'_>, index: u64) -> Result<String, PlaceholderError> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::HexRandom => text.push_str(&self.hex_random(chunk.id)),
                Piece::HmsSlice => {
                    let clock = Strftime::new("%H%M%S");
                    text.push_str(&clock.format(chunk.created, &Zone::Utc));
                }
                Piece::Index => text.push_str(&self.index_format.render(index)),
                Piece::Text(part) => text.push_str(&part.render(chunk.id, chunk.metadata)?),
                Piece::TimeSlice => {
                    if let Some(timekey) = chunk.metadata.timekey {
                        text.push_str(&self.time_slice.format(timekey.start(), &self.zone));
                    }
                }
                Piece::UuidFlush => text.push_str(&uuid(chunk.id)),
            }
        }
        Ok(text)
    }

    /// The last digits of the id backwards: they are its random ones, as in Fluentd.
    fn hex_random(&self, id: ChunkId) -> String {
        let digits = id.to_string();
        digits
            .chars()
            .rev()
            .take(self.hex_random_length.get())
            .collect()
    }

    fn set_apart(&self, key: &str, id: ChunkId, index: u64) -> String {
        let (stem, extension) = match key.strip_suffix(&self.extension) {
            Some(stem) => (stem, self.extension.as_str()),
            None => (key, ""),
        };
        match index {
            1 => format!("{stem}_{id}{extension}"),
            _ => format!("{stem}_{id}_{index}{extension}"),
        }
    }
}

fn sized(key: String) -> Result<String, NameError> {
    match key.len() {
        0 => Err(NameError::Empty),
        found if found > MAX_BYTES => Err(NameError::TooLong { found }),
        _ => Ok(key),
    }
}

/// Whether a name belongs to this chunk and no other, because `${chunk_id}` or
/// `%{uuid_flush}` is in it.
pub fn names_only(key: &str, id: ChunkId) -> bool {
    key.contains(&id.to_string()) || key.contains(&uuid(id))
}

/// The id in the form of a random UUID (version 4).
fn uuid(id: ChunkId) -> String {
    const VERSION_AND_VARIANT: u128 = 0xf000_c000_0000_0000_0000;
    const VERSION_4: u128 = 0x4000_8000_0000_0000_0000;
    let bits = u128::from_be_bytes(*id.as_bytes()) & !VERSION_AND_VARIANT | VERSION_4;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        bits >> 96,
        (bits >> 80) & 0xffff,
        (bits >> 64) & 0xffff,
        (bits >> 48) & 0xffff,
        bits & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests;
