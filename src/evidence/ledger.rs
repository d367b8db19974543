//! What has happened since the last digest: a state, and the records that lead to it. No files
//! and no clock here.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;

use fluent_compat::chunk::ChunkId;
use serde::{Deserialize, Serialize};

use super::digest::{Beginning, Digest, Link, Occasion};
use super::entry::{ChainId, Entry, Moment, as_text};

/// A chunk's object by its name: the same chunk may have been put under several.
pub(super) type Name = (ChunkId, String);

/// A line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Record {
    Begin(Begin),
    Attempt(Entry),
    Stored {
        #[serde(with = "as_text")]
        chunk: ChunkId,
        key: String,
        certain: bool,
    },
    Void {
        #[serde(with = "as_text")]
        chunk: ChunkId,
        key: String,
    },
    Doubt {
        #[serde(with = "as_text")]
        chunk: ChunkId,
        key: String,
    },
    Settled {
        #[serde(with = "as_text")]
        chunk: ChunkId,
        key: String,
    },
}

/// Where a chain is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begin {
    pub(super) chain: ChainId,
    /// The next digest's.
    pub(super) sequence: u64,
    /// When the last one ended, or the chain began.
    pub(super) since: Moment,
    pub(super) previous: Option<Link>,
}

/// All that is known since the last digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ledger {
    pub(super) begin: Begin,
    /// Objects that are about to be put, or may have been.
    attempts: BTreeMap<Name, Entry>,
    objects: BTreeMap<Name, Entry>,
    doubtful: BTreeMap<Name, Entry>,
    /// What is listed here or in a digest before, as long as its chunk may be there: it may be
    /// put again, and is not to be listed again.
    settled: BTreeSet<Name>,
}

impl Ledger {
    pub(super) fn new(begin: Begin) -> Self {
        Self {
            begin,
            attempts: BTreeMap::new(),
            objects: BTreeMap::new(),
            doubtful: BTreeMap::new(),
            settled: BTreeSet::new(),
        }
    }

    /// How many objects the next digest will list.
    pub(super) fn listed(&self) -> usize {
        self.objects.len()
    }

    pub(super) fn apply(&mut self, record: Record) {
        match record {
            Record::Begin(begin) => self.begin = begin,
            Record::Attempt(entry) => self.attempt(entry),
            Record::Stored {
                chunk,
                key,
                certain,
            } => self.stored((chunk, key), certain),
            Record::Void { chunk, key } => drop(self.attempts.remove(&(chunk, key))),
            Record::Doubt { chunk, key } => {
                let name = (chunk, key);
                if let Some(entry) = self.attempts.remove(&name) {
                    self.doubtful.insert(name, entry);
                }
            }
            Record::Settled { chunk, key } => drop(self.settled.insert((chunk, key))),
        }
    }

    fn attempt(&mut self, mut entry: Entry) {
        let name = (entry.chunk, entry.key.clone());
        if self.settled.contains(&name) {
            return;
        }
        let doubted = self.doubtful.remove(&name);
        if let Some(earlier) = self.attempts.remove(&name).or(doubted) {
            entry.or_as(&earlier);
        }
        self.attempts.insert(name, entry);
    }

    fn stored(&mut self, name: Name, certain: bool) {
        // Of one that is settled there is no attempt.
        if let Some(mut entry) = self.attempts.remove(&name) {
            if certain {
                entry.or.clear();
            }
            self.settled.insert(name.clone());
            self.objects.insert(name, entry);
        }
    }

