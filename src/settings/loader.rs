//! The machine's files, as the configuration language reads them.

use std::io;
use std::path::Path;

use fluent_compat::config::{Entry, EntryKind, Loader};

use crate::host::fs::{DiskFs, Fs, Listed};

/// Reads configuration, key and certificate files from the disk.
pub(crate) struct DiskLoader;

impl Loader for DiskLoader {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        DiskFs::default().read(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<Entry>> {
        let entries = crate::host::fs::list_directory(directory)?;
        let entry = |listed: Listed| Entry {
            kind: match listed.is_directory {
                true => EntryKind::Directory,
                false => EntryKind::File,
            },
            name: listed.name,
        };
        Ok(entries.into_iter().map(entry).collect())
    }
}
