//! The basin: takes formatted events, keeps them safe, and hands sealed chunks on.
//!
//! # Invariants
//! - An append that returned `Ok` survives whatever the storage survives: for a file
//!   buffer with `Durability::Synced` every byte of it was synced before.
//! - An append is all or nothing: what was refused is in no chunk.
//! - A staged chunk is written by one thread at a time, the committer's, and only at its
//!   end. A sealed chunk takes no events.
//! - A sealed chunk is at any time in the queue, or owned by the one who took it.
//! - The bytes of all chunks and of all appends under way never exceed
//!   `total_limit_size`.
//!
//! # Locks, in the order in which they may be taken
//! `Committer` (memory buffers) or the mailbox (file buffers) → `Queue`. None of them is
//! held while a file is synced for a file buffer: its committer runs on a thread of its
//! own and needs no lock. Before them comes the gate of a `Basin`, which is closed only while
//! the buffer in it is exchanged; appends pass it together and are counted, not locked out.

mod basin;
mod chunk_file;
mod commit;
mod group;
mod limits;
mod queue;
mod stage;
mod storage;

#[cfg(test)]
pub(crate) mod tests;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fluent_compat::chunk::Metadata;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use basin::{Basin, Exchange};
pub use chunk_file::{ChunkBody, Header, ObjectName};
use commit::{Append, Committer};
use group::Group;
use limits::Limits;
pub use limits::OverflowAction;
use queue::Queue;
pub use queue::SealedChunk;
use storage::Storage;

use crate::host::clock::Clock;
use crate::host::fs::{DiskFs, Fs, MemoryFs};

/// What a `<buffer>` section says about keeping events.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Name in log lines: the output's `@id` or its pattern.
    pub name: String,
    /// `@type` and `path`.
    pub place: Place,
    /// `chunk_limit_size`: bytes of formatted events in a chunk.
    pub chunk_limit_size: u64,
    /// `chunk_limit_records`.
    pub chunk_limit_records: Option<u64>,
    /// `chunk_full_threshold`: the part of a limit from which on a chunk counts as full.
    pub chunk_full_threshold: f64,
    /// `total_limit_size`: bytes of formatted events in all chunks together.
    pub total_limit_size: u64,
    /// `overflow_action`.
    pub overflow_action: OverflowAction,
    /// When a chunk is sealed without being asked for.
    pub sealing: Sealing,
}

/// Where chunks are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `@type memory`: gone with the process.
    Memory,
    /// `@type file`: the `path` parameter, and how safe an acknowledged event is.
    File {
        /// A directory, or a file name pattern with `.*`.
        path: PathBuf,
        /// `sync`.
        durability: Durability,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("the buffer in memory"),
            Self::File { path, .. } => write!(f, "the buffer {}", path.display()),
        }
    }
}

/// What an acknowledgement promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The events are on the disk.
    Synced,
    /// `sync none`, Fluentd's own promise: the kernel has them, and a power cut may take
    /// them.
    Unsynced,
}

/// When a chunk is sealed without being asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// When it is full.
    WhenFull,
    /// `flush_mode immediate`: after every append.
    AfterEveryAppend,
}

