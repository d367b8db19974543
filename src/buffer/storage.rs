//! Where a buffer's chunk files lie, and what is done to a file that is not being
//! appended to.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use fluent_compat::chunk::ChunkId;
use tracing::warn;

use super::chunk_file::{
    ChunkBody, ChunkNames, Kind, ObjectName, Recovered, State, append_frame, copy_range, recover,
    recover_chunk,
};
use super::leftovers;
use super::queue::{SealedChunk, Verified};
use super::sample::{self, Sample};
use super::stage::{Condition, StagedChunk};
use super::{Durability, Place, lock};
use crate::host::fs::{File, Fs, Lock};

/// A buffer's directory. Clones name the same one.
#[derive(Clone)]
pub(super) struct Storage {
    fs: Arc<dyn Fs>,
    names: ChunkNames,
    durability: Durability,
    /// Kept as long as anybody writes here.
    lock: Arc<Mutex<Option<Lock>>>,
}

impl Storage {
    pub(super) fn new(fs: Arc<dyn Fs>, place: &Place) -> Self {
        let (path, durability) = match place {
            Place::Memory => (Path::new("memory"), Durability::Unsynced),
            Place::File { path, durability } => (path.as_path(), *durability),
        };
        Self {
            fs,
            names: ChunkNames::new(path),
            durability,
            lock: Arc::default(),
        }
    }

