//! Staged chunks: one open for each key, and those of the running commit.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

use fluent_compat::chunk::{ChunkId, Metadata};

use super::chunk_file::{Header, Kind, ObjectName, append_frame};
use super::payload::Payload;
use super::queue::SealedChunk;

/// A chunk that takes events.
pub(super) struct StagedChunk {
    pub(super) header: Header,
    pub(super) path: PathBuf,
    pub(super) condition: Condition,
    /// Where the file's synced part ends.
    pub(super) length: u64,
    /// What the synced part holds.
    pub(super) content: Content,
    pub(super) pending: Pending,
}

/// Events and their bytes, packed as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) bytes: u64,
    pub(super) records: u64,
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

/// Frames of the running commit that are not synced yet.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) frames: Vec<u8>,
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
    pub(super) fn unborn(header: Header, path: PathBuf) -> io::Result<Self> {
        let mut pending = Pending::default();
        append_frame(Kind::Header, 0, &header.to_json()?, &mut pending.frames)?;
        pending.mark_alone();
        Ok(Self {
            header,
            path,
            condition: Condition::Unborn,
            length: 0,
            content: Content::default(),
            pending,
        })
    }

    /// Events in the chunk, pending ones included.
    pub(super) fn expected(&self) -> Content {
        Content {
            bytes: self.content.bytes + self.pending.content.bytes,
            records: self.content.records + self.pending.content.records,
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

    /// The pending frames are synced now. Their memory is left to `spare`.
    pub(super) fn settle(&mut self, spare: &mut Spare) {
        self.length += self.pending.frames.len() as u64;
        self.content = self.expected();
        spare.take_from(&mut self.pending.frames);
        self.pending.clear();
    }
}

/// Memory that a large commit has used, for the next one: fresh memory costs a page fault
/// every few events.
#[derive(Default)]
pub(super) struct Spare(Vec<u8>);

impl Spare {
    /// Not more is kept, however large a commit was.
    const MOST: usize = 8 << 20;

    /// Takes the memory of frames that are written, unless their chunk keeps it.
    fn take_from(&mut self, frames: &mut Vec<u8>) {
        let more = self.0.capacity().max(KEPT) + 1;
        if (more..=Self::MOST).contains(&frames.capacity()) {
            std::mem::swap(&mut self.0, frames);
        }
    }

    /// Gives it to frames that are about to grow.
    fn give_to(&mut self, frames: &mut Vec<u8>) {
        if self.0.capacity() > frames.capacity() {
            self.0.clear();
            self.0.extend_from_slice(frames);
            *frames = std::mem::take(&mut self.0);
        }
    }
}

/// Capacity that is kept for a chunk's next commit; ten thousand keys keep it each.
const KEPT: usize = 16 * 1024;

impl Pending {
    pub(super) fn push(&mut self, payload: &Payload, spare: &mut Spare) -> io::Result<()> {
        if self.frames.len() + payload.bytes.len() > KEPT {
            spare.give_to(&mut self.frames);
        }
        append_frame(
            Kind::Data(payload.compression),
            payload.records,
            &payload.bytes,
            &mut self.frames,
        )?;
        self.content.bytes += payload.bytes.len() as u64;
        self.content.records += u64::from(payload.records);
        Ok(())
    }

    /// What is pending now are the requests that touch no other chunk.
    pub(super) fn mark_alone(&mut self) {
        self.alone = Share {
            length: self.frames.len(),
            content: self.content,
        };
    }

    pub(super) fn is_shared(&self) -> bool {
        self.alone.length < self.frames.len()
    }

    /// Forgets the requests that touch other chunks too.
    pub(super) fn keep_alone(&mut self) {
        self.frames.truncate(self.alone.length);
        self.content = self.alone.content;
    }

    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.frames.shrink_to(KEPT);
        self.content = Content::default();
        self.alone = Share::default();
    }
}

/// All staged chunks of a buffer.
#[derive(Default)]
pub(super) struct Stage {
    chunks: HashMap<ChunkId, StagedChunk>,
    /// The chunk that takes a key's next event.
    open: HashMap<Metadata, ChunkId>,
}

impl Stage {
    pub(super) fn open_for(&self, metadata: &Metadata) -> Option<&StagedChunk> {
        self.chunks.get(self.open.get(metadata)?)
    }

    pub(super) fn get(&self, id: ChunkId) -> Option<&StagedChunk> {
        self.chunks.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: ChunkId) -> Option<&mut StagedChunk> {
        self.chunks.get_mut(&id)
    }

    /// Whether the chunk takes its key's next events.
    pub(super) fn is_open(&self, id: ChunkId) -> bool {
        let chunk = self.chunks.get(&id);
        chunk.is_some_and(|chunk| self.open.get(&chunk.header.metadata) == Some(&id))
    }

    /// Adds a chunk that takes its key's next events.
    pub(super) fn insert(&mut self, chunk: StagedChunk) {
        let id = chunk.header.id;
        self.open.insert(chunk.header.metadata.clone(), id);
        self.chunks.insert(id, chunk);
    }

    /// Adds a chunk that takes no more events; its key may have another by now.
    pub(super) fn insert_shut(&mut self, chunk: StagedChunk) {
        self.chunks.insert(chunk.header.id, chunk);
    }

    /// The chunk takes no more events.
    pub(super) fn shut(&mut self, id: ChunkId) {
        if self.is_open(id)
            && let Some(chunk) = self.chunks.get(&id)
        {
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

    pub(super) fn chunks(&self) -> impl Iterator<Item = &StagedChunk> {
        self.chunks.values()
    }
}
