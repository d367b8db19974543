//! One chunk's way to its sink.

use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;

use fluent_compat::chunk::ChunkId;
use tracing::{debug, info, warn};

use super::indexes::Indexes;
use crate::buffer::{Buffer, ChunkBody, ObjectName, SealedChunk};
use crate::sink::{Attempt, Body, BoxFuture, ChunkInfo, Earlier, Put, PutError, Sink};

/// How an attempt ended.
pub(super) enum Delivery {
    /// The chunk is where it belongs, and gone from the buffer.
    Done { id: ChunkId },
    /// It can be tried again; what the next attempt under its name must be told.
    Failed {
        chunk: SealedChunk,
        earlier: Earlier,
        reason: String,
    },
    /// Trying again cannot help.
    Hopeless { chunk: SealedChunk, reason: String },
}

/// Carries chunks from a buffer to a sink.
pub(super) struct Courier {
    buffer: Buffer,
    sink: Arc<dyn Sink>,
    indexes: Arc<Indexes>,
}

impl Courier {
    pub(super) fn new(buffer: Buffer, sink: Arc<dyn Sink>) -> Self {
        Self {
            buffer,
            sink,
            indexes: Arc::default(),
        }
    }

    /// One that carries to another sink. What is known of indexes is known to both, because
    /// the deliveries of the one end while the other's begin.
    pub(super) fn with_sink(&self, sink: Arc<dyn Sink>) -> Self {
        Self {
            buffer: self.buffer.clone(),
            sink,
            indexes: Arc::clone(&self.indexes),
        }
    }

    /// Names the chunk if it has no name, puts it, and removes it from the buffer.
    ///
    /// `earlier` is what attempts of this process left; `None` if there were none. A chunk
    /// that has a name all the same has it from before a restart, and may have been put.
    pub(super) async fn deliver(&self, chunk: SealedChunk, earlier: Option<Earlier>) -> Delivery {
        let mut earlier = earlier.unwrap_or(match chunk.name {
            Some(_) => Earlier::MaybeStored,
            None => Earlier::None,
        });
        let info = describe(&chunk);
        let mut named = match chunk.name {
            Some(_) => Ok(chunk),
            None => self.name(chunk, &info).await,
        };
        loop {
            let chunk = match named {
                Ok(chunk) => chunk,
                Err(failed) => return failed,
            };
            match self.put(&chunk, &info, earlier).await {
                Ok(Put::Stored | Put::AlreadyThere) => return self.done(chunk).await,
                Ok(Put::NameTaken) => {
                    let name = chunk.name.as_ref().map(|object| object.name.as_str());
                    warn!(chunk = %info.id, name, "object name is taken; taking the next one");
                    named = self.rename(chunk, &info).await;
                    earlier = Earlier::None;
                }
                Err(error) => {
                    let reason = error.to_string();
                    if !error.is_retryable() {
                        return Delivery::Hopeless { chunk, reason };
                    }
                    if earlier == Earlier::None {
                        earlier = error.leaves();
                    }
                    return Delivery::Failed {
                        chunk,
                        earlier,
                        reason,
                    };
                }
            }
        }
    }

    async fn put(
        &self,
        chunk: &SealedChunk,
        info: &ChunkInfo,
        earlier: Earlier,
    ) -> Result<Put, PutError> {
        let attempt = Attempt {
            name: chunk.name.as_ref().map(|object| object.name.as_str()),
            index: chunk.name.as_ref().map_or(0, |object| object.index),
            earlier,
        };
        let body = Arc::new(self.buffer.body(chunk));
        let put = self.sink.put(info, attempt, body);
        // A panic would take the chunk with it, and it would wait until the next start.
        survived(put).await.unwrap_or_else(|reason| {
            Err(PutError::Unknown {
                target: attempt.name.unwrap_or("the sink").to_owned(),
                operation: "put",
                reason,
            })
        })
    }

    /// Gives a chunk its first name. Sinks without names leave it as it is.
    async fn name(&self, chunk: SealedChunk, info: &ChunkInfo) -> Result<SealedChunk, Delivery> {
        let first = match self.sink.object_name(info, 0) {
            Ok(Some(first)) => first,
            Ok(None) => return Ok(chunk),
            Err(error) => {
                let reason = error.to_string();
                return Err(Delivery::Hopeless { chunk, reason });
            }
        };
        let index = self.indexes.next_for(&first);
        let named = self.write_name(chunk, info, index).await;
        if named.is_err() {
            self.indexes.give_back(&first, index);
        }
        named
    }

    /// The name is somebody else's: the next index.
    async fn rename(&self, chunk: SealedChunk, info: &ChunkInfo) -> Result<SealedChunk, Delivery> {
        let taken = chunk.name.as_ref().map_or(0, |object| object.index);
        if let Ok(Some(first)) = self.sink.object_name(info, 0) {
            self.indexes.is_taken(&first, taken);
        }
        self.write_name(chunk, info, taken + 1).await
    }

    /// NOTE: returns only when the name is synced; nothing may be put under it before.
    async fn write_name(
        &self,
        chunk: SealedChunk,
        info: &ChunkInfo,
        index: u64,
    ) -> Result<SealedChunk, Delivery> {
        let name = match self.sink.object_name(info, index) {
            Ok(Some(name)) => name,
            Ok(None) => return Ok(chunk),
            Err(error) => {
                let reason = error.to_string();
                return Err(Delivery::Hopeless { chunk, reason });
            }
        };
        debug!(chunk = %info.id, name, "naming the chunk");
        let buffer = self.buffer.clone();
        let (chunk, written) = blocking(move || {
            let mut chunk = chunk;
            let written = buffer.write_name(&mut chunk, ObjectName { name, index });
            (chunk, written)
        })
        .await;
        match written {
            Ok(()) => Ok(chunk),
            Err(error) => {
                let reason =
                    format!("the object's name could not be written into the chunk: {error}");
                Err(Delivery::Failed {
                    chunk,
                    earlier: Earlier::None,
                    reason,
                })
            }
        }
    }

    async fn done(&self, chunk: SealedChunk) -> Delivery {
        let id = chunk.header.id;
        let name = chunk.name.as_ref().map(|object| object.name.clone());
        let (records, bytes) = (chunk.records, chunk.bytes);
        let buffer = self.buffer.clone();
        let purged = blocking(move || buffer.purge(chunk)).await;
        if let Err(error) = purged {
            warn!(chunk = %id, %error, "delivered chunk could not be removed; it is recognised at the next start");
        }
        info!(chunk = %id, name, records, bytes, "chunk delivered");
        Delivery::Done { id }
    }
}

impl Body for ChunkBody {
    fn open(&self) -> io::Result<Box<dyn io::Read + Send>> {
        Self::open(self)
    }
}

fn describe(chunk: &SealedChunk) -> ChunkInfo {
    ChunkInfo {
        id: chunk.header.id,
        metadata: chunk.header.metadata.clone(),
        created: chunk.header.created,
        records: chunk.records,
        bytes: chunk.bytes,
    }
}

/// Polls a future to its end or its panic, of which the message is left.
async fn survived<T>(mut future: BoxFuture<'_, T>) -> Result<T, String> {
    poll_fn(move |context| {
        let poll = AssertUnwindSafe(|| future.as_mut().poll(context));
        match catch_unwind(poll) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => {
                let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
                let text = text.unwrap_or_default();
                Poll::Ready(Err(format!("the sink has panicked: {text}")))
            }
        }
    })
    .await
}

/// Runs filesystem calls where they may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        // A panic goes on where it would have been without the thread; tasks that were
        // never started only exist while the runtime is torn down.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
