//! Commits on the thread of a request. To wake the committer's thread and to be woken by it takes a
//! lone client as long as a sync, and those who come together longer than a write without one.
//!
//! That thread is a worker of the runtime, which does nothing else meanwhile. So it is done only
//! where that keeps nobody waiting for long: there is another worker, no more than one is kept by
//! whatever buffer, there is little to write, and the disk was quick the last time. A disk that
//! hangs keeps one worker, once; whatever comes then goes to the thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::super::commit::{Answers, Committer};
use super::super::payload::{self, Payloads};
use super::gathered::Gathered;

/// The committer. Whoever has it locked commits.
pub(super) struct Writer {
    pub(super) committer: Committer,
    /// What is being committed. It takes turns with what is gathered in the mailbox, so that
    /// neither has to grow again.
    pub(super) batch: Gathered,
    /// How long the last commit took.
    pub(super) last: Duration,
}

impl Writer {
    /// No worker is kept by a request that is alone after a commit that took as long.
    pub(super) const QUICK: Duration = Duration::from_millis(2);
    /// To wake a thread and to be woken by it takes about as long.
    pub(super) const AS_A_CHANGE_OF_THREAD: Duration = Duration::from_micros(50);

    pub(super) fn new(committer: Committer) -> Self {
        Self {
            committer,
            batch: Gathered::default(),
            last: Duration::ZERO,
        }
    }

    /// Commits the batch; `answer` as in [`Committer::commit`].
    pub(super) fn commit_batch(&mut self, answer: impl FnOnce(Answers)) {
        let begun = Instant::now();
        let Self {
            committer, batch, ..
        } = self;
        committer.commit(batch.appends.drain(..), &batch.joined, answer);
        batch.clear();
        self.last = begun.elapsed();
    }

    pub(super) fn commit<T>(&mut self, work: impl FnOnce(&mut Committer) -> T) -> T {
        let begun = Instant::now();
        let done = work(&mut self.committer);
        self.last = begun.elapsed();
        done
    }

    /// Whether the last commit took less than that.
    pub(super) fn is_quick(&self, limit: Duration) -> bool {
        self.last < limit
    }
}

/// So many bytes are written in no time.
pub(super) const SMALL: u64 = 64 << 10;

/// Whether it is written to one chunk, and in no time.
pub(super) fn is_small(payloads: &Payloads) -> bool {
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
        // NOTE: not `then_some`, whose value would be made, and give back what others have.
        match IS_KEPT.swap(true, Ordering::Acquire) {
            true => None,
            false => Some(Self),
        }
    }
}

impl Drop for KeptWorker {
    fn drop(&mut self) {
        IS_KEPT.store(false, Ordering::Release);
    }
}
