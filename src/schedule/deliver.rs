//! One chunk's way to its sink.

mod naming;
mod verifying;

use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;

use fluent_compat::chunk::ChunkId;
use fluent_compat::retry::Target;
use tracing::{info, warn};

use super::Sinks;
use super::indexes::Indexes;
use crate::buffer::{Buffer, ChunkBody, SealedChunk};
use crate::sink::{Attempt, Body, BoxFuture, ChunkInfo, Earlier, Put, PutError, Sink};

/// How an attempt ended.
pub(super) enum Delivery {
    /// The chunk is where it belongs, and gone from the buffer.
    Done {
        id: ChunkId,
        records: u64,
        bytes: u64,
    },
    /// It was there from before the start, and holds no event.
    Empty { id: ChunkId },
    /// It can be tried again; what the next attempt under its name must be told.
    Failed {
        chunk: SealedChunk,
        earlier: Earlier,
        reason: String,
    },
    /// Trying again cannot help.
    Hopeless { chunk: SealedChunk, reason: String },
}

/// Carries chunks from a buffer to its sinks.
pub(super) struct Courier {
    buffer: Buffer,
    primary: Outlet,
    secondary: Option<Outlet>,
}

/// A sink, and the indexes in use there.
struct Outlet {
    sink: Arc<dyn Sink>,
    indexes: Arc<Indexes>,
}

impl Outlet {
    fn new(sink: Arc<dyn Sink>) -> Self {
        let indexes = Arc::default();
        Self { sink, indexes }
    }

    fn with_sink(&self, sink: Arc<dyn Sink>) -> Self {
        let indexes = Arc::clone(&self.indexes);
        Self { sink, indexes }
    }
}

impl Courier {
    pub(super) fn new(buffer: Buffer, sinks: Sinks) -> Self {
        Self {
            buffer,
            primary: Outlet::new(sinks.primary),
            secondary: sinks.secondary.map(Outlet::new),
        }
    }

    /// One that carries to other sinks. What is known of indexes is known to both, because
    /// the deliveries of the one end while the other's begin.
    pub(super) fn with_sinks(&self, sinks: Sinks) -> Self {
        let secondary = sinks.secondary.map(|sink| match &self.secondary {
            Some(before) => before.with_sink(sink),
            None => Outlet::new(sink),
        });
        Self {
            buffer: self.buffer.clone(),
            primary: self.primary.with_sink(sinks.primary),
            secondary,
        }
    }

    /// Delivers the chunk, once it is verified, to whom the retries say, unless it belongs to the secondary
    /// already. What the primary refuses for good, the secondary gets at once.
    ///
    /// `earlier` is what attempts of this process left; `None` if there were none.
    pub(super) async fn deliver(
        &self,
        chunk: SealedChunk,
        earlier: Option<Earlier>,
        target: Target,
    ) -> Delivery {
        let chunk = match self.verified(chunk).await {
            Ok(chunk) => chunk,
            Err(ended) => return ended,
        };
        let belongs_to = chunk.name.as_ref().map(|object| object.target);
        if self.secondary.is_none() {
            return self.deliver_to(Target::Primary, chunk, earlier).await;
        }
        if belongs_to == Some(Target::Secondary) || target == Target::Secondary {
            return self.deliver_to(Target::Secondary, chunk, earlier).await;
        }
        match self.deliver_to(Target::Primary, chunk, earlier).await {
            Delivery::Hopeless { chunk, reason } => {
                warn!(chunk = %chunk.header.id, "chunk goes to <secondary>: {reason}");
                self.deliver_to(Target::Secondary, chunk, earlier).await
            }
            delivery => delivery,
        }
    }

    /// Names the chunk if it has no name there, puts it, and removes it from the buffer.
    ///
    /// A chunk that has a name without an attempt of this process has it from before a
    /// restart, and may have been put.
    async fn deliver_to(
        &self,
        target: Target,
        chunk: SealedChunk,
        earlier: Option<Earlier>,
    ) -> Delivery {
        let known = earlier.unwrap_or(match chunk.name {
            Some(_) => Earlier::MaybeStored,
            None => Earlier::None,
        });
        let info = describe(&chunk);
        let is_named = matches!(&chunk.name, Some(object) if object.target == target);
        let (mut named, mut earlier) = match is_named {
            true => (Ok(chunk), known),
            false => (self.name(target, chunk, &info, known).await, Earlier::None),
        };
        let mut in_a_row = 0;
        loop {
            let chunk = match named {
                Ok(chunk) => chunk,
                Err(failed) => return failed,
            };
            match self.put(target, &chunk, &info, earlier).await {
                Ok(Put::Stored | Put::AlreadyThere) => return self.done(target, chunk).await,
                Ok(Put::NameTaken) => {
                    let name = chunk.name.as_ref().map(|object| object.name.as_str());
                    warn!(chunk = %info.id, name, "object name is taken; taking the next one");
                    in_a_row += 1;
                    named = self.rename(target, chunk, &info, in_a_row).await;
                    earlier = Earlier::None;
                }
                Err(error) => {
                    if earlier == Earlier::None {
                        earlier = error.leaves();
                    }
                    return refused(target, chunk, earlier, &error);
                }
            }
        }
    }

    fn outlet(&self, target: Target) -> &Outlet {
        match (target, &self.secondary) {
            (Target::Secondary, Some(secondary)) => secondary,
            _ => &self.primary,
        }
    }

    async fn put(
        &self,
        target: Target,
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
        let put = self.outlet(target).sink.put(info, attempt, body);
        // A panic would take the chunk with it, and it would wait until the next start.
        let put = survived(put).await;
        put.unwrap_or_else(|reason| Err(unknown(attempt.name, "put", reason)))
    }

    async fn done(&self, target: Target, chunk: SealedChunk) -> Delivery {
        let id = chunk.header.id;
        let name = chunk.name.as_ref().map(|object| object.name.clone());
        let (records, bytes) = (chunk.records, chunk.bytes);
        let buffer = self.buffer.clone();
        let purged = blocking(move || buffer.purge(chunk)).await;
        if let Err(error) = purged {
            warn!(chunk = %id, %error, "delivered chunk could not be removed; it is recognised at the next start");
        }
        match target {
            Target::Primary => info!(chunk = %id, name, records, bytes, "chunk delivered"),
            Target::Secondary => {
                warn!(chunk = %id, name, records, bytes, "chunk delivered to <secondary>");
            }
        }
        Delivery::Done { id, records, bytes }
    }
}

impl Body for ChunkBody {
    fn open(&self) -> io::Result<Box<dyn io::Read + Send>> {
        Self::open(self)
    }
}

/// What is left to do after a put, or what goes before it, has failed.
fn refused(target: Target, chunk: SealedChunk, earlier: Earlier, error: &PutError) -> Delivery {
    let reason = match target {
        Target::Primary => error.to_string(),
        Target::Secondary => format!("<secondary>: {error}"),
    };
    match error.is_retryable() {
        false => Delivery::Hopeless { chunk, reason },
        true => Delivery::Failed {
            chunk,
            earlier,
            reason,
        },
    }
}

fn unknown(name: Option<&str>, operation: &'static str, reason: String) -> PutError {
    PutError::Unknown {
        target: name.unwrap_or("the sink").to_owned(),
        operation,
        reason,
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
