//! The one place of this crate that touches the disk.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::CertSet;

/// Readable and writable by the owner alone, certificates too, as Teleport's tool has it.
const MODE: u32 = 0o600;

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
    /// All or nothing: if one cannot be written, those before it are removed again.
    ///
    /// # Errors
    /// [`WriteError::Exists`] if one of the six is there already, else [`WriteError::Io`].
    pub fn write_to(&self, directory: &Path) -> Result<(), WriteError> {
        let mut written = Vec::new();
        for (name, text) in self.files() {
            let path = directory.join(name);
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
}

/// Writes a file that is new: a key never goes to where somebody else has a link prepared.
fn create(path: &Path, text: &str) -> Result<(), WriteError> {
    let failure = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => WriteError::Exists {
            path: path.to_owned(),
        },
        _ => WriteError::Io {
            path: path.to_owned(),
            source,
        },
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(path)
        .map_err(failure)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|source| {
            let _ = fs::remove_file(path);
            WriteError::Io {
                path: path.to_owned(),
                source,
            }
        })
}
