//! What a schedule counts of its deliveries.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fluent_compat::chunk::ChunkId;
use fluent_compat::time::EventTime;
use tokio::time::Instant;

use crate::buffer::{Listed, MOST_LISTED, SealedChunk};
use crate::host::meter::{Counter, Histogram};

/// Deliveries of one output since its schedule was started.
#[derive(Debug, Default)]
pub struct Meters {
    /// Attempts that were begun: Fluentd's `write_count`.
    pub attempts: Counter,
    /// Chunks that are where they belong.
    pub objects: Counter,
    /// Events in them.
    pub records: Counter,
    /// Bytes in them, packed as `compress` says.
    pub bytes: Counter,
    /// Bytes of their objects, as `store_as` packs them; of sinks that make objects.
    pub stored_bytes: Counter,
    /// Attempts that have failed: Fluentd's `retry_count` and `rollback_count`.
    pub failures: Counter,
    /// Chunks that were given up.
    pub given_up: Counter,
    /// Deliveries that took longer than `slow_flush_log_threshold`: Fluentd's
    /// `slow_flush_count`.
    pub slow: Counter,
    /// Digests of what was delivered, if the output makes any.
    pub digests: Digests,
    /// How long attempts take, those that fail too.
    pub flush_time: Histogram,
    /// Unix seconds of the last success; 0 before the first.
    last_success: AtomicI64,
    /// None of the two is held while the other is taken.
    under_way: Mutex<BTreeMap<ChunkId, UnderWay>>,
    failed: Mutex<Option<Failure>>,
}

/// A chunk whose delivery is under way.
#[derive(Debug)]
struct UnderWay {
    chunk: Listed,
    begun: Instant,
}

/// The last attempt that has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// When.
    pub at: EventTime,
    /// The chunk's id.
    pub chunk: ChunkId,
    /// What the log says.
    pub reason: String,
    /// How long until the next attempt; `None` if the chunk was given up.
    pub retry_in: Option<Duration>,
}

/// The deliveries that are under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deliveries {
    /// How many.
    pub count: u64,
    /// Bytes of their chunks.
    pub bytes: u64,
    /// When the oldest of their chunks was begun.
    pub oldest: Option<EventTime>,
}

/// `<digest>` of one output since its schedule was started.
#[derive(Debug, Default)]
pub struct Digests {
    /// Those that are in the bucket.
    pub delivered: Counter,
    /// Attempts to put one that have failed.
    pub failures: Counter,
    /// How many wait, plus one; 0 for an output without.
    waiting: AtomicU64,
    /// Unix seconds at which the last was put; 0 before the first.
    last: AtomicI64,
}

impl Digests {
    /// How many are made and not in the bucket; `None` for an output that makes none.
    pub fn waiting(&self) -> Option<u64> {
        self.waiting.load(Ordering::Relaxed).checked_sub(1)
    }

    /// When the last was put.
    pub fn last(&self) -> Option<i64> {
        let seconds = self.last.load(Ordering::Relaxed);
        (seconds != 0).then_some(seconds)
    }

    pub(super) fn put(&self, now: EventTime) {
        self.delivered.count();
        self.last.store(now.seconds(), Ordering::Relaxed);
    }

    pub(super) fn wait(&self, digests: usize) {
        self.waiting.store(digests as u64 + 1, Ordering::Relaxed);
    }
}

impl Meters {
    /// When a chunk was last delivered.
    pub fn last_success(&self) -> Option<i64> {
        let seconds = self.last_success.load(Ordering::Relaxed);
        (seconds != 0).then_some(seconds)
    }

    /// The last failure, be it long ago.
    pub fn last_failure(&self) -> Option<Failure> {
        lock(&self.failed).clone()
    }

    /// How long chunks wait between the last attempt, if it has failed, and the next.
    pub fn retry_wait(&self) -> Option<Duration> {
        let failed = lock(&self.failed);
        let failure = failed.as_ref()?;
        let is_past = self
            .last_success()
            .is_some_and(|at| at >= failure.at.seconds());
        failure.retry_in.filter(|_| !is_past)
    }

    /// What is under way.
    pub fn deliveries(&self) -> Deliveries {
        let under_way = lock(&self.under_way);
        Deliveries {
            count: under_way.len() as u64,
            bytes: under_way.values().map(|entry| entry.chunk.bytes).sum(),
            oldest: under_way
                .values()
                .map(|entry| entry.chunk.header.created)
                .min(),
        }
    }

