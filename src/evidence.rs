//! Evidence that nothing is missing: what was put is listed in signed digests, each of which
//! names the one before it.
//!
//! The bytes of digests and ledger, and the order in which they are written, are in
//! `docs/digest-format.md`. The schedule tells of each object before and after it is put, and
//! asks for a digest when one is due; this keeps what it is told on disk.
//!
//! # Invariants
//! - What was told of an object is synced before the call returns, so before its chunk goes.
//! - An object is listed in one digest of the chain, once.
//! - A digest's name and bytes are synced before it is handed out to be put.
//! - A disk that fails holds nothing up: what was told is known in memory, and is written at
//!   the next occasion.
//!
//! # Locks
//! One, the state's. It is held while files are written, so all calls but `due` and `waiting`
//! block and belong on a thread that may.

mod digest;
mod entry;
mod files;
mod key;
mod ledger;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use fluent_compat::chunk::ChunkId;
use fluent_compat::time::EventTime;
use tracing::{error, info, warn};

pub use digest::{Digest, DigestError, Head, Link, Occasion, ReadDigest, SUFFIX, Signed};
pub use entry::{ChainId, Contents, Entry, Hashing, Kind, Moment, Sha256, Signature, TextError};
pub use key::{DigestKeyError, PublicKey, SigningKey};

use crate::host::fs::{DiskFs, File, Fs, Modes};
use crate::host::throttle::Throttle;
use files::{Files, Kind as FileKind};
use ledger::{Begin, Ledger, Record, push_record, read_records};

/// A digest that lists so many objects is made before its time, so that none grows without
/// bounds.
const MOST_OBJECTS: usize = 10_000;

const BETWEEN_COMPLAINTS: Duration = Duration::from_secs(10);

/// `<digest>` of an output.
#[derive(Clone, Debug)]
pub struct Config {
    /// `ledger_path`, or the default beside the buffer.
    pub directory: PathBuf,
    /// `file_permission` and `dir_permission` of the buffer.
    pub modes: Modes,
    /// `path`: what the names of digests begin with.
    pub path: String,
    /// The output's bucket.
    pub bucket: String,
    /// What the names of the output's objects begin with.
    pub covers: String,
    /// `interval`.
    pub interval: Duration,
    /// `private_key_path`.
    pub key: Arc<SigningKey>,
}

/// The ledger of an output, and its chain of digests.
pub struct Evidence {
    directory: PathBuf,
    config: ArcSwap<Config>,
    state: Mutex<State>,
    /// Unix seconds of the last digest, by the clock and not by the chain.
    sealed: AtomicI64,
    started: AtomicBool,
    listed: AtomicUsize,
    waiting: AtomicUsize,
    complaints: Throttle,
}

struct State {
    files: Files,
    ledger: Ledger,
    /// Where records are appended; `None` if all must be written anew first.
    book: Option<Book>,
    /// Digests that are signed and not known to be in the bucket.
    waiting: BTreeSet<(ChainId, u64)>,
}

struct Book {
    file: Box<dyn File>,
    length: u64,
}

/// A digest that is to be put: always these bytes under this name.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Its chain, and its place there.
    pub place: (ChainId, u64),
    /// Its name in the bucket.
    pub key: String,
    /// The whole object.
    pub bytes: bytes::Bytes,
}

/// How an object came to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// By the attempt that was last told of.
    ByThisAttempt,
    /// By that one, or by one before it.
    ByAnyAttempt,
}

impl Evidence {
    /// Opens the ledger on the machine's disk, or begins one.
    ///
    /// # Errors
    /// The directory cannot be used, or another process has it.
    pub fn open(config: Config, now: EventTime) -> io::Result<Self> {
        let fs = Arc::new(DiskFs::with_modes(config.modes));
        Self::open_on(fs, config, now)
    }

    /// The same on a given filesystem.
    ///
    /// # Errors
    /// The directory cannot be used, or another process has it.
    pub fn open_on(fs: Arc<dyn Fs>, config: Config, now: EventTime) -> io::Result<Self> {
        let files = Files::take(fs, &config.directory)?;
        let (ledger, waiting) = recover(&files, now)?;
        let mut state = State {
            files,
            ledger,
            book: None,
            waiting,
        };
        state.write_anew()?;
        let evidence = Self {
            directory: config.directory.clone(),
            sealed: AtomicI64::new(state.ledger.begin.since.seconds()),
            started: AtomicBool::new(false),
            listed: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            config: ArcSwap::from_pointee(config),
            complaints: Throttle::new(BETWEEN_COMPLAINTS),
            state: Mutex::new(state),
        };
        evidence.count(&evidence.state());
        Ok(evidence)
    }

    /// The ledger's directory, by which an output's evidence is known.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Makes the digests to come by another configuration of the same directory.
    pub fn follow(&self, config: Config) {
        self.config.store(Arc::new(config));
    }

    /// An object is about to be put. Blocks until that is synced, or could not be.
    pub fn about_to_put(&self, entry: Entry) {
        self.record(Record::Attempt(entry), Sync::Now);
    }

