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

    /// The tag's text, if `tag` is a chunk key.
    pub fn tag_text(&self) -> Option<&str> {
        self.tag.as_ref().map(Tag::as_str)
    }

    /// The other chunk keys for people, as in `timekey=2026-11-21T03:00:00Z user=alice`;
    /// `nil` is a field that is null or not there. `None` if there are none.
    pub fn key_text(&self) -> Option<String> {
        let timekey = self.timekey.map(|slot| {
            let start = jiff::Timestamp::from_second(slot.seconds());
            // Beyond the year 9999 the second itself has to do.
            let start = start.map_or_else(|_| slot.to_string(), |start| start.to_string());
            format!("timekey={start}")
        });
        let variables = self.variables.iter().map(|(name, text)| match text {
            Some(text) => format!("{name}={text}"),
            None => format!("{name}=nil"),
        });
        let keys: Vec<_> = timekey.into_iter().chain(variables).collect();
        (!keys.is_empty()).then(|| keys.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunk_keys_are_shown_with_their_names() {
        let metadata = Metadata {
            timekey: Some(Timekey::new(1_700_000_000)),
            tag: Some(Tag::new("test.log")),
            variables: vec![
                ("user".to_owned(), Some("alice".to_owned())),
                ("sid".to_owned(), None),
            ],
        };
        assert_eq!(metadata.tag_text(), Some("test.log"));
        let key = "timekey=2023-11-14T22:13:20Z user=alice sid=nil";
        assert_eq!(metadata.key_text().as_deref(), Some(key));
        assert_eq!(Metadata::default().key_text(), None);
    }

    #[test]
    fn a_slot_beyond_all_calendars_is_its_second() {
        let metadata = Metadata {
            timekey: Some(Timekey::new(i64::MAX)),
            ..Metadata::default()
        };
        let key = format!("timekey={}", i64::MAX);
        assert_eq!(metadata.key_text(), Some(key));
    }
}
