//! The basin: takes formatted events, keeps them safe, and hands sealed chunks on.
//!
//! # Invariants
//! - An append that returned `Ok` survives whatever the storage survives: for a file
//!   buffer with `Durability::Synced` every byte of it was synced before.
//! - An append is all or nothing: what was refused is in no chunk.
//! - A staged chunk is written by one thread at a time, the committer's, and only at its
//!   end. A sealed chunk takes no events.
//! - A sealed chunk is at any time in the queue, or owned by the one who took it.
//! - Of a chunk from before the start every byte is read, and the file mended and synced,
//!   before anything is appended to it: for one that takes events before it does, for any
//!   other before it gets a name or is put.
//! - The bytes of all chunks and of all appends under way never exceed
//!   `total_limit_size`.
//!
//! # Locks, in the order in which they may be taken
//! `Committer` (memory buffers) or the mailbox (file buffers) → `Queue`. None of them is
//! held while a file is synced for a file buffer: its committer runs on a thread of its
//! own and needs no lock. Before them comes the lock of a `Basin` for whoever exchanges the
//! buffer in it; appends take none there.

mod basin;
mod chunk_file;
mod commit;
mod config;
mod frames;
mod group;
mod inspect;
mod leftovers;
mod limits;
mod listing;
mod meters;
mod parallel;
mod payload;
mod queue;
mod sample;
mod stage;
mod storage;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::HashSet;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fluent_compat::chunk::{ChunkId, Metadata};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use basin::{Basin, BasinView, Exchange, PortionLimits};
pub use chunk_file::{ChunkBody, Compression, FormattedEvents, Header, ObjectName};
use commit::{Append, Committer};
pub use config::{Backup, Config, Durability, Place, READ_AT_START, Sealing};
use group::{Due, Group};
pub use inspect::{ChunkState, CopyError, Inspected, Problem, Severity, copy_events, inspect};
use limits::Limits;
pub use limits::OverflowAction;
pub use listing::{Listed, MOST_LISTED};
pub use meters::{Chunks, Contents, Meters};
use payload::Payloads;
use queue::Queue;
pub use queue::{SealedChunk, Verified};
pub use sample::Sample;
use storage::Storage;

use crate::host::clock::Clock;
use crate::host::fs::{DiskFs, Fs, MemoryFs, Modes};
use crate::host::throttle::Throttle;

/// Where a chunk is that was given up on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenUp {
    /// In this file.
    KeptIn(PathBuf),
    /// Nowhere; `Backup::Deleted`.
    Deleted,
}

/// One chunk's share of a request: events of one key, formatted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portion {
    /// The key that the events share.
    pub metadata: Metadata,
    /// The events as they will stand in the object.
    pub events: FormattedEvents,
    /// How many events these are; at least one.
    pub records: u32,
}

/// The portions of a request: mostly one.
pub type Portions = Vec<Portion>;

/// Why an append was refused; nothing of it is stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// `overflow_action throw_exception`.
    #[error("buffer is full: {held} of {limit} bytes are waiting for their sink")]
    Full {
        /// Bytes held.
        held: u64,
        /// `total_limit_size`.
        limit: u64,
    },
    /// Even an empty buffer cannot hold it.
    #[error("{found} bytes of one request are more than total_limit_size, {limit}")]
    TooMuch {
        /// Bytes of the request.
        found: u64,
        /// `total_limit_size`.
        limit: u64,
    },
    /// No chunk can hold it.
    #[error("{found} bytes of one key are more than chunk_limit_size, {limit}")]
    TooLarge {
        /// Bytes of the portion.
        found: u64,
        /// `chunk_limit_size`.
        limit: u64,
    },
    /// The storage failed.
    #[error("buffer storage failed: {reason}")]
    Storage {
        /// What failed, and how.
        reason: Arc<str>,
    },
    /// The server is shutting down.
    #[error("buffer is closed")]
    Closed,
}

