//! The machine's disk.

use std::fs::{self, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::{File, Fs, Lock, Mode, Modes};

/// Fluentd's own, of which the process's umask takes what it takes.
const DEFAULT_FILE_MODE: u32 = 0o644;
const DEFAULT_DIR_MODE: u32 = 0o755;

/// The machine's filesystem.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskFs {
    modes: Modes,
}

impl DiskFs {
    /// Files and directories are created with these permissions.
    pub fn with_modes(modes: Modes) -> Self {
        Self { modes }
    }

    fn create(&self, options: &mut fs::OpenOptions, path: &Path) -> io::Result<fs::File> {
        let file = options
            .read(true)
            .write(true)
            .mode(self.modes.file.map_or(DEFAULT_FILE_MODE, Mode::bits))
            .open(path)?;
        if let Some(mode) = self.modes.file {
            // The mode of `open` loses what the umask has; a parameter is to be kept.
            file.set_permissions(fs::Permissions::from_mode(mode.bits()))?;
        }
        Ok(file)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let mode = self.modes.dir.map_or(DEFAULT_DIR_MODE, Mode::bits);
        match fs::DirBuilder::new().mode(mode).create(dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
            Err(error) => Err(error),
            Ok(()) => {
                if let Some(mode) = self.modes.dir {
                    fs::set_permissions(dir, fs::Permissions::from_mode(mode.bits()))?;
                }
                // Or a power cut takes the directory with all that is synced in it.
                let above = dir.parent().filter(|above| !above.as_os_str().is_empty());
                fs::File::open(above.unwrap_or(Path::new(".")))?.sync_all()
            }
        }
    }
}

impl Fs for DiskFs {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        let missing = |dir: &&Path| !dir.as_os_str().is_empty() && !dir.is_dir();
        let missing: Vec<_> = dir.ancestors().take_while(missing).collect();
        let mut from_the_top = missing.into_iter().rev();
        from_the_top.try_for_each(|dir| self.create_dir(dir))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                files.push(entry.path());
            }
        }
        Ok(files)
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let file = self.create(fs::OpenOptions::new().create_new(true), path)?;
        Ok(Box::new(DiskFile(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let mut options = fs::OpenOptions::new();
        let file = options.read(true).write(true).open(path)?;
        Ok(Box::new(DiskFile(file)))
    }

    fn open_to_read(&self, path: &Path) -> io::Result<Box<dyn File>> {
        Ok(Box::new(DiskFile(fs::File::open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn rename_exclusive(&self, from: &Path, to: &Path) -> io::Result<()> {
        let renamed = renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE);
        match renamed {
            // Some network filesystems cannot: then nobody else may write there.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                match fs::exists(from)? && fs::exists(to)? {
                    true => Err(io::ErrorKind::AlreadyExists.into()),
                    false => fs::rename(from, to),
                }
            }
            renamed => Ok(renamed?),
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        fs::File::open(dir)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        let file = match fs::OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.create(fs::OpenOptions::new().create(true), path)?
            }
            opened => opened?,
        };
        match file.try_lock() {
            Ok(()) => Ok(Lock::held_by(DiskFile(file))),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(match error.raw_os_error() {
                // What a network filesystem without a lock service says.
                Some(code) if code == Errno::NOLCK.raw_os_error() => {
                    io::Error::new(io::ErrorKind::Unsupported, error)
                }
                _ => error,
            }),
        }
    }

    /// Overridden for directories, and files of others.
    fn exists(&self, path: &Path) -> io::Result<bool> {
        fs::exists(path)
    }

    /// Overridden so that files which may only be read (keys, configurations) can be.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }
}

/// Opens a file for appending, creating it if need be: a log.
///
/// # Errors
/// As the system says.
pub fn append_to(path: &Path) -> io::Result<impl io::Write + Send + 'static> {
    fs::OpenOptions::new().create(true).append(true).open(path)
}

/// One entry of a directory.
pub struct Listed {
    /// Its name, without a path.
    pub name: String,
    /// A symbolic link counts as what it points at.
    pub is_directory: bool,
}

/// What lies in a directory, in no particular order, as far as its names are text.
///
/// # Errors
/// As the system says.
pub fn list_directory(directory: &Path) -> io::Result<Vec<Listed>> {
    let mut listed = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string() {
            let is_directory = entry.path().is_dir();
            listed.push(Listed { name, is_directory });
        }
    }
    Ok(listed)
}

/// One file below a directory.
pub struct Walked {
    /// Its path from there, with `/` between its parts.
    pub path: String,
    /// In bytes.
    pub length: u64,
    /// When it was last written, in unix seconds.
    pub modified: i64,
}

/// All files below a directory, as far as their names are text. Links to directories are not
/// followed.
///
/// # Errors
/// As the system says.
pub fn walk(directory: &Path) -> io::Result<Vec<Walked>> {
    let mut files = Vec::new();
    let mut left = vec![String::new()];
    while let Some(below) = left.pop() {
        for entry in fs::read_dir(directory.join(&below))? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = format!("{below}{name}");
            if entry.file_type()?.is_dir() {
                left.push(path + "/");
                continue;
            }
            let facts = fs::metadata(entry.path())?;
            if facts.is_file() {
                files.push(Walked {
                    path,
                    length: facts.len(),
                    modified: facts.mtime(),
                });
            }
        }
    }
    Ok(files)
}

struct DiskFile(fs::File);

impl File for DiskFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn is_linked(&self) -> io::Result<bool> {
        Ok(self.0.metadata()?.nlink() > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn what_is_created_has_the_modes_that_are_asked_for() {
        let scratch = tempfile::tempdir().unwrap();
        let disk = DiskFs::with_modes(Modes {
            file: Some("0666".parse().unwrap()),
            dir: Some("2777".parse().unwrap()),
        });
        let dir = scratch.path().join("one/two");
        disk.create_dir_all(&dir).unwrap();
        disk.create_dir_all(&dir).unwrap();
        disk.create_new(&dir.join("file")).unwrap();
        assert_eq!(mode_of(&dir.join("file")), 0o666);
        assert_eq!(mode_of(&dir), 0o2777);
        assert_eq!(mode_of(&scratch.path().join("one")), 0o2777);
    }

    #[test]
    fn what_was_there_keeps_its_mode() {
        let scratch = tempfile::tempdir().unwrap();
        let before = mode_of(scratch.path());
        let private: Mode = "0700".parse().unwrap();
        let disk = DiskFs::with_modes(Modes {
            file: None,
            dir: Some(private),
        });
        disk.create_dir_all(&scratch.path().join("one")).unwrap();
        assert_eq!(mode_of(scratch.path()), before);
    }

    #[test]
    fn a_file_that_was_removed_is_not_linked() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("file");
        let file = DiskFs::default().create_new(&path).unwrap();
        assert!(file.is_linked().unwrap());
        fs::remove_file(&path).unwrap();
        assert!(!file.is_linked().unwrap());
    }

    #[test]
    fn a_lock_keeps_others_out_until_it_is_dropped() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("buffer.lock");
        let disk = DiskFs::default();
        let held = disk.lock(&path).unwrap();
        let refused = disk.lock(&path).err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
        drop(held);
        assert!(disk.lock(&path).is_ok());
    }
}
