//! The committer: puts the appends of one moment into chunks, syncs them together, and
//! only then answers.

mod faults;
mod sealing;

use std::collections::HashMap;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use fluent_compat::chunk::{ChunkId, Metadata};
use foldhash::fast::FixedState;
use lru::LruCache;
use smallvec::SmallVec;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::DropGuard;

use sealing::FullRule;

use super::chunk_file::Header;
use super::frames::Spare;
use super::limits::Limits;
use super::meters::Meters;
use super::parallel;
use super::payload::{self, Payload, Payloads};
use super::queue::Queue;
use super::stage::{Condition, Stage, StagedChunk};
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
pub(super) struct Append<A = Waiting> {
    pub(super) payloads: Payloads,
    pub(super) answer: A,
}

/// What became of an append.
pub(super) type Outcome = Result<(), AppendError>;

/// A request that waits in another task.
pub(super) type Waiting = oneshot::Sender<Outcome>;

/// Who is to be told what became of their appends.
pub(super) type Answers<A = Waiting> = SmallVec<[(A, Outcome); 1]>;

/// Tells them.
pub(super) fn tell(answers: Answers) {
    for (waiting, outcome) in answers {
        // Whoever asked may have gone; the events are stored all the same.
        let _ = waiting.send(outcome);
    }
}

