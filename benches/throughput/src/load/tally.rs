//! What came of the requests.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::target::Failure;

/// Answers and their latencies, and failures by kind.
pub(super) struct Tally {
    /// In nanoseconds, to three digits.
    latencies: Histogram<u64>,
    failures: BTreeMap<String, u64>,
}

impl Tally {
    pub(super) fn new() -> Tally {
        Tally {
            latencies: Histogram::new(3).expect("invariant: three digits are allowed"),
            failures: BTreeMap::new(),
        }
    }

    pub(super) fn note(&mut self, outcome: &Result<(), Failure>, latency: Duration) {
        match outcome {
            Ok(()) => {
                let nanoseconds = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
                let recorded = self.latencies.record(nanoseconds);
                recorded.expect("invariant: this histogram grows as it needs to");
            }
            Err(failure) => self.fail(failure.to_string(), 1),
        }
    }

    /// So many requests had no answer long after the end.
    pub(super) fn unanswered(&mut self, requests: usize) {
        self.fail("no answer".to_owned(), requests as u64);
    }

    pub(super) fn add(&mut self, other: &Tally) {
        let added = self.latencies.add(&other.latencies);
        added.expect("invariant: this histogram grows as it needs to");
        for (kind, count) in &other.failures {
            self.fail(kind.clone(), *count);
        }
    }

    pub(super) fn answered(&self) -> u64 {
        self.latencies.len()
    }

    pub(super) fn failures(&self) -> &BTreeMap<String, u64> {
        &self.failures
    }

    /// The latency in microseconds that this part of the requests did not exceed.
    pub(super) fn microseconds_at(&self, quantile: f64) -> f64 {
        self.latencies.value_at_quantile(quantile) as f64 / 1000.0
    }

    fn fail(&mut self, kind: String, count: u64) {
        *self.failures.entry(kind).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_by_kind_and_have_no_latency() {
        let mut whole = Tally::new();
        for status in [503, 400, 503] {
            let mut part = Tally::new();
            part.note(&Err(Failure::Status(status)), Duration::from_secs(9));
            part.note(&Ok(()), Duration::from_micros(100));
            whole.add(&part);
        }
        assert_eq!(whole.answered(), 3);
        assert_eq!(whole.failures()["status 503"], 2);
        assert_eq!(whole.failures()["status 400"], 1);
        assert!((whole.microseconds_at(1.0) - 100.0).abs() < 0.1);
    }
}