/// One chunk's share of a request: events of one key, formatted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portion {
    /// The key that the events share.
    pub metadata: Metadata,
    /// The events as they will stand in the object.
    pub bytes: Vec<u8>,
    /// How many events these are.
    pub records: u32,
}

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
    chunk_limit_size: u64,
    limits: Arc<Limits>,
    queue: Arc<Queue>,
    storage: Storage,
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
    /// The directory cannot be created or listed, or no thread can be started.
    pub fn open(config: &Config, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let fs: Arc<dyn Fs> = match config.place {
            Place::Memory => Arc::new(MemoryFs::default()),
            Place::File { .. } => Arc::new(DiskFs),
        };
        Self::open_on(fs, config, clock)
    }

    /// Opens the buffer on a given filesystem and takes up the chunks that lie there.
    pub(crate) fn open_on(
        fs: Arc<dyn Fs>,
        config: &Config,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        Self::assemble(fs, config, clock, |committer| match config.place {
            Place::Memory => Ok(Committing::inline(committer)),
            Place::File { .. } => Ok(Committing::Group(Group::start(committer, &config.name)?)),
        })
    }

    /// The same without a thread of its own, which would run outside of paused time.
    #[cfg(test)]
    pub(crate) fn open_without_thread(
        fs: Arc<dyn Fs>,
        config: &Config,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        Self::assemble(fs, config, clock, |committer| {
            Ok(Committing::inline(committer))
        })
    }

    fn assemble(
        fs: Arc<dyn Fs>,
        config: &Config,
        clock: Arc<dyn Clock>,
        committing: impl FnOnce(Committer) -> io::Result<Committing>,
    ) -> io::Result<Self> {
        let limits = Arc::new(Limits::new(config.total_limit_size, config.overflow_action));
        let queue = Arc::new(Queue::default());
        let storage = Storage::new(fs, &config.place);
        let mut committer = Committer::new(
            config,
            storage.clone(),
            Arc::clone(&queue),
            Arc::clone(&limits),
            clock,
        );
        let ended = CancellationToken::new();
        committer.tell_when_gone(ended.clone().drop_guard());
        committer.take_up_what_is_there()?;
        let shared = Shared {
            chunk_limit_size: config.chunk_limit_size,
            limits,
            queue,
            storage,
            ended,
            committing: committing(committer)?,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// `chunk_limit_size`: no portion may be larger.
    pub fn chunk_limit_size(&self) -> u64 {
        self.shared.chunk_limit_size
    }

    /// Stores all portions or none, and returns when that is as safe as the buffer
    /// promises.
    ///
    /// A caller that stops waiting does not undo the append.
    ///
    /// # Errors
    /// See `AppendError`; nothing is stored then.
    pub async fn append(&self, portions: Vec<Portion>) -> Result<(), AppendError> {
        let mut bytes = 0;
        for portion in &portions {
            let found = portion.bytes.len() as u64;
            if found > self.shared.chunk_limit_size {
                let limit = self.shared.chunk_limit_size;
                return Err(AppendError::TooLarge { found, limit });
            }
            bytes += found;
        }
        self.make_room(bytes).await?;
        match &self.shared.committing {
            Committing::Inline(committer) => {
                let (append, mut answer) = Append::new(portions);
                lock(committer).commit(vec![append]);
                answer.try_recv().unwrap_or(Err(AppendError::Closed))
            }
            Committing::Group(group) => {
                let (append, answer) = Append::new(portions);
                let answered = match group.append(append) {
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

    /// Seals the staged chunks that the rule says are due.
    pub async fn seal(&self, due: impl Fn(&Header) -> bool + Send + 'static) {
        match &self.shared.committing {
            Committing::Inline(committer) => lock(committer).seal_due(&due),
            Committing::Group(group) => group.seal(Box::new(due)).await,
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

    /// When the next waiting chunk may be tried; `None` while nothing waits.
    pub fn next_due(&self) -> Option<Instant> {
        self.shared.queue.next_due()
    }

    /// Returns once a chunk has been queued since the last call returned.
    pub async fn queued(&self) {
        self.shared.queue.arrival().await;
    }

    /// The chunk's events, from the first on.
    pub fn body(&self, chunk: &SealedChunk) -> ChunkBody {
        self.shared.storage.body(chunk)
    }

    /// Writes the name into the chunk and syncs it. Blocks.
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

    /// Moves a chunk that is given up on to the backup directory. Blocks.
    ///
    /// # Errors
    /// The file is still in the buffer and is tried again after a restart.
    pub fn set_aside(&self, chunk: SealedChunk) -> io::Result<PathBuf> {
        self.shared.limits.release(chunk.bytes);
        self.shared.storage.set_aside(&chunk)
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
            records = oldest.records,
            "buffer is full: dropping the oldest chunk (overflow_action drop_oldest_chunk)"
        );
        let purged = self.purge(oldest);
        purged.map_err(|error| AppendError::Storage {
            reason: error.to_string().into(),
        })
    }
}

/// How long a refused client should wait before it tries again.
pub const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The directory in which a file buffer with this `path` keeps its chunks.
pub fn directory(path: &Path) -> PathBuf {
    chunk_file::ChunkNames::new(path).dir().to_owned()
}

fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
