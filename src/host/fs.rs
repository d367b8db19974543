//! The filesystem, as narrow as buffers and the sink for files need it.
//!
//! The calls block: they are made from a buffer's own thread or from a blocking task,
//! never from an async one. `DiskFs` is the machine's disk, `MemoryFs` keeps files in
//! memory and is what `@type memory` buffers write to.

#[cfg(test)]
pub(crate) mod crashing;
mod disk;
mod fingerprint;
mod memory;
mod mode;

use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};

pub use disk::{DiskFs, Listed, Walked, append_to, list_directory, walk};
pub use fingerprint::Fingerprint;
pub use memory::MemoryFs;
pub use mode::{Mode, ModeError, Modes};

/// Directories and files by path.
pub trait Fs: Send + Sync + 'static {
    /// Creates a directory and those above it; one that is there is fine.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;
    /// The plain files directly in a directory, in no particular order.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;
    /// Creates a file that must not be there yet.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn File>>;
    /// Opens a file that is there, for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Box<dyn File>>;
    /// Opens a file that is there, for reading alone: one that may not be written, too.
    fn open_to_read(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.open(path)
    }
    /// Renames a file, replacing one that is there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Renames a file, unless one is there under the new name (`AlreadyExists`). A file that
    /// is not there is `NotFound` whatever has the new name.
    fn rename_exclusive(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes creations, renames and removals in the directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Keeps everybody else who asks for this lock out until the answer is dropped or the
    /// process ends, however it ends. The file stays.
    ///
    /// # Errors
    /// `WouldBlock` while somebody else has it; `Unsupported` where files cannot be locked.
    fn lock(&self, path: &Path) -> io::Result<Lock>;
    /// Whether anything has the name.
    fn exists(&self, path: &Path) -> io::Result<bool> {
        match self.open(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
    /// A whole file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file = self.open(path)?;
        let length = usize::try_from(file.len()?).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        let found = file.read_full_at(&mut bytes, 0)?;
        bytes.truncate(found);
        Ok(bytes)
    }
}

/// What `Fs::lock` gives: others are kept out as long as it is there.
#[must_use]
pub struct Lock {
    /// `None` where there are no others.
    file: Option<Box<dyn File>>,
}

impl Lock {
    fn held_by(file: impl File + 'static) -> Self {
        Self {
            file: Some(Box::new(file)),
        }
    }

    fn alone() -> Self {
        Self { file: None }
    }

    /// Whether others still look at the file that is locked: not once it was removed.
    pub fn is_in_force(&self) -> bool {
        let file = self.file.as_ref();
        file.is_none_or(|file| file.is_linked().unwrap_or(true))
    }
}

/// An open file. There is no cursor: every call says its offset.
#[allow(
    clippy::len_without_is_empty,
    reason = "an empty file is not a special case"
)]
pub trait File: Send + Sync {
    /// Writes all of it, or fails having written any part of it.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Reads up to a bufferful; 0 at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Makes the content durable (fdatasync).
    fn sync_data(&self) -> io::Result<()>;
    /// Cuts or extends the file.
    fn set_len(&self, length: u64) -> io::Result<()>;
    /// The length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Whether it still has a name. What is written to a file that somebody has removed is
    /// gone when it is closed.
    fn is_linked(&self) -> io::Result<bool> {
        Ok(true)
    }

    /// Fills the buffer unless the file ends before; returns how much was read.
    fn read_full_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read_at(rest, offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

/// Whether the process, or the machine, has as many files and sockets open as it may.
pub fn is_out_of_descriptors(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let code = error.raw_os_error();
    [Errno::MFILE, Errno::NFILE]
        .iter()
        .any(|errno| code == Some(errno.raw_os_error()))
}

/// Reads a file from an offset on.
pub struct Cursor<F> {
    file: F,
    offset: u64,
}

impl<F> Cursor<F> {
    /// Starts at `offset` of `file`.
    pub fn new(file: F, offset: u64) -> Self {
        Self { file, offset }
    }
}

impl<F> io::Read for Cursor<F>
where
    F: Deref,
    F::Target: File,
{
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}
