//! A bucket with the one rule of S3 that matters here: a conditional PUT never replaces an
//! object. Its answers get lost, come late, or say no.

use std::collections::{BTreeMap, VecDeque};
use std::future::ready;
use std::io::Read as _;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use fluent_compat::chunk::ChunkId;
use fluent_compat::object_key::NameError;
use fluent_compat::timekey::Timekey;

use crate::evidence::Sha256;
use crate::host::fs::crashing::CrashingFs;
use crate::sink::{
    Attempt, Body, BoxFuture, ChunkInfo, Earlier, ObjectFacts, Put, PutError, Remedy, Sink,
};

/// What becomes of a PUT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Stored, unless the name is taken: then 412.
    Well,
    /// As `Well`, and the answer is lost.
    Unheard,
    /// It is still on its way when the sender gives up waiting, and arrives later.
    Late,
    /// Neither request nor answer arrives.
    Lost,
    /// 503, for certain without effect.
    Refused,
    /// Somebody else has put an object under this name a moment before.
    Foreign,
}

/// Objects, and what is to become of the next PUTs.
pub(crate) struct Bucket {
    /// A PUT is one of the steps of a server that may be killed at each.
    disk: CrashingFs,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Object>,
    answers: VecDeque<Answer>,
    /// PUTs on their way.
    late: Vec<(String, Object)>,
    /// Digests, in the order of their names.
    documents: BTreeMap<String, Bytes>,
    /// How many were to be put, and whether some of that goes wrong.
    keeps: u32,
    is_well: bool,
}

struct Object {
    /// `None`: somebody else's.
    chunk: Option<ChunkId>,
    text: String,
}

impl Bucket {
    pub(crate) fn beside(disk: CrashingFs) -> Self {
        Self {
            disk,
            state: Mutex::default(),
        }
    }

    /// What becomes of the PUTs to come, one after the other; then all is well.
    pub(crate) fn answers(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state().answers.extend(answers);
    }

    /// All is well, and what was on its way has arrived.
    pub(crate) fn recover(&self) {
        let mut state = self.state();
        state.answers.clear();
        state.is_well = true;
        state.late_ones_arrive();
    }

    /// Digests by name, in order: their names begin with their number.
    pub(crate) fn documents(&self) -> Vec<(String, Bytes)> {
        let state = self.state();
        let documents = state.documents.iter();
        documents
            .map(|(name, bytes)| (name.clone(), bytes.clone()))
            .collect()
    }

    /// Every second one does not go as it should, in one of two ways.
    fn take_document(&self, name: &str, document: Bytes) -> Result<(), PutError> {
        if self.disk.step().is_err() {
            return Err(unheard(name));
        }
        let mut state = self.state();
        state.keeps += 1;
        let trouble = (!state.is_well).then_some(state.keeps % 4);
        if trouble == Some(1) {
            return Err(refused(name));
        }
        let there = state.documents.entry(name.to_owned());
        let there = there.or_insert_with(|| document.clone());
        assert_eq!(*there, document, "other bytes under the name {name}");
        match trouble {
            Some(3) => Err(unheard(name)),
            _ => Ok(()),
        }
    }

    /// The names of our objects, and their texts.
    pub(crate) fn objects(&self) -> Vec<(String, String)> {
        let state = self.state();
        let ours = state
            .objects
            .iter()
            .filter(|(_, object)| object.chunk.is_some());
        ours.map(|(name, object)| (name.clone(), object.text.clone()))
            .collect()
    }

    /// How often each event is in an object; all lines are in objects of their hour.
    pub(crate) fn delivered(&self) -> Result<BTreeMap<u32, u32>, String> {
        let mut delivered = BTreeMap::new();
        for (name, text) in self.objects() {
            for line in text.lines() {
                let altered = || format!("{name} has the line {line:?}");
                let (number, hour) = line.split_once(' ').ok_or_else(altered)?;
                if name.split_once('_').map(|(slot, _)| slot) != Some(hour) {
                    return Err(altered());
                }
                let number = number.parse().map_err(|_| altered())?;
                *delivered.entry(number).or_default() += 1;
            }
        }
        Ok(delivered)
    }

