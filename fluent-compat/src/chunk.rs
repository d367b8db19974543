//! What a chunk is called and what its events have in common.
//!
//! A chunk collects the events that agree in the keys of `<buffer tag,time,user>`:
//! the same tag, the same slot of time, the same text in a field.

mod id;
mod keys;

pub use id::{ChunkId, ChunkIdError};
pub use keys::{ChunkKeys, ChunkKeysError};

use crate::tag::Tag;
use crate::timekey::Timekey;

/// What all events of a chunk have in common, as Fluentd's `Buffer::Metadata`.
///
/// Two events belong into the same chunk exactly if their metadata are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Metadata {
    /// The slot of time, if `time` is a chunk key.
    pub timekey: Option<Timekey>,
    /// The tag, if `tag` is a chunk key.
    pub tag: Option<Tag>,
    /// Each chunk key that is a field, with its text as it goes into
    /// placeholders; `None` for a field that is null or not there.
    /// In the order of the configuration.
    pub variables: Vec<(String, Option<String>)>,
}

impl Metadata {
    /// The text of a chunk key that is a field.
    pub fn variable(&self, key: &str) -> Option<&str> {
        self.variables
            .iter()
            .find(|(name, _)| name == key)
            .and_then(|(_, text)| text.as_deref())
    }
}
