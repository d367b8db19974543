//! A request that is alone is committed on the thread that it is on: waking the committer's thread
//! and being woken by it takes a lone client as long as a sync.
//!
//! That thread is a worker of the runtime, which does nothing else meanwhile. So it is done only
//! where that keeps nobody waiting for long: there is another worker, no more than one is kept by
//! whatever buffer, there is little to write, and the disk was quick the last time. A disk that
//! hangs keeps one worker, once; whatever comes then goes through the mailbox.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::super::commit::Committer;
use super::super::payload::{self, Payloads};

/// The committer. Whoever has it locked commits.
pub(super) struct Writer {
    pub(super) committer: Committer,
    /// How long the last commit took.
    pub(super) last: Duration,
}

impl Writer {
    /// A commit that takes as long keeps no worker.
    pub(super) const QUICK: Duration = Duration::from_millis(2);

    pub(super) fn new(committer: Committer) -> Self {
        Self {
            committer,
            last: Duration::ZERO,
        }
    }

    pub(super) fn commit<T>(&mut self, work: impl FnOnce(&mut Committer) -> T) -> T {
        let begun = Instant::now();
        let done = work(&mut self.committer);
        self.last = begun.elapsed();
        done
    }

    /// Whether the disk was quick the last time.
    pub(super) fn is_quick(&self) -> bool {
        self.last < Self::QUICK
    }
}

/// Whether it is written to one chunk, and in no time.
pub(super) fn is_small(payloads: &Payloads) -> bool {
    const SMALL: u64 = 16 << 10;
    payloads.len() == 1 && payload::length(payloads) <= SMALL
}

/// The right to keep a worker of the runtime from its other work, of which a process has one.
pub(super) struct KeptWorker;

static IS_KEPT: AtomicBool = AtomicBool::new(false);

impl KeptWorker {
    /// `None` if there is no other worker, or somebody has the right.
    pub(super) fn permit() -> Option<Self> {
        let workers = Handle::try_current().map(|runtime| runtime.metrics().num_workers());
        if workers.unwrap_or_default() < 2 {
            return None;
        }
        let was_kept = IS_KEPT.swap(true, Ordering::Acquire);
        (!was_kept).then_some(Self)
    }
}

impl Drop for KeptWorker {
    fn drop(&mut self) {
        IS_KEPT.store(false, Ordering::Release);
    }
}
