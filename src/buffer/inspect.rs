//! A buffer's directory as it lies on the disk, for people and for reading only.
//!
//! Nothing is mended, moved, created or locked, so this may run beside a server that works
//! on the directory: a file that is gone meanwhile was sealed or delivered, and a last frame
//! that is not whole is being written.

mod copy;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use fluent_compat::chunk::{ChunkId, Metadata};
use fluent_compat::leftover::{LeftoverFile, LeftoverState};
use fluent_compat::time::EventTime;

pub use copy::{CopyError, copy_events};

use super::chunk_file::{Scan, State, Tail, parse_any, scan};
use super::leftovers::{Leftover, Leftovers, read_meta};
use crate::host::fs::{DiskFs, File, Fs, list_directory};

/// A chunk, or what is left of one, in a buffer's directory.
#[derive(Debug)]
pub struct Inspected {
    /// The file that holds the events.
    pub path: PathBuf,
    /// Where it is in its life.
    pub state: ChunkState,
    /// Its own, or that in its name.
    pub id: Option<ChunkId>,
    /// When it was opened.
    pub created: Option<EventTime>,
    /// The key its events share, as far as it is known.
    pub metadata: Metadata,
    /// How many events it has.
    pub records: u64,
    /// How many bytes they are, packed as they are; unpacked in Fluentd's files.
    pub bytes: u64,
    /// The object key it is put under, once it has one.
    pub object: Option<String>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// Where a chunk is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkState {
    /// It takes events.
    Staged,
    /// It waits for its sink.
    Queued,
    /// Its retries are exhausted; it is kept in the backup directory.
    GivenUp,
    /// Fluentd's, still open; the next start takes it over.
    FluentdStaged,
    /// Fluentd's, closed; the next start takes it over.
    FluentdQueued,
    /// What could not be read, in the backup directory.
    SetAside,
}

/// Something wrong at one place of a file.
#[derive(Debug)]
pub struct Problem {
    /// Where it begins, in bytes of the file; of the unpacked events in Fluentd's files.
    pub offset: u64,
    /// Whether somebody has to look.
    pub severity: Severity,
    /// What it is.
    pub what: String,
}

/// Whether events may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// As a running server, or one that was killed, leaves it: nothing acknowledged is in it.
    Expected,
    /// Bytes that were good once.
    Damage,
}

/// All chunks in a buffer's directory, in those of Fluentd's workers in it, and in its
/// backup directory; by state and age. Reads every file from its first byte to its last.
///
/// # Errors
/// The directory cannot be listed.
pub fn inspect(dir: &Path) -> io::Result<Vec<Inspected>> {
    let mut found = inspect_files(dir, Home::Buffer)?;
    let mut below = list_directory(dir)?;
    below.retain(|entry| entry.is_directory);
    below.sort_by(|a, b| a.name.cmp(&b.name));
    for entry in below {
        let home = match entry.name.as_str() {
            "backup" => Home::Backup,
            name if name.starts_with("worker") => Home::Buffer,
            _ => continue,
        };
        found.extend(inspect_files(&dir.join(&entry.name), home)?);
    }
    Ok(found)
}

/// What kind of directory a file lies in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Home {
    Buffer,
    Backup,
}

fn inspect_files(dir: &Path, home: Home) -> io::Result<Vec<Inspected>> {
    let mut paths = DiskFs::default().list(dir)?;
    paths.sort();
    let mut found = Vec::new();
    for path in &paths {
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(name) = name else { continue };
        let (state, id) = match parse_any(name) {
            Some((State::Staged, id)) if home == Home::Buffer => (ChunkState::Staged, Some(id)),
            Some((State::Queued, id)) if home == Home::Buffer => (ChunkState::Queued, Some(id)),
            Some((_, id)) => (ChunkState::GivenUp, Some(id)),
            None if name.ends_with(".damaged") => (ChunkState::SetAside, None),
            None => continue,
        };
        found.extend(inspect_chunk(path, state, id));
    }
    let mut leftovers = Leftovers::default();
    leftovers.add(paths, LeftoverFile::of_any);
    let of_fluentd = leftovers.chunks.iter();
    found.extend(of_fluentd.filter_map(|leftover| inspect_leftover(leftover, home)));
    Ok(found)
}

impl Inspected {
    fn new(path: &Path, state: ChunkState, id: Option<ChunkId>) -> Self {
        Self {
            path: path.to_owned(),
            state,
            id,
            created: None,
            metadata: Metadata::default(),
            records: 0,
            bytes: 0,
            object: None,
            problems: Vec::new(),
        }
    }

    fn is_damaged_at(&mut self, offset: u64, what: impl ToString) {
        self.problems.push(Problem {
            offset,
            severity: Severity::Damage,
            what: what.to_string(),
        });
    }

