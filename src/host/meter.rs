//! What stages count of themselves: each write is a relaxed atomic or two, and whoever shows
//! the numbers reads them when asked.
//!
//! Numbers of one page may be of slightly different moments; none is ever taken back.

mod striped;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use striped::Striped;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(Striped<AtomicU64>);

impl Counter {
    /// Adds one.
    pub fn count(&self) {
        self.add(1);
    }

    /// Adds so many.
    pub fn add(&self, more: u64) {
        self.0.mine().fetch_add(more, Ordering::Relaxed);
    }

    /// How many there have been since the start.
    pub fn value(&self) -> u64 {
        self.0.iter().map(|part| part.load(Ordering::Relaxed)).sum()
    }
}

/// What is under way, counted by the second in which it was begun: so without a lock it is
/// known how many there are, and how old the oldest is.
#[derive(Debug)]
pub struct Pending {
    since: Instant,
    begun: Striped<Seconds>,
}

/// A ring: what was begun longer ago than it has seconds looks younger than it is.
#[derive(Debug)]
struct Seconds(Box<[AtomicU32]>);

/// One that is under way until this is dropped.
#[derive(Debug)]
pub struct Begun<'a>(Option<&'a AtomicU32>);

/// A request is given up by Teleport's client long before.
const PENDING_SECONDS: u64 = 1024;

impl Default for Pending {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            begun: Striped::default(),
        }
    }
}

impl Default for Seconds {
    fn default() -> Self {
        Self((0..PENDING_SECONDS).map(|_| AtomicU32::new(0)).collect())
    }
}

impl Seconds {
    fn of(&self, second: u64) -> Option<&AtomicU32> {
        let place = usize::try_from(second % PENDING_SECONDS).ok()?;
        self.0.get(place)
    }
}

impl Pending {
    /// One more is under way since then.
    pub fn begin(&self, at: Instant) -> Begun<'_> {
        let second = self.begun.mine().of(self.second(at));
        if let Some(second) = second {
            second.fetch_add(1, Ordering::Relaxed);
        }
        Begun(second)
    }

    /// How many are under way.
    pub fn count(&self) -> u64 {
        let counts = self.begun.iter().flat_map(|seconds| &seconds.0);
        let counts = counts.map(|count| count.load(Ordering::Relaxed));
        counts.map(u64::from).sum()
    }

    /// For how many seconds the oldest has been; `None` if there is none.
    pub fn oldest_age(&self) -> Option<u64> {
        let now = self.second(Instant::now());
        let longest = now.min(PENDING_SECONDS - 1);
        (0..=longest).rev().find(|age| {
            let mut begun = self
                .begun
                .iter()
                .filter_map(|seconds| seconds.of(now - age));
            begun.any(|count| count.load(Ordering::Relaxed) > 0)
        })
    }

    fn second(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.since).as_secs()
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if let Some(second) = self.0 {
            second.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// How long something takes, counted by length.
#[derive(Debug, Default)]
pub struct Histogram(Striped<Buckets>);

#[derive(Debug)]
struct Buckets {
    within: [AtomicU64; BOUNDS.len()],
    longer: AtomicU64,
    nanoseconds: AtomicU64,
}

/// Upper ends of the buckets, in microseconds: from what a sync of a fast disk takes to the
/// 30 seconds after which Teleport's client gives a request up.
const BOUNDS: [u64; 14] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 2_500_000,
    10_000_000, 30_000_000,
];

