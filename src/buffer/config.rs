//! What a `<buffer>` section says about keeping events.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::chunk_file::Compression;
use super::limits::OverflowAction;
use crate::host::fs::Modes;

/// What a `<buffer>` section says about keeping events.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Name in log lines: the output's `@id` or its pattern.
    pub name: String,
    /// `@type` and `path`.
    pub place: Place,
    /// `file_permission` and `dir_permission`.
    pub modes: Modes,
    /// `compress`. Limits count what is packed, as Fluentd's do.
    pub compression: Compression,
    /// `decompression_size_limit`: bytes of formatted events in a portion that is to be
    /// packed. What would be more than may be unpacked again is never packed.
    pub decompression_size_limit: u64,
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
    /// `queued_chunks_limit_size`: while so many chunks are queued none is sealed because
    /// it is due. `None` is no limit.
    pub queued_chunks_limit: Option<NonZeroUsize>,
    /// `disable_chunk_backup`.
    pub backup: Backup,
    /// Bytes of staged chunks that are read when the buffer is opened, so that these chunks
    /// take further events. Any more are sealed unread, to be read when they are delivered.
    pub read_at_start: u64,
}

/// For [`Config::read_at_start`]: the largest chunk that `chunk_limit_size` makes unless it is
/// set, and a fraction of a second.
pub const READ_AT_START: u64 = 256 << 20;

impl Config {
    /// Bytes of formatted events that a portion may have.
    pub(super) fn portion_limit(&self) -> u64 {
        match self.compression {
            Compression::Text => self.chunk_limit_size,
            Compression::Gzip | Compression::Zstd => {
                self.chunk_limit_size.min(self.decompression_size_limit)
            }
        }
    }
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

/// What becomes of a chunk that is given up on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backup {
    /// It is kept as it is, in the backup directory of its file buffer.
    InBuffer,
    /// Its events are written to a file in this directory, where Fluentd writes them, too:
    /// a memory buffer has no place of its own.
    In(PathBuf),
    /// `disable_chunk_backup true`: it is deleted, as Fluentd does.
    Deleted,
}