    /// The oldest of the chunks that are under way.
    pub fn oldest_under_way(&self) -> Vec<Listed> {
        let under_way = lock(&self.under_way);
        let mut chunks: Vec<_> = under_way.values().map(|entry| &entry.chunk).collect();
        chunks.sort_unstable_by_key(|chunk| (chunk.header.created, chunk.header.id));
        chunks.into_iter().take(MOST_LISTED).cloned().collect()
    }

    /// Which chunks these are.
    pub(super) fn under_way(&self) -> Vec<ChunkId> {
        lock(&self.under_way).keys().copied().collect()
    }

    pub(super) fn begin(&self, chunk: &SealedChunk) {
        self.attempts.count();
        let begun = UnderWay {
            chunk: chunk.listed(),
            begun: Instant::now(),
        };
        lock(&self.under_way).insert(chunk.header.id, begun);
    }

    /// A chunk of so many events and bytes is where it belongs; what was known of it when the
    /// attempt began, and how long that took.
    pub(super) fn delivered(
        &self,
        id: ChunkId,
        records: u64,
        bytes: u64,
        now: EventTime,
    ) -> Option<(Listed, Duration)> {
        self.last_success.store(now.seconds(), Ordering::Relaxed);
        let UnderWay { chunk, begun } = self.end(id)?;
        self.objects.count();
        self.records.add(records);
        self.bytes.add(bytes);
        Some((chunk, begun.elapsed()))
    }

    /// A chunk had nothing to be delivered.
    pub(super) fn was_empty(&self, id: ChunkId) {
        self.end(id);
    }

    /// An attempt has failed.
    pub(crate) fn note(&self, failure: Failure) {
        self.end(failure.chunk);
        self.failures.count();
        if failure.retry_in.is_none() {
            self.given_up.count();
        }
        *lock(&self.failed) = Some(failure);
    }

    fn end(&self, id: ChunkId) -> Option<UnderWay> {
        let chunk = lock(&self.under_way).remove(&id)?;
        self.flush_time.record(chunk.begun.elapsed());
        Some(chunk)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use fluent_compat::chunk::Metadata;

    use super::*;
    use crate::buffer::Header;

    const CHUNK: ChunkId = ChunkId::from_bytes([7; 16]);

    fn begun() -> Meters {
        let meters = Meters::default();
        let header = Header {
            id: CHUNK,
            created: EventTime::new(100, 0),
            metadata: Metadata::default(),
        };
        let chunk = UnderWay {
            chunk: Listed {
                header,
                records: 3,
                bytes: 50,
            },
            begun: Instant::now(),
        };
        lock(&meters.under_way).insert(CHUNK, chunk);
        meters
    }

    fn failure(at: i64, retry_in: Option<Duration>) -> Failure {
        Failure {
            at: EventTime::new(at, 0),
            chunk: CHUNK,
            reason: "the bucket is gone".to_owned(),
            retry_in,
        }
    }

    #[test]
    fn what_is_delivered_is_no_longer_under_way() {
        let meters = begun();
        assert_eq!(meters.deliveries().oldest, Some(EventTime::new(100, 0)));
        assert_eq!(meters.oldest_under_way().len(), 1);
        meters.delivered(CHUNK, 3, 50, EventTime::new(200, 0));
        assert_eq!(meters.deliveries(), Deliveries::default());
        let counted = (
            meters.objects.value(),
            meters.records.value(),
            meters.bytes.value(),
        );
        assert_eq!(counted, (1, 3, 50));
        assert_eq!(meters.last_success(), Some(200));
        assert_eq!(meters.flush_time.lengths().count, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_delivery_tells_what_it_was_and_how_long_it_took() {
        let meters = begun();
        tokio::time::advance(Duration::from_secs(30)).await;
        let (chunk, took) = meters
            .delivered(CHUNK, 3, 50, EventTime::new(130, 0))
            .unwrap();
        assert_eq!((chunk.records, took), (3, Duration::from_secs(30)));
        assert!(
            meters
                .delivered(CHUNK, 3, 50, EventTime::new(131, 0))
                .is_none()
        );
    }

    #[test]
    fn the_wait_for_a_retry_is_over_with_the_next_success() {
        let meters = begun();
        let wait = Duration::from_secs(5);
        meters.note(failure(300, Some(wait)));
        assert_eq!(meters.retry_wait(), Some(wait));
        meters.delivered(CHUNK, 3, 50, EventTime::new(305, 0));
        assert_eq!(meters.retry_wait(), None);
        assert!(meters.last_failure().is_some());
    }

    #[test]
    fn a_chunk_that_is_given_up_is_counted_as_such() {
        let meters = begun();
        meters.note(failure(300, None));
        assert_eq!(meters.given_up.value(), 1);
        assert_eq!(meters.failures.value(), 1);
        assert_eq!(meters.deliveries().count, 0);
    }
}
