//! Staged chunks: one open for each key, and those of the running commit.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

use fluent_compat::chunk::{ChunkId, Metadata};
use foldhash::fast::FixedState;

use super::chunk_file::{Header, Kind, ObjectName, append_frame};
use super::frames::{Frame, Frames, Spare};
use super::listing::Entry;
use super::payload::Content;
use super::queue::SealedChunk;

/// A chunk that takes events.
pub(super) struct StagedChunk {
    pub(super) header: Header,
    pub(super) path: PathBuf,
    pub(super) condition: Condition,
    pub(super) door: Door,
    /// Where the file's synced part ends.
    pub(super) length: u64,
    /// What the synced part holds.
    pub(super) content: Content,
    pub(super) pending: Pending,
}

/// What may be done with a chunk's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// There is none yet.
    Unborn,
    /// It may be written.
    Sound,
    /// A sync or a cut failed: it must not be written again.
    Spoiled,
    /// It is from before the start, and nobody has looked yet where its last frame ends.
    Unread,
}

/// Whether a chunk takes its key's next events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Open,
    Shut,
}

/// Frames of the running commit that are not synced yet.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) frames: Frames,
    pub(super) content: Content,
    /// The share of requests that touch no other chunk; it comes first.
    pub(super) alone: Share,
}

/// A leading part of the pending frames.
#[derive(Clone, Copy, Default)]
pub(super) struct Share {
    pub(super) length: usize,
    pub(super) content: Content,
}

impl StagedChunk {
    /// A chunk whose header is still to be written.
    pub(super) fn unborn(header: Header, path: PathBuf, spare: &mut Spare) -> io::Result<Self> {
        let mut frame = Vec::new();
        append_frame(Kind::Header, 0, &header.to_json()?, &mut frame)?;
        let mut pending = Pending::default();
        pending.frames.push(Frame::Own(frame), &[], spare);
        pending.mark_alone();
        Ok(Self {
            header,
            path,
            condition: Condition::Unborn,
            door: Door::Open,
            length: 0,
            content: Content::default(),
            pending,
        })
    }

    /// Whether it takes its key's next events.
    pub(super) fn is_open(&self) -> bool {
        self.door == Door::Open
    }

    /// Events in the chunk, pending ones included.
    pub(super) fn expected(&self) -> Content {
        self.content.with(self.pending.content)
    }

    /// The synced part, as a list shows it.
    pub(super) fn entry(&self) -> Entry<'_> {
        Entry {
            header: &self.header,
            records: self.content.records,
            bytes: self.content.bytes,
        }
    }

    /// The chunk as it waits in the queue; what is pending does not go along.
    pub(super) fn sealed(self, path: PathBuf, name: Option<ObjectName>) -> SealedChunk {
        SealedChunk {
            header: self.header,
            name,
            records: self.content.records,
            bytes: self.content.bytes,
            path,
            condition: match self.condition {
                Condition::Unread => Condition::Unread,
                // What was spoiled has been copied.
                Condition::Sound | Condition::Spoiled | Condition::Unborn => Condition::Sound,
            },
            length: self.length,
        }
    }

    /// The pending frames are synced now.
    pub(super) fn settle(&mut self, spare: &mut Spare) {
        self.length += self.pending.frames.length() as u64;
        self.content = self.expected();
        self.pending.clear(spare);
    }
}

impl Pending {
    /// `joined` as in [`Frames::push`].
    pub(super) fn push(
        &mut self,
        frame: Frame,
        joined: &[u8],
        content: Content,
        spare: &mut Spare,
    ) {
        self.frames.push(frame, joined, spare);
        self.content = self.content.with(content);
    }

    /// Whether the running commit has events for this chunk.
    pub(super) fn has_events(&self) -> bool {
        self.content.records > 0
    }

    /// What is pending now are the requests that touch no other chunk.
    pub(super) fn mark_alone(&mut self) {
        self.alone = Share {
            length: self.frames.length(),
            content: self.content,
        };
    }

    pub(super) fn is_shared(&self) -> bool {
        self.alone.length < self.frames.length()
    }

    /// Forgets the requests that touch other chunks too.
    pub(super) fn keep_alone(&mut self) {
        self.frames.truncate(self.alone.length);
        self.content = self.alone.content;
    }

    pub(super) fn clear(&mut self, spare: &mut Spare) {
        self.frames.clear(spare);
        *self = Self {
            frames: std::mem::take(&mut self.frames),
            ..Self::default()
        };
    }
}

/// All staged chunks of a buffer.
#[derive(Default)]
pub(super) struct Stage {
    /// Ids are our own, so no sender can choose them badly.
    chunks: HashMap<ChunkId, StagedChunk, FixedState>,
    /// The chunk that takes a key's next event.
    open: HashMap<Metadata, ChunkId>,
    /// The one that took the last event: mostly it takes the next as well.
    latest: Option<ChunkId>,
}

impl Stage {
    /// The chunk that takes the key's next event, and what it holds, pending events included.
    pub(super) fn open_for(&mut self, metadata: &Metadata) -> Option<(ChunkId, Content)> {
        let latest = self.latest.and_then(|id| self.chunks.get(&id));
        let of_key = |chunk: &&StagedChunk| chunk.is_open() && chunk.header.metadata == *metadata;
        let open = match latest.filter(of_key) {
            Some(latest) => latest,
            None => self.chunks.get(self.open.get(metadata)?)?,
        };
        let id = open.header.id;
        self.latest = Some(id);
        Some((id, open.expected()))
    }

    pub(super) fn get(&self, id: ChunkId) -> Option<&StagedChunk> {
        self.chunks.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: ChunkId) -> Option<&mut StagedChunk> {
        self.chunks.get_mut(&id)
    }

    /// Adds a chunk that takes its key's next events.
    pub(super) fn insert(&mut self, mut chunk: StagedChunk) {
        let id = chunk.header.id;
        chunk.door = Door::Open;
        self.open.insert(chunk.header.metadata.clone(), id);
        self.chunks.insert(id, chunk);
    }

    /// Adds a chunk that takes no more events; its key may have another by now.
    pub(super) fn insert_shut(&mut self, mut chunk: StagedChunk) {
        chunk.door = Door::Shut;
        self.chunks.insert(chunk.header.id, chunk);
    }

    /// The chunk takes no more events.
    pub(super) fn shut(&mut self, id: ChunkId) {
        if let Some(chunk) = self.chunks.get_mut(&id).filter(|chunk| chunk.is_open()) {
            chunk.door = Door::Shut;
            self.open.remove(&chunk.header.metadata);
        }
    }

    pub(super) fn remove(&mut self, id: ChunkId) -> Option<StagedChunk> {
        self.shut(id);
        self.chunks.remove(&id)
    }

    pub(super) fn len(&self) -> usize {
        self.chunks.len()
    }

    pub(super) fn chunks(&self) -> impl Iterator<Item = &StagedChunk> + Clone {
        self.chunks.values()
    }
}
