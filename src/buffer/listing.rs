//! Chunks as a list for people shows them: the oldest ones, which are the ones that matter.

use super::chunk_file::Header;

/// Not more chunks of one kind are listed; a buffer may have thousands.
pub const MOST_LISTED: usize = 16;

/// A chunk in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// What the chunk is.
    pub header: Header,
    /// How many events it has.
    pub records: u64,
    /// How many bytes they are, packed as `compress` says.
    pub bytes: u64,
}

/// The same, borrowed.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) header: &'a Header,
    pub(super) records: u64,
    pub(super) bytes: u64,
}

impl From<Entry<'_>> for Listed {
    fn from(entry: Entry<'_>) -> Self {
        Self {
            header: entry.header.clone(),
            records: entry.records,
            bytes: entry.bytes,
        }
    }
}

/// The oldest of all, oldest first. Only those are copied.
pub(super) fn oldest<'a>(all: impl Iterator<Item = Entry<'a>>) -> Vec<Listed> {
    let age = |entry: &Entry<'_>| (entry.header.created, entry.header.id);
    let mut found: Vec<Entry<'_>> = Vec::with_capacity(MOST_LISTED + 1);
    for entry in all {
        let place = found.partition_point(|other| age(other) < age(&entry));
        if place < MOST_LISTED {
            found.insert(place, entry);
            found.truncate(MOST_LISTED);
        }
    }
    found.into_iter().map(Listed::from).collect()
}

#[cfg(test)]
mod tests {
    use fluent_compat::chunk::{ChunkId, Metadata};
    use fluent_compat::time::EventTime;

    use super::*;

    #[test]
    fn of_many_chunks_the_oldest_are_listed_oldest_first() {
        let header = |created: i64| Header {
            id: ChunkId::from_bytes([7; 16]),
            created: EventTime::new(created, 0),
            metadata: Metadata::default(),
        };
        // All from 0 to 99, in no order.
        let headers: Vec<_> = (0..100).map(|n| header((n * 37 + 11) % 100)).collect();
        let entries = headers.iter().map(|header| Entry {
            header,
            records: 1,
            bytes: 2,
        });
        let listed = oldest(entries);
        let ages: Vec<_> = listed
            .iter()
            .map(|chunk| chunk.header.created.seconds())
            .collect();
        assert_eq!(ages, (0..MOST_LISTED as i64).collect::<Vec<_>>());
    }
}
