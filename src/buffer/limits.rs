//! How much a buffer may hold.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

use super::AppendError;

/// `overflow_action`: what happens to events that find the buffer full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverflowAction {
    /// They are refused; the client tries again.
    ThrowException,
    /// Their request waits until there is room.
    Block,
    /// The oldest queued chunk makes room for them.
    DropOldestChunk,
}

/// Counts the bytes of all chunks, and of all appends on their way into one.
pub(super) struct Limits {
    total: u64,
    held: AtomicU64,
    action: OverflowAction,
    /// From so many bytes on a chunk counts as full, whatever `chunk_limit_size` says.
    enough: AtomicU64,
    released: Notify,
    /// Nobody waits for room any more.
    impatient: AtomicBool,
}

/// Room is not waited for any more.
#[derive(Debug)]
pub(super) struct Impatient;

impl Limits {
    pub(super) fn new(total: u64, action: OverflowAction) -> Self {
        Self {
            total,
            held: AtomicU64::new(0),
            action,
            enough: AtomicU64::new(u64::MAX),
            released: Notify::new(),
            impatient: AtomicBool::new(false),
        }
    }

    pub(super) fn overflow_action(&self) -> OverflowAction {
        self.action
    }

    /// From so many bytes on a chunk counts as full; `u64::MAX` until somebody says so.
    pub(super) fn enough(&self) -> u64 {
        self.enough.load(Ordering::Relaxed)
    }

    pub(super) fn set_enough(&self, bytes: u64) {
        self.enough.store(bytes, Ordering::Relaxed);
    }

    /// Whether an append of this size fits into an empty buffer.
    pub(super) fn could_hold(&self, bytes: u64) -> Result<(), AppendError> {
        let (found, limit) = (bytes, self.total);
        match found > limit {
            true => Err(AppendError::TooMuch { found, limit }),
            false => Ok(()),
        }
    }

    /// Books room for an append.
    pub(super) fn reserve(&self, bytes: u64) -> Result<(), AppendError> {
        let fits = |held: u64| held.checked_add(bytes).filter(|sum| *sum <= self.total);
        let booked = self
            .held
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, fits);
        booked.map(drop).map_err(|held| AppendError::Full {
            held,
            limit: self.total,
        })
    }

    /// Books what was found on disk, whether there is room or not.
    pub(super) fn found(&self, bytes: u64) {
        self.held.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Bytes booked.
    pub(super) fn held(&self) -> u64 {
        self.held.load(Ordering::Acquire)
    }

    /// `total_limit_size`.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Frees room.
    pub(super) fn release(&self, bytes: u64) {
        self.held.fetch_sub(bytes, Ordering::AcqRel);
        self.released.notify_waiters();
    }

    /// Returns when an append of this size may fit.
    pub(super) async fn wait_for_room(&self, bytes: u64) -> Result<(), Impatient> {
        let released = self.released.notified();
        tokio::pin!(released);
        // NOTE: listens before it looks, so that a release in between is not missed.
        released.as_mut().enable();
        if self.impatient.load(Ordering::Acquire) {
            return Err(Impatient);
        }
        if self.held.load(Ordering::Acquire).saturating_add(bytes) > self.total {
            released.await;
        }
        Ok(())
    }

    /// Sends away those who wait for room, and those who would.
    pub(super) fn refuse_to_wait(&self) {
        self.impatient.store(true, Ordering::Release);
        self.released.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_booked_never_exceeds_the_limit() {
        let limits = Limits::new(100, OverflowAction::ThrowException);
        limits.reserve(60).unwrap();
        let refused = limits.reserve(41).unwrap_err();
        assert_eq!(
            refused,
            AppendError::Full {
                held: 60,
                limit: 100
            }
        );
        limits.release(1);
        limits.reserve(41).unwrap();
    }

    #[tokio::test]
    async fn a_blocked_append_goes_on_when_room_is_made() {
        let limits = std::sync::Arc::new(Limits::new(10, OverflowAction::Block));
        limits.reserve(10).unwrap();
        let waiting = tokio::spawn({
            let limits = limits.clone();
            async move { limits.wait_for_room(5).await.unwrap() }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        limits.release(5);
        waiting.await.unwrap();
    }
}