    /// Takes the directory for this process, and creates it if need be: at the start, and
    /// when somebody has removed it since.
    ///
    /// # Errors
    /// `ResourceBusy` when another process has it. It would cut what is written here, and
    /// deliver it a second time.
    pub(super) fn take_possession(&self) -> io::Result<()> {
        self.fs.create_dir_all(self.names.dir())?;
        let mut held = lock(&self.lock);
        if held.as_ref().is_some_and(Lock::is_in_force) {
            return Ok(());
        }
        let path = self.names.lock();
        match self.fs.lock(&path) {
            Ok(lock) => *held = Some(lock),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let path = path.display();
                let message = format!("another process has it: {path} is locked");
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, message));
            }
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                warn!(path = %path.display(), %error, "files cannot be locked here; see to it that no other process uses this directory");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Says what is there at the start, Fluentd's leftovers included. Of staged chunks so many
    /// bytes are read.
    pub(super) fn recover(&self, read_now: u64) -> io::Result<Vec<Recovered>> {
        let left_alone = leftovers::take_over(&self.fs, &self.names);
        let mut found = recover(&*self.fs, &self.names, read_now)?;
        found.retain(|chunk| !left_alone.contains(&chunk.header.id));
        Ok(found)
    }

    pub(super) fn staged_path(&self, id: ChunkId) -> PathBuf {
        self.names.chunk(State::Staged, id)
    }

    /// Opens a staged chunk's file, or creates it.
    pub(super) fn open(&self, chunk: &StagedChunk) -> io::Result<Box<dyn File>> {
        match chunk.condition {
            Condition::Sound | Condition::Spoiled | Condition::Unread => self.fs.open(&chunk.path),
            Condition::Unborn => match self.fs.create_new(&chunk.path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    warn!(directory = %self.names.dir().display(), "the buffer's directory was removed; making it again");
                    self.take_possession()?;
                    self.fs.create_new(&chunk.path)
                }
                created => created,
            },
        }
    }

    /// Whether it syncs at all.
    pub(super) fn syncs(&self) -> bool {
        self.durability == Durability::Synced
    }

    /// Syncs a file, as far as the buffer promises that.
    pub(super) fn sync(&self, file: &dyn File) -> io::Result<()> {
        match self.durability {
            Durability::Synced => file.sync_data(),
            Durability::Unsynced => Ok(()),
        }
    }

    /// Syncs the directory, as far as the buffer promises that.
    pub(super) fn sync_dir(&self) -> io::Result<()> {
        match self.durability {
            Durability::Synced => self.fs.sync_dir(self.names.dir()),
            Durability::Unsynced => Ok(()),
        }
    }

    /// Cuts a staged chunk's file. Synced at once: until then a power cut may bring back
    /// what was cut off, and that is about to be refused.
    pub(super) fn cut(&self, chunk: &StagedChunk, length: u64) -> io::Result<()> {
        let file = self.fs.open(&chunk.path)?;
        file.set_len(length)?;
        self.sync(&*file)
    }

    /// Cuts a staged chunk's file for as long as the power lasts.
    pub(super) fn shorten(&self, chunk: &StagedChunk, length: u64) -> io::Result<()> {
        self.fs.open(&chunk.path)?.set_len(length)
    }

    /// Removes a chunk of which all is refused; synced at once for the same reason.
    pub(super) fn discard(&self, chunk: &StagedChunk) -> io::Result<()> {
        self.fs.remove(&chunk.path)?;
        self.sync_dir()
    }

    /// Gives a staged chunk's file its queued name; returns the path it then has.
    pub(super) fn seal(&self, chunk: &StagedChunk) -> io::Result<PathBuf> {
        let queued = self.names.chunk(State::Queued, chunk.header.id);
        self.fs.rename(&chunk.path, &queued)?;
        Ok(queued)
    }

    /// Copies the synced part of a file that must not be written again into a new,
    /// queued one, which takes its place.
    pub(super) fn rescue(&self, id: ChunkId, spoiled: &Path, length: u64) -> io::Result<PathBuf> {
        let queued = self.names.chunk(State::Queued, id);
        self.copy_to(&queued, id, &*self.fs.open(spoiled)?, length)?;
        if spoiled != queued {
            self.fs.remove(spoiled)?;
        }
        Ok(queued)
    }

    /// Writes what a staged chunk has synced to a file of its name again: somebody has removed
    /// it while it was open.
    pub(super) fn restore(
        &self,
        chunk: &StagedChunk,
        removed: &dyn File,
    ) -> io::Result<Box<dyn File>> {
        self.take_possession()?;
        let file = self.copy_to(&chunk.path, chunk.header.id, removed, chunk.length)?;
        let about = &chunk.header.metadata;
        warn!(chunk = %chunk.header.id, tag = about.tag_text(), key = about.key_text(), path = %chunk.path.display(), records = chunk.content.records, "a chunk's file was removed while it was open; it is written again");
        Ok(file)
    }

    /// Copies a file's synced part to a new one, which has the path only when it is whole and
    /// safe.
    fn copy_to(
        &self,
        path: &Path,
        id: ChunkId,
        from: &dyn File,
        length: u64,
    ) -> io::Result<Box<dyn File>> {
        let unfinished = self.names.unfinished(id);
        if self.fs.list(self.names.dir())?.contains(&unfinished) {
            self.fs.remove(&unfinished)?;
        }
        let copy = self.fs.create_new(&unfinished)?;
        copy_range(from, 0..length, &*copy, 0)?;
        copy.sync_data()?;
        self.fs.rename(&unfinished, path)?;
        self.fs.sync_dir(self.names.dir())?;
        Ok(copy)
    }

    pub(super) fn sample(&self, most: u64) -> io::Result<Option<Sample>> {
        sample::take(&self.fs, &self.names, most)
    }

    pub(super) fn body(&self, chunk: &SealedChunk) -> ChunkBody {
        ChunkBody {
            fs: Arc::clone(&self.fs),
            path: chunk.path.clone(),
            length: chunk.length,
        }
    }

    /// Reads a queued chunk of which only the header was read. One without events is gone then.
    pub(super) fn verify(&self, chunk: &mut SealedChunk) -> io::Result<Verified> {
        let found = recover_chunk(&*self.fs, &self.names, State::Queued, &chunk.path)?;
        let Some(found) = found else {
            chunk.bytes = 0;
            return Ok(Verified::Nothing);
        };
        chunk.name = found.name;
        chunk.records = found.records;
        chunk.bytes = found.bytes;
        chunk.length = found.length;
        chunk.condition = Condition::Sound;
        Ok(Verified::Events)
    }

    pub(super) fn write_name(&self, chunk: &mut SealedChunk, name: ObjectName) -> io::Result<()> {
        if chunk.condition == Condition::Unread {
            let message = "nobody has looked yet where its last frame ends";
            return Err(io::Error::other(message));
        }
        if chunk.condition == Condition::Spoiled {
            chunk.path = self.rescue(chunk.header.id, &chunk.path, chunk.length)?;
            chunk.condition = Condition::Sound;
        }
        // NOTE: before anything is put. A file that this one has replaced has no name in it:
        // brought back by a power cut when this one is delivered and gone, it would go again.
        self.sync_dir()?;
        let mut frame = Vec::new();
        append_frame(Kind::Name, 0, &name.to_json()?, &mut frame)?;
        let file = self.fs.open(&chunk.path)?;
        file.write_all_at(&frame, chunk.length)?;
        if let Err(error) = self.sync(&*file) {
            // Another sync might say that all is well without having written anything.
            chunk.condition = Condition::Spoiled;
            return Err(error);
        }
        chunk.length += frame.len() as u64;
        chunk.name = Some(name);
        Ok(())
    }

    pub(super) fn remove(&self, chunk: &SealedChunk) -> io::Result<()> {
        self.fs.remove(&chunk.path)?;
        self.sync_dir()
    }

    /// Writes a chunk's events to a file outside of the buffer, and removes the chunk.
    pub(super) fn write_out(
        &self,
        chunk: &SealedChunk,
        disk: &dyn Fs,
        directory: &Path,
    ) -> io::Result<PathBuf> {
        disk.create_dir_all(directory)?;
        let path = directory.join(format!("{id}.log", id = chunk.header.id));
        let file = disk.create_new(&path)?;
        let written = write_events(&self.body(chunk), &*file)
            .and_then(|()| file.sync_data())
            .and_then(|()| disk.sync_dir(directory));
        if let Err(error) = written {
            // A part of the events would be taken for all of them.
            let _ = disk.remove(&path);
            return Err(error);
        }
        self.remove(chunk)?;
        Ok(path)
    }

    pub(super) fn set_aside(&self, chunk: &SealedChunk) -> io::Result<PathBuf> {
        let backup = self.names.backup_dir();
        self.fs.create_dir_all(&backup)?;
        let file_name = chunk.path.file_name().unwrap_or_default();
        let aside = backup.join(file_name);
        self.fs.rename(&chunk.path, &aside)?;
        self.fs.sync_dir(&backup)?;
        self.sync_dir()?;
        Ok(aside)
    }

    pub(super) fn set_aside_files(&self) -> Vec<PathBuf> {
        self.fs.list(&self.names.backup_dir()).unwrap_or_default()
    }
}

fn write_events(body: &ChunkBody, file: &dyn File) -> io::Result<()> {
    let mut events = body.open()?;
    let mut window = vec![0; 64 * 1024];
    let mut offset = 0;
    loop {
        let count = events.read(&mut window)?;
        let Some(read) = window.get(..count).filter(|read| !read.is_empty()) else {
            return Ok(());
        };
        file.write_all_at(read, offset)?;
        offset += count as u64;
    }
}
