//! When a chunk that could not be written is tried again, and when it is given up.
//!
//! Pure arithmetic: every time is counted from the chunk's first failure, and the
//! random number is a parameter.

use std::time::Duration;

/// The `retry_*` parameters of `<buffer>`.
#[derive(Clone, PartialEq, Debug)]
pub struct RetryPolicy {
    /// `retry_wait`: from the first failure to the first retry, and the factor of the
    /// exponential backoff. Fluentd's default: 1 s.
    pub wait: Duration,
    /// `retry_type` with its parameters.
    pub backoff: Backoff,
    /// `retry_forever`, or `retry_timeout` with `retry_max_times`.
    pub limit: RetryLimit,
    /// `retry_randomize`: spread each interval by up to an eighth either way. Fluentd's
    /// default: true.
    pub randomize: bool,
    /// `retry_secondary_threshold`, where there is a `<secondary>`. It is not used
    /// with `retry_forever`.
    pub secondary: Option<SecondaryThreshold>,
}

/// `retry_type`: how the interval grows.
#[derive(Clone, PartialEq, Debug)]
pub enum Backoff {
    /// `exponential_backoff`, the default.
    Exponential {
        /// `retry_exponential_backoff_base`. Fluentd's default: 2.
        base: BackoffBase,
        /// `retry_max_interval`. Fluentd's default: none.
        max_interval: Option<Duration>,
    },
    /// `periodic`: `retry_wait` each time.
    Periodic,
}

/// How long a chunk is tried again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RetryLimit {
    /// `retry_forever true`.
    Forever,
    /// Whichever comes first.
    Until {
        /// `retry_timeout`; the last retry is at this very moment. Fluentd's default: 72 h.
        timeout: Duration,
        /// `retry_max_times`: so many retries, not counting the first try.
        max_times: Option<u32>,
    },
}

/// `retry_exponential_backoff_base`: finite and above 0.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct BackoffBase(f64);

/// `retry_secondary_threshold`: the share of the retry time, between 0 and 1, after
/// which `<secondary>` takes over.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SecondaryThreshold(f64);

/// Why a parameter cannot be used.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum RetryPolicyError {
    /// Not a base of an exponential backoff.
    #[error("retry_exponential_backoff_base is {found}, but must be above 0")]
    Base {
        /// The value as it stood.
        found: f64,
    },
    /// Not a share of the retry time.
    #[error("retry_secondary_threshold is {found}, but must lie between 0 and 1, both excluded")]
    Threshold {
        /// The value as it stood.
        found: f64,
    },
}

/// Where one chunk stands in its retries.
#[derive(Clone, PartialEq, Debug)]
pub struct RetryState {
    /// Retries that failed.
    steps: u32,
    /// When the next retry is due, since the first failure.
    next_at: Duration,
    /// The retries that had failed when the secondary took over.
    secondary_since: Option<u32>,
    /// The retry that is due is the one at the timeout: the last.
    at_timeout: bool,
}

/// What to do after a failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Try again so long after the first failure.
    RetryAt(Duration),
    /// No more: the chunk goes to the backup directory.
    GiveUp,
}

/// Which output a try goes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// The `<match>` itself.
    Primary,
    /// Its `<secondary>`.
    Secondary,
}

impl BackoffBase {
    /// Takes any finite number above 0.
    pub fn new(base: f64) -> Result<BackoffBase, RetryPolicyError> {
        let usable = base.is_finite() && base > 0.0;
        usable
            .then_some(BackoffBase(base))
            .ok_or(RetryPolicyError::Base { found: base })
    }

    /// The factor from one interval to the next.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Default for BackoffBase {
    fn default() -> Self {
        BackoffBase(2.0)
    }
}

impl SecondaryThreshold {
    /// Takes any number between 0 and 1, both excluded.
    pub fn new(share: f64) -> Result<SecondaryThreshold, RetryPolicyError> {
        let usable = share > 0.0 && share < 1.0;
        usable
            .then_some(SecondaryThreshold(share))
            .ok_or(RetryPolicyError::Threshold { found: share })
    }
}

impl Default for SecondaryThreshold {
    fn default() -> Self {
        SecondaryThreshold(0.8)
    }
}

impl RetryState {
    /// The state after the first failure. The first interval is not randomised.
    pub fn begin(policy: &RetryPolicy) -> (RetryState, Verdict) {
        let state = RetryState {
            steps: 0,
            next_at: policy.wait,
            secondary_since: None,
            at_timeout: false,
        };
        let verdict = state.verdict(policy, false);
        (state, verdict)
    }

