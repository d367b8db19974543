//! The time that is measured.

use std::time::Duration;

use tokio::time::Instant;

use super::Options;

/// Requests are sent from before its begin to its end, and count when their answer comes within.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) begin: Instant,
    pub(super) end: Instant,
}

impl Window {
    /// Begins when the warm-up that starts now is over.
    pub(super) fn opening(options: &Options) -> Window {
        let begin = Instant::now() + Duration::from_secs_f64(options.warm_up);
        Window {
            begin,
            end: begin + Duration::from_secs_f64(options.seconds),
        }
    }

    pub(super) fn contains(&self, instant: Instant) -> bool {
        (self.begin..self.end).contains(&instant)
    }
}
