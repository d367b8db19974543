//! The ledger's directory: which files there are, and how they become durable.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::entry::ChainId;
use crate::host::fs::{File, Fs, Lock};

/// A directory that nobody else works in.
pub(super) struct Files {
    fs: Arc<dyn Fs>,
    directory: PathBuf,
    lock: Option<Lock>,
}

/// What a file is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The ledger that leads to this digest.
    Ledger(u64),
    /// A digest that is signed.
    Digest((ChainId, u64)),
    /// What was not finished.
    Unfinished,
    /// What is not ours to touch: the lock, and what was set aside.
    Other,
}

impl Files {
    /// Takes the directory for this process, and makes it if need be.
    pub(super) fn take(fs: Arc<dyn Fs>, directory: &Path) -> io::Result<Self> {
        let mut files = Self {
            fs,
            directory: directory.to_owned(),
            lock: None,
        };
        files.take_possession()?;
        Ok(files)
    }

    /// At the start, and when somebody has removed the directory since.
    ///
    /// # Errors
    /// `ResourceBusy` when another process has it: there would be two chains of one id.
    pub(super) fn take_possession(&mut self) -> io::Result<()> {
        if self.lock.as_ref().is_some_and(Lock::is_in_force) {
            return Ok(());
        }
        self.fs.create_dir_all(&self.directory)?;
        let path = self.directory.join("lock");
        match self.fs.lock(&path) {
            Ok(lock) => self.lock = Some(lock),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let message = format!("another process has it: {} is locked", path.display());
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, message));
            }
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                tracing::warn!(path = %path.display(), %error, "files cannot be locked here; see to it that no other process uses this directory");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// All files, and what they are.
    pub(super) fn list(&self) -> io::Result<Vec<(Kind, PathBuf)>> {
        let paths = self.fs.list(&self.directory)?.into_iter();
        Ok(paths.map(|path| (kind_of(&path), path)).collect())
    }

    pub(super) fn path(&self, kind: Kind) -> PathBuf {
        let name = match kind {
            Kind::Ledger(sequence) => format!("ledger.{sequence:010}"),
            Kind::Digest((chain, sequence)) => format!("digest.{chain}.{sequence:010}"),
            Kind::Unfinished | Kind::Other => "other".to_owned(),
        };
        self.directory.join(name)
    }

    /// Writes a file that has its name only when it is whole and safe. One that has the name
    /// is replaced.
    pub(super) fn write_whole(&self, kind: Kind, bytes: &[u8]) -> io::Result<Box<dyn File>> {
        let path = self.path(kind);
        let unfinished = path.with_added_extension("tmp");
        match self.fs.remove(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = self.fs.create_new(&unfinished)?;
        file.write_all_at(bytes, 0)?;
        file.sync_data()?;
        self.fs.rename(&unfinished, &path)?;
        self.fs.sync_dir(&self.directory)?;
        Ok(file)
    }

    pub(super) fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.fs.read(path)
    }

    /// One that comes back does no harm, so nothing is synced.
    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        self.fs.remove(path)
    }

    /// Keeps a file that cannot be read out of the way.
    pub(super) fn set_aside(&self, path: &Path) -> io::Result<PathBuf> {
        let aside = path.with_added_extension("damaged");
        self.fs.rename(path, &aside)?;
        Ok(aside)
    }

    /// Keeps what was found of a file that is about to be written anew.
    pub(super) fn keep_copy(&self, path: &Path, found: &[u8]) -> io::Result<PathBuf> {
        let aside = path.with_added_extension("damaged");
        match self.fs.create_new(&aside) {
            Ok(copy) => {
                copy.write_all_at(found, 0)?;
                copy.sync_data()?;
            }
            // From a start before, which has not come so far as to write it anew.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        Ok(aside)
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }
}

fn kind_of(path: &Path) -> Kind {
    let name = path.file_name().and_then(|name| name.to_str());
    let Some((kind, sequence)) = name.and_then(|name| name.split_once('.')) else {
        return Kind::Other;
    };
    if sequence.ends_with(".tmp") {
        return Kind::Unfinished;
    }
    let place = match kind {
        "ledger" => sequence.parse().ok().map(Kind::Ledger),
        "digest" => sequence.split_once('.').and_then(|(chain, sequence)| {
            let place = (chain.parse().ok()?, sequence.parse().ok()?);
            Some(Kind::Digest(place))
        }),
        _ => None,
    };
    place.unwrap_or(Kind::Other)
}