    /// It is there. Blocks until that is synced, or could not be.
    pub fn stored(&self, chunk: ChunkId, key: &str, certainty: Certainty) {
        let (key, certain) = (key.to_owned(), certainty == Certainty::ByThisAttempt);
        let stored = Record::Stored {
            chunk,
            key,
            certain,
        };
        self.record(stored, Sync::Now);
    }

    /// It is not there, for certain, and nothing is under way. Blocks.
    pub fn refused(&self, chunk: ChunkId, key: &str) {
        let key = key.to_owned();
        // If this is lost it is doubtful, which does no harm.
        self.record(Record::Void { chunk, key }, Sync::Later);
    }

    /// Something has its name, perhaps itself, and the chunk goes on under another. Blocks.
    pub fn doubted(&self, chunk: ChunkId, key: &str) {
        let key = key.to_owned();
        // If this is lost it is an attempt without an outcome, which comes to the same.
        self.record(Record::Doubt { chunk, key }, Sync::Later);
    }

    /// Whether a digest is due, and why.
    pub fn due(&self, now: EventTime) -> Option<Occasion> {
        if !self.started.load(Ordering::Acquire) {
            return Some(Occasion::Start);
        }
        let interval = i64::try_from(self.config.load().interval.as_secs()).unwrap_or(i64::MAX);
        let slot = |seconds: i64| seconds.div_euclid(interval.max(1));
        // NOTE: another slot, not a later one: a clock that was set back must not stop it.
        let is_over = slot(now.seconds()) != slot(self.sealed.load(Ordering::Acquire));
        let is_full = self.listed.load(Ordering::Acquire) >= MOST_OBJECTS;
        (is_over || is_full).then_some(Occasion::Interval)
    }

    /// Makes a digest, which then waits to be put. `alive` are the chunks that may still be
    /// put, or put again. Blocks; whether it has worked.
    pub fn seal(&self, occasion: Occasion, now: EventTime, alive: &HashSet<ChunkId>) -> bool {
        let config = self.config.load_full();
        let mut state = self.state();
        match state.seal(&config, occasion, now, alive) {
            Ok(()) => {
                self.sealed.store(now.seconds(), Ordering::Release);
                self.started.store(true, Ordering::Release);
                self.count(&state);
                true
            }
            Err(error) => {
                drop(state);
                self.complain("a digest could not be made; trying again", &error);
                false
            }
        }
    }

