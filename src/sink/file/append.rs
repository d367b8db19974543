//! One file for many chunks, each added to its end.
//!
//! Beside `name` lies `.name.appended`, the ledger: whose append is under way, where it
//! begins and what it will be, and the ids of those that have ended. It is synced before the
//! first byte of an append is written, and again after the last one is synced. So whoever
//! comes next, after a crash or a failure, knows whether the end of the file is a whole chunk
//! and whose; half a chunk is cut off, and a chunk that is there is not added again.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use fluent_compat::chunk::ChunkId;
use serde::{Deserialize, Serialize};

use super::packing::Measure;
use super::{Packing, directory_of, make_directory};
use crate::host::fs::{Cursor, File, Fs};
use crate::sink::{Body, Put};

/// Chunks remembered. One is gone from its buffer right after its append, or at the next
/// start; so much later nobody asks for it.
const REMEMBERED: usize = 256;

/// Adds a chunk. `failed` has the files whose last append failed in this process.
pub(super) fn put(
    fs: &dyn Fs,
    path: &Path,
    id: ChunkId,
    packing: Packing,
    body: &dyn Body,
    failed: &mut BTreeSet<PathBuf>,
) -> io::Result<Put> {
    let place = LedgerPlace::beside(path);
    let file = open_or_create(fs, path)?;
    let mut ledger = place.read(fs)?;
    ledger.settle(&*file, failed.contains(path))?;
    let id = id.to_string();
    if ledger.ended.contains(&id) {
        return Ok(Put::AlreadyThere);
    }
    let Measure { length, crc32c } = packing.measure(body)?;
    let offset = file.len()?;
    ledger.under_way = Some(UnderWay {
        chunk: id,
        offset,
        length,
        crc32c,
    });
    place.write(fs, &ledger)?;
    let written = packing.write(body, &*file, offset);
    if let Err(error) = written.and_then(|()| file.sync_data()) {
        failed.insert(path.to_owned());
        // For readers; if it fails, the next append does it.
        let _ = file.set_len(offset);
        return Err(error);
    }
    failed.remove(path);
    ledger.end();
    place.write(fs, &ledger)?;
    Ok(Put::Stored)
}

/// What is known of a file's appends.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Ledger {
    /// Ids of chunks that stand in the file, the latest last.
    ended: VecDeque<String>,
    under_way: Option<UnderWay>,
}

/// An append of which nobody knows yet how it ends.
#[derive(Debug, Serialize, Deserialize)]
struct UnderWay {
    chunk: String,
    /// Where it begins in the file.
    offset: u64,
    /// Its length in bytes.
    length: u64,
    crc32c: u32,
}

impl Ledger {
    /// Finds out how the last append has ended, and cuts it off unless it is whole.
    fn settle(&mut self, file: &dyn File, has_failed: bool) -> io::Result<()> {
        let Some(last) = &self.under_way else {
            return Ok(());
        };
        let (found, end) = (file.len()?, last.offset + last.length);
        if found >= end && !has_failed && last.is_in(file)? {
            // A process that was killed may have written it and not synced.
            file.sync_data()?;
            self.end();
            return Ok(());
        }
        // Beyond its end others have written, and before its beginning the file is another.
        if found > last.offset && found <= end {
            file.set_len(last.offset)?;
        }
        self.under_way = None;
        Ok(())
    }

    fn end(&mut self) {
        let ended = self.under_way.take();
        self.ended.extend(ended.map(|append| append.chunk));
        while self.ended.len() > REMEMBERED {
            self.ended.pop_front();
        }
    }
}

impl UnderWay {
    fn is_in(&self, file: &dyn File) -> io::Result<bool> {
        let from = Cursor::new(file, self.offset);
        let mut measure = Measure::default();
        io::copy(&mut from.take(self.length), &mut measure)?;
        Ok(measure.length == self.length && measure.crc32c == self.crc32c)
    }
}

/// The ledger's file.
struct LedgerPlace<'a> {
    dir: &'a Path,
    path: PathBuf,
    unfinished: PathBuf,
}

impl<'a> LedgerPlace<'a> {
    fn beside(path: &'a Path) -> Self {
        let dir = directory_of(path);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self {
            dir,
            path: dir.join(format!(".{name}.appended")),
            unfinished: dir.join(format!(".{name}.appended.part")),
        }
    }

    fn read(&self, fs: &dyn Fs) -> io::Result<Ledger> {
        match fs.read(&self.path) {
            Ok(json) => serde_json::from_slice(&json).map_err(|error| {
                let path = self.path.display();
                io::Error::other(format!("{path} is no ledger: {error}"))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Ledger::default()),
            Err(error) => Err(error),
        }
    }

    /// Replaces the ledger as a whole.
    fn write(&self, fs: &dyn Fs, ledger: &Ledger) -> io::Result<()> {
        match fs.remove(&self.unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = fs.create_new(&self.unfinished)?;
        file.write_all_at(&serde_json::to_vec(ledger)?, 0)?;
        file.sync_data()?;
        fs.rename(&self.unfinished, &self.path)?;
        // The file itself may be new, too.
        fs.sync_dir(self.dir)
    }
}

fn open_or_create(fs: &dyn Fs, path: &Path) -> io::Result<Box<dyn File>> {
    let is_missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    match fs.open(path) {
        Err(error) if is_missing(&error) => {}
        opened => return opened,
    }
    match fs.create_new(path) {
        Err(error) if is_missing(&error) => {
            make_directory(fs, directory_of(path))?;
            fs.create_new(path)
        }
        created => created,
    }
}