    async fn take(
        &self,
        id: ChunkId,
        attempt: Attempt<'_>,
        body: Arc<dyn Body>,
    ) -> Result<Put, PutError> {
        let name = attempt.name.expect("a chunk is named before it is put");
        let mut text = String::new();
        let read = body
            .open()
            .and_then(|mut reader| reader.read_to_string(&mut text));
        read.map_err(|source| PutError::Local {
            target: name.to_owned(),
            what: "the chunk could not be read",
            source,
        })?;
        if let Some(witness) = attempt.witness {
            let facts = ObjectFacts {
                size: text.len() as u64,
                sha256: *Sha256::of(text.as_bytes()).as_bytes(),
            };
            witness.about_to_put(name, facts).await;
        }
        if self.disk.step().is_err() {
            return Err(unheard(name));
        }
        let object = Object {
            chunk: Some(id),
            text,
        };
        let mut state = self.state();
        let answer = state.answers.pop_front().unwrap_or(Answer::Well);
        match answer {
            Answer::Foreign => state.put(name, foreign()),
            Answer::Late | Answer::Lost | Answer::Refused | Answer::Unheard | Answer::Well => {}
        }
        match answer {
            Answer::Foreign | Answer::Well => Ok(state.answer(name, object, attempt.earlier)),
            Answer::Late => {
                state.late.push((name.to_owned(), object));
                Err(unheard(name))
            }
            Answer::Lost => Err(unheard(name)),
            Answer::Refused => Err(refused(name)),
            Answer::Unheard => {
                state.put(name, object);
                Err(unheard(name))
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    /// `If-None-Match: *`, and on 412 the look at whose the object is.
    fn answer(&mut self, name: &str, object: Object, earlier: Earlier) -> Put {
        let answer = match self.objects.get(name) {
            None => Put::Stored,
            Some(there) if earlier == Earlier::MaybeStored && there.chunk == object.chunk => {
                Put::AlreadyThere
            }
            Some(_) => Put::NameTaken,
        };
        self.put(name, object);
        self.late_ones_arrive();
        answer
    }

    fn put(&mut self, name: &str, object: Object) {
        self.objects.entry(name.to_owned()).or_insert(object);
    }

    fn late_ones_arrive(&mut self) {
        for (name, object) in std::mem::take(&mut self.late) {
            self.put(&name, object);
        }
    }
}

impl Sink for Bucket {
    fn object_name(&self, chunk: &ChunkInfo, index: u64) -> Result<Option<String>, NameError> {
        let key = chunk.metadata.timekey.map_or(0, Timekey::seconds);
        Ok(Some(format!("{key}_{index}")))
    }

    fn put<'a>(
        &'a self,
        chunk: &'a ChunkInfo,
        attempt: Attempt<'a>,
        body: Arc<dyn Body>,
    ) -> BoxFuture<'a, Result<Put, PutError>> {
        Box::pin(self.take(chunk.id, attempt, body))
    }

    fn keep<'a>(&'a self, name: &'a str, document: Bytes) -> BoxFuture<'a, Result<(), PutError>> {
        Box::pin(ready(self.take_document(name, document)))
    }
}

fn foreign() -> Object {
    Object {
        chunk: None,
        text: "somebody else's\n".to_owned(),
    }
}

fn unheard(name: &str) -> PutError {
    PutError::Unknown {
        target: name.to_owned(),
        operation: "PutObject",
        reason: "connection reset".to_owned(),
    }
}

fn refused(name: &str) -> PutError {
    PutError::Refused {
        target: name.to_owned(),
        operation: "PutObject",
        status: 503,
        detail: "SlowDown".to_owned(),
        remedy: Remedy::Retry,
        leaves: Earlier::None,
    }
}
