//! How much memory the bodies of all requests take together.
//!
//! A request holds room for its body from before the first byte is read until it is answered,
//! also while it waits for room in a buffer. So what all clients send at once is bounded,
//! whatever they send.
//!
//! The room is divided into lanes. Small bodies have one to themselves and never wait behind
//! large ones. A request takes room in the lanes in their order and never goes back, so no two
//! can wait for each other.

use std::time::Duration;

use smallvec::SmallVec;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// How long a request waits for room; well below the 30 s that Teleport's client waits for an
/// answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The room that the bodies of a source's requests have.
#[derive(Debug)]
pub(super) struct Budget {
    total: usize,
    small: Lane,
    large: Lane,
    unpacked: Lane,
}

/// A request's share; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Room<'b> {
    permits: SmallVec<[SemaphorePermit<'b>; 1]>,
}

/// Other requests hold all there is.
#[derive(Debug, thiserror::Error)]
#[error("the bodies of other requests take up all of body_memory_limit, {limit} bytes")]
pub(super) struct NoRoom {
    limit: usize,
}

impl Budget {
    /// Bodies up to this length do not wait behind larger ones.
    pub(super) const SMALL: usize = 64 << 10;

    /// A budget of so many bytes: an eighth of it for small bodies, half of it for larger ones,
    /// and the rest for what bodies are once they are decompressed.
    pub(super) fn new(total: usize) -> Self {
        let (small, large) = (total / 8, total / 2);
        Self {
            total,
            small: Lane::new(small),
            large: Lane::new(large),
            unpacked: Lane::new(total.saturating_sub(small + large)),
        }
    }

    /// Room for a body of this length.
    pub(super) async fn room(&self, length: usize) -> Result<Room<'_>, NoRoom> {
        let lane = match length <= Self::SMALL {
            true => &self.small,
            false => &self.large,
        };
        let permit = self.take(lane, length).await?;
        let permits = SmallVec::from([permit]);
        Ok(Room { permits })
    }

    /// Room for a body that turns out not to be small; it has that of a small one.
    pub(super) async fn grow<'b>(
        &'b self,
        room: &mut Room<'b>,
        length: usize,
    ) -> Result<(), NoRoom> {
        room.permits.push(self.take(&self.large, length).await?);
        Ok(())
    }

    /// Room for what the body is once it is decompressed.
    pub(super) async fn unpack<'b>(
        &'b self,
        room: &mut Room<'b>,
        length: usize,
    ) -> Result<(), NoRoom> {
        room.permits.push(self.take(&self.unpacked, length).await?);
        Ok(())
    }

    async fn take<'b>(&self, lane: &'b Lane, bytes: usize) -> Result<SemaphorePermit<'b>, NoRoom> {
        let limit = self.total;
        lane.take(bytes).await.ok_or(NoRoom { limit })
    }
}

impl Room<'_> {
    /// How many bytes it is.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let permits = self.permits.iter();
        permits.map(SemaphorePermit::num_permits).sum()
    }
}

/// A part of the room. Who comes first is served first.
#[derive(Debug)]
struct Lane {
    free: Semaphore,
    size: u32,
}

impl Lane {
    fn new(size: usize) -> Self {
        let size = u32::try_from(size).unwrap_or(u32::MAX).max(1);
        let permits = usize::try_from(size).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            free: Semaphore::new(permits),
            size,
        }
    }

    /// What is larger than the lane takes all of it, or it could never be taken.
    async fn take(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.size);
        if let Ok(permit) = self.free.try_acquire_many(bytes) {
            return Some(permit);
        }
        let free = self.free.acquire_many(bytes);
        let waited = Box::pin(timeout(PATIENCE, free)).await;
        let permit = waited.ok()?;
        Some(permit.expect("invariant: this semaphore is never closed"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const LARGE: usize = Budget::SMALL + 1;

    #[tokio::test(start_paused = true)]
    async fn a_request_that_finds_no_room_is_given_up_after_a_while() {
        let budget = Budget::new(2 * LARGE);
        let first = budget.room(LARGE).await.unwrap();
        let start = tokio::time::Instant::now();
        let refused = budget.room(LARGE).await.unwrap_err();
        assert_eq!(start.elapsed(), PATIENCE);
        let limit = format!("{} bytes", 2 * LARGE);
        assert!(refused.to_string().contains(&limit), "{refused}");
        drop(first);
        budget.room(LARGE).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_small_body_does_not_wait_behind_large_ones() {
        let budget = Arc::new(Budget::new(1 << 20));
        let _holds_all = budget.room(1 << 20).await.unwrap();
        let waits = tokio::spawn({
            let budget = Arc::clone(&budget);
            async move { budget.room(1 << 20).await.is_ok() }
        });
        tokio::task::yield_now().await;
        let start = tokio::time::Instant::now();
        budget.room(Budget::SMALL).await.unwrap();
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert!(!waits.await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_larger_than_its_lane_takes_all_of_it() {
        let budget = Budget::new(1 << 20);
        let mut room = budget.room(8 << 20).await.unwrap();
        budget.unpack(&mut room, 8 << 20).await.unwrap();
        assert_eq!(room.bytes(), (1 << 19) + (3 << 17));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_gives_all_of_its_room_back() {
        let budget = Budget::new(1 << 20);
        for _ in 0..3 {
            let mut room = budget.room(Budget::SMALL).await.unwrap();
            budget.grow(&mut room, 1 << 19).await.unwrap();
            budget.unpack(&mut room, 1 << 19).await.unwrap();
        }
    }
}