    /// What the next digest says. An attempt whose chunk is not `alive` has no outcome any
    /// more.
    pub(super) fn draft(
        &self,
        config: &super::Config,
        occasion: Occasion,
        now: Moment,
        alive: &HashSet<ChunkId>,
        random: u64,
    ) -> Digest {
        let (open, over): (Vec<_>, Vec<_>) = self
            .attempts
            .values()
            .cloned()
            .partition(|entry| alive.contains(&entry.chunk));
        let doubtful = self.doubtful.values().cloned().chain(over);
        let Begin {
            chain,
            sequence,
            since,
            previous,
        } = self.begin.clone();
        let beginning = Beginning {
            chain,
            sequence,
            occasion,
            since,
            // A clock that was set back must not end a digest before it began.
            until: now.max(since),
            previous,
        };
        let objects = self.objects.values().cloned().collect();
        Digest::new(
            beginning.head(config, random),
            objects,
            doubtful.collect(),
            open,
        )
    }

    /// Goes on after a digest that is safe. Chunks that are not `alive` are never put again;
    /// `None` if nobody knows which are.
    pub(super) fn go_on(&mut self, digest: &Digest, link: Link, alive: Option<&HashSet<ChunkId>>) {
        let name = |entry: &Entry| (entry.chunk, entry.key.clone());
        for entry in &digest.objects {
            self.objects.remove(&name(entry));
            self.settled.insert(name(entry));
        }
        for entry in &digest.doubtful {
            self.doubtful.remove(&name(entry));
            self.attempts.remove(&name(entry));
        }
        if let Some(alive) = alive {
            self.settled.retain(|(chunk, _)| alive.contains(chunk));
        }
        self.begin = Begin {
            chain: digest.head.chain,
            sequence: digest.head.sequence.saturating_add(1),
            since: digest.head.until,
            previous: Some(link),
        };
    }

    /// Records that lead to this state.
    pub(super) fn records(&self) -> Vec<Record> {
        let mut records = vec![Record::Begin(self.begin.clone())];
        // NOTE: what is settled first: nothing is an attempt that is settled already.
        for name in &self.settled {
            if !self.objects.contains_key(name) {
                let (chunk, key) = name.clone();
                records.push(Record::Settled { chunk, key });
            }
        }
        for ((chunk, key), entry) in &self.objects {
            records.push(Record::Attempt(entry.clone()));
            records.push(Record::Stored {
                chunk: *chunk,
                key: key.clone(),
                // What else it may be is no more in the entry if it is certain.
                certain: false,
            });
        }
        for ((chunk, key), entry) in &self.doubtful {
            records.push(Record::Attempt(entry.clone()));
            let (chunk, key) = (*chunk, key.clone());
            records.push(Record::Doubt { chunk, key });
        }
        let open = self.attempts.values().cloned().map(Record::Attempt);
        records.extend(open);
        records
    }
}

/// Digits of the CRC, and the space behind them.
const CRC_LENGTH: usize = 9;

/// Appends a record's line.
pub(super) fn push_record(lines: &mut Vec<u8>, record: &Record) -> io::Result<()> {
    let json = serde_json::to_vec(record)?;
    lines.extend_from_slice(format!("{:08x} ", crc32c::crc32c(&json)).as_bytes());
    lines.extend_from_slice(&json);
    lines.push(b'\n');
    Ok(())
}

/// What a ledger's file holds.
#[derive(Debug, Default)]
pub(super) struct Readable {
    pub(super) records: Vec<Record>,
    /// Lines that are not what was written, though good ones follow.
    pub(super) damaged: usize,
}

/// Reads all lines that are whole. A last one that is not was never relied on.
pub(super) fn read_records(text: &[u8]) -> Readable {
    let mut readable = Readable::default();
    let mut bad = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match read_record(line) {
            Some(record) => {
                readable.records.push(record);
                readable.damaged += std::mem::take(&mut bad);
            }
            None => bad += 1,
        }
    }
    readable
}

fn read_record(line: &[u8]) -> Option<Record> {
    let line = line.strip_suffix(b"\n")?;
    let (crc, json) = line.split_at_checked(CRC_LENGTH)?;
    let crc = std::str::from_utf8(crc).ok()?.strip_suffix(' ')?;
    let crc = u32::from_str_radix(crc, 16).ok()?;
    let record = serde_json::from_slice(json).ok()?;
    (crc == crc32c::crc32c(json)).then_some(record)
}