impl Append {
    pub(super) fn new(payloads: Payloads) -> (Self, oneshot::Receiver<Outcome>) {
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
    files: Files,
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

/// Open files of staged chunks.
type Files = LruCache<ChunkId, Box<dyn File>, FixedState>;

/// One commit: the appends, in the order in which their frames stand in the files.
struct Batch<A> {
    placed: SmallVec<[Placed<A>; 1]>,
    extent: Extent,
}

/// An append whose frames are pending.
struct Placed<A> {
    answer: A,
    bytes: u64,
    /// One for each payload.
    chunks: SmallVec<[ChunkId; 1]>,
    reach: Reach,
    refused: Option<Arc<str>>,
}

/// How many chunks a request touches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Alone,
    Shared,
}

/// The chunks of a commit.
#[derive(Default)]
struct Extent {
    touched: SmallVec<[ChunkId; 4]>,
    /// Those that had no room for an append.
    filled: Vec<ChunkId>,
    failed: HashMap<ChunkId, Arc<str>>,
}

impl<A> Batch<A> {
    fn has_failed(&self) -> bool {
        !self.extent.failed.is_empty() || self.placed.iter().any(|placed| placed.refused.is_some())
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
            files: Files::with_hasher(
                Descriptors::now().kept_open(OPEN_FILES),
                FixedState::default(),
            ),
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

    /// Stores the appends, `joined` being the bytes of those of their frames that were joined.
    /// `answer` is called as soon as it is known what became of them; chunks that are full are
    /// sealed only then.
    pub(super) fn commit<A>(
        &mut self,
        appends: impl IntoIterator<Item = Append<A>>,
        joined: &[u8],
        answer: impl FnOnce(Answers<A>),
    ) {
        let mut batch = Batch {
            placed: SmallVec::new(),
            extent: Extent::default(),
        };
        // IMPORTANT: requests that touch one chunk come first in every file, so that a
        // cut can take off the others when one of their chunks fails.
        let mut shared = Vec::new();
        for append in appends {
            match append.payloads.len() {
                1 => self.place(append, joined, Reach::Alone, &mut batch),
                _ => shared.push(append),
            }
        }
        for id in &batch.extent.touched {
            if let Some(chunk) = self.stage.get_mut(*id) {
                chunk.pending.mark_alone();
            }
        }
        for append in shared {
            self.place(append, joined, Reach::Shared, &mut batch);
        }
        self.write(&mut batch.extent);
        self.sync(&mut batch);
        self.meters.committed(batch.has_failed());
        self.conclude(batch, answer);
        let staged = self.stage.chunks().map(StagedChunk::entry);
        self.meters.count_staged(self.stage.len(), staged);
    }

    /// Finds a chunk for each payload and puts its frame to what is pending there.
    fn place<A>(&mut self, append: Append<A>, joined: &[u8], reach: Reach, batch: &mut Batch<A>) {
        let mut placed = Placed {
            answer: append.answer,
            bytes: payload::length(&append.payloads),
            chunks: SmallVec::new(),
            reach,
            refused: None,
        };
        for payload in append.payloads {
            match self.chunk_for(&payload, &mut batch.extent.filled) {
                Ok(id) => {
                    if let Some(chunk) = self.stage.get_mut(id) {
                        if !chunk.pending.has_events() {
                            batch.extent.touched.push(id);
                        }
                        let Payload { frame, content, .. } = payload;
                        chunk.pending.push(frame, joined, content, &mut self.spare);
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
        if let Some((id, expected)) = self.stage.open_for(&payload.metadata) {
            if self.full.has_room(expected, payload.content) {
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
        self.stage
            .insert(StagedChunk::unborn(header, path, &mut self.spare)?);
        Ok(id)
    }

    /// Writes what is pending; a chunk whose write fails is cut back.
    fn write(&mut self, extent: &mut Extent) {
        let mut born = Vec::new();
        for id in extent.touched.clone() {
            let Some(chunk) = self.stage.get_mut(id) else {
                continue;
            };
            let was_unborn = chunk.condition == Condition::Unborn;
            match write_pending(&self.storage, &mut self.files, chunk) {
                Ok(()) if was_unborn => born.push(id),
                Ok(()) => {}
                Err(error) => self.fail(id, "write", &error, extent),
            }
        }
        if born.is_empty() {
            return;
        }
        // NOTE: before the files' own sync: a synced file without a name is lost.
        if let Err(error) = self.storage.sync_dir() {
            for id in born {
                self.fail(id, "sync of the directory", &error, extent);
            }
        }
    }

    /// Syncs every chunk that was written, after taking off the requests that failed
    /// elsewhere.
    fn sync<A>(&mut self, batch: &mut Batch<A>) {
        let has_failed = batch.has_failed();
        let extent = &mut batch.extent;
        if has_failed {
            self.cut_shared(extent);
        }
        if !self.storage.syncs() {
            return;
        }
        let failed_before = extent.failed.len();
        let is_well = |id: &ChunkId| !extent.failed.contains_key(id);
        let ids: Vec<_> = extent.touched.iter().copied().filter(is_well).collect();
        let begun = Instant::now();
        let synced = parallel::map(&ids, |id| self.sync_one(*id));
        self.meters.sync.record(begun.elapsed());
        for (id, synced) in ids.into_iter().zip(synced) {
            let synced = match synced {
                Err(error) if is_out_of_descriptors(&error) => {
                    self.files.clear();
                    self.sync_one(id)
                }
                synced => synced,
            };
            if let Err(error) = synced {
                self.spoil(id, &error, extent);
            }
        }
        if extent.failed.len() > failed_before && failed_before == 0 {
            self.cut_shared(extent);
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
    fn conclude<A>(&mut self, batch: Batch<A>, answer: impl FnOnce(Answers<A>)) {
        let Batch { placed, extent } = batch;
        let shared_failed = placed.iter().find_map(|placed| {
            let in_chunk = || placed.chunks.iter().find_map(|id| extent.failed.get(id));
            placed.refused.as_ref().or_else(in_chunk).cloned()
        });
        for id in &extent.touched {
            if let Some(chunk) = self.stage.get_mut(*id)
                && !extent.failed.contains_key(id)
            {
                chunk.settle(&mut self.spare);
            }
        }
        // IMPORTANT: before the answers: a spoiled file may still hold what is refused now.
        self.seal_full(extent.failed.keys().copied());
        let outcomes = placed.into_iter().map(|placed| {
            let reason = match placed.reach {
                Reach::Alone => {
                    let failed = placed.chunks.first().and_then(|id| extent.failed.get(id));
                    placed.refused.as_ref().or(failed).cloned()
                }
                Reach::Shared => shared_failed.clone(),
            };
            let outcome = match reason {
                None => Ok(()),
                Some(reason) => {
                    self.limits.release(placed.bytes);
                    Err(AppendError::Storage { reason })
                }
            };
            (placed.answer, outcome)
        });
        answer(outcomes.collect());
        self.seal_full(extent.touched.into_iter().chain(extent.filled));
    }
}

/// Appends the pending frames to the chunk's file, creating it if need be.
fn write_pending(storage: &Storage, files: &mut Files, chunk: &mut StagedChunk) -> io::Result<()> {
    let id = chunk.header.id;
    let linked = files.get(&id).map(|file| file.is_linked());
    match linked.transpose() {
        Ok(Some(true)) => {}
        Ok(None) => {
            let opened = open(storage, files, chunk)?;
            files.put(id, opened);
        }
        // Writing to it would go well, and the events would be gone.
        Ok(Some(false)) => {
            if let Some(removed) = files.pop(&id) {
                files.put(id, storage.restore(chunk, &*removed)?);
            }
        }
        Err(error) => {
            files.pop(&id);
            return Err(error);
        }
    }
    let file = files.get(&id);
    let file = file.expect("invariant: a file that was opened a moment ago stays open");
    chunk.pending.frames.write(&**file, chunk.length)?;
    chunk.condition = Condition::Sound;
    Ok(())
}

/// Opens a chunk's file. When there are no descriptors left, those that are only kept for
/// later are given back first.
fn open(storage: &Storage, files: &mut Files, chunk: &StagedChunk) -> io::Result<Box<dyn File>> {
    match storage.open(chunk) {
        Err(error) if is_out_of_descriptors(&error) => {
            files.clear();
            storage.open(chunk)
        }
        opened => opened,
    }
}
