//! `@include`: which files are meant, and that it comes to an end.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::glob;

/// Files in files in files.
const MAX_DEPTH: usize = 32;

/// Files in all: two files that each include two more are 2³² after [`MAX_DEPTH`] steps.
const MAX_FILES: usize = 1_000;

/// Bytes of one file. Spans count in `u32`; nobody writes this much by hand.
const MAX_BYTES: usize = 4 << 20;

/// Reads the files that a configuration consists of.
pub trait Loader {
    /// A whole file.
    ///
    /// # Errors
    /// Whatever the filesystem says; `NotFound` for a path given without wildcards is a
    /// warning, as in Fluentd, all else is a mistake.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// What lies directly in a directory, in any order, without `.` and `..`.
    ///
    /// # Errors
    /// Whatever the filesystem says. A directory that cannot be listed has no match.
    fn list(&self, directory: &Path) -> io::Result<Vec<Entry>>;
}

/// One entry of a directory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Entry {
    /// Its name, without a path.
    pub name: String,
    /// What it is; a symbolic link is what it points at.
    pub kind: EntryKind,
}

/// What an entry of a directory is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum EntryKind {
    /// Something that can be read.
    File,
    /// Something that can be listed.
    Directory,
}

/// Files held in memory: for tests, fuzzing and configurations made on the fly.
#[derive(Clone, Debug, Default)]
pub struct Texts(BTreeMap<PathBuf, Vec<u8>>);

impl Texts {
    /// One file.
    pub fn one(path: impl Into<PathBuf>, text: impl Into<Vec<u8>>) -> Self {
        Self::default().with(path, text)
    }

    /// One file more.
    #[must_use]
    pub fn with(mut self, path: impl Into<PathBuf>, text: impl Into<Vec<u8>>) -> Self {
        self.0.insert(path.into(), text.into());
        self
    }
}

impl Loader for Texts {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0
            .get(path)
            .cloned()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<Entry>> {
        let below = self.0.keys().filter_map(|path| {
            let mut rest = path.strip_prefix(directory).ok()?.components();
            let name = rest.next()?.as_os_str().to_str()?.to_owned();
            let kind = if rest.next().is_none() {
                EntryKind::File
            } else {
                EntryKind::Directory
            };
            Some(Entry { name, kind })
        });
        let mut entries: Vec<Entry> = below.collect();
        entries.dedup();
        Ok(entries)
    }
}

/// Why a file is not included.
#[derive(Debug, thiserror::Error)]
pub(super) enum IncludeError {
    #[error("only files can be included, not `{scheme}:`")]
    Remote { scheme: String },
    #[error("expected the path of a file to include")]
    NoPath,
    #[error("`{}` cannot be read: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`{}` is not UTF-8: byte {offset} is no part of a character", path.display())]
    NotUtf8 { path: PathBuf, offset: usize },
    #[error("`{}` has {bytes} bytes; {MAX_BYTES} are allowed", path.display())]
    TooLarge { path: PathBuf, bytes: usize },
    #[error("files include each other in a circle: {circle}")]
    Circle { circle: String },
    #[error("files include each other more than {MAX_DEPTH} deep")]
    TooDeep,
    #[error("more than {MAX_FILES} files are included")]
    TooMany,
}

impl IncludeError {
    /// Whether there simply is no such file.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// The files being read, from the main file to the current one.
pub(super) struct Includes<'l> {
    loader: &'l dyn Loader,
    open: Vec<PathBuf>,
    count: usize,
}

impl<'l> Includes<'l> {
    pub(super) fn new(loader: &'l dyn Loader) -> Self {
        Self {
            loader,
            open: Vec::new(),
            count: 0,
        }
    }

    /// The files that a path or pattern names in the current file, sorted. A path without
    /// wildcards names one, whether or not it is there.
    pub(super) fn resolve(&self, pattern: &str) -> Result<Vec<PathBuf>, IncludeError> {
        let path = match pattern.split_once(':') {
            Some(("file", path)) => path.strip_prefix("//").unwrap_or(path),
            Some((scheme, _)) if is_scheme(scheme) => {
                return Err(IncludeError::Remote {
                    scheme: scheme.to_owned(),
                });
            }
            _ => pattern,
        };
        if path.is_empty() {
            return Err(IncludeError::NoPath);
        }
        let base = self
            .open
            .last()
            .and_then(|current| current.parent())
            .unwrap_or(Path::new(""));
        Ok(glob::expand(path, base, self.loader))
    }

    /// Reads a file and makes it the current one, until [`Includes::leave`].
    pub(super) fn enter(&mut self, path: &Path) -> Result<Arc<str>, IncludeError> {
        let path = normalize(path);
        if let Some(first) = self.open.iter().position(|open| *open == path) {
            let circle = self.open.iter().skip(first).chain([&path]);
            let circle: Vec<String> = circle.map(|path| path.display().to_string()).collect();
            return Err(IncludeError::Circle {
                circle: circle.join(" → "),
            });
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(IncludeError::TooDeep);
        }
        if self.count >= MAX_FILES {
            return Err(IncludeError::TooMany);
        }
        let text = self.read(&path)?;
        self.count += 1;
        self.open.push(path);
        Ok(text)
    }

    /// Goes back to the includer.
    pub(super) fn leave(&mut self) {
        self.open.pop();
    }

    /// Whether `*.conf` took in what an editor or a careful person left behind.
    pub(super) fn looks_like_backup(path: &Path, pattern: &str) -> bool {
        const MARKS: [&str; 10] = [
            "bak", "old", "backup", "orig", "prev", "conf", "tmp", "temp", "debug", "wip",
        ];
        let stem = path
            .file_name()
            .and_then(|name| name.to_str()?.strip_suffix(".conf"));
        pattern.ends_with("*.conf")
            && stem
                .and_then(|stem| stem.rsplit_once(['.', '_']))
                .is_some_and(|(_, mark)| MARKS.contains(&mark))
    }

    fn read(&self, path: &Path) -> Result<Arc<str>, IncludeError> {
        let path_of_error = || path.to_owned();
        let bytes = self
            .loader
            .read(path)
            .map_err(|source| IncludeError::Read {
                path: path_of_error(),
                source,
            })?;
        if bytes.len() > MAX_BYTES {
            return Err(IncludeError::TooLarge {
                path: path_of_error(),
                bytes: bytes.len(),
            });
        }
        let text = String::from_utf8(bytes).map_err(|error| IncludeError::NotUtf8 {
            path: path_of_error(),
            offset: error.utf8_error().valid_up_to(),
        })?;
        Ok(text.into())
    }
}

/// `http`, `s3`, …; one letter is a drive.
fn is_scheme(text: &str) -> bool {
    text.len() > 1
        && text
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character))
}

/// Takes `.` and `a/..` out of a path, by its text alone, as Fluentd does.
fn normalize(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(normal.components().next_back(), Some(Component::Normal(_))) =>
            {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    if normal.as_os_str().is_empty() {
        normal.push(Component::CurDir);
    }
    normal
}
