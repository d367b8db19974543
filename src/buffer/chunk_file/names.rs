//! The names of a buffer's files.

use std::path::{Path, PathBuf};

use fluent_compat::chunk::ChunkId;
use fluent_compat::leftover::LeftoverNames;

/// Where a chunk is in its life, as its file's name says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::buffer) enum State {
    /// Takes events (`b`, as in Fluentd).
    Staged,
    /// Closed, waits for its sink (`q`).
    Queued,
}

/// The directory of a buffer and the names in it, from `<buffer>`'s `path`.
///
/// A path is a directory, unless its last part has a `.*`: then the text before the `*`
/// begins every file's name, as in Fluentd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::buffer) struct ChunkNames {
    dir: PathBuf,
    prefix: String,
    fluentd: LeftoverNames,
}

const SUFFIX: &str = ".chunk";
/// In place of `.chunk`.
const UNFINISHED: &str = ".tmp";

impl ChunkNames {
    /// Names under the `path` parameter of `<buffer>`.
    pub(in crate::buffer) fn new(path: &Path) -> Self {
        let last = path.file_name().and_then(|name| name.to_str());
        let fluentd = LeftoverNames::new(path);
        match last.and_then(|name| name.split_once(".*")) {
            Some((prefix, _)) => Self {
                dir: path.parent().unwrap_or(Path::new(".")).to_owned(),
                prefix: format!("{prefix}."),
                fluentd,
            },
            None => Self {
                dir: path.to_owned(),
                prefix: "buffer.".to_owned(),
                fluentd,
            },
        }
    }

    /// The directory all files lie in.
    pub(in crate::buffer) fn dir(&self) -> &Path {
        &self.dir
    }

    /// What Fluentd calls its chunks under the same `path`.
    pub(in crate::buffer) fn fluentd(&self) -> &LeftoverNames {
        &self.fluentd
    }

    /// What all paths begin with.
    pub(in crate::buffer) fn common(&self) -> PathBuf {
        self.dir.join(&self.prefix)
    }

    /// The file that whoever works with these chunks has locked.
    pub(in crate::buffer) fn lock(&self) -> PathBuf {
        self.dir.join(format!("{prefix}lock", prefix = self.prefix))
    }

    /// Where chunks go that were given up, and bytes that could not be read.
    pub(in crate::buffer) fn backup_dir(&self) -> PathBuf {
        self.dir.join("backup")
    }

    /// The file of a chunk.
    pub(in crate::buffer) fn chunk(&self, state: State, id: ChunkId) -> PathBuf {
        let letter = match state {
            State::Staged => 'b',
            State::Queued => 'q',
        };
        self.dir.join(format!(
            "{prefix}{letter}{id}{SUFFIX}",
            prefix = self.prefix
        ))
    }

    /// The name a chunk's copy has until it is whole.
    pub(in crate::buffer) fn unfinished(&self, id: ChunkId) -> PathBuf {
        self.chunk(State::Queued, id).with_extension("tmp")
    }

    /// Which chunk a file is, if it is one of this buffer's.
    pub(in crate::buffer) fn parse(&self, path: &Path) -> Option<(State, ChunkId)> {
        self.parse_as(path, SUFFIX)
    }

    /// Whether the file is a copy of one of this buffer's chunks that was not finished.
    pub(super) fn is_unfinished(&self, path: &Path) -> bool {
        self.parse_as(path, UNFINISHED).is_some()
    }

    fn parse_as(&self, path: &Path, suffix: &str) -> Option<(State, ChunkId)> {
        let name = path.file_name()?.to_str()?;
        parse_chunk(name.strip_prefix(&self.prefix)?.strip_suffix(suffix)?)
    }
}

/// Which chunk a file is of any buffer: for those who do not know the configuration.
pub(in crate::buffer) fn parse_any(name: &str) -> Option<(State, ChunkId)> {
    let (_, chunk) = name.strip_suffix(SUFFIX)?.rsplit_once('.')?;
    parse_chunk(chunk)
}

/// `b<id>` or `q<id>`.
fn parse_chunk(text: &str) -> Option<(State, ChunkId)> {
    let state = match text.get(..1)? {
        "b" => State::Staged,
        "q" => State::Queued,
        _ => return None,
    };
    Some((state, text.get(1..)?.parse().ok()?))
}
