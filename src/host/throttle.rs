//! Log lines at a bounded rate.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Lets one message through an interval, or a few, and counts the others, so that a flood of
/// bad clients does not become a flood of log lines.
///
/// Its lock is held for a few instructions; nothing is taken under it.
#[derive(Debug)]
pub struct Throttle {
    interval: Duration,
    most: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When the interval ends that the last first message began.
    ends: Option<Instant>,
    passed: u32,
    held_back: u64,
}

impl Throttle {
    /// A throttle that lets a message through at once, then one an interval.
    pub fn new(interval: Duration) -> Self {
        Self::with_most(1, interval)
    }

    /// A throttle that lets so many messages through in each interval.
    pub fn with_most(most: u32, interval: Duration) -> Self {
        Self {
            interval,
            most,
            state: Mutex::default(),
        }
    }

    /// Whether a message may go out now: then how many were held back since the last one.
    pub fn pass(&self) -> Option<u64> {
        let now = Instant::now();
        // The fields are plain values: a panic elsewhere cannot leave them half-written.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.ends.is_none_or(|end| end <= now) {
            state.ends = Some(now + self.interval);
            state.passed = 0;
        }
        if state.passed >= self.most {
            state.held_back += 1;
            return None;
        }
        state.passed += 1;
        Some(std::mem::take(&mut state.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_message_an_interval_passes_and_the_others_are_counted() {
        let throttle = Throttle::new(Duration::from_secs(10));
        assert_eq!(throttle.pass(), Some(0));
        assert_eq!(throttle.pass(), None);
        assert_eq!(throttle.pass(), None);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(throttle.pass(), Some(2));
        assert_eq!(throttle.pass(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_messages_pass_where_a_few_may() {
        let throttle = Throttle::with_most(2, Duration::from_secs(10));
        let passed: Vec<_> = (0..4).map(|_| throttle.pass()).collect();
        assert_eq!(passed, [Some(0), Some(0), None, None]);
        tokio::time::advance(Duration::from_secs(10)).await;
        let passed: Vec<_> = (0..3).map(|_| throttle.pass()).collect();
        assert_eq!(passed, [Some(2), Some(0), None]);
    }
}
