//! The wall clock.
//!
//! Wall time decides which time slot is over; waiting is done on tokio's timers, which
//! are monotonic. A wall clock that jumps therefore changes *when* a chunk is sealed,
//! never whether or how often.

use fluent_compat::time::EventTime;

/// Tells the wall time.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> EventTime;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clock"
    )]
    fn now(&self) -> EventTime {
        // A machine set before 1970 is taken as 1970: no slot is ever over before it began.
        let since_epoch = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
        EventTime::new(seconds, since_epoch.subsec_nanos())
    }
}

#[cfg(test)]
pub(crate) use paused::PausedClock;

#[cfg(test)]
mod paused {
    use std::sync::atomic::{AtomicI64, Ordering};

    use tokio::time::Instant;

    use super::*;

    /// A wall clock that follows tokio's paused time, and can be made to jump.
    pub(crate) struct PausedClock {
        start: Instant,
        /// Unix seconds at `start`, moved by every jump.
        wall_at_start: AtomicI64,
    }

    impl PausedClock {
        pub(crate) fn starting_at(unix_seconds: i64) -> Self {
            let wall_at_start = AtomicI64::new(unix_seconds);
            Self {
                start: Instant::now(),
                wall_at_start,
            }
        }

        /// Moves the wall time without moving the timers, as an administrator or NTP does.
        pub(crate) fn jump(&self, seconds: i64) {
            self.wall_at_start.fetch_add(seconds, Ordering::SeqCst);
        }
    }

    impl Clock for PausedClock {
        fn now(&self) -> EventTime {
            let elapsed = self.start.elapsed();
            let seconds = self.wall_at_start.load(Ordering::SeqCst) + elapsed.as_secs() as i64;
            EventTime::new(seconds, elapsed.subsec_nanos())
        }
    }
}
