//! The one place of this crate that touches the disk.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::CertSet;

/// Readable and writable by the owner alone, certificates too, as Teleport's tool has it.
const MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// Why the set could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A file of the set is there already, and keys are never overwritten.
    #[error("{} exists already and is not overwritten", path.display())]
    Exists {
        /// The file that is there.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file that was to be written.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl CertSet {
    /// Writes `ca`, `server` and `client`, each `.crt` and `.key`, into a directory that exists.
    ///
    /// # Errors
    /// As [`write_new`].
    pub fn write_to(&self, directory: &Path) -> Result<(), WriteError> {
        write_new(directory, &self.files())
    }
}

/// Makes a directory that only its owner may enter, and those above it that are missing. One
/// that is there is left as it is.
///
/// # Errors
/// [`WriteError::Io`]
pub fn make_directory(path: &Path) -> Result<(), WriteError> {
    let made = DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(path);
    made.map_err(|source| failure(path, source))
}

/// Writes files that are new into a directory. All or nothing: if one cannot be written, those
/// before it are removed again.
///
/// # Errors
/// [`WriteError::Exists`] if one is there already, else [`WriteError::Io`].
pub fn write_new(directory: &Path, files: &[(&str, &str)]) -> Result<(), WriteError> {
    let paths = files
        .iter()
        .map(|(name, text)| (directory.join(name), *text));
    create_all(paths)?;
    sync(directory)
}

/// Writes files in the place of those that are there. All are on the disk under other names
/// before the first takes its place, so that what fails in writing changes nothing, and each is
/// at any time whole: the old one or the new one.
///
/// # Errors
/// [`WriteError::Io`]
pub fn replace(directory: &Path, files: &[(&str, &str)]) -> Result<(), WriteError> {
    let next = |name: &str| directory.join(format!("{name}.new"));
    for (name, _) in files {
        // One of a renewal that was killed. If it stays, creating it says why.
        let _ = fs::remove_file(next(name));
    }
    create_all(files.iter().map(|(name, text)| (next(name), *text)))?;
    for (name, _) in files {
        let path = directory.join(name);
        fs::rename(next(name), &path).map_err(|source| failure(&path, source))?;
    }
    sync(directory)
}

/// Creates all files, or none.
fn create_all<'a>(files: impl Iterator<Item = (PathBuf, &'a str)>) -> Result<(), WriteError> {
    let mut written = Vec::new();
    for (path, text) in files {
        match create(&path, text) {
            Ok(()) => written.push(path),
            Err(error) => {
                for path in written {
                    // The first error is the one to tell; what cannot be removed stays.
                    let _ = fs::remove_file(path);
                }
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Makes what was created or renamed in a directory outlast a power cut.
fn sync(directory: &Path) -> Result<(), WriteError> {
    let synced = fs::File::open(directory).and_then(|opened| opened.sync_all());
    synced.map_err(|source| failure(directory, source))
}

/// Writes a file that is new: a key never goes to where somebody else has a link prepared.
fn create(path: &Path, text: &str) -> Result<(), WriteError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(path)
        .map_err(|source| failure(path, source))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|source| {
            let _ = fs::remove_file(path);
            failure(path, source)
        })
}

fn failure(path: &Path, source: io::Error) -> WriteError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::AlreadyExists => WriteError::Exists { path },
        _ => WriteError::Io { path, source },
    }
}
