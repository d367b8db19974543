//! The two payloads that describe a chunk: its header and its object's name. Both are
//! JSON, so that a person can read them with `head`.

use std::io;

use fluent_compat::chunk::{ChunkId, Metadata};
use fluent_compat::retry::Target;
use fluent_compat::tag::Tag;
use fluent_compat::time::EventTime;
use fluent_compat::timekey::Timekey;
use serde::{Deserialize, Serialize};

/// What a chunk is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Unique among all chunks of all servers.
    pub id: ChunkId,
    /// When the chunk was opened.
    pub created: EventTime,
    /// The key all its events share.
    pub metadata: Metadata,
}

/// The object key, or the file's path, that a chunk is put under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectName {
    /// The whole key or path; empty where the target has no names.
    pub name: String,
    /// The `%{index}` it was made with.
    pub index: u64,
    /// Whose name it is: from then on the chunk belongs there.
    pub target: Target,
}

/// The name as it lies in the file.
#[derive(Serialize, Deserialize)]
struct NameText {
    name: String,
    index: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    secondary: bool,
}

/// The header as it lies in the file.
#[derive(Serialize, Deserialize)]
struct HeaderText {
    id: String,
    created: (i64, u32),
    timekey: Option<i64>,
    tag: Option<String>,
    variables: Vec<(String, Option<String>)>,
}

impl Header {
    pub(in crate::buffer) fn to_json(&self) -> io::Result<Vec<u8>> {
        let text = HeaderText {
            id: self.id.to_string(),
            created: (self.created.seconds(), self.created.nanoseconds()),
            timekey: self.metadata.timekey.map(Timekey::seconds),
            tag: self
                .metadata
                .tag
                .as_ref()
                .map(|tag| tag.as_str().to_owned()),
            variables: self.metadata.variables.clone(),
        };
        Ok(serde_json::to_vec(&text)?)
    }

    pub(super) fn from_json(json: &[u8]) -> io::Result<Self> {
        let text: HeaderText = serde_json::from_slice(json)?;
        let (seconds, nanoseconds) = text.created;
        Ok(Self {
            id: text.id.parse().map_err(io::Error::other)?,
            created: EventTime::new(seconds, nanoseconds),
            metadata: Metadata {
                timekey: text.timekey.map(Timekey::new),
                tag: text.tag.as_deref().map(Tag::new),
                variables: text.variables,
            },
        })
    }
}

impl ObjectName {
    pub(in crate::buffer) fn to_json(&self) -> io::Result<Vec<u8>> {
        let text = NameText {
            name: self.name.clone(),
            index: self.index,
            secondary: self.target == Target::Secondary,
        };
        Ok(serde_json::to_vec(&text)?)
    }

    pub(super) fn from_json(json: &[u8]) -> io::Result<Self> {
        let text: NameText = serde_json::from_slice(json)?;
        Ok(Self {
            name: text.name,
            index: text.index,
            target: match text.secondary {
                true => Target::Secondary,
                false => Target::Primary,
            },
        })
    }
}