    /// The oldest digest that is to be put. Blocks.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn next(&self) -> io::Result<Option<Waiting>> {
        let mut state = self.state();
        if state.book.is_none() {
            // What it lists must be known to be listed before it can be gone from here.
            state.write_anew()?;
        }
        loop {
            let Some(place) = state.waiting.first().copied() else {
                return Ok(None);
            };
            let path = state.files.path(FileKind::Digest(place));
            let bytes = state.files.read(&path)?;
            match Digest::read(&bytes) {
                Ok(read) => {
                    let key = read.digest.head.key;
                    let bytes = bytes.into();
                    return Ok(Some(Waiting { place, key, bytes }));
                }
                Err(reason) => {
                    let aside = state.files.set_aside(&path)?;
                    error!(kept_in = %aside.display(), %reason, "a digest cannot be read and is never put");
                    state.waiting.remove(&place);
                    self.count(&state);
                }
            }
        }
    }

    /// The digest is in the bucket. Blocks.
    pub fn delivered(&self, place: (ChainId, u64)) {
        let mut state = self.state();
        state.waiting.remove(&place);
        let path = state.files.path(FileKind::Digest(place));
        if let Err(error) = state.files.remove(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            warn!(path = %path.display(), %error, "a digest that was put could not be removed; it is put again at the next start");
        }
        self.count(&state);
    }

    /// How many digests are to be put.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    fn record(&self, record: Record, sync: Sync) {
        let mut state = self.state();
        let written = state.record(record, sync);
        self.count(&state);
        drop(state);
        if let Err(error) = written {
            self.complain(
                "the ledger of a digest could not be written; what was put is known in memory until it can",
                &error,
            );
        }
    }

    fn count(&self, state: &State) {
        self.listed.store(state.ledger.listed(), Ordering::Release);
        self.waiting.store(state.waiting.len(), Ordering::Release);
    }

    fn complain(&self, message: &str, error: &io::Error) {
        if let Some(held_back) = self.complaints.pass() {
            let directory = self.directory.display();
            error!(%directory, %error, held_back, "{message}");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a record has to be safe at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sync {
    Now,
    /// With the next one that has to be.
    Later,
}

impl State {
    fn record(&mut self, record: Record, sync: Sync) -> io::Result<()> {
        let mut line = Vec::new();
        let pushed = push_record(&mut line, &record);
        self.ledger.apply(record);
        pushed?;
        let Some(book) = &mut self.book else {
            return self.write_anew();
        };
        match book.append(&line, sync) {
            Ok(()) => Ok(()),
            Err(error) => {
                // Never written again: a later sync may say that all is well.
                self.book = None;
                Err(error)
            }
        }
    }

    /// Writes all that is known to a new file, which takes the ledger's place.
    fn write_anew(&mut self) -> io::Result<()> {
        self.files.take_possession()?;
        let mut lines = Vec::new();
        for record in self.ledger.records() {
            push_record(&mut lines, &record)?;
        }
        let sequence = self.ledger.begin.sequence;
        let file = self.files.write_whole(FileKind::Ledger(sequence), &lines)?;
        let length = lines.len() as u64;
        self.book = Some(Book { file, length });
        for (kind, path) in self.files.list()? {
            let is_old = matches!(kind, FileKind::Ledger(other) if other < sequence);
            if is_old || kind == FileKind::Unfinished {
                // Of two ledgers the later one counts.
                let _ = self.files.remove(&path);
            }
        }
        Ok(())
    }

    fn seal(
        &mut self,
        config: &Config,
        occasion: Occasion,
        now: EventTime,
        alive: &HashSet<ChunkId>,
    ) -> io::Result<()> {
        if self.book.is_none() {
            self.write_anew()?;
        }
        let random = getrandom::u64().map_err(io::Error::other)?;
        let now = Moment::new(now.seconds());
        let draft = self.ledger.draft(config, occasion, now, alive, random);
        let Signed { bytes, link } = draft.signed(&config.key)?;
        let place = (draft.head.chain, draft.head.sequence);
        self.files.write_whole(FileKind::Digest(place), &bytes)?;
        // NOTE: from here on the digest is what lists its objects, whatever else fails.
        self.ledger.go_on(&draft, link, Some(alive));
        self.waiting.insert(place);
        self.book = None;
        if let Err(error) = self.write_anew() {
            let directory = self.files.directory().display();
            error!(%directory, %error, "the ledger of a digest could not be begun anew; trying again");
        }
        Ok(())
    }
}

impl Book {
    fn append(&mut self, line: &[u8], sync: Sync) -> io::Result<()> {
        if !self.file.is_linked()? {
            return Err(io::Error::other("the ledger's file was removed"));
        }
        self.file.write_all_at(line, self.length)?;
        self.length += line.len() as u64;
        match sync {
            Sync::Now => self.file.sync_data(),
            Sync::Later => Ok(()),
        }
    }
}

/// Reads what an earlier run left; what cannot be read is set aside.
fn recover(files: &Files, now: EventTime) -> io::Result<(Ledger, BTreeSet<(ChainId, u64)>)> {
    let listed = files.list()?;
    let waiting = listed.iter().filter_map(|(kind, _)| match kind {
        FileKind::Digest(place) => Some(*place),
        _ => None,
    });
    let mut waiting: BTreeSet<_> = waiting.collect();
    let ledgers = listed.iter().filter_map(|(kind, path)| match kind {
        FileKind::Ledger(sequence) => Some((*sequence, path)),
        _ => None,
    });
    let Some((sequence, path)) = ledgers.max() else {
        return Ok((begin_chain(files, now)?, waiting));
    };
    let Some(mut ledger) = read_ledger(files, path, sequence)? else {
        return Ok((begin_chain(files, now)?, waiting));
    };
    let place = (ledger.begin.chain, sequence);
    if waiting.contains(&place) {
        let path = files.path(FileKind::Digest(place));
        match Digest::read(&files.read(&path)?) {
            Ok(sealed) => ledger.go_on(&sealed.digest, sealed.link, None),
            Err(reason) => {
                let aside = files.set_aside(&path)?;
                warn!(kept_in = %aside.display(), %reason, "a digest that was being made cannot be read; it is made again");
                waiting.remove(&place);
            }
        }
    }
    Ok((ledger, waiting))
}

fn begin_chain(files: &Files, now: EventTime) -> io::Result<Ledger> {
    let random = [
        getrandom::u64().map_err(io::Error::other)?,
        getrandom::u64().map_err(io::Error::other)?,
    ];
    let [upper, lower] = random.map(u128::from);
    let chain = ChainId::from_bytes(((upper << 64) | lower).to_be_bytes());
    let directory = files.directory().display();
    info!(%chain, ledger = %directory, "a chain of digests begins");
    Ok(Ledger::new(Begin {
        chain,
        sequence: 1,
        since: Moment::new(now.seconds()),
        previous: None,
    }))
}

/// `None` if it has no first line, and so no chain.
fn read_ledger(files: &Files, path: &Path, sequence: u64) -> io::Result<Option<Ledger>> {
    let text = files.read(path)?;
    let readable = read_records(&text);
    let mut records = readable.records.into_iter();
    let begin = match records.next() {
        Some(Record::Begin(begin)) if begin.sequence == sequence => begin,
        _ => {
            let aside = files.set_aside(path)?;
            error!(kept_in = %aside.display(), "the ledger of digests cannot be read: a new chain begins, and what was put since the last digest is listed in none");
            return Ok(None);
        }
    };
    let mut ledger = Ledger::new(begin);
    records.for_each(|record| ledger.apply(record));
    if readable.damaged > 0 {
        // A copy: until the ledger is written anew, this is the one.
        let aside = files.keep_copy(path, &text)?;
        let damaged = readable.damaged;
        error!(kept_in = %aside.display(), damaged, "lines of the ledger of digests are damaged: what they told is listed in no digest");
    }
    Ok(Some(ledger))
}
