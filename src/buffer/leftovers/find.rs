//! Which of the files in a buffer's directory are chunks of Fluentd's.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use fluent_compat::chunk::ChunkId;
use fluent_compat::leftover::{LeftoverFile, LeftoverState, Part};
use tracing::warn;

use crate::buffer::chunk_file::ChunkNames;
use crate::host::fs::Fs;

/// The files of a chunk of Fluentd's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::buffer) struct Leftover {
    pub(in crate::buffer) state: LeftoverState,
    pub(in crate::buffer) body: PathBuf,
    pub(in crate::buffer) meta: Option<PathBuf>,
}

/// What was found in a directory.
#[derive(Debug, Default)]
pub(in crate::buffer) struct Leftovers {
    /// In the order of their ids, which is that of their age.
    pub(in crate::buffer) chunks: Vec<Leftover>,
    /// Metadata without a body.
    pub(in crate::buffer) lone_metas: Vec<PathBuf>,
}

/// Fluentd with `workers` gives each a directory of its own. More than these nobody has.
const WORKERS: usize = 64;

/// Looks where Fluentd would have put its chunks for the same `path`.
pub(super) fn find(fs: &dyn Fs, names: &ChunkNames) -> Leftovers {
    let mut found = Leftovers::default();
    let of_workers = (0..WORKERS).map(|n| names.dir().join(format!("worker{n}")));
    for dir in std::iter::once(names.dir().to_owned()).chain(of_workers) {
        let paths = match fs.list(&dir) {
            Ok(paths) => paths,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                warn!(dir = %dir.display(), %error, "directory cannot be searched for chunks of Fluentd's");
                continue;
            }
        };
        found.add(paths, |name| names.fluentd().parse(name));
    }
    found
}

impl Leftovers {
    /// Puts together the files of one directory that belong together.
    pub(in crate::buffer) fn add(
        &mut self,
        paths: impl IntoIterator<Item = PathBuf>,
        parse: impl Fn(&str) -> Option<LeftoverFile>,
    ) {
        let mut chunks: BTreeMap<ChunkId, ChunkFiles> = BTreeMap::new();
        for path in paths {
            if let Some(file) = file_name(&path).and_then(&parse) {
                let files = chunks.entry(file.id).or_default();
                files.of(file.part).insert(file.state, path);
            }
        }
        for mut files in chunks.into_values() {
            let bodies = std::mem::take(&mut files.bodies);
            for (state, body) in bodies {
                let meta = files.metas.remove(&state);
                // Killed between the two renames that queue a chunk.
                let meta = meta.or_else(|| files.metas.pop_first().map(|(_, meta)| meta));
                self.chunks.push(Leftover { state, body, meta });
            }
            self.lone_metas.extend(files.metas.into_values());
        }
    }
}

/// All files that bear one id.
#[derive(Default)]
struct ChunkFiles {
    bodies: BTreeMap<LeftoverState, PathBuf>,
    metas: BTreeMap<LeftoverState, PathBuf>,
}

impl ChunkFiles {
    fn of(&mut self, part: Part) -> &mut BTreeMap<LeftoverState, PathBuf> {
        match part {
            Part::Body => &mut self.bodies,
            Part::Meta => &mut self.metas,
        }
    }
}

fn file_name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}
