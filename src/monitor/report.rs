//! What there is to show, as it is at a moment.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fluent_compat::time::EventTime;

use crate::buffer::{self, Contents, Listed, MOST_LISTED};
use crate::decode::Traffic;
use crate::host::meter::Counter;
use crate::listener::tls::Expiry;
use crate::schedule;

/// Can be asked how it is.
pub trait Observe: Send + Sync + 'static {
    /// The present state.
    fn report(&self) -> Report;
}

/// A server at a moment.
#[derive(Clone, Debug)]
pub struct Report {
    /// That moment.
    pub now: EventTime,
    /// When the process was started, in unix seconds.
    pub started: i64,
    /// The configuration's file.
    pub conf: PathBuf,
    /// Whether it takes requests.
    pub state: State,
    /// Labels that the configuration adds to Fluentd's metrics.
    pub labels: Vec<(String, String)>,
    /// Every `<source> @type http`.
    pub sources: Vec<SourceReport>,
    /// Every output with a buffer, then those that are gone from the configuration and still
    /// have chunks.
    pub outputs: Vec<OutputReport>,
}

/// Whether a server takes requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does.
    Running,
    /// It was told to stop: no new connections.
    Stopping,
}

/// A source at a moment.
#[derive(Clone, Debug)]
pub struct SourceReport {
    /// Its `@id`, or its type and port.
    pub id: String,
    /// Where it listens.
    pub address: String,
    /// What it has counted.
    pub traffic: Arc<Traffic>,
    /// TLS handshakes that have failed.
    pub failed_handshakes: Arc<Counter>,
    /// How long its certificates are good; nothing for plain HTTP.
    pub expiry: Expiry,
}

/// An output at a moment.
#[derive(Clone, Debug)]
pub struct OutputReport {
    /// Its `@id`, or its pattern.
    pub id: String,
    /// Its `@type`.
    pub kind: &'static str,
    /// `None` while its buffer is exchanged.
    pub buffer: Option<BufferReport>,
    /// What it has delivered.
    pub deliveries: Arc<schedule::Meters>,
}

/// A buffer at a moment.
#[derive(Clone, Debug)]
pub struct BufferReport {
    /// What it holds.
    pub contents: Contents,
    /// The oldest chunks that take events.
    pub staged: Vec<Listed>,
    /// The oldest that wait, and for how long until their next attempt.
    pub queued: Vec<(Listed, Option<Duration>)>,
    /// What it has counted.
    pub meters: Arc<buffer::Meters>,
}

/// A chunk that is not delivered, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) chunk: Listed,
    pub(super) place: Whereabouts,
}

/// Where a chunk is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whereabouts {
    /// It takes events.
    Staged,
    /// It waits for its first attempt.
    Queued,
    /// It has failed, and waits so long until the next attempt.
    Retrying(Duration),
    /// It is being delivered.
    Delivering,
}

impl Whereabouts {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Staged => "staged",
            Self::Queued => "queued",
            Self::Retrying(_) => "retrying",
            Self::Delivering => "delivering",
        }
    }
}

/// Why requests are refused now, or will be soon.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Shortcoming {
    /// Less than a hundredth of it is free.
    #[error("the buffer of {output} is full")]
    Full {
        /// The output.
        output: String,
    },
    /// What was last written to its disk was refused.
    #[error("the disk of {output} fails")]
    Failing {
        /// The output.
        output: String,
    },
    /// It was told to stop.
    #[error("the server stops")]
    Stopping,
}

impl Report {
    /// Why it is not ready; nothing if it is.
    pub fn shortcomings(&self) -> Vec<Shortcoming> {
        let mut found = Vec::new();
        if self.state == State::Stopping {
            found.push(Shortcoming::Stopping);
        }
        for OutputReport { id, buffer, .. } in &self.outputs {
            let Some(buffer) = buffer else { continue };
            let output = id.clone();
            if buffer.meters.is_failing() {
                found.push(Shortcoming::Failing { output });
            } else if buffer.is_full() {
                found.push(Shortcoming::Full { output });
            }
        }
        found
    }
}

impl OutputReport {
    /// Seconds since the oldest chunk was begun that is not delivered; `None` if all is.
    pub fn oldest_age(&self, now: EventTime) -> Option<i64> {
        let contents = self.buffer.as_ref().map(|buffer| buffer.contents);
        let staged = contents.and_then(|contents| contents.staged.oldest);
        let queued = contents.and_then(|contents| contents.queued.oldest);
        let under_way = self.deliveries.deliveries().oldest;
        let oldest = [staged, queued, under_way].into_iter().flatten().min()?;
        Some((now.seconds() - oldest.seconds()).max(0))
    }
}

impl OutputReport {
    /// The oldest of its chunks, oldest first.
    pub(super) fn oldest_chunks(&self) -> Vec<Held> {
        let held = |chunk: &Listed, place| Held {
            chunk: chunk.clone(),
            place,
        };
        let under_way = self.deliveries.oldest_under_way();
        let mut all: Vec<_> = under_way
            .iter()
            .map(|chunk| held(chunk, Whereabouts::Delivering))
            .collect();
        if let Some(buffer) = &self.buffer {
            let queued = buffer.queued.iter().map(|(chunk, wait)| match wait {
                Some(wait) => held(chunk, Whereabouts::Retrying(*wait)),
                None => held(chunk, Whereabouts::Queued),
            });
            let staged = buffer.staged.iter();
            let staged = staged.map(|chunk| held(chunk, Whereabouts::Staged));
            all.extend(queued.chain(staged));
        }
        // The lists are of slightly different moments: of a chunk that is in two of them, the
        // place is told that is further on.
        let mut seen = BTreeSet::new();
        all.retain(|held| seen.insert(held.chunk.header.id));
        all.sort_by_key(|held| (held.chunk.header.created, held.chunk.header.id));
        all.truncate(MOST_LISTED);
        all
    }
}

impl BufferReport {
    pub(super) fn is_full(&self) -> bool {
        let Contents { held, limit, .. } = self.contents;
        held.saturating_add(limit / 100) >= limit
    }

    /// Of 100, how much is free: Fluentd's `available_buffer_space_ratios`.
    pub(super) fn space_ratio(&self) -> f64 {
        let Contents { held, limit, .. } = self.contents;
        let free = limit.saturating_sub(held) as f64;
        let share = free / (limit.max(1) as f64) * 100.0;
        (share * 10.0).round() / 10.0
    }

    /// The earliest and the latest slot of all that waits, in unix seconds.
    pub(super) fn timekeys(&self) -> Option<(i64, i64)> {
        let Contents { staged, queued, .. } = self.contents;
        match (staged.timekeys, queued.timekeys) {
            (Some((first, last)), Some((other_first, other_last))) => {
                Some((first.min(other_first), last.max(other_last)))
            }
            (one, other) => one.or(other),
        }
    }
}

impl OutputReport {
    /// Bytes of staged chunks: all that are neither queued nor under way.
    pub(super) fn staged_bytes(&self) -> u64 {
        let Some(buffer) = &self.buffer else { return 0 };
        let Contents { held, queued, .. } = buffer.contents;
        let elsewhere = queued.bytes + self.deliveries.deliveries().bytes;
        held.saturating_sub(elsewhere)
    }
}