impl AppendError {
    /// The committer has panicked.
    fn broken() -> Self {
        let reason = "the buffer's thread has failed; a restart takes up what it has stored";
        Self::Storage {
            reason: reason.into(),
        }
    }
}

/// A buffer. Clones are handles on the same one.
#[derive(Clone)]
pub struct Buffer {
    shared: Arc<Shared>,
}

struct Shared {
    portion_limit: u64,
    chunk_limit_records: Option<u64>,
    compression: Compression,
    queued_chunks_limit: Option<NonZeroUsize>,
    backup: Backup,
    modes: Modes,
    limits: Arc<Limits>,
    queue: Arc<Queue>,
    meters: Arc<Meters>,
    storage: Storage,
    /// Lets requests that wait for room into the log.
    blocked: Throttle,
    /// Cancelled when the committer is gone, and with it the last who writes to the files.
    ended: CancellationToken,
    // NOTE: the last field, so that nothing of the above outlives the committer.
    committing: Committing,
}

/// Who runs the committer.
enum Committing {
    /// A thread that gathers the appends waiting at a time and syncs them together.
    Group(Group),
    /// The appending task itself: memory has nothing to wait for.
    Inline(Box<std::sync::Mutex<Committer>>),
}

impl Committing {
    fn inline(committer: Committer) -> Self {
        Self::Inline(Box::new(std::sync::Mutex::new(committer)))
    }
}

impl Buffer {
    /// Opens the buffer on the machine's disk, or in memory.
    ///
    /// # Errors
    /// The directory cannot be created or listed, another process has it, or no thread can
    /// be started.
    pub fn open(config: &Config, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let fs: Arc<dyn Fs> = match config.place {
            Place::Memory => Arc::new(MemoryFs::default()),
            Place::File { .. } => Arc::new(DiskFs::with_modes(config.modes)),
        };
        Self::open_on(fs, config, clock)
    }

    /// Opens the buffer on a given filesystem and takes up the chunks that lie there.
    ///
    /// # Errors
    /// The directory cannot be created or listed, or no thread can be started.
    pub fn open_on(fs: Arc<dyn Fs>, config: &Config, clock: Arc<dyn Clock>) -> io::Result<Self> {
        Self::assemble(fs, config, clock, |committer, limits| match config.place {
            Place::Memory => Ok(Committing::inline(committer)),
            Place::File { .. } => {
                let group = Group::start(committer, limits, &config.name)?;
                Ok(Committing::Group(group))
            }
        })
    }

    /// The same without a thread of its own, which would run outside of paused time.
    #[cfg(test)]
    pub(crate) fn open_without_thread(
        fs: Arc<dyn Fs>,
        config: &Config,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        Self::assemble(fs, config, clock, |committer, _limits| {
            Ok(Committing::inline(committer))
        })
    }

