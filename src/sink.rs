//! Where chunks go: an S3 bucket, files, or the standard output.
//!
//! A sink gets one sealed chunk at a time, its name and its bytes, and answers what
//! has become of it. It keeps no state of chunks and never tries again by itself: the
//! schedule does, and it is the schedule that remembers names.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use fluent_compat::chunk::{ChunkId, Metadata};
use fluent_compat::object_key::NameError;
use fluent_compat::time::EventTime;

pub mod file;
pub mod s3;
pub mod stdout;

/// What a sink gets to know of a sealed chunk.
#[derive(Clone, Debug)]
pub struct ChunkInfo {
    /// The chunk's id; no two chunks have the same.
    pub id: ChunkId,
    /// What its events have in common.
    pub metadata: Metadata,
    /// When it was begun.
    pub created: EventTime,
    /// How many events it holds.
    pub records: u64,
    /// The length of its formatted events, in bytes.
    pub bytes: u64,
}

/// The chunk's formatted events, in order, the same bytes as often as they are asked for.
pub trait Body: Send + Sync + 'static {
    /// Reads from the beginning. Blocks; to be called from a thread that may.
    ///
    /// # Errors
    /// If the chunk cannot be opened.
    fn open(&self) -> io::Result<Box<dyn io::Read + Send>>;
}

/// A future in a box, so that sinks fit into one list.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A place that chunks are put into.
pub trait Sink: Send + Sync + 'static {
    /// The object's name at the given index, which counts the names found taken.
    ///
    /// The same chunk and index give the same name, until the configuration changes.
    /// So the caller writes the name into the chunk and syncs it before the first put.
    /// `None`: the sink has no names.
    ///
    /// # Errors
    /// If the chunk's metadata make no name. Neither time nor another index cures it.
    fn object_name(&self, chunk: &ChunkInfo, index: u64) -> Result<Option<String>, NameError>;

    /// Makes ready for a put, before a name is written into the chunk: the first index at or
    /// after `from` whose name may be free. Sinks that need no preparation take `from`.
    ///
    /// # Errors
    /// The chunk gets no name then.
    fn prepare<'a>(
        &'a self,
        chunk: &'a ChunkInfo,
        from: u64,
        body: Arc<dyn Body>,
    ) -> BoxFuture<'a, Result<u64, PutError>> {
        let _ = (chunk, body);
        Box::pin(std::future::ready(Ok(from)))
    }

    /// Puts the chunk, once, under the name that stands in it.
    ///
    /// # Errors
    /// See [`PutError`], above all [`PutError::leaves`], which the next attempt is to
    /// be told (unless it is to be told of [`Earlier::MaybeStored`] anyway).
    fn put<'a>(
        &'a self,
        chunk: &'a ChunkInfo,
        attempt: Attempt<'a>,
        body: Arc<dyn Body>,
    ) -> BoxFuture<'a, Result<Put, PutError>>;

    /// Puts a document of our own under a name that is made for it alone: an object that has
    /// the name already is this document, put by an attempt before.
    ///
    /// # Errors
    /// See [`PutError`]; also if this sink makes no objects.
    fn keep<'a>(&'a self, name: &'a str, document: Bytes) -> BoxFuture<'a, Result<(), PutError>> {
        let _ = document;
        Box::pin(std::future::ready(Err(PutError::Invalid {
            target: name.to_owned(),
            reason: "this output makes no objects".to_owned(),
        })))
    }

    /// How many bytes an object would have that is made of these events. Nothing is put.
    ///
    /// # Errors
    /// The events cannot be read, or this sink makes no objects.
    fn object_size(&self, body: Arc<dyn Body>) -> BoxFuture<'_, io::Result<u64>> {
        let _ = body;
        Box::pin(std::future::ready(Err(io::ErrorKind::Unsupported.into())))
    }
}

/// What is about to be put: a chunk as its object will have it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ObjectFacts {
    /// In bytes.
    pub size: u64,
    /// Of these bytes.
    pub sha256: [u8; 32],
}

impl fmt::Debug for ObjectFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, ..] = self.sha256;
        write!(f, "{} bytes, sha256 {first:02x}{second:02x}…", self.size)
    }
}

/// Is told of each object before a byte of it is sent.
pub trait Witness: fmt::Debug + Send + Sync {
    /// Returns when the witness has taken note. It is no reason not to put the object.
    fn about_to_put<'a>(&'a self, name: &'a str, facts: ObjectFacts) -> BoxFuture<'a, ()>;
}

/// One attempt to put a chunk.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// What [`Sink::object_name`] gave, as it stands in the chunk.
    pub name: Option<&'a str>,
    /// The index that it gave the name for.
    pub index: u64,
    /// What is known of attempts with this very name before.
    pub earlier: Earlier,
    /// Who is told of the object that is made. Sinks that make none tell nothing.
    pub witness: Option<&'a dyn Witness>,
}

/// What is known of earlier attempts to put a chunk under the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// There was one of which nobody knows how it ended: no answer came, the server
    /// failed, or we did. An object under the name may be this chunk.
    MaybeStored,
    /// There was none, or each was refused for certain. An object under the name is
    /// somebody else's.
    None,
}

/// How a put has gone well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The chunk's object is there from an attempt before.
    AlreadyThere,
    /// Another object has the name: try the next index.
    NameTaken,
    /// The chunk is stored.
    Stored,
}

/// How a put has gone wrong.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// A value that has to go with the object cannot be made from the chunk.
    #[error("{target}: {reason}")]
    Invalid {
        /// Where the chunk was to go, such as `s3://bucket/key`.
        target: String,
        /// What is wrong.
        reason: String,
    },
    /// The chunk could not be read, packed or written here.
    #[error("{target}: {what}: {source}")]
    Local {
        /// Where the chunk was to go.
        target: String,
        /// What was tried.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// The store has answered, and it is no success.
    #[error("{target}: {operation} was answered with status {status}, {detail}")]
    Refused {
        /// Where the chunk was to go.
        target: String,
        /// The request, such as `PutObject`.
        operation: &'static str,
        /// The HTTP status.
        status: u16,
        /// The store's code, message and request id.
        detail: String,
        /// Whether another attempt can go better.
        remedy: Remedy,
        /// Whether the store may have kept the object all the same.
        leaves: Earlier,
    },
    /// No answer came, or one that makes no sense.
    #[error("{target}: {operation} has no outcome: {reason}")]
    Unknown {
        /// Where the chunk was to go.
        target: String,
        /// The request, such as `PutObject`.
        operation: &'static str,
        /// What happened, the causes after it.
        reason: String,
    },
}

/// What helps against a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing: this chunk will be refused each time.
    None,
    /// Time, or people: a limit passes, a permission or a bucket is put right.
    Retry,
}

impl PutError {
    /// Whether another attempt can go better. A missing permission or bucket counts as
    /// that, because people put it right.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Invalid { .. } => false,
            Self::Refused { remedy, .. } => *remedy == Remedy::Retry,
            Self::Local { .. } | Self::Unknown { .. } => true,
        }
    }

    /// What the next attempt under this name is to be told.
    pub fn leaves(&self) -> Earlier {
        match self {
            Self::Refused { leaves, .. } => *leaves,
            Self::Unknown { .. } => Earlier::MaybeStored,
            Self::Invalid { .. } | Self::Local { .. } => Earlier::None,
        }
    }
}
