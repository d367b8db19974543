//! Sealed chunks that wait for their sink.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use fluent_compat::chunk::ChunkId;
use fluent_compat::time::EventTime;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::chunk_file::{Header, ObjectName};
use super::listing::{Entry, Listed, MOST_LISTED};
use super::lock;
use super::meters::Chunks;
use super::stage::Condition;

/// A chunk that takes no more events. Owned by whoever took it from the queue.
#[derive(Debug)]
pub struct SealedChunk {
    /// What the chunk is.
    pub header: Header,
    /// The name it is put under, once it has one; not known before it is verified.
    pub name: Option<ObjectName>,
    /// How many events it has; 0 before it is verified.
    pub records: u64,
    /// How many bytes they are, packed as `compress` says; a little more before it is verified.
    pub bytes: u64,
    pub(super) path: PathBuf,
    pub(super) condition: Condition,
    /// Where the file's synced part ends.
    pub(super) length: u64,
}

impl SealedChunk {
    pub(super) fn entry(&self) -> Entry<'_> {
        Entry {
            header: &self.header,
            records: self.records,
            bytes: self.bytes,
        }
    }

    /// The chunk as a list shows it.
    pub fn listed(&self) -> Listed {
        self.entry().into()
    }

    /// Whether every byte of it was written, or has been read, since this buffer was opened:
    /// see [`super::Buffer::verify`].
    pub fn is_verified(&self) -> bool {
        self.condition != Condition::Unread
    }
}

/// What has come of reading a chunk from before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// It holds events; all that is known of it is right now.
    Events,
    /// It held none, and is gone.
    Nothing,
}

/// The waiting chunks, oldest first.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<BTreeMap<(EventTime, ChunkId), Waiting>>,
    arrived: Notify,
}

struct Waiting {
    chunk: SealedChunk,
    /// `None`: at once.
    not_before: Option<Instant>,
}

impl Queue {
    pub(super) fn push(&self, chunk: SealedChunk, not_before: Option<Instant>) {
        let age = (chunk.header.created, chunk.header.id);
        lock(&self.waiting).insert(age, Waiting { chunk, not_before });
        self.arrived.notify_one();
    }

    pub(super) fn take(&self, now: Instant) -> Option<SealedChunk> {
        let mut waiting = lock(&self.waiting);
        let is_due = |entry: &Waiting| entry.not_before.is_none_or(|at| at <= now);
        let (age, _) = waiting.iter().find(|(_, entry)| is_due(entry))?;
        let age = *age;
        waiting.remove(&age).map(|entry| entry.chunk)
    }

    pub(super) fn ids(&self) -> HashSet<ChunkId> {
        lock(&self.waiting).keys().map(|(_, id)| *id).collect()
    }

    pub(super) fn take_oldest(&self) -> Option<SealedChunk> {
        let (_, oldest) = lock(&self.waiting).pop_first()?;
        Some(oldest.chunk)
    }

    /// How many chunks wait, those that wait for their next attempt included.
    pub(super) fn len(&self) -> usize {
        lock(&self.waiting).len()
    }

    /// All that waits, those that wait for their next attempt included.
    pub(super) fn contents(&self) -> Chunks {
        let waiting = lock(&self.waiting);
        Chunks::of(waiting.values().map(|entry| entry.chunk.entry()))
    }

    /// The oldest of them, and how long they wait for their next attempt, if they do.
    pub(super) fn oldest(&self) -> Vec<(Listed, Option<Duration>)> {
        let now = Instant::now();
        let waiting = lock(&self.waiting);
        let oldest = waiting.values().take(MOST_LISTED).map(|entry| {
            let wait = entry.not_before.map(|at| at.saturating_duration_since(now));
            (entry.chunk.listed(), wait)
        });
        oldest.collect()
    }

    /// When the first waiting chunk may be tried; an instant of the past for those that
    /// may be tried at once.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let now = Instant::now();
        let waiting = lock(&self.waiting);
        waiting
            .values()
            .map(|entry| entry.not_before.unwrap_or(now))
            .min()
    }

    /// Lets every waiting chunk be tried at once.
    pub(super) fn hurry(&self) {
        for entry in lock(&self.waiting).values_mut() {
            entry.not_before = None;
        }
    }

    pub(super) async fn arrival(&self) {
        self.arrived.notified().await;
    }
}
