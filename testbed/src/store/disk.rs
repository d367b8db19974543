//! Buckets and objects as directories and files.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use tempfile::NamedTempFile;

use super::sidecar::Sidecar;
use super::{StoreError, StoredObject};

/// Everything of ours lies below this name, which no bucket can have.
const HIDDEN: &str = ".store";

/// The directory of a store.
#[derive(Debug)]
pub(super) struct Disk {
    root: PathBuf,
    /// Held while a name is given to an object, so that a condition and the naming are one
    /// step. Nothing is locked after it.
    naming: Mutex<()>,
}

/// What may happen to an object that has the name already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Existing {
    Keep,
    Replace,
}

/// Whether the object got its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Committed {
    Stored,
    NameTaken,
}

/// An object's headers, size and age.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) size: u64,
    pub(super) modified: SystemTime,
    pub(super) sidecar: Sidecar,
}

impl Disk {
    pub(super) fn open(root: &Path) -> Result<Disk, StoreError> {
        let disk = Disk {
            root: root.to_owned(),
            naming: Mutex::new(()),
        };
        create_dir(&disk.incoming_dir())?;
        create_dir(&disk.meta_dir())?;
        Ok(disk)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn create_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        create_dir(&below(&self.root, bucket)?)
    }

    pub(super) fn remove_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        for directory in [below(&self.root, bucket)?, below(&self.meta_dir(), bucket)?] {
            absent_is_fine(std::fs::remove_dir_all(&directory), &directory)?;
        }
        Ok(())
    }

    pub(super) fn has_bucket(&self, bucket: &str) -> bool {
        below(&self.root, bucket).is_ok_and(|directory| directory.is_dir())
    }

    /// A file for an object that is on its way in; it goes away unless it is committed.
    pub(super) fn incoming(&self) -> Result<NamedTempFile, StoreError> {
        let directory = self.incoming_dir();
        NamedTempFile::new_in(&directory).map_err(at(&directory))
    }

    /// Gives an object its name.
    pub(super) fn commit(
        &self,
        file: NamedTempFile,
        bucket: &str,
        key: &str,
        sidecar: &Sidecar,
        existing: Existing,
    ) -> Result<Committed, StoreError> {
        let (object, meta) = self.places(bucket, key)?;
        let _naming = self.naming.lock().unwrap_or_else(PoisonError::into_inner);
        if existing == Existing::Keep && object.exists() {
            return Ok(Committed::NameTaken);
        }
        for parent in [object.parent(), meta.parent()].into_iter().flatten() {
            create_dir(parent)?;
        }
        let json = serde_json::to_vec_pretty(sidecar).map_err(|source| StoreError::Sidecar {
            path: meta.clone(),
            source,
        })?;
        std::fs::write(&meta, json).map_err(at(&meta))?;
        file.persist(&object)
            .map_err(|error| at(&object)(error.error))?;
        Ok(Committed::Stored)
    }

    /// The object of this name, if there is one.
    pub(super) fn find(&self, bucket: &str, key: &str) -> Result<Option<Found>, StoreError> {
        let (path, meta) = self.places(bucket, key)?;
        let facts = match std::fs::metadata(&path) {
            Ok(facts) if facts.is_file() => facts,
            Ok(_) => return Ok(None),
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(at(&path)(error)),
        };
        Ok(Some(Found {
            size: facts.len(),
            modified: facts.modified().map_err(at(&path))?,
            sidecar: read_sidecar(&meta)?,
            path,
        }))
    }

    pub(super) fn delete(&self, bucket: &str, key: &str) -> Result<(), StoreError> {
        let (object, meta) = self.places(bucket, key)?;
        for file in [object, meta] {
            absent_is_fine(std::fs::remove_file(&file), &file)?;
        }
        Ok(())
    }

    /// The keys of a bucket, in order.
    pub(super) fn keys(&self, bucket: &str) -> Result<BTreeSet<String>, StoreError> {
        let mut keys = BTreeSet::new();
        collect_keys(&below(&self.root, bucket)?, "", &mut keys)?;
        Ok(keys)
    }

    pub(super) fn objects(&self) -> Result<Vec<StoredObject>, StoreError> {
        let mut objects = Vec::new();
        for (bucket, _) in entries(&self.root)? {
            if bucket == HIDDEN {
                continue;
            }
            for key in self.keys(&bucket)? {
                let Some(found) = self.find(&bucket, &key)? else {
                    continue;
                };
                objects.push(StoredObject {
                    bucket: bucket.clone(),
                    key,
                    size: found.size,
                    content_type: found.sidecar.content_type,
                    content_encoding: found.sidecar.content_encoding,
                    storage_class: found.sidecar.storage_class,
                    metadata: found.sidecar.metadata,
                    path: found.path,
                });
            }
        }
        Ok(objects)
    }

    fn places(&self, bucket: &str, key: &str) -> Result<(PathBuf, PathBuf), StoreError> {
        let object = below(&below(&self.root, bucket)?, key)?;
        let meta = below(&below(&self.meta_dir(), bucket)?, key)?;
        Ok((object, meta))
    }

    fn incoming_dir(&self) -> PathBuf {
        self.root.join(HIDDEN).join("incoming")
    }

    fn meta_dir(&self) -> PathBuf {
        self.root.join(HIDDEN).join("meta")
    }
}

