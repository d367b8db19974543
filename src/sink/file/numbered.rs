//! A file of its own for each chunk.
//!
//! 1. The chunk is written whole to `.<chunk id>.part` beside its place, synced, and renamed
//!    to `.<chunk id>.whole`; the directory is synced.
//! 2. The file's name is written into the chunk (the caller does it).
//! 3. `.whole` gets that name, unless something has it, in one step; the directory is synced.
//!
//! So a chunk with a name has its `.whole`, or it has become the file of that name. Another's
//! file of the same name, even with the same bytes, is not mistaken for it.

use std::io;
use std::path::{Path, PathBuf};

use fluent_compat::chunk::ChunkId;

use super::{Packing, directory_of, make_directory};
use crate::host::fs::Fs;
use crate::sink::{Body, Put};

/// A chunk's file, and the names it has until it is done.
pub(super) struct File<'a> {
    pub(super) path: &'a Path,
    dir: &'a Path,
    part: PathBuf,
    whole: PathBuf,
    packing: Packing,
}

impl<'a> File<'a> {
    pub(super) fn new(path: &'a Path, id: ChunkId, packing: Packing) -> Self {
        let dir = directory_of(path);
        let extension = packing.extension();
        Self {
            path,
            dir,
            part: dir.join(format!(".{id}{extension}.part")),
            whole: dir.join(format!(".{id}{extension}.whole")),
            packing,
        }
    }

    /// Step 1, unless it is done.
    pub(super) fn make_ready(&self, fs: &dyn Fs, body: &dyn Body) -> io::Result<()> {
        if !fs.exists(&self.whole)? {
            self.write(fs, body).inspect_err(|_| {
                // The disk may be full: what is of no use makes room.
                let _ = fs.remove(&self.part);
            })?;
        }
        fs.sync_dir(self.dir)
    }

    /// Step 3.
    pub(super) fn put(&self, fs: &dyn Fs, body: &dyn Body) -> io::Result<Put> {
        let mut renamed = fs.rename_exclusive(&self.whole, self.path);
        if is_missing(&renamed) {
            if fs.exists(self.path)? {
                // An attempt before has renamed it, and may have failed to sync that.
                fs.sync_dir(self.dir)?;
                return Ok(Put::AlreadyThere);
            }
            // Somebody has taken away what was made ready, or the file it became.
            self.make_ready(fs, body)?;
            renamed = fs.rename_exclusive(&self.whole, self.path);
        }
        match renamed {
            Ok(()) => {
                fs.sync_dir(self.dir)?;
                Ok(Put::Stored)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Put::NameTaken),
            Err(error) => Err(error),
        }
    }

    fn write(&self, fs: &dyn Fs, body: &dyn Body) -> io::Result<()> {
        let removed = fs.remove(&self.part);
        if !is_missing(&removed) {
            removed?;
        }
        let file = match fs.create_new(&self.part) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_directory(fs, self.dir)?;
                fs.create_new(&self.part)?
            }
            created => created?,
        };
        self.packing.write(body, &*file, 0)?;
        file.sync_data()?;
        fs.rename(&self.part, &self.whole)
    }
}

fn is_missing(result: &io::Result<()>) -> bool {
    matches!(result, Err(error) if error.kind() == io::ErrorKind::NotFound)
}