    fn assemble(
        fs: Arc<dyn Fs>,
        config: &Config,
        clock: Arc<dyn Clock>,
        committing: impl FnOnce(Committer, Arc<Limits>) -> io::Result<Committing>,
    ) -> io::Result<Self> {
        let limits = Arc::new(Limits::new(config.total_limit_size, config.overflow_action));
        let queue = Arc::new(Queue::default());
        let meters = Arc::new(Meters::default());
        let storage = Storage::new(fs, &config.place);
        storage.take_possession()?;
        let mut committer = Committer::new(
            config,
            storage.clone(),
            Arc::clone(&queue),
            Arc::clone(&limits),
            Arc::clone(&meters),
            clock,
        );
        let ended = CancellationToken::new();
        committer.tell_when_gone(ended.clone().drop_guard());
        committer.take_up_what_is_there(config.read_at_start)?;
        let shared = Shared {
            portion_limit: config.portion_limit(),
            chunk_limit_records: config.chunk_limit_records,
            compression: config.compression,
            queued_chunks_limit: config.queued_chunks_limit,
            backup: config.backup.clone(),
            modes: config.modes,
            committing: committing(committer, Arc::clone(&limits))?,
            limits,
            queue,
            meters,
            storage,
            blocked: Throttle::new(BETWEEN_WARNINGS),
            ended,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// `chunk_limit_size`: no portion may be larger, in bytes of formatted events. With
    /// `compress` nor may it be larger than `decompression_size_limit`.
    pub fn chunk_limit_size(&self) -> u64 {
        self.shared.portion_limit
    }

    /// `chunk_limit_records`: a portion with more is a chunk with more.
    pub fn chunk_limit_records(&self) -> Option<u64> {
        self.shared.chunk_limit_records
    }

    /// Lets a chunk count as full from so many bytes on, packed as `compress` says. It holds
    /// for the next events, beside `chunk_limit_size`, which stays the upper bound.
    pub fn fill_chunks_to(&self, bytes: u64) {
        self.shared.limits.set_enough(bytes.max(1));
    }

    /// The beginning of what the largest staged chunk holds, of about so many bytes, packed
    /// as `compress` says. `None` while there is none. Blocks.
    ///
    /// # Errors
    /// The directory cannot be listed, or the file cannot be read.
    pub fn sample(&self, most: u64) -> io::Result<Option<Sample>> {
        self.shared.storage.sample(most)
    }

    /// Stores all portions or none, and returns when that is as safe as the buffer
    /// promises.
    ///
    /// A caller that stops waiting does not undo an append that is under way.
    ///
    /// # Errors
    /// See `AppendError`; nothing is stored then.
    pub async fn append(&self, portions: Portions) -> Result<(), AppendError> {
        let (mut formatted, mut records) = (0, 0);
        for portion in &portions {
            let found = portion.events.len() as u64;
            if found > self.shared.portion_limit {
                let limit = self.shared.portion_limit;
                return Err(AppendError::TooLarge { found, limit });
            }
            formatted += found;
            records += u64::from(portion.records);
        }
        let compression = self.shared.compression;
        let payloads = match payload::is_packed_in_no_time(formatted, compression) {
            true => payload::pack(portions, compression)?,
            false => Box::pin(payload::pack_aside(portions, compression)).await?,
        };
        let bytes = payload::length(&payloads);
        if self.shared.limits.reserve(bytes).is_err() {
            Box::pin(self.make_room(bytes)).await?;
        }
        self.commit(payloads, bytes).await?;
        let meters = &self.shared.meters;
        meters.appends.count();
        meters.records.add(records);
        meters.bytes.add(formatted);
        Ok(())
    }

    /// Stores what there is room for, or gives the room back.
    async fn commit(&self, payloads: Payloads, bytes: u64) -> Result<(), AppendError> {
        match &self.shared.committing {
            Committing::Inline(committer) => {
                let append = Append {
                    payloads,
                    answer: (),
                };
                let mut outcome = Ok(());
                lock(committer).commit([append], &[], |answers| {
                    outcome = answers.into_iter().try_for_each(|(_, outcome)| outcome);
                });
                outcome
            }
            Committing::Group(group) => {
                let (append, answer) = Append::new(payloads);
                let answered = match group.append(append).await {
                    Ok(()) => answer.await.map_err(|_| AppendError::broken()),
                    Err(refused) => Err(refused),
                };
                answered.unwrap_or_else(|refused| {
                    // The committer has released what it has answered.
                    self.shared.limits.release(bytes);
                    Err(refused)
                })
            }
        }
    }

    /// Seals the staged chunks that the rule picks, whatever is queued: a flush that
    /// somebody asked for.
    pub async fn seal(&self, due: impl Fn(&Header) -> bool + Send + 'static) {
        self.seal_up_to(None, Box::new(due)).await;
    }

    /// Seals the staged chunks that the rule says are due, oldest first, as far as
    /// `queued_chunks_limit_size` allows; the others stay open and take events meanwhile.
    pub async fn seal_due(&self, due: impl Fn(&Header) -> bool + Send + 'static) {
        let limit = self.shared.queued_chunks_limit;
        self.seal_up_to(limit, Box::new(due)).await;
    }

    async fn seal_up_to(&self, queued: Option<NonZeroUsize>, due: Due) {
        match &self.shared.committing {
            Committing::Inline(committer) => lock(committer).seal_due(queued, &due),
            Committing::Group(group) => group.seal(queued, due).await,
        }
    }

    /// Takes the oldest sealed chunk that may be tried at `now`.
    pub fn take(&self, now: Instant) -> Option<SealedChunk> {
        self.shared.queue.take(now)
    }

    /// Gives a chunk back that was taken, to be tried again at `not_before`.
    pub fn give_back(&self, chunk: SealedChunk, not_before: Instant) {
        self.shared.queue.push(chunk, Some(not_before));
    }

    /// The sealed chunks that nobody has taken.
    pub fn waiting(&self) -> HashSet<ChunkId> {
        self.shared.queue.ids()
    }

    /// When the next waiting chunk may be tried; `None` while nothing waits.
    pub fn next_due(&self) -> Option<Instant> {
        self.shared.queue.next_due()
    }

    /// Returns once a chunk has been queued since the last call returned.
    pub async fn queued(&self) {
        self.shared.queue.arrival().await;
    }

    /// Reads a chunk that was there before the start, and of which only the header was read,
    /// from its first byte to its last. What has to be mended is mended: a torn tail is cut,
    /// damage is set aside. To be done before the chunk is named or put. Blocks.
    ///
    /// # Errors
    /// It is not verified, and to be tried again.
    pub fn verify(&self, chunk: &mut SealedChunk) -> io::Result<Verified> {
        if chunk.is_verified() {
            return Ok(Verified::Events);
        }
        let booked = chunk.bytes;
        let verified = self.shared.storage.verify(chunk)?;
        let too_much = booked.saturating_sub(chunk.bytes);
        self.shared.limits.release(too_much);
        Ok(verified)
    }

    /// The chunk's events, from the first on.
    pub fn body(&self, chunk: &SealedChunk) -> ChunkBody {
        self.shared.storage.body(chunk)
    }

    /// Writes the name into the chunk, which is verified, and syncs it. Blocks.
    ///
    /// # Errors
    /// The name is not safe, so nothing may be put under it.
    pub fn write_name(&self, chunk: &mut SealedChunk, name: ObjectName) -> io::Result<()> {
        self.shared.storage.write_name(chunk, name)
    }

    /// Removes a chunk that is where it belongs. Blocks.
    ///
    /// # Errors
    /// The file is still there: it is put again after a restart, under the same name.
    pub fn purge(&self, chunk: SealedChunk) -> io::Result<()> {
        self.shared.limits.release(chunk.bytes);
        self.shared.storage.remove(&chunk)
    }

    /// Moves a chunk that is given up on out of the way, or deletes it if there is to be no
    /// backup. Blocks.
    ///
    /// # Errors
    /// The file is still in the buffer and is tried again after a restart.
    pub fn set_aside(&self, chunk: SealedChunk) -> io::Result<GivenUp> {
        let storage = &self.shared.storage;
        let given_up = match &self.shared.backup {
            Backup::InBuffer => storage.set_aside(&chunk).map(GivenUp::KeptIn),
            Backup::In(directory) => {
                // Others look into this directory, too.
                let disk = DiskFs::with_modes(self.shared.modes.or(Modes::PRIVATE));
                storage
                    .write_out(&chunk, &disk, directory)
                    .map(GivenUp::KeptIn)
            }
            Backup::Deleted => storage.remove(&chunk).map(|()| GivenUp::Deleted),
        };
        // NOTE: last, so that whoever sees the buffer empty finds what was set aside.
        self.shared.limits.release(chunk.bytes);
        given_up
    }

    /// Takes no more appends and waits until those under way are answered.
    pub async fn close(&self) {
        if let Committing::Group(group) = &self.shared.committing {
            group.close().await;
        }
    }

    /// Waits until nobody else has this buffer and its committer has ended: then nothing is
    /// written to its files any more, and another buffer may be opened on them.
    pub async fn end(self) {
        let ended = self.shared.ended.clone();
        drop(self);
        ended.cancelled().await;
    }

    /// Bytes in chunks and in appends under way.
    pub fn held(&self) -> u64 {
        self.shared.limits.held()
    }

    /// What it has counted since it was opened.
    pub fn meters(&self) -> &Arc<Meters> {
        &self.shared.meters
    }

    /// What it holds.
    pub fn contents(&self) -> Contents {
        let shared = &self.shared;
        Contents {
            held: shared.limits.held(),
            limit: shared.limits.total(),
            staged: shared.meters.staged(),
            queued: shared.queue.contents(),
        }
    }

    /// The oldest chunks that take events, as of the last look for chunks that are due.
    pub fn oldest_staged(&self) -> Vec<Listed> {
        self.shared.meters.oldest_staged()
    }

    /// The oldest chunks that wait for their delivery, and how long those that have failed
    /// wait for their next attempt.
    pub fn oldest_queued(&self) -> Vec<(Listed, Option<Duration>)> {
        self.shared.queue.oldest()
    }

    /// The files in the backup directory: chunks given up, and what could not be read. None
    /// if it cannot be listed, or is not there.
    pub fn set_aside_files(&self) -> Vec<PathBuf> {
        self.shared.storage.set_aside_files()
    }

    /// From now on `overflow_action block` refuses instead of waiting.
    pub fn refuse_to_wait(&self) {
        self.shared.limits.refuse_to_wait();
    }

    /// Lets chunks that wait for their next attempt have it now.
    pub fn hurry(&self) {
        self.shared.queue.hurry();
    }

    async fn make_room(&self, bytes: u64) -> Result<(), AppendError> {
        let limits = &self.shared.limits;
        // Waiting does not help it, and no chunk is dropped for it in vain.
        limits.could_hold(bytes)?;
        loop {
            match limits.reserve(bytes) {
                Ok(()) => return Ok(()),
                Err(full) => match limits.overflow_action() {
                    OverflowAction::ThrowException => return Err(full),
                    OverflowAction::Block => {
                        if let Some(held_back) = self.shared.blocked.pass() {
                            tracing::warn!(
                                held_back,
                                "{full}; requests wait (overflow_action block)"
                            );
                        }
                        limits.wait_for_room(bytes).await.map_err(|_| full)?;
                    }
                    OverflowAction::DropOldestChunk => self.drop_oldest(full)?,
                },
            }
        }
    }

    fn drop_oldest(&self, full: AppendError) -> Result<(), AppendError> {
        let Some(oldest) = self.shared.queue.take_oldest() else {
            return Err(full);
        };
        tracing::warn!(
            chunk = %oldest.header.id,
            tag = oldest.header.metadata.tag_text(),
            key = oldest.header.metadata.key_text(),
            records = oldest.records,
            "buffer is full: dropping the oldest chunk (overflow_action drop_oldest_chunk)"
        );
        self.shared.meters.dropped_chunks.count();
        let purged = self.purge(oldest);
        purged.map_err(|error| AppendError::Storage {
            reason: error.to_string().into(),
        })
    }
}

/// At most one line in this time says that requests wait.
const BETWEEN_WARNINGS: Duration = Duration::from_secs(10);

/// How long a refused client should wait before it tries again.
pub const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The directory in which a file buffer with this `path` keeps its chunks.
pub fn directory(path: &Path) -> PathBuf {
    chunk_file::ChunkNames::new(path).dir().to_owned()
}

/// What the paths of all files have in common that a file buffer with this `path` makes.
/// Two buffers for which it is the same take each other's chunks.
pub fn file_prefix(path: &Path) -> PathBuf {
    chunk_file::ChunkNames::new(path).common()
}

fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
