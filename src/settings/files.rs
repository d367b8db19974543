//! The files that a configuration was read from: to know when they change, and to read the
//! same configuration with renewed keys and certificates.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use fluent_compat::config::{Entry, Loader};

use crate::host::fs::Fingerprint;

/// What was read, and what it was like then.
#[derive(Clone, Default)]
pub struct Files {
    /// `fluent.conf` and what it includes.
    texts: BTreeMap<PathBuf, Vec<u8>>,
    /// Directories that `@include` has looked into.
    directories: BTreeMap<PathBuf, Vec<Entry>>,
    /// Keys, certificates, and what else is no configuration; `None` for what is not there.
    material: BTreeMap<PathBuf, Option<Fingerprint>>,
}

impl Files {
    /// Keys, certificates, and what else is no configuration, as they were just before they
    /// were read; `None` for what was not there.
    pub fn material(&self) -> &BTreeMap<PathBuf, Option<Fingerprint>> {
        &self.material
    }

    /// A loader that knows the configuration by heart and reads all else from another.
    pub(super) fn over<'a>(&'a self, loader: &'a dyn Loader) -> impl Loader + 'a {
        Remembered {
            files: self,
            loader,
        }
    }
}

struct Remembered<'a> {
    files: &'a Files,
    loader: &'a dyn Loader,
}

impl Loader for Remembered<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.files.texts.get(path) {
            Some(text) => Ok(text.clone()),
            None => self.loader.read(path),
        }
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<Entry>> {
        match self.files.directories.get(directory) {
            Some(entries) => Ok(entries.clone()),
            None => self.loader.list(directory),
        }
    }
}

/// Reads by another loader, and takes note of it.
pub(super) struct Recorder<'a> {
    loader: &'a dyn Loader,
    read: RefCell<BTreeMap<PathBuf, Recorded>>,
    directories: RefCell<BTreeMap<PathBuf, Vec<Entry>>>,
}

struct Recorded {
    fingerprint: Option<Fingerprint>,
    content: Option<Vec<u8>>,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(loader: &'a dyn Loader) -> Self {
        Self {
            loader,
            read: RefCell::default(),
            directories: RefCell::default(),
        }
    }

    /// All that was read; `texts` are the paths of the configuration's own files.
    pub(super) fn finish<'p>(self, texts: impl Iterator<Item = &'p Path>) -> Files {
        let mut files = Files {
            directories: self.directories.into_inner(),
            ..Files::default()
        };
        let mut read = self.read.into_inner();
        for path in texts {
            if let Some(content) = read.remove(path).and_then(|recorded| recorded.content) {
                files.texts.insert(path.to_owned(), content);
            }
        }
        let material = read.into_iter();
        files.material = material
            .map(|(path, recorded)| (path, recorded.fingerprint))
            .collect();
        files
    }
}

impl Loader for Recorder<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        // NOTE: before the content: what changes in between is then seen as a change.
        let fingerprint = Fingerprint::of(path);
        let content = self.loader.read(path);
        let recorded = Recorded {
            fingerprint,
            content: content.as_ref().ok().cloned(),
        };
        self.read.borrow_mut().insert(path.to_owned(), recorded);
        content
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<Entry>> {
        let entries = self.loader.list(directory)?;
        let mut directories = self.directories.borrow_mut();
        directories.insert(directory.to_owned(), entries.clone());
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use fluent_compat::config::Texts;

    use super::*;

    #[test]
    fn the_configuration_is_remembered_and_its_keys_are_read_again() {
        let disk = Texts::one("a.conf", "old").with("key.pem", "old key");
        let recorder = Recorder::new(&disk);
        for path in ["a.conf", "key.pem", "absent.pem"] {
            let _ = recorder.read(Path::new(path));
        }
        let files = recorder.finish([Path::new("a.conf")].into_iter());
        let material: Vec<_> = files.material().keys().collect();
        assert_eq!(material, [Path::new("absent.pem"), Path::new("key.pem")]);

        let disk = Texts::one("a.conf", "half-wri").with("key.pem", "new key");
        let renewed = files.over(&disk);
        assert_eq!(renewed.read(Path::new("a.conf")).unwrap(), b"old");
        assert_eq!(renewed.read(Path::new("key.pem")).unwrap(), b"new key");
    }
}
