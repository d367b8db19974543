//! One chunk's way to its sink.

mod naming;
mod verifying;
mod witness;

use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;

use fluent_compat::chunk::ChunkId;
use fluent_compat::retry::Target;
use tracing::{info, warn};

use super::indexes::Indexes;
use super::{Sampled, Sinks, TimeSlots};
use crate::buffer::{Buffer, ChunkBody, SealedChunk};
use crate::evidence::{Certainty, Evidence};
use crate::sink::{Attempt, Body, BoxFuture, ChunkInfo, Earlier, Put, PutError, Sink};
use witness::Notes;

/// How an attempt ended.
pub(super) enum Delivery {
    /// The chunk is where it belongs, and gone from the buffer.
    Done {
        id: ChunkId,
        /// How many events and bytes it had there.
        records: u64,
        bytes: u64,
        /// And how many its object has at the primary; `None` for sinks that make none.
        object: Option<u64>,
        removal: Removal,
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

/// Whether a delivered chunk is gone from the buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Removal {
    Done,
    /// It is delivered again after a restart, and recognised.
    Failed,
}

/// Carries chunks from a buffer to its sinks.
pub(super) struct Courier {
    /// The output's, in log lines.
    name: String,
    buffer: Buffer,
    primary: Outlet,
    secondary: Option<Outlet>,
    evidence: Option<Arc<Evidence>>,
    /// How time is cut, for those who are told of objects.
    time: Option<TimeSlots>,
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
    pub(super) fn new(name: &str, buffer: Buffer, sinks: Sinks, time: Option<TimeSlots>) -> Self {
        Self {
            name: name.to_owned(),
            buffer,
            primary: Outlet::new(sinks.primary),
            secondary: sinks.secondary.map(Outlet::new),
            evidence: sinks.evidence,
            time,
        }
    }

    /// Where chunks go first.
    pub(super) fn primary(&self) -> &Arc<dyn Sink> {
        &self.primary.sink
    }

    /// One that carries to other sinks. What is known of indexes is known to both, because
    /// the deliveries of the one end while the other's begin.
    pub(super) fn with_sinks(&self, name: &str, sinks: Sinks, time: Option<TimeSlots>) -> Self {
        let secondary = sinks.secondary.map(|sink| match &self.secondary {
            Some(before) => before.with_sink(sink),
            None => Outlet::new(sink),
        });
        Self {
            name: name.to_owned(),
            buffer: self.buffer.clone(),
            primary: self.primary.with_sink(sinks.primary),
            secondary,
            evidence: sinks.evidence,
            time,
        }
    }

    /// Delivers the chunk, once it is verified, to whom the retries say, unless it belongs to
    /// the secondary already. What the primary refuses for good, the secondary gets at once.
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
                let about = &chunk.header.metadata;
                warn!(output = self.name, chunk = %chunk.header.id, tag = about.tag_text(), key = about.key_text(), "chunk goes to <secondary>: {reason}");
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
        let notes = Notes::of(&chunk, target, self.evidence.as_ref(), self.time.as_ref());
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
            match self.put(target, &chunk, &info, earlier, &notes).await {
                // NOTE: the evidence is told before the chunk is removed.
                Ok(Put::Stored) => {
                    notes
                        .stored(name_of(&chunk), Certainty::ByThisAttempt)
                        .await;
                    return self.done(target, chunk, &notes).await;
                }
                Ok(Put::AlreadyThere) => {
                    notes.stored(name_of(&chunk), Certainty::ByAnyAttempt).await;
                    return self.done(target, chunk, &notes).await;
                }
                Ok(Put::NameTaken) => {
                    notes.doubted(name_of(&chunk)).await;
                    let name = name_of(&chunk);
                    let about = &info.metadata;
                    warn!(output = self.name, chunk = %info.id, tag = about.tag_text(), key = about.key_text(), name, "object name is taken; taking the next one");
                    in_a_row += 1;
                    named = self.rename(target, chunk, &info, in_a_row).await;
                    earlier = Earlier::None;
                }
                Err(error) => {
                    if earlier == Earlier::None {
                        earlier = error.leaves();
                    }
                    if earlier == Earlier::None {
                        notes.refused(name_of(&chunk)).await;
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
        notes: &Notes,
    ) -> Result<Put, PutError> {
        let attempt = Attempt {
            name: chunk.name.as_ref().map(|object| object.name.as_str()),
            index: chunk.name.as_ref().map_or(0, |object| object.index),
            earlier,
            witness: Some(notes),
        };
        let body = Arc::new(self.buffer.body(chunk));
        let put = self.outlet(target).sink.put(info, attempt, body);
        // A panic would take the chunk with it, and it would wait until the next start.
        let put = survived(put).await;
        put.unwrap_or_else(|reason| Err(unknown(attempt.name, "put", reason)))
    }

    async fn done(&self, target: Target, chunk: SealedChunk, notes: &Notes) -> Delivery {
        let output = self.name.as_str();
        let id = chunk.header.id;
        let about = chunk.header.metadata.clone();
        let (tag, key) = (about.tag_text(), about.key_text());
        let name = name_of(&chunk);
        let (records, bytes) = (chunk.records, chunk.bytes);
        let buffer = self.buffer.clone();
        let purged = blocking(move || buffer.purge(chunk)).await;
        let removal = match purged {
            Ok(()) => Removal::Done,
            Err(error) => {
                warn!(output, chunk = %id, tag, key, %error, "delivered chunk could not be removed; it is recognised at the next start");
                Removal::Failed
            }
        };
        match target {
            Target::Primary => {
                info!(output, chunk = %id, tag, key, name, records, bytes, "chunk delivered");
            }
            Target::Secondary => {
                warn!(output, chunk = %id, tag, key, name, records, bytes, "chunk delivered to <secondary>");
            }
        }
        let object = notes.object().filter(|_| target == Target::Primary);
        Delivery::Done {
            id,
            records,
            bytes,
            object: object.map(|object| object.size),
            removal,
        }
    }
}

/// Packs the beginning of a staged chunk, without putting it anywhere.
pub(super) async fn sample(buffer: Buffer, courier: &Courier, most: u64) -> Option<Sampled> {
    let sample = blocking(move || buffer.sample(most)).await.ok()??;
    let packing = courier.primary.sink.object_size(Arc::new(sample.body));
    let object = packing.await.ok()?;
    Some(Sampled {
        chunk: sample.bytes,
        object,
    })
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

fn name_of(chunk: &SealedChunk) -> Option<String> {
    chunk.name.as_ref().map(|object| object.name.clone())
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
pub(super) async fn survived<T>(mut future: BoxFuture<'_, T>) -> Result<T, String> {
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
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        // A panic goes on where it would have been without the thread; tasks that were
        // never started only exist while the runtime is torn down.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