/// A name below a directory; refuses what would climb out of it or be another key's file
/// (`a//b` is a key of its own in S3, but not in a file system).
fn below(directory: &Path, name: &str) -> Result<PathBuf, StoreError> {
    let relative = Path::new(name);
    let same = relative
        .components()
        .map(|part| match part {
            Component::Normal(part) => part.to_str(),
            _ => None,
        })
        .collect::<Option<Vec<_>>>()
        .is_some_and(|parts| !parts.is_empty() && parts.join("/") == name);
    if same {
        Ok(directory.join(relative))
    } else {
        Err(StoreError::Name(name.to_owned()))
    }
}

fn collect_keys(
    directory: &Path,
    prefix: &str,
    keys: &mut BTreeSet<String>,
) -> Result<(), StoreError> {
    for (name, is_directory) in entries(directory)? {
        if is_directory {
            let prefix = format!("{prefix}{name}/");
            collect_keys(&directory.join(&name), &prefix, keys)?;
        } else {
            keys.insert(format!("{prefix}{name}"));
        }
    }
    Ok(())
}

/// The names in a directory, and which of them are directories; none when it is gone.
fn entries(directory: &Path) -> Result<Vec<(String, bool)>, StoreError> {
    let listing = match std::fs::read_dir(directory) {
        Ok(listing) => listing,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(at(directory)(error)),
    };
    let mut names = Vec::new();
    for entry in listing {
        let entry = entry.map_err(at(directory))?;
        let is_directory = entry.file_type().map_err(at(directory))?.is_dir();
        let name = entry.file_name().to_string_lossy().into_owned();
        names.push((name, is_directory));
    }
    names.sort();
    Ok(names)
}

fn read_sidecar(path: &Path) -> Result<Sidecar, StoreError> {
    let json = std::fs::read(path).map_err(at(path))?;
    serde_json::from_slice(&json).map_err(|source| StoreError::Sidecar {
        path: path.to_owned(),
        source,
    })
}

fn create_dir(directory: &Path) -> Result<(), StoreError> {
    std::fs::create_dir_all(directory).map_err(at(directory))
}

fn absent_is_fine(result: std::io::Result<()>, path: &Path) -> Result<(), StoreError> {
    match result {
        Err(error) if !is_absent(&error) => Err(at(path)(error)),
        _ => Ok(()),
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::File { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_cannot_climb_out_of_its_bucket() {
        for name in ["../x", "a/../../x", "/etc/x", "", ".", "a//b", "a/", "./a"] {
            assert!(below(Path::new("/store"), name).is_err(), "{name}");
        }
        assert!(below(Path::new("/store"), "logs/2026/11/21.gz").is_ok());
    }
}
