//! An output's evidence, as the schedule keeps it going: digests are made when they are due, and
//! put one after the other, beside the chunks and never in their way.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use fluent_compat::chunk::ChunkId;
use fluent_compat::time::EventTime;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};
use tracing::{info, warn};

use super::deliver::{blocking, survived};
use super::meters::Digests;
use crate::evidence::{Evidence, Occasion};
use crate::sink::{PutError, Sink};

/// The first wait after a digest could not be put; it doubles.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// At a stop digests are put within this.
const LAST_DIGESTS: Duration = Duration::from_secs(10);

/// Keeps an output's evidence, if it has one.
pub(super) struct Notary {
    output: String,
    evidence: Option<Arc<Evidence>>,
    /// One at a time, so that none is in the bucket before the one it names.
    putting: JoinSet<Result<Step, Trouble>>,
    failures: u32,
    not_before: Option<Instant>,
    /// Delivered, and still in the buffer, because they could not be removed.
    left: HashSet<ChunkId>,
}

/// What has come of looking for a digest to put.
enum Step {
    Nothing,
    Put { key: String },
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the digest cannot be read: {0}")]
    Local(#[from] io::Error),
    #[error(transparent)]
    Put(#[from] PutError),
    #[error("{0}")]
    Panic(String),
}

impl Notary {
    pub(super) fn new(output: &str, evidence: Option<Arc<Evidence>>) -> Self {
        Self {
            output: output.to_owned(),
            evidence,
            putting: JoinSet::new(),
            failures: 0,
            not_before: None,
            left: HashSet::new(),
        }
    }

    /// Goes on with the evidence of another configuration.
    pub(super) fn follow(&mut self, output: &str, evidence: Option<Arc<Evidence>>) {
        output.clone_into(&mut self.output);
        self.evidence = evidence;
    }

    /// A chunk that is delivered could not be removed: a later start finds it.
    pub(super) fn leave(&mut self, chunk: ChunkId) {
        if self.evidence.is_some() {
            self.left.insert(chunk);
        }
    }

    /// Why a digest is due, if one is.
    pub(super) fn due(&self, now: EventTime) -> Option<Occasion> {
        self.evidence.as_ref()?.due(now)
    }

    /// Makes a digest. `known` are the chunks that are in the buffer or on their way.
    pub(super) async fn seal(
        &mut self,
        occasion: Occasion,
        now: EventTime,
        mut known: HashSet<ChunkId>,
    ) {
        let Some(evidence) = self.evidence.clone() else {
            return;
        };
        known.extend(&self.left);
        blocking(move || evidence.seal(occasion, now, &known)).await;
    }

    /// Begins to put the oldest digest that waits, unless one is under way.
    pub(super) fn start_putting(&mut self, sink: &Arc<dyn Sink>) {
        let Some(evidence) = &self.evidence else {
            return;
        };
        let is_early = self.not_before.is_some_and(|at| Instant::now() < at);
        if evidence.waiting() == 0 || is_early || !self.putting.is_empty() {
            return;
        }
        let (evidence, sink) = (Arc::clone(evidence), Arc::clone(sink));
        self.putting.spawn(put_next(evidence, sink));
    }

    /// Returns when the digest that is being put has come to its end; never, if there is none.
    pub(super) async fn progress(&mut self, meters: &Digests, now: impl Fn() -> EventTime) {
        match self.putting.join_next().await {
            Some(done) => self.finished(done, meters, now()),
            None => std::future::pending().await,
        }
    }

    fn finished(
        &mut self,
        done: Result<Result<Step, Trouble>, JoinError>,
        meters: &Digests,
        now: EventTime,
    ) {
        let done = done.unwrap_or_else(|error| Err(Trouble::Panic(error.to_string())));
        match done {
            Ok(Step::Nothing) => {}
            Ok(Step::Put { key }) => {
                self.failures = 0;
                self.not_before = None;
                meters.put(now);
                info!(output = self.output, name = key, "digest delivered");
            }
            Err(trouble) => {
                meters.failures.count();
                let wait = FIRST_WAIT.saturating_mul(1 << self.failures.min(16));
                let wait = wait.min(LONGEST_WAIT);
                self.failures = self.failures.saturating_add(1);
                self.not_before = Some(Instant::now() + wait);
                warn!(output = self.output, retry_in = ?wait, "digest could not be delivered: {trouble}");
            }
        }
    }

    /// What the monitors show.
    pub(super) fn count(&self, meters: &Digests) {
        if let Some(evidence) = &self.evidence {
            meters.wait(evidence.waiting());
        }
    }

    /// Puts what waits, until something does not go. What is left is put at the next start.
    pub(super) async fn end(
        mut self,
        sink: Arc<dyn Sink>,
        deadline: Instant,
        meters: &Digests,
        now: impl Fn() -> EventTime,
    ) {
        let Some(evidence) = self.evidence.clone() else {
            return;
        };
        self.not_before = None;
        let until = deadline.min(Instant::now() + LAST_DIGESTS);
        let putting = async {
            while evidence.waiting() > 0 && self.not_before.is_none() {
                self.start_putting(&sink);
                self.progress(meters, &now).await;
            }
        };
        // An answer that comes later is no loss: the digest is known by its name.
        let in_time = timeout_at(until, putting).await.is_ok();
        self.count(meters);
        let digests = evidence.waiting();
        if digests > 0 || !in_time {
            let kept_in = evidence.directory().display();
            warn!(output = self.output, digests, %kept_in, "digests are not delivered; they are at the next start");
        }
    }
}

async fn put_next(evidence: Arc<Evidence>, sink: Arc<dyn Sink>) -> Result<Step, Trouble> {
    let oldest = Arc::clone(&evidence);
    let Some(waiting) = blocking(move || oldest.next()).await? else {
        return Ok(Step::Nothing);
    };
    let kept = survived(sink.keep(&waiting.key, waiting.bytes)).await;
    kept.map_err(Trouble::Panic)??;
    let place = waiting.place;
    blocking(move || evidence.delivered(place)).await;
    Ok(Step::Put { key: waiting.key })
}
