//! The committer: puts the appends of one moment into chunks, syncs them together, and
//! only then answers.

mod faults;
mod sealing;

use std::collections::{HashMap, HashSet};
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use fluent_compat::chunk::{ChunkId, Metadata};
use lru::LruCache;
use smallvec::SmallVec;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::DropGuard;

use sealing::FullRule;

use super::chunk_file::Header;
use super::limits::Limits;
use super::meters::Meters;
use super::parallel;
use super::payload::{self, Payload};
use super::queue::Queue;
use super::stage::{Condition, Spare, Stage, StagedChunk};
use super::storage::Storage;
use super::{AppendError, Config, Sealing};
use crate::host::clock::Clock;
use crate::host::descriptors::Descriptors;
use crate::host::fs::{File, is_out_of_descriptors};
use crate::host::throttle::Throttle;

/// Files that stay open between commits, however many chunks are staged; fewer where the
/// system allows few.
const OPEN_FILES: NonZeroUsize = NonZeroUsize::new(128).expect("128 is not zero");

const BETWEEN_COMPLAINTS: Duration = Duration::from_secs(10);

/// A request on its way into the chunks.
pub(super) struct Append {
    payloads: Vec<Payload>,
    answer: oneshot::Sender<Result<(), AppendError>>,
}

impl Append {
    pub(super) fn new(
        payloads: Vec<Payload>,
    ) -> (Self, oneshot::Receiver<Result<(), AppendError>>) {
        let (answer, receiver) = oneshot::channel();
        (Self { payloads, answer }, receiver)
    }

    pub(super) fn bytes(&self) -> u64 {
        payload::length(&self.payloads)
    }

    /// Nobody waits for the answer any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }
}

/// Owns the staged chunks and writes to their files.
pub(super) struct Committer {
    storage: Storage,
    stage: Stage,
    spare: Spare,
    files: LruCache<ChunkId, Box<dyn File>>,
    queue: Arc<Queue>,
    limits: Arc<Limits>,
    meters: Arc<Meters>,
    clock: Arc<dyn Clock>,
    full: FullRule,
    sealing: Sealing,
    /// Lets what a failing disk makes of every request into the log.
    complaints: Throttle,
    // NOTE: the last field: what it tells is that all others are gone.
    gone: Option<DropGuard>,
}

/// One commit: the appends and the chunks they touch.
#[derive(Default)]
struct Batch {
    placed: Vec<Placed>,
    touched: Vec<ChunkId>,
    /// The same ones.
    seen: HashSet<ChunkId>,
    /// Chunks that had no room for an append.
    filled: Vec<ChunkId>,
    failed: HashMap<ChunkId, Arc<str>>,
}

/// An append and where it went.
struct Placed {
    append: Append,
    chunks: SmallVec<[ChunkId; 1]>,
    refused: Option<Arc<str>>,
}

impl Batch {
    fn has_failed(&self) -> bool {
        !self.failed.is_empty() || self.placed.iter().any(|placed| placed.refused.is_some())
    }
}

