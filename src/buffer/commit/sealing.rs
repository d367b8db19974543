//! When a staged chunk takes no more events, and how it gets into the queue.

use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use fluent_compat::chunk::ChunkId;
use tracing::{debug, error, info, warn};

use super::Committer;
use crate::buffer::Sealing;
use crate::buffer::chunk_file::{Header, Reading, Recovered, State};
use crate::buffer::limits::Limits;
use crate::buffer::payload::Content;
use crate::buffer::stage::{Condition, Door, Pending, StagedChunk};
use crate::host::fs::File;

/// When a chunk takes no more: the hard limits, and the share of them that is enough.
pub(super) struct FullRule {
    pub(super) bytes: u64,
    pub(super) records: u64,
    pub(super) threshold: f64,
    /// Knows from how many bytes on a chunk is large enough for its object.
    pub(super) limits: Arc<Limits>,
}

impl Committer {
    /// Stages and queues the chunks that an earlier run left. Of staged ones so many bytes are
    /// read at once.
    pub(in crate::buffer) fn take_up_what_is_there(&mut self, read_now: u64) -> io::Result<()> {
        let (mut chunks, mut unread, mut bytes) = (0_u64, 0_u64, 0);
        for found in self.storage.recover(read_now)? {
            (chunks, bytes) = (chunks + 1, bytes + found.bytes);
            unread += u64::from(found.reading == Reading::Header);
            debug!(
                chunk = %found.header.id,
                tag = found.header.metadata.tag_text(),
                key = found.header.metadata.key_text(),
                records = found.records,
                bytes = found.bytes,
                state = ?found.state,
                reading = ?found.reading,
                "taking up a chunk from before"
            );
            self.limits.found(found.bytes);
            self.take_up(found);
        }
        self.count_staged();
        if chunks > 0 {
            info!(
                chunks,
                unread,
                bytes,
                "took up what was there from before; unread chunks are read when they are delivered"
            );
        }
        Ok(())
    }

    fn take_up(&mut self, found: Recovered) {
        let taken = self.stage.open_for(&found.header.metadata).is_some();
        let content = Content {
            bytes: found.bytes,
            records: found.records,
        };
        let chunk = StagedChunk {
            header: found.header,
            path: found.path,
            condition: match found.reading {
                Reading::Header => Condition::Unread,
                Reading::Whole => Condition::Sound,
            },
            door: Door::Open,
            length: found.length,
            content,
            pending: Pending::default(),
        };
        // NOTE: nothing may be appended to what is unread: its end may be a torn frame.
        let goes_on = found.reading == Reading::Whole && !taken;
        if found.state == State::Staged && goes_on {
            self.stage.insert(chunk);
            return;
        }
        let path = match found.state {
            State::Queued => chunk.path.clone(),
            State::Staged => self.storage.seal(&chunk).unwrap_or(chunk.path.clone()),
        };
        let sealed = chunk.sealed(path, found.name);
        self.queue.push(sealed, None);
    }

    /// Seals those staged chunks that could not be sealed before, and then those that the
    /// rule says are due, oldest first, until so many are queued.
    pub(in crate::buffer) fn seal_due(
        &mut self,
        queued: Option<NonZeroUsize>,
        due: &dyn Fn(&Header) -> bool,
    ) {
        let is_spoiled = |chunk: &&StagedChunk| chunk.condition == Condition::Spoiled;
        let ids = |chunk: &StagedChunk| chunk.header.id;
        let spoiled: Vec<_> = self.stage.chunks().filter(is_spoiled).map(ids).collect();
        for id in spoiled {
            self.seal(id);
        }
        let is_due = |chunk: &&StagedChunk| due(&chunk.header) && !is_spoiled(chunk);
        let age = |chunk: &StagedChunk| (chunk.header.created, chunk.header.id);
        let mut ages: Vec<_> = self.stage.chunks().filter(is_due).map(age).collect();
        ages.sort_unstable();
        for (_, id) in ages {
            if queued.is_some_and(|most| self.queue.len() >= most.get()) {
                break;
            }
            self.seal(id);
        }
        self.count_staged();
    }

    fn count_staged(&self) {
        let staged = self.stage.chunks().map(StagedChunk::entry);
        self.meters.looked_at(staged);
    }

    pub(super) fn seal_full(&mut self, touched: impl Iterator<Item = ChunkId>) {
        for id in touched {
            let Some(chunk) = self.stage.get_mut(id) else {
                continue;
            };
            let full = self.full.is_reached(chunk.content);
            let every_time = self.sealing == Sealing::AfterEveryAppend;
            // A chunk that is spoiled, or had no room for the next event, is shut.
            if full || every_time || !chunk.is_open() {
                self.seal(id);
            }
        }
    }

    /// Takes a chunk off the stage and queues it.
    fn seal(&mut self, id: ChunkId) {
        let Some(chunk) = self.stage.get_mut(id) else {
            return;
        };
        if chunk.content.records == 0 {
            self.discard(id);
            return;
        }
        let open = self.files.pop(&id);
        let Some(chunk) = self.stage.remove(id) else {
            return;
        };
        let path = match chunk.condition {
            Condition::Spoiled => match self.storage.rescue(id, &chunk.path, chunk.length) {
                Ok(path) => path,
                Err(error) => {
                    if let Some(held_back) = self.complaints.pass() {
                        let about = &chunk.header.metadata;
                        error!(chunk = %id, tag = about.tag_text(), key = about.key_text(), %error, held_back, "a chunk whose sync failed could not be copied; trying again");
                    }
                    self.stage.insert_shut(chunk);
                    return;
                }
            },
            Condition::Sound | Condition::Unborn | Condition::Unread => self
                .rename_to_queued(&chunk, open.as_deref())
                .unwrap_or_else(|error| {
                    let about = &chunk.header.metadata;
                    warn!(chunk = %id, tag = about.tag_text(), key = about.key_text(), %error, "chunk is queued under its staged name");
                    chunk.path.clone()
                }),
        };
        let sealed = chunk.sealed(path, None);
        self.queue.push(sealed, None);
    }

    /// Gives the file its queued name. If somebody has removed it and it is open, it is
    /// written again first.
    fn rename_to_queued(
        &self,
        chunk: &StagedChunk,
        open: Option<&dyn File>,
    ) -> io::Result<PathBuf> {
        match (self.storage.seal(chunk), open) {
            (Err(error), Some(file)) if error.kind() == io::ErrorKind::NotFound => {
                self.storage.restore(chunk, file)?;
                self.storage.seal(chunk)
            }
            (sealed, _) => sealed,
        }
    }
}

impl FullRule {
    pub(super) fn has_room(&self, content: Content, more: Content) -> bool {
        let both = content.with(more);
        content.records == 0
            || (content.bytes < self.limits.enough()
                && both.bytes <= self.bytes
                && both.records <= self.records)
    }

    /// Whether so much of a limit is used that the chunk is as good as full.
    fn is_reached(&self, content: Content) -> bool {
        let enough = |limit: u64| limit as f64 * self.threshold;
        content.bytes >= self.limits.enough()
            || content.bytes as f64 >= enough(self.bytes)
            || content.records as f64 >= enough(self.records)
    }
}
