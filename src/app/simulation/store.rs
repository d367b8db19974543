//! The bucket of a simulated week, and when its objects came.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use fluent_compat::object_key::{NameError, Named, ObjectKeyTemplate};

use crate::host::clock::{Clock, PausedClock};
use crate::host::fs::crashing::CrashingFs;
use crate::schedule::tests::lab::{Answer, Bucket};
use crate::sink::{Attempt, Body, BoxFuture, ChunkInfo, Put, PutError, Sink};

/// A bucket that outlives the server, well or not.
pub(super) struct Store {
    bucket: Bucket,
    answer: Mutex<Answer>,
    moments: Mutex<BTreeMap<String, Moments>>,
}

/// Unix seconds, by a clock that is right.
#[derive(Clone, Debug)]
pub(super) struct Moments {
    pub(super) first_try: i64,
    /// When the server was told that it is there.
    pub(super) stored: i64,
}

/// A server's way to the store.
pub(super) struct Way {
    pub(super) store: Arc<Store>,
    pub(super) keys: ObjectKeyTemplate,
    /// Not the server's own.
    pub(super) clock: Arc<PausedClock>,
}

impl Store {
    pub(super) fn beside(disk: CrashingFs) -> Self {
        Self {
            bucket: Bucket::beside(disk),
            answer: Mutex::new(Answer::Well),
            moments: Mutex::default(),
        }
    }

    /// How each PUT ends from now on.
    pub(super) fn answer(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    pub(super) fn objects(&self) -> Vec<(String, String)> {
        self.bucket.objects()
    }

    pub(super) fn moments(&self, name: &str) -> Moments {
        self.moments.lock().unwrap()[name].clone()
    }

    fn note(&self, name: &str, now: i64, put: Option<&Put>) {
        let mut moments = self.moments.lock().unwrap();
        let of_name = moments.entry(name.to_owned()).or_insert(Moments {
            first_try: now,
            stored: i64::MAX,
        });
        if matches!(put, Some(Put::Stored | Put::AlreadyThere)) {
            of_name.stored = now;
        }
    }
}

impl Sink for Way {
    fn object_name(&self, chunk: &ChunkInfo, index: u64) -> Result<Option<String>, NameError> {
        let named = Named {
            id: chunk.id,
            metadata: &chunk.metadata,
            created: chunk.created,
        };
        self.keys.render(named, index).map(Some)
    }

    fn put<'a>(
        &'a self,
        chunk: &'a ChunkInfo,
        attempt: Attempt<'a>,
        body: Arc<dyn Body>,
    ) -> BoxFuture<'a, Result<Put, PutError>> {
        Box::pin(async move {
            let name = attempt.name.expect("a chunk is named before it is put");
            let answer = *self.store.answer.lock().unwrap();
            let foreign = answer == Answer::Foreign && attempt.index > 0;
            let answer = if foreign { Answer::Well } else { answer };
            self.store.bucket.answers([answer]);
            let put = self.store.bucket.put(chunk, attempt, body).await;
            let now = self.clock.now().seconds();
            self.store.note(name, now, put.as_ref().ok());
            put
        })
    }
}
