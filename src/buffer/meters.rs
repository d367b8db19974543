//! What a buffer counts of itself, and what it holds at a moment.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use fluent_compat::time::EventTime;

use super::chunk_file::Header;
use super::listing::{self, Entry, Listed};
use super::lock;
use crate::host::meter::{Counter, Histogram};

/// Counts of one buffer since it was opened.
#[derive(Debug, Default)]
pub struct Meters {
    /// Appends that were stored: Fluentd's `emit_count`.
    pub appends: Counter,
    /// Events in them: Fluentd's `emit_records`.
    pub records: Counter,
    /// Bytes in them, formatted and not yet packed: Fluentd's `emit_size`.
    pub bytes: Counter,
    /// How long the syncs of one commit take together. Empty for buffers that do not sync.
    pub sync: Histogram,
    /// Commits of which a write or a sync has failed.
    pub failures: Counter,
    /// Chunks that `overflow_action drop_oldest_chunk` has dropped.
    pub dropped_chunks: Counter,
    /// Whether the last commit has failed.
    failing: AtomicBool,
    /// Its lock is held for a few instructions; nothing is taken under it.
    staged: Mutex<Staged>,
}

/// The staged chunks at a moment.
#[derive(Debug, Default)]
struct Staged {
    all: Chunks,
    oldest: Vec<Listed>,
}

/// Some chunks of a buffer, taken together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chunks {
    /// How many.
    pub count: u64,
    /// When the oldest of them was begun.
    pub oldest: Option<EventTime>,
    /// The earliest and the latest slot among them, in unix seconds.
    pub timekeys: Option<(i64, i64)>,
    /// Their bytes, packed as `compress` says.
    pub bytes: u64,
}

/// What a buffer holds at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Bytes of all chunks, and of appends under way.
    pub held: u64,
    /// `total_limit_size`.
    pub limit: u64,
    /// Chunks that take events. Their ages and bytes are known as of the last look for chunks
    /// that are due.
    pub staged: Chunks,
    /// Chunks that wait for their delivery; those under way are not among them.
    pub queued: Chunks,
}

impl Chunks {
    /// All of these together.
    pub(super) fn of<'a>(chunks: impl Iterator<Item = Entry<'a>>) -> Self {
        let mut all = Self::default();
        chunks.for_each(|chunk| all.add(chunk.header, chunk.bytes));
        all
    }

    fn add(&mut self, header: &Header, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
        let oldest = self.oldest.unwrap_or(header.created);
        self.oldest = Some(oldest.min(header.created));
        if let Some(slot) = header.metadata.timekey {
            let slot = slot.seconds();
            let (first, last) = self.timekeys.unwrap_or((slot, slot));
            self.timekeys = Some((first.min(slot), last.max(slot)));
        }
    }
}

impl Meters {
    /// Whether the disk has refused what was last written to it.
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// The staged chunks.
    pub(super) fn staged(&self) -> Chunks {
        lock(&self.staged).all
    }

    /// The oldest of them.
    pub(super) fn oldest_staged(&self) -> Vec<Listed> {
        lock(&self.staged).oldest.clone()
    }

    /// A commit has ended.
    pub(crate) fn committed(&self, has_failed: bool) {
        self.failing.store(has_failed, Ordering::Relaxed);
        if has_failed {
            self.failures.count();
        }
    }

    /// So many chunks are staged. Going through all of them after each commit would cost too
    /// much, so their ages are looked at when they change from none to some, and else by
    /// [`Self::looked_at`].
    pub(super) fn count_staged<'a>(
        &self,
        count: usize,
        all: impl Iterator<Item = Entry<'a>> + Clone,
    ) {
        let mut staged = lock(&self.staged);
        if count == 0 || staged.all.count == 0 {
            *staged = Staged::of(all);
        }
        staged.all.count = count as u64;
    }

    /// All staged chunks were looked at.
    pub(super) fn looked_at<'a>(&self, all: impl Iterator<Item = Entry<'a>> + Clone) {
        let staged = Staged::of(all);
        *lock(&self.staged) = staged;
    }
}

impl Staged {
    fn of<'a>(all: impl Iterator<Item = Entry<'a>> + Clone) -> Self {
        Self {
            all: Chunks::of(all.clone()),
            oldest: listing::oldest(all),
        }
    }
}

#[cfg(test)]
mod tests {
    use fluent_compat::chunk::{ChunkId, Metadata};
    use fluent_compat::timekey::Timekey;

    use super::*;

    fn header(created: i64) -> Header {
        Header {
            id: ChunkId::from_bytes([1; 16]),
            created: EventTime::new(created, 0),
            metadata: Metadata {
                timekey: Some(Timekey::new(created / 100 * 100)),
                ..Metadata::default()
            },
        }
    }

    fn entry(header: &Header, bytes: u64) -> Entry<'_> {
        Entry {
            header,
            records: 1,
            bytes,
        }
    }

    #[test]
    fn chunks_together_have_the_age_of_the_oldest_and_the_slots_of_all() {
        let (young, old) = (header(350), header(120));
        let chunks = Chunks::of([entry(&young, 5), entry(&old, 6)].into_iter());
        assert_eq!(chunks.count, 2);
        assert_eq!(chunks.bytes, 11);
        assert_eq!(chunks.oldest, Some(EventTime::new(120, 0)));
        assert_eq!(chunks.timekeys, Some((100, 300)));
    }

    #[test]
    fn a_commit_goes_through_all_staged_chunks_only_when_there_were_none() {
        let meters = Meters::default();
        let (first, second) = (header(350), header(120));
        meters.count_staged(1, [entry(&first, 5)].into_iter());
        assert_eq!(meters.staged().oldest, Some(first.created));
        let unasked = std::iter::repeat_with(|| -> Entry<'_> { panic!("not to be asked") });
        meters.count_staged(2, unasked);
        assert_eq!(meters.staged().count, 2);
        meters.looked_at([entry(&first, 5), entry(&second, 6)].into_iter());
        assert_eq!(meters.staged().oldest, Some(second.created));
        assert_eq!(meters.staged().bytes, 11);
        let oldest = meters.oldest_staged();
        let oldest: Vec<_> = oldest.iter().map(|chunk| chunk.header.created).collect();
        assert_eq!(oldest, [second.created, first.created]);
        meters.count_staged(0, std::iter::empty());
        assert_eq!(meters.staged(), Chunks::default());
        assert_eq!(meters.oldest_staged(), []);
    }
}