impl Committer {
    pub(super) fn new(
        config: &Config,
        storage: Storage,
        queue: Arc<Queue>,
        limits: Arc<Limits>,
        meters: Arc<Meters>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            storage,
            stage: Stage::default(),
            spare: Spare::default(),
            files: LruCache::new(Descriptors::now().kept_open(OPEN_FILES)),
            queue,
            full: FullRule {
                bytes: config.chunk_limit_size,
                records: config.chunk_limit_records.unwrap_or(u64::MAX),
                threshold: config.chunk_full_threshold,
                limits: Arc::clone(&limits),
            },
            limits,
            meters,
            clock,
            sealing: config.sealing,
            complaints: Throttle::new(BETWEEN_COMPLAINTS),
            gone: None,
        }
    }

    /// The guard is dropped after all that the committer has.
    pub(super) fn tell_when_gone(&mut self, gone: DropGuard) {
        self.gone = Some(gone);
    }

    /// Stores the appends and answers each of them.
    pub(super) fn commit(&mut self, appends: Vec<Append>) {
        let mut batch = Batch::default();
        // IMPORTANT: requests that touch one chunk come first in every file, so that a
        // cut can take off the others when one of their chunks fails.
        let (alone, shared): (Vec<_>, Vec<_>) = appends
            .into_iter()
            .partition(|append| append.payloads.len() == 1);
        for append in alone {
            self.place(append, &mut batch);
        }
        for id in &batch.touched {
            if let Some(chunk) = self.stage.get_mut(*id) {
                chunk.pending.mark_alone();
            }
        }
        for append in shared {
            self.place(append, &mut batch);
        }
        self.write(&mut batch);
        self.sync(&mut batch);
        self.meters.committed(batch.has_failed());
        self.answer(batch);
        let staged = self.stage.chunks().map(|chunk| &chunk.header);
        self.meters.count_staged(self.stage.len(), staged);
    }

    /// Finds a chunk for each payload and appends its frame to what is pending there.
    fn place(&mut self, append: Append, batch: &mut Batch) {
        let mut placed = Placed {
            append,
            chunks: SmallVec::new(),
            refused: None,
        };
        for payload in &placed.append.payloads {
            let pushed = self.chunk_for(payload, &mut batch.filled).and_then(|id| {
                if let Some(chunk) = self.stage.get_mut(id) {
                    chunk.pending.push(payload, &mut self.spare)?;
                }
                Ok(id)
            });
            match pushed {
                Ok(id) => {
                    if batch.seen.insert(id) {
                        batch.touched.push(id);
                    }
                    placed.chunks.push(id);
                }
                Err(error) => {
                    // Frames already pending for it are taken off by the cut: an append
                    // of one payload has none.
                    placed.refused = Some(error.to_string().into());
                    break;
                }
            }
        }
        batch.placed.push(placed);
    }

    /// The open chunk of the payload's key, if it has room, or a new one.
    fn chunk_for(&mut self, payload: &Payload, filled: &mut Vec<ChunkId>) -> io::Result<ChunkId> {
        if let Some(open) = self.stage.open_for(&payload.metadata) {
            let id = open.header.id;
            if self.full.has_room(open.expected(), payload) {
                return Ok(id);
            }
            self.stage.shut(id);
            filled.push(id);
        }
        self.open_chunk(payload.metadata.clone())
    }

    fn open_chunk(&mut self, metadata: Metadata) -> io::Result<ChunkId> {
        let created = self.clock.now();
        let random = getrandom::u64().map_err(io::Error::other)?;
        let id = ChunkId::from_parts(created, random);
        let header = Header {
            id,
            created,
            metadata,
        };
        let path = self.storage.staged_path(id);
        self.stage.insert(StagedChunk::unborn(header, path)?);
        Ok(id)
    }

    /// Writes what is pending; a chunk whose write fails is cut back.
    fn write(&mut self, batch: &mut Batch) {
        let mut born = Vec::new();
        for id in batch.touched.clone() {
            let Some(chunk) = self.stage.get_mut(id) else {
                continue;
            };
            let was_unborn = chunk.condition == Condition::Unborn;
            match write_pending(&self.storage, &mut self.files, chunk) {
                Ok(()) if was_unborn => born.push(id),
                Ok(()) => {}
                Err(error) => self.fail(id, "write", &error, batch),
            }
        }
        if born.is_empty() {
            return;
        }
        // NOTE: before the files' own sync: a synced file without a name is lost.
        if let Err(error) = self.storage.sync_dir() {
            for id in born {
                self.fail(id, "sync of the directory", &error, batch);
            }
        }
    }

    /// Syncs every chunk that was written, after taking off the requests that failed
    /// elsewhere.
    fn sync(&mut self, batch: &mut Batch) {
        if batch.has_failed() {
            self.cut_shared(batch);
        }
        let failed_before = batch.failed.len();
        let is_well = |id: &ChunkId| !batch.failed.contains_key(id);
        let ids: Vec<_> = batch.touched.iter().copied().filter(is_well).collect();
        let begun = Instant::now();
        let synced = parallel::map(&ids, |id| self.sync_one(*id));
        if self.storage.syncs() {
            self.meters.sync.record(begun.elapsed());
        }
        for (id, synced) in ids.into_iter().zip(synced) {
            let synced = match synced {
                Err(error) if is_out_of_descriptors(&error) => {
                    self.files.clear();
                    self.sync_one(id)
                }
                synced => synced,
            };
            if let Err(error) = synced {
                self.spoil(id, &error, batch);
            }
        }
        if batch.failed.len() > failed_before && failed_before == 0 {
            self.cut_shared(batch);
        }
    }

    fn sync_one(&self, id: ChunkId) -> io::Result<()> {
        if let Some(file) = self.files.peek(&id) {
            return self.storage.sync(&**file);
        }
        // It was closed meanwhile, because more chunks were touched than stay open.
        match self.stage.get(id) {
            Some(chunk) => self.storage.sync(&*self.storage.open(chunk)?),
            None => Ok(()),
        }
    }

    /// Copies away from what is spoiled, answers the requests, then seals what is full.
    fn answer(&mut self, mut batch: Batch) {
        let shared_failed = batch.placed.iter().find_map(|placed| {
            let in_chunk = || placed.chunks.iter().find_map(|id| batch.failed.get(id));
            placed.refused.as_ref().or_else(in_chunk).cloned()
        });
        for id in &batch.touched {
            if let Some(chunk) = self.stage.get_mut(*id)
                && !batch.failed.contains_key(id)
            {
                chunk.settle(&mut self.spare);
            }
        }
        // IMPORTANT: before the answers: a spoiled file may still hold what is refused now.
        self.seal_full(batch.failed.keys().copied());
        for placed in std::mem::take(&mut batch.placed) {
            let reason = match placed.append.payloads.len() {
                1 => {
                    let failed = placed.chunks.first().and_then(|id| batch.failed.get(id));
                    placed.refused.as_ref().or(failed).cloned()
                }
                _ => shared_failed.clone(),
            };
            let bytes = placed.append.bytes();
            let result = match reason {
                None => Ok(()),
                Some(reason) => {
                    self.limits.release(bytes);
                    Err(AppendError::Storage { reason })
                }
            };
            // Whoever asked may have gone; the events are stored all the same.
            let _ = placed.append.answer.send(result);
        }
        self.seal_full(batch.touched.into_iter().chain(batch.filled));
    }
}

/// Appends the pending frames to the chunk's file, creating it if need be.
fn write_pending(
    storage: &Storage,
    files: &mut LruCache<ChunkId, Box<dyn File>>,
    chunk: &mut StagedChunk,
) -> io::Result<()> {
    let file = match files.pop(&chunk.header.id) {
        Some(file) if file.is_linked()? => file,
        // Writing to it would go well, and the events would be gone.
        Some(removed) => storage.restore(chunk, &*removed)?,
        None => open(storage, files, chunk)?,
    };
    let written = file.write_all_at(&chunk.pending.frames, chunk.length);
    files.put(chunk.header.id, file);
    written?;
    chunk.condition = Condition::Sound;
    Ok(())
}

/// Opens a chunk's file. When there are no descriptors left, those that are only kept for
/// later are given back first.
fn open(
    storage: &Storage,
    files: &mut LruCache<ChunkId, Box<dyn File>>,
    chunk: &StagedChunk,
) -> io::Result<Box<dyn File>> {
    match storage.open(chunk) {
        Err(error) if is_out_of_descriptors(&error) => {
            files.clear();
            storage.open(chunk)
        }
        opened => opened,
    }
}
