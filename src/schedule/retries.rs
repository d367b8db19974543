//! What is remembered of chunks that could not be delivered.

use std::collections::{HashMap, HashSet};

use fluent_compat::chunk::ChunkId;
use fluent_compat::retry::{RetryPolicy, RetryState, Target, Verdict};
use tokio::time::Instant;

use crate::sink::Earlier;

/// Each failed chunk's own retry state; it goes with the process, as in Fluentd.
pub(super) struct Retries {
    policy: RetryPolicy,
    chunks: HashMap<ChunkId, Retrying>,
}

struct Retrying {
    first_failure: Instant,
    state: RetryState,
    earlier: Earlier,
    place: Place,
}

/// Where a chunk is that has failed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the buffer's queue.
    Queue,
    /// On its way to the sink.
    Sink,
}

/// What becomes of a chunk after a failure.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It is tried again.
    At { when: Instant, failures: u32 },
    /// It has been tried for as long as the configuration says.
    GiveUp,
}

impl Retries {
    pub(super) fn new(policy: RetryPolicy) -> Self {
        Self {
            policy,
            chunks: HashMap::new(),
        }
    }

    /// Goes by another policy from the next failure on.
    pub(super) fn follow(&mut self, policy: RetryPolicy) {
        self.policy = policy;
    }

    /// Takes note of a failure at `now`, and of what it may have left in the store.
    pub(super) fn failed(&mut self, id: ChunkId, earlier: Earlier, now: Instant) -> Next {
        let (verdict, retrying) = match self.chunks.remove(&id) {
            None => {
                let (state, verdict) = RetryState::begin(&self.policy);
                let first = Retrying {
                    first_failure: now,
                    state,
                    earlier,
                    place: Place::Queue,
                };
                (verdict, first)
            }
            Some(mut retrying) => {
                let elapsed = now.duration_since(retrying.first_failure);
                let verdict = retrying.state.fail(&self.policy, elapsed, random());
                retrying.earlier = earlier;
                retrying.place = Place::Queue;
                (verdict, retrying)
            }
        };
        let Verdict::RetryAt(after) = verdict else {
            return Next::GiveUp;
        };
        let when = retrying.first_failure + after;
        let failures = retrying.state.steps() + 1;
        self.chunks.insert(id, retrying);
        Next::At { when, failures }
    }

    /// The chunk is tried now. What earlier attempts of this process left in the store;
    /// `None` if there were none.
    pub(super) fn begin(&mut self, id: ChunkId) -> Option<Earlier> {
        let retrying = self.chunks.get_mut(&id)?;
        retrying.place = Place::Sink;
        Some(retrying.earlier)
    }

    /// Who takes the chunk's next try, made at `now`.
    pub(super) fn target(&self, id: ChunkId, now: Instant) -> Target {
        self.chunks.get(&id).map_or(Target::Primary, |retrying| {
            let elapsed = now.duration_since(retrying.first_failure);
            retrying.state.target(&self.policy, elapsed)
        })
    }

    /// The chunk is delivered, or given up.
    pub(super) fn forget(&mut self, id: ChunkId) {
        self.chunks.remove(&id);
    }

    /// Chunks that failed and are not in the queue any more were dropped from it
    /// (`drop_oldest_chunk`). `waiting` is asked for only if there are any that failed.
    pub(super) fn forget_dropped(&mut self, waiting: impl FnOnce() -> HashSet<ChunkId>) {
        if self.chunks.is_empty() {
            return;
        }
        let waiting = waiting();
        self.chunks
            .retain(|id, retrying| retrying.place == Place::Sink || waiting.contains(id));
    }
}

/// A number from 0 to 1, for `retry_randomize`. Without a source of randomness retries
/// are not spread, which is all that it is for.
fn random() -> f64 {
    getrandom::u32().map_or(0.5, |n| f64::from(n) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fluent_compat::retry::{Backoff, RetryLimit};

    use super::*;

    fn id(seed: u8) -> ChunkId {
        ChunkId::from_bytes([seed; 16])
    }

    #[tokio::test(start_paused = true)]
    async fn a_chunk_that_was_dropped_from_the_queue_is_forgotten() {
        let mut retries = Retries::new(RetryPolicy {
            wait: Duration::from_secs(1),
            backoff: Backoff::Periodic,
            limit: RetryLimit::Forever,
            randomize: false,
            secondary: None,
        });
        let (dropped, waiting, under_way) = (id(1), id(2), id(3));
        for id in [dropped, waiting, under_way] {
            retries.failed(id, Earlier::MaybeStored, Instant::now());
        }
        retries.begin(under_way);
        retries.forget_dropped(|| HashSet::from([waiting]));
        assert_eq!(retries.begin(dropped), None);
        for id in [waiting, under_way] {
            assert_eq!(retries.begin(id), Some(Earlier::MaybeStored));
        }
    }
}
