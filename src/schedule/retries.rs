//! What is remembered of chunks that could not be delivered.

use std::collections::HashMap;

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

    /// Takes note of a failure at `now`, and of what it may have left in the store.
    pub(super) fn failed(&mut self, id: ChunkId, earlier: Earlier, now: Instant) -> Next {
        let (verdict, retrying) = match self.chunks.remove(&id) {
            None => {
                let (state, verdict) = RetryState::begin(&self.policy);
                let first = Retrying {
                    first_failure: now,
                    state,
                    earlier,
                };
                (verdict, first)
            }
            Some(mut retrying) => {
                let elapsed = now.duration_since(retrying.first_failure);
                let verdict = retrying.state.fail(&self.policy, elapsed, random());
                retrying.earlier = earlier;
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

    /// What earlier attempts of this process left in the store; `None` if there were none.
    pub(super) fn earlier(&self, id: ChunkId) -> Option<Earlier> {
        self.chunks.get(&id).map(|retrying| retrying.earlier)
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
}

/// A number from 0 to 1, for `retry_randomize`. Without a source of randomness retries
/// are not spread, which is all that it is for.
fn random() -> f64 {
    getrandom::u32().map_or(0.5, |n| f64::from(n) / f64::from(u32::MAX))
}
