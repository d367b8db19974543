//! What is known of an object before it is put, and what the evidence is told of it.

use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fluent_compat::chunk::ChunkId;
use fluent_compat::retry::Target;

use super::blocking;
use crate::buffer::SealedChunk;
use crate::evidence::{Certainty, Contents, Entry, Evidence, Moment, Sha256};
use crate::schedule::TimeSlots;
use crate::sink::{BoxFuture, ObjectFacts, Witness};

/// Takes note of one chunk's object, and passes it on to the output's evidence.
pub(super) struct Notes {
    chunk: ChunkId,
    records: u64,
    created: Moment,
    slot: Option<(Moment, Moment)>,
    /// `None` for an output without, and for the secondary.
    evidence: Option<Arc<Evidence>>,
    /// Held for a moment; nothing is taken under it.
    object: Mutex<Option<ObjectFacts>>,
}

impl std::fmt::Debug for Notes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notes")
            .field("chunk", &self.chunk)
            .field("object", &self.object)
            .finish_non_exhaustive()
    }
}

impl Notes {
    /// Of a chunk on its way to a target.
    pub(super) fn of(
        chunk: &SealedChunk,
        target: Target,
        evidence: Option<&Arc<Evidence>>,
        time: Option<&TimeSlots>,
    ) -> Self {
        let timekey = chunk.header.metadata.timekey;
        let slot = time.zip(timekey).map(|(time, key)| {
            let end = time.slots.end(key);
            (Moment::new(key.seconds()), Moment::new(end))
        });
        Self {
            chunk: chunk.header.id,
            records: chunk.records,
            created: Moment::new(chunk.header.created.seconds()),
            slot,
            evidence: evidence.filter(|_| target == Target::Primary).cloned(),
            object: Mutex::default(),
        }
    }

    /// What was about to be put last.
    pub(super) fn object(&self) -> Option<ObjectFacts> {
        *self.lock()
    }

    /// The object is there. Returns when the evidence has it.
    pub(super) async fn stored(&self, key: Option<String>, certainty: Certainty) {
        self.tell(key, move |evidence, chunk, key| {
            evidence.stored(chunk, key, certainty);
        })
        .await;
    }

    /// Something else may have the name: the chunk takes another one.
    pub(super) async fn doubted(&self, key: Option<String>) {
        self.tell(key, Evidence::doubted).await;
    }

    /// For certain nothing was put.
    pub(super) async fn refused(&self, key: Option<String>) {
        self.tell(key, Evidence::refused).await;
    }

    async fn tell(
        &self,
        key: Option<String>,
        what: impl FnOnce(&Evidence, ChunkId, &str) + Send + 'static,
    ) {
        let (Some(evidence), Some(key)) = (self.evidence.clone(), key) else {
            return;
        };
        let chunk = self.chunk;
        blocking(move || what(&evidence, chunk, &key)).await;
    }

    fn lock(&self) -> MutexGuard<'_, Option<ObjectFacts>> {
        self.object.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Witness for Notes {
    fn about_to_put<'a>(&'a self, name: &'a str, facts: ObjectFacts) -> BoxFuture<'a, ()> {
        *self.lock() = Some(facts);
        let Some(evidence) = self.evidence.clone() else {
            return Box::pin(ready(()));
        };
        let contents = Contents {
            size: facts.size,
            sha256: Sha256::from_bytes(facts.sha256),
        };
        let mut entry = Entry::new(self.chunk, name.to_owned(), contents);
        entry.records = self.records;
        entry.created = self.created;
        entry.slot = self.slot;
        Box::pin(blocking(move || evidence.about_to_put(entry)))
    }
}
