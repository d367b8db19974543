//! Where objects and digests lie: a bucket, or a directory with a copy of it.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::evidence::{Contents, Hashing};
use crate::host::fs::{self, Cursor, DiskFs, Fs};
use crate::sink::s3::{ReadError, Reader};

/// No digest is larger: it would list a hundred times as many objects as one ever does.
const LARGEST_DIGEST: u64 = 1 << 30;

/// A place that is looked into.
#[derive(Clone)]
pub(super) enum Place {
    Bucket {
        reader: Reader,
        /// `s3://bucket/`
        name: String,
        prefix: String,
    },
    Directory(PathBuf),
}

/// Something that lies there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// Its name: the whole key in a bucket, the path below the directory else.
    pub(super) name: String,
    /// In bytes.
    pub(super) size: u64,
    /// When it was stored, in unix seconds.
    pub(super) modified: i64,
}

/// A place that cannot be looked into.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlaceError {
    #[error(transparent)]
    Bucket(#[from] ReadError),
    #[error("{path}: {source}")]
    File { path: String, source: io::Error },
}

impl Place {
    /// What everything is called by in what is said.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Bucket { name, prefix, .. } => format!("{name}{prefix}"),
            Self::Directory(root) => root.display().to_string(),
        }
    }

    /// What the names of all objects here begin with; `None` if only the digests can tell.
    pub(super) fn prefix(&self) -> Option<&str> {
        match self {
            Self::Bucket { prefix, .. } => Some(prefix),
            Self::Directory(_) => None,
        }
    }

    pub(super) async fn list(&self) -> Result<Vec<Listed>, PlaceError> {
        match self {
            Self::Bucket { reader, prefix, .. } => {
                let objects = reader.list(prefix).await?.into_iter();
                let listed = objects.map(|object| Listed {
                    name: object.key,
                    size: object.size,
                    modified: object.modified,
                });
                // What consoles make for a folder.
                Ok(listed
                    .filter(|object| !object.name.ends_with('/'))
                    .collect())
            }
            Self::Directory(root) => {
                let files = fs::walk(root).map_err(|source| at(root, source))?;
                let listed = files.into_iter().map(|file| Listed {
                    name: file.path,
                    size: file.length,
                    modified: file.modified,
                });
                Ok(listed.collect())
            }
        }
    }

    /// A whole digest.
    pub(super) async fn read(&self, listed: &Listed) -> Result<Option<Vec<u8>>, PlaceError> {
        if listed.size > LARGEST_DIGEST {
            return Ok(Some(Vec::new()));
        }
        match self {
            Self::Bucket { reader, .. } => {
                let Some(mut body) = reader.get(&listed.name).await? else {
                    return Ok(None);
                };
                let mut bytes = Vec::new();
                while let Some(piece) = body.next().await? {
                    bytes.extend_from_slice(&piece);
                }
                Ok(Some(bytes))
            }
            Self::Directory(root) => {
                let path = root.join(&listed.name);
                let read = DiskFs::default().read(&path);
                read.map(Some).map_err(|source| at(&path, source))
            }
        }
    }

    /// What is really there under a name; `None` if it is gone meanwhile. Memory stays flat.
    pub(super) async fn contents(&self, name: &str) -> Result<Option<Contents>, PlaceError> {
        match self {
            Self::Bucket { reader, .. } => {
                let Some(mut body) = reader.get(name).await? else {
                    return Ok(None);
                };
                let mut hashing = Hashing::new();
                while let Some(piece) = body.next().await? {
                    hashing.update(&piece);
                }
                Ok(Some(hashing.finish()))
            }
            Self::Directory(root) => {
                let path = Arc::new(root.join(name));
                let file = Arc::clone(&path);
                let hashed = tokio::task::spawn_blocking(move || hash(&file)).await;
                let hashed = hashed.unwrap_or_else(|panic| Err(io::Error::other(panic)));
                hashed.map(Some).map_err(|source| at(&path, source))
            }
        }
    }
}

fn hash(path: &Path) -> io::Result<Contents> {
    let mut file = Cursor::new(DiskFs::default().open_to_read(path)?, 0);
    let mut window = vec![0; 256 * 1024];
    let mut hashing = Hashing::new();
    loop {
        let count = file.read(&mut window)?;
        match window.get(..count) {
            None | Some([]) => return Ok(hashing.finish()),
            Some(read) => hashing.update(read),
        }
    }
}

fn at(path: &Path, source: io::Error) -> PlaceError {
    let path = path.display().to_string();
    PlaceError::File { path, source }
}
