//! `.meta`: MessagePack behind two marks and a length.

use rmpv::ValueRef;

use crate::chunk::{ChunkId, Metadata};
use crate::tag::Tag;
use crate::timekey::Timekey;

/// What Fluentd writes before the length; the second byte is the version.
const MARK: u8 = 0xc1;
const VERSION: u8 = 0;

/// What a `.meta` file says of its chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// The chunk's own id.
    pub id: ChunkId,
    /// How many events the chunk had when this was written.
    pub records: u64,
    /// When it was opened, in Unix seconds.
    pub created: i64,
    /// When it last took events, in Unix seconds.
    pub modified: i64,
    /// The key its events share.
    pub metadata: Metadata,
}

/// Why a `.meta` file says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetaError {
    /// As a power cut leaves it.
    #[error("its metadata are empty")]
    Empty,
    /// Written by something newer than what is known here.
    #[error("its metadata are of version {found}, and 0 is known")]
    Version {
        /// The version's byte.
        found: u8,
    },
    /// The file ends before its length says.
    #[error("its metadata end after {found} of {expected} bytes")]
    Short {
        /// Bytes behind the length.
        found: usize,
        /// The length.
        expected: u32,
    },
    /// What is there is no map in MessagePack.
    #[error("its metadata are no map in MessagePack")]
    NoMap,
    /// A member is not there, or is not what it has to be.
    #[error("its metadata have no sound {name}: {expected} is expected")]
    Member {
        /// The member's name in the map.
        name: &'static str,
        /// What it is in a sound one.
        expected: &'static str,
    },
}

impl Meta {
    /// Reads a whole `.meta` file. That of Fluentd 0.14 had no mark and no length.
    ///
    /// # Errors
    /// What is missing or cannot be understood; nothing is guessed, because the chunk's
    /// events would go to the wrong place.
    pub fn read(file: &[u8]) -> Result<Self, MetaError> {
        let Some(map) = ValueMap::read(packed(file)?) else {
            return Err(MetaError::NoMap);
        };
        Ok(Self {
            id: map.id()?,
            records: map.records()?,
            created: map.seconds("c")?,
            modified: map.seconds("m")?,
            metadata: Metadata {
                timekey: map.timekey()?,
                tag: map.tag()?,
                variables: map.variables()?,
            },
        })
    }
}

/// The MessagePack in the file.
fn packed(file: &[u8]) -> Result<&[u8], MetaError> {
    // A power cut may leave a length of zeros.
    if file.iter().all(|byte| *byte == 0) {
        return Err(MetaError::Empty);
    }
    match file {
        [MARK, VERSION, a, b, c, d, rest @ ..] => {
            let expected = u32::from_be_bytes([*a, *b, *c, *d]);
            let found = rest.len();
            let length = usize::try_from(expected).unwrap_or(usize::MAX);
            rest.get(..length)
                .ok_or(MetaError::Short { found, expected })
        }
        [MARK, found, ..] if *found != VERSION => Err(MetaError::Version { found: *found }),
        [MARK, ..] => Err(MetaError::NoMap),
        old => Ok(old),
    }
}

/// The map, whose members are asked for by name.
struct ValueMap<'a>(Vec<(ValueRef<'a>, ValueRef<'a>)>);

/// Deeper than any chunk key.
const DEPTH: usize = 16;

impl<'a> ValueMap<'a> {
    fn read(mut packed: &'a [u8]) -> Option<Self> {
        match rmpv::decode::read_value_ref_with_max_depth(&mut packed, DEPTH) {
            Ok(ValueRef::Map(members)) => Some(Self(members)),
            _ => None,
        }
    }

    /// `None` for a member that is nil or not there.
    fn member(&self, name: &str) -> Option<&ValueRef<'a>> {
        let named = |key: &ValueRef<'_>| text(key).is_some_and(|key| key == name);
        let (_, value) = self.0.iter().find(|(key, _)| named(key))?;
        Some(value).filter(|value| **value != ValueRef::Nil)
    }

    fn id(&self) -> Result<ChunkId, MetaError> {
        let bytes = self.member("id").and_then(bytes);
        let bytes = bytes.and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
        bytes.map(ChunkId::from_bytes).ok_or(MetaError::Member {
            name: "id",
            expected: "16 bytes",
        })
    }

    fn records(&self) -> Result<u64, MetaError> {
        let Some(value) = self.member("s") else {
            return Ok(0);
        };
        value.as_u64().ok_or(MetaError::Member {
            name: "s",
            expected: "a number of events",
        })
    }

    fn seconds(&self, name: &'static str) -> Result<i64, MetaError> {
        let seconds = self.member(name).and_then(whole);
        seconds
            .filter(|seconds| *seconds > 0)
            .ok_or(MetaError::Member {
                name,
                expected: "a Unix time",
            })
    }

    fn timekey(&self) -> Result<Option<Timekey>, MetaError> {
        let Some(value) = self.member("timekey") else {
            return Ok(None);
        };
        let seconds = whole(value).ok_or(MetaError::Member {
            name: "timekey",
            expected: "a Unix time",
        })?;
        Ok(Some(Timekey::new(seconds)))
    }

    fn tag(&self) -> Result<Option<Tag>, MetaError> {
        let Some(value) = self.member("tag") else {
            return Ok(None);
        };
        let tag = text(value).map(Tag::new);
        tag.map(Some).ok_or(MetaError::Member {
            name: "tag",
            expected: "a text in UTF-8",
        })
    }

    fn variables(&self) -> Result<Vec<(String, Option<String>)>, MetaError> {
        let pairs = match self.member("variables") {
            None => return Ok(Vec::new()),
            Some(ValueRef::Map(pairs)) => Some(pairs),
            Some(_) => None,
        };
        let read = pairs.and_then(|pairs| {
            let pair = |(key, value): &(ValueRef<'_>, ValueRef<'_>)| {
                Some((text(key)?.to_owned(), variable(value)?))
            };
            pairs.iter().map(pair).collect()
        });
        read.ok_or(MetaError::Member {
            name: "variables",
            expected: "a map of chunk keys to texts, numbers, booleans or nil",
        })
    }
}

/// A chunk key's value as it goes into placeholders; `Some(None)` for nil.
fn variable(value: &ValueRef<'_>) -> Option<Option<String>> {
    Some(Some(match value {
        ValueRef::Nil => return Some(None),
        ValueRef::Boolean(value) => value.to_string(),
        ValueRef::Integer(number) => number.to_string(),
        // As Ruby writes them, below 1e16.
        ValueRef::F64(number) => format!("{number:?}"),
        other => text(other)?.to_owned(),
    }))
}

fn whole(value: &ValueRef<'_>) -> Option<i64> {
    match value {
        ValueRef::Integer(number) => number.as_i64(),
        _ => None,
    }
}

/// A string, marked as binary or not.
fn text<'v>(value: &'v ValueRef<'_>) -> Option<&'v str> {
    std::str::from_utf8(bytes(value)?).ok()
}

fn bytes<'v>(value: &'v ValueRef<'_>) -> Option<&'v [u8]> {
    match value {
        ValueRef::Binary(bytes) => Some(bytes),
        ValueRef::String(text) => Some(text.as_bytes()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
