//! Files in memory.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{File, Fs, Lock};

/// A filesystem in memory. Syncing is free and promises nothing.
///
/// Locks: `files` before one file's bytes; neither is held across a call out of here.
#[derive(Clone, Default)]
pub struct MemoryFs {
    files: Arc<Mutex<BTreeMap<PathBuf, MemoryFile>>>,
}

#[derive(Clone, Default)]
struct MemoryFile(Arc<Mutex<Vec<u8>>>);

impl MemoryFs {
    fn files(&self) -> MutexGuard<'_, BTreeMap<PathBuf, MemoryFile>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fs for MemoryFs {
    fn create_dir_all(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let files = self.files();
        let in_dir = files.keys().filter(|path| path.parent() == Some(dir));
        Ok(in_dir.cloned().collect())
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let mut files = self.files();
        if files.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = files.entry(path.to_owned()).or_default();
        Ok(Box::new(file.clone()))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        match self.files().get(path) {
            Some(file) => Ok(Box::new(file.clone())),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut files = self.files();
        let file = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn rename_exclusive(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut files = self.files();
        if !files.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        if files.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = files.remove(from).unwrap_or_default();
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let removed = self.files().remove(path);
        removed.map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, _path: &Path) -> io::Result<Lock> {
        Ok(Lock::alone())
    }
}

impl MemoryFile {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl File for MemoryFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        let mut content = self.bytes();
        if offset == content.len() {
            content.extend_from_slice(bytes);
            return Ok(());
        }
        let end = offset + bytes.len();
        if content.len() < end {
            content.resize(end, 0);
        }
        if let Some(target) = content.get_mut(offset..end) {
            target.copy_from_slice(bytes);
        }
        Ok(())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        let content = self.bytes();
        let rest = content.get(offset..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(from), Some(to)) = (rest.get(..count), buffer.get_mut(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).map_err(io::Error::other)?;
        self.bytes().resize(length, 0);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes().len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_reads_back_as_it_was_written_and_cut() {
        let fs = MemoryFs::default();
        let file = fs.create_new(Path::new("/b/one")).unwrap();
        file.write_all_at(b"hello", 0).unwrap();
        file.write_all_at(b"!", 7).unwrap();
        assert_eq!(fs.read(Path::new("/b/one")).unwrap(), b"hello\0\0!");
        file.set_len(2).unwrap();
        assert_eq!(fs.read(Path::new("/b/one")).unwrap(), b"he");
    }

    #[test]
    fn a_name_that_is_taken_is_told_and_a_file_that_is_missing_before_that() {
        let disk = tempfile::tempdir().unwrap();
        let both: [(Box<dyn Fs>, &Path); 2] = [
            (Box::new(MemoryFs::default()), Path::new("/b")),
            (Box::new(crate::host::fs::DiskFs::default()), disk.path()),
        ];
        for (fs, dir) in both {
            let rename = |from: &str, to: &str| {
                let renamed = fs.rename_exclusive(&dir.join(from), &dir.join(to));
                renamed.map_err(|error| error.kind())
            };
            fs.create_new(&dir.join("one")).unwrap();
            assert_eq!(rename("one", "two"), Ok(()));
            fs.create_new(&dir.join("one")).unwrap();
            assert_eq!(rename("one", "two"), Err(io::ErrorKind::AlreadyExists));
            assert_eq!(rename("three", "two"), Err(io::ErrorKind::NotFound));
            assert!(fs.exists(&dir.join("one")).unwrap());
            assert!(!fs.exists(&dir.join("three")).unwrap());
        }
    }

    #[test]
    fn a_renamed_file_is_found_under_its_new_name_only() {
        let fs = MemoryFs::default();
        fs.create_new(Path::new("/b/one")).unwrap();
        fs.rename(Path::new("/b/one"), Path::new("/b/two")).unwrap();
        assert_eq!(fs.list(Path::new("/b")).unwrap(), [Path::new("/b/two")]);
        assert!(fs.open(Path::new("/b/one")).is_err());
    }
}