    /// Takes note that the retry failed, `elapsed` after the first failure. `random`
    /// is a number from 0 to 1.
    pub fn fail(&mut self, policy: &RetryPolicy, elapsed: Duration, random: f64) -> Verdict {
        self.steps = self.steps.saturating_add(1);
        if self.secondary_since.is_none() && policy.is_past_threshold(elapsed) {
            self.secondary_since = Some(self.steps);
        }
        let since = self.steps - self.secondary_since.unwrap_or(0);
        let next_at = elapsed.saturating_add(policy.randomized_interval(since, random));
        let cap = match self.secondary_since {
            None => policy.secondary_from().or(policy.timeout()),
            Some(_) => policy.timeout(),
        };
        self.next_at = cap.map_or(next_at, |cap| next_at.min(cap));

        let at_timeout = policy
            .timeout()
            .is_some_and(|timeout| self.next_at >= timeout);
        let timed_out = self.at_timeout && at_timeout;
        self.at_timeout |= at_timeout;
        self.verdict(policy, timed_out)
    }

    /// Where a try goes that is made `elapsed` after the first failure.
    pub fn target(&self, policy: &RetryPolicy, elapsed: Duration) -> Target {
        if self.secondary_since.is_some() || policy.is_past_threshold(elapsed) {
            Target::Secondary
        } else {
            Target::Primary
        }
    }

    /// How many retries have failed.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    fn verdict(&self, policy: &RetryPolicy, timed_out: bool) -> Verdict {
        match policy.limit {
            RetryLimit::Until { max_times, .. }
                if timed_out || max_times.is_some_and(|most| self.steps >= most) =>
            {
                Verdict::GiveUp
            }
            _ => Verdict::RetryAt(self.next_at),
        }
    }
}

/// Fluentd's `randomize_width`.
const RANDOMIZE_WIDTH: f64 = 0.125;

/// Thirty years: what an interval is cut to before it overflows.
const LONGEST_INTERVAL: f64 = 1e9;

impl RetryPolicy {
    fn timeout(&self) -> Option<Duration> {
        match self.limit {
            RetryLimit::Forever => None,
            RetryLimit::Until { timeout, .. } => Some(timeout),
        }
    }

    /// When the secondary takes over: at the threshold's share of the timeout, or of
    /// the time that `retry_max_times` retries would take if that is shorter.
    fn secondary_from(&self) -> Option<Duration> {
        let RetryLimit::Until { timeout, max_times } = self.limit else {
            return None;
        };
        let SecondaryThreshold(share) = self.secondary?;
        let longest = max_times.map_or(timeout, |times| {
            timeout.min(self.first_intervals(times, timeout))
        });
        Some(longest.mul_f64(share))
    }

    fn is_past_threshold(&self, elapsed: Duration) -> bool {
        self.secondary_from().is_some_and(|from| elapsed >= from)
    }

    /// The first intervals added up, or a sum that is at least `enough`.
    fn first_intervals(&self, times: u32, enough: Duration) -> Duration {
        if matches!(self.backoff, Backoff::Periodic) {
            return self.wait.saturating_mul(times);
        }
        let mut sum = Duration::ZERO;
        for step in 0..times {
            if sum >= enough {
                break;
            }
            sum = sum.saturating_add(Duration::from_secs_f64(self.interval(step)));
        }
        sum
    }

    fn randomized_interval(&self, step: u32, random: f64) -> Duration {
        let interval = self.interval(step);
        let spread = if self.randomize {
            RANDOMIZE_WIDTH * (2.0 * random.clamp(0.0, 1.0) - 1.0)
        } else {
            0.0
        };
        Duration::from_secs_f64(interval + interval * spread)
    }

    /// In seconds, at most [`LONGEST_INTERVAL`].
    fn interval(&self, step: u32) -> f64 {
        let wait = self.wait.as_secs_f64();
        let interval = match &self.backoff {
            Backoff::Periodic => wait,
            Backoff::Exponential {
                base: BackoffBase(base),
                max_interval,
            } => {
                let grown = wait * base.powf(step.into());
                max_interval.map_or(grown, |most| grown.min(most.as_secs_f64()))
            }
        };
        // `min` also turns the NaN of 0 × ∞ into a number.
        interval.min(LONGEST_INTERVAL)
    }
}

#[cfg(test)]
mod tests;