impl Default for Buckets {
    fn default() -> Self {
        Self {
            within: std::array::from_fn(|_| AtomicU64::new(0)),
            longer: AtomicU64::new(0),
            nanoseconds: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    /// Counts one that took so long.
    pub fn record(&self, took: Duration) {
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let place = BOUNDS.partition_point(|bound| *bound < microseconds);
        let buckets = self.0.mine();
        let bucket = buckets.within.get(place).unwrap_or(&buckets.longer);
        bucket.fetch_add(1, Ordering::Relaxed);
        buckets
            .nanoseconds
            .fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// All lengths so far.
    pub fn lengths(&self) -> Lengths {
        let sum = |figure: &dyn Fn(&Buckets) -> Option<&AtomicU64>| -> u64 {
            let figures = self.0.iter().filter_map(figure);
            figures.map(|figure| figure.load(Ordering::Relaxed)).sum()
        };
        let mut count = 0;
        let within = BOUNDS.iter().enumerate().map(|(place, bound)| {
            count += sum(&|buckets| buckets.within.get(place));
            (Duration::from_micros(*bound), count)
        });
        let within = within.collect();
        Lengths {
            within,
            count: count + sum(&|buckets| Some(&buckets.longer)),
            total: Duration::from_nanos(sum(&|buckets| Some(&buckets.nanoseconds))),
        }
    }
}

/// What a [`Histogram`] has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lengths {
    /// For each bound how many took no longer, in rising order.
    pub within: Vec<(Duration, u64)>,
    /// How many there were.
    pub count: u64,
    /// How long all of them took together.
    pub total: Duration,
}

impl Lengths {
    /// The bound that this share of all kept, as `0.99`; `None` if there were none, or if they
    /// took longer than the last bound.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let wanted = (self.count as f64 * share).ceil().max(1.0);
        let reached = |(_, count): &&(Duration, u64)| *count as f64 >= wanted;
        let bound = self.within.iter().find(reached);
        bound.map(|(bound, _)| *bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_counts_in_every_bucket_that_is_no_shorter() {
        let histogram = Histogram::default();
        for micros in [250, 251, 2_000_000, 60_000_000] {
            histogram.record(Duration::from_micros(micros));
        }
        let lengths = histogram.lengths();
        let within = |bound| {
            let bound = Duration::from_micros(bound);
            let found = lengths.within.iter().find(|(known, _)| *known == bound);
            found.map(|(_, count)| *count)
        };
        assert_eq!(within(250), Some(1));
        assert_eq!(within(500), Some(2));
        assert_eq!(within(1_000_000), Some(2));
        assert_eq!(within(30_000_000), Some(3));
        assert_eq!(lengths.count, 4);
        assert_eq!(lengths.total, Duration::from_micros(62_000_501));
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_that_is_under_way_is_known_until_it_ends() {
        let pending = Pending::default();
        assert_eq!((pending.count(), pending.oldest_age()), (0, None));
        let first = pending.begin(Instant::now());
        tokio::time::advance(Duration::from_secs(7)).await;
        let second = pending.begin(Instant::now());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!((pending.count(), pending.oldest_age()), (2, Some(9)));
        drop(first);
        assert_eq!((pending.count(), pending.oldest_age()), (1, Some(2)));
        drop(second);
        assert_eq!((pending.count(), pending.oldest_age()), (0, None));
    }

    #[tokio::test(start_paused = true)]
    async fn the_seconds_are_used_again() {
        let pending = Pending::default();
        tokio::time::advance(Duration::from_secs(3 * PENDING_SECONDS + 5)).await;
        let begun = pending.begin(Instant::now());
        tokio::time::advance(Duration::from_secs(PENDING_SECONDS - 1)).await;
        assert_eq!(pending.oldest_age(), Some(PENDING_SECONDS - 1));
        drop(begun);
        assert_eq!(pending.count(), 0);
    }

    #[test]
    fn a_quantile_is_the_first_bound_that_enough_have_kept() {
        let histogram = Histogram::default();
        assert_eq!(histogram.lengths().quantile(0.5), None);
        for _ in 0..99 {
            histogram.record(Duration::from_micros(900));
        }
        histogram.record(Duration::from_secs(60));
        let lengths = histogram.lengths();
        assert_eq!(lengths.quantile(0.99), Some(Duration::from_millis(1)));
        assert_eq!(lengths.quantile(1.0), None);
    }
}
