//! What a connection is doing, and until when it may.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use http::Version;
use tokio::time::{Instant, sleep_until};

use super::Limits;

/// `head_since` while no request's headers are under way.
const NO_HEAD: u64 = u64::MAX;

/// What a connection is doing: nothing, receiving headers, or answering.
///
/// It is written on the hot path, a few relaxed stores a request, and read only when a deadline
/// may have passed. An HTTP/1.1 connection writes from one task alone. The streams of HTTP/2
/// write from many, but never `head_since`, and a `quiet_since` that is late by a request only
/// gives the client more time.
#[derive(Debug)]
pub(super) struct Activity {
    start: Instant,
    requests: AtomicUsize,
    /// Milliseconds from `start` to the end of the last answer.
    quiet_since: AtomicU64,
    /// Milliseconds from `start` to the first byte of a request, or [`NO_HEAD`].
    head_since: AtomicU64,
    /// HTTP/2: bytes may come that belong to no request, and its pings find the dead.
    multiplexed: AtomicBool,
}

/// The deadline that a connection missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missed {
    /// [`Limits::header`]
    Header,
    /// [`Limits::keepalive`]
    Keepalive,
}

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            requests: AtomicUsize::new(0),
            quiet_since: AtomicU64::new(0),
            head_since: AtomicU64::new(NO_HEAD),
            multiplexed: AtomicBool::new(false),
        })
    }

    /// Bytes came from the client.
    pub(super) fn heard(&self) {
        let starts_a_request = self.head_since.load(Ordering::Relaxed) == NO_HEAD
            && self.requests.load(Ordering::Relaxed) == 0
            && !self.multiplexed.load(Ordering::Relaxed);
        if starts_a_request {
            self.head_since.store(self.elapsed(), Ordering::Relaxed);
        }
    }

    /// A request's headers are complete; it is being answered until the guard is dropped.
    pub(super) fn request(self: &Arc<Self>, version: Version) -> InFlight {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.head_since.store(NO_HEAD, Ordering::Relaxed);
        if version == Version::HTTP_2 {
            self.multiplexed.store(true, Ordering::Relaxed);
        }
        InFlight(Arc::clone(self))
    }

    /// Waits until the connection has missed a deadline.
    pub(super) async fn overdue(&self, limits: &Limits) -> Missed {
        loop {
            let (deadline, missed) = self.deadline(limits);
            let now = Instant::now();
            if deadline <= now {
                return missed;
            }
            // A request that begins just after this look cannot miss its header deadline
            // before the next one, so no deadline is noticed late.
            sleep_until(deadline.min(now + limits.header)).await;
        }
    }

    fn deadline(&self, limits: &Limits) -> (Instant, Missed) {
        if self.requests.load(Ordering::Relaxed) > 0 {
            return (Instant::now() + limits.keepalive, Missed::Keepalive);
        }
        match self.head_since.load(Ordering::Relaxed) {
            NO_HEAD => {
                let quiet_since = self.quiet_since.load(Ordering::Relaxed);
                (self.at(quiet_since) + limits.keepalive, Missed::Keepalive)
            }
            head_since => (self.at(head_since) + limits.header, Missed::Header),
        }
    }

    fn at(&self, milliseconds: u64) -> Instant {
        self.start + Duration::from_millis(milliseconds)
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(NO_HEAD - 1)
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Activity>);

impl Drop for InFlight {
    fn drop(&mut self) {
        let Self(activity) = self;
        // IMPORTANT: the time before the count, or a look between the two would find the
        // connection quiet since before this request.
        activity
            .quiet_since
            .store(activity.elapsed(), Ordering::Release);
        activity.requests.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, timeout};

    use super::*;

    const LIMITS: fn() -> Limits = Limits::default;

    async fn seconds_until_overdue(activity: &Activity) -> (u64, Missed) {
        let start = Instant::now();
        let missed = activity.overdue(&LIMITS()).await;
        (start.elapsed().as_secs(), missed)
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_has_the_keepalive_time() {
        let activity = Activity::new();
        assert_eq!(
            seconds_until_overdue(&activity).await,
            (75, Missed::Keepalive)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn keepalive_counts_from_the_last_answer() {
        let activity = Activity::new();
        let request = activity.request(Version::HTTP_11);
        advance(Duration::from_secs(20)).await;
        drop(request);
        assert_eq!(
            seconds_until_overdue(&activity).await,
            (75, Missed::Keepalive)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn headers_that_do_not_end_have_the_header_time() {
        let activity = Activity::new();
        advance(Duration::from_secs(3)).await;
        activity.heard();
        advance(Duration::from_secs(10)).await;
        activity.heard();
        assert_eq!(seconds_until_overdue(&activity).await, (20, Missed::Header));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_in_flight_is_never_overdue() {
        let activity = Activity::new();
        let _request = activity.request(Version::HTTP_11);
        activity.heard();
        let hour = Duration::from_secs(3600);
        assert!(timeout(hour, activity.overdue(&LIMITS())).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn the_frames_of_http2_begin_no_headers() {
        let activity = Activity::new();
        drop(activity.request(Version::HTTP_2));
        activity.heard();
        assert_eq!(
            seconds_until_overdue(&activity).await,
            (75, Missed::Keepalive)
        );
    }
}