    /// Whether somebody has to look at it.
    pub fn is_damaged(&self) -> bool {
        let mut problems = self.problems.iter();
        problems.any(|problem| problem.severity == Severity::Damage)
    }
}

/// `None` for a file that is gone meanwhile.
fn inspect_chunk(path: &Path, state: ChunkState, id: Option<ChunkId>) -> Option<Inspected> {
    let mut chunk = Inspected::new(path, state, id);
    let file = match open_chunk(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        opened => opened,
    };
    let scanned = file.and_then(|file| Ok((scan(&*file)?, file.len()?)));
    match scanned {
        Ok((found, length)) => {
            chunk.problems = problems(&found, state, length);
            chunk.records = found.records;
            chunk.bytes = match state {
                ChunkState::SetAside => length,
                _ => found.bytes,
            };
            chunk.object = found.name.map(|object| object.name);
            if let Some(header) = found.header {
                chunk.id = Some(header.id);
                chunk.created = Some(header.created);
                chunk.metadata = header.metadata;
            }
        }
        Err(error) => chunk.is_damaged_at(0, format!("it cannot be read: {error}")),
    }
    Some(chunk)
}

/// A chunk that is sealed between the listing and this is there under its other name.
fn open_chunk(path: &Path) -> io::Result<Box<dyn File>> {
    let opened = DiskFs::default().open_to_read(path);
    let is_gone = matches!(&opened, Err(error) if error.kind() == io::ErrorKind::NotFound);
    let name = path.file_name().and_then(|name| name.to_str());
    match name.and_then(|name| Some((name, parse_any(name)?))) {
        Some((name, (State::Staged, id))) if is_gone => {
            let sealed = name.replace(&format!(".b{id}."), &format!(".q{id}."));
            DiskFs::default().open_to_read(&path.with_file_name(sealed))
        }
        _ => opened,
    }
}

/// What a scan says against a file, in the order of the places.
fn problems(found: &Scan, state: ChunkState, length: u64) -> Vec<Problem> {
    let is_open = state == ChunkState::Staged;
    let mut problems = Vec::new();
    for range in &found.damage {
        problems.push(Problem {
            offset: range.start,
            severity: Severity::Damage,
            what: format!("{} bytes are no sound frame", range.end - range.start),
        });
    }
    let tail = length.saturating_sub(found.good_end);
    let at_the_end = match found.tail {
        Tail::Clean => None,
        Tail::Torn if is_open => {
            let what = format!("{tail} bytes of a frame that was never acknowledged");
            Some((Severity::Expected, what))
        }
        Tail::Torn => Some((Severity::Damage, "it ends within a frame".to_owned())),
        Tail::Unreadable => {
            let what = format!("{tail} bytes up to the end are no sound frame");
            Some((Severity::Damage, what))
        }
    };
    problems.extend(at_the_end.map(|(severity, what)| Problem {
        offset: found.good_end,
        severity,
        what,
    }));
    if found.header.is_none() && problems.is_empty() {
        problems.push(Problem {
            offset: 0,
            severity: match is_open && length == 0 {
                true => Severity::Expected,
                false => Severity::Damage,
            },
            what: "there is no header".to_owned(),
        });
    }
    problems
}

fn inspect_leftover(leftover: &Leftover, home: Home) -> Option<Inspected> {
    let state = match (home, leftover.state) {
        (Home::Backup, _) => ChunkState::SetAside,
        (Home::Buffer, LeftoverState::Staged) => ChunkState::FluentdStaged,
        (Home::Buffer, LeftoverState::Queued) => ChunkState::FluentdQueued,
    };
    let name = leftover.body.file_name().and_then(|name| name.to_str());
    let id = name.and_then(LeftoverFile::of_any).map(|file| file.id);
    let mut chunk = Inspected::new(&leftover.body, state, id);
    match read_meta(&DiskFs::default(), leftover) {
        Ok(meta) => {
            chunk.id = Some(meta.id);
            chunk.created = Some(EventTime::new(meta.created, 0));
            chunk.metadata = meta.metadata;
            chunk.records = meta.records;
        }
        Err(error) => chunk.is_damaged_at(0, error),
    }
    let copied = copy::copy_leftover(&leftover.body, &mut Counted(&mut chunk.bytes));
    match copied {
        Ok(()) => {}
        Err(CopyError::Read(error)) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(CopyError::Stopped(problem)) => chunk.problems.push(problem),
        Err(error) => chunk.is_damaged_at(0, error),
    }
    Some(chunk)
}

/// Counts what is written.
struct Counted<'a>(&'a mut u64);

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        *self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
