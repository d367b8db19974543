//! Log lines at a bounded rate.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Lets one message through an interval and counts the others, so that a flood of bad clients
/// does not become a flood of log lines.
///
/// Its lock is held for a few instructions; nothing is taken under it.
#[derive(Debug)]
pub struct Throttle {
    interval: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    closed_until: Option<Instant>,
    held_back: u64,
}

impl Throttle {
    /// A throttle that lets a message through at once, then one an interval.
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            state: Mutex::default(),
        }
    }

    /// Whether a message may go out now: then how many were held back since the last one.
    pub fn pass(&self) -> Option<u64> {
        let now = Instant::now();
        // Both fields are plain values: a panic elsewhere cannot leave them half-written.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.closed_until.is_some_and(|until| now < until) {
            state.held_back += 1;
            return None;
        }
        state.closed_until = Some(now + self.interval);
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
}
