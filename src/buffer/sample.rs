//! A look at what a staged chunk holds while it takes events.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::chunk_file::{ChunkBody, ChunkNames, State, leading_frames};
use crate::host::fs::Fs;

/// So many files are looked at for the largest one. Where there are more chunks the first ones
/// will do: it is a look, and not a count.
const LOOKED_AT: usize = 64;

/// The first events of a staged chunk. Their file goes on growing; once the chunk is sealed it
/// has another name, and the body cannot be opened any more.
pub struct Sample {
    /// The events, without what the chunk is packed with.
    pub body: ChunkBody,
    /// How much of `chunk_limit_size` they take: their bytes as they lie in the chunk.
    pub bytes: u64,
}

/// What [`super::Buffer::sample`] gives.
pub(super) fn take(fs: &Arc<dyn Fs>, names: &ChunkNames, most: u64) -> io::Result<Option<Sample>> {
    let Some(path) = largest_staged(&**fs, names)? else {
        return Ok(None);
    };
    let (bytes, length) = leading_frames(fs.open_to_read(&path)?, most)?;
    let body = ChunkBody {
        fs: Arc::clone(fs),
        path,
        length,
    };
    Ok((bytes > 0).then_some(Sample { body, bytes }))
}

fn largest_staged(fs: &dyn Fs, names: &ChunkNames) -> io::Result<Option<PathBuf>> {
    let is_staged = |path: &PathBuf| matches!(names.parse(path), Some((State::Staged, _)));
    let staged = fs.list(names.dir())?.into_iter().filter(is_staged);
    let sized = staged.take(LOOKED_AT).filter_map(|path| {
        // One that is gone has been sealed.
        let length = fs.open_to_read(&path).and_then(|file| file.len()).ok()?;
        Some((length, path))
    });
    Ok(sized.max().map(|(_, path)| path))
}
