//! The events of one file, as far as they are sound.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use fluent_compat::leftover::LeftoverFile;

use super::{ChunkState, Problem, Severity, problems};
use crate::buffer::chunk_file::{ChunkBody, scan};
use crate::buffer::leftovers::{BodyError, LeftoverBody, Shape};
use crate::host::fs::{DiskFs, Fs};

/// How much is copied at once.
const BLOCK_SIZE: usize = 256 * 1024;

/// Where the events of a file stop before its end.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// The events cannot be written.
    #[error("the events cannot be written: {0}")]
    Write(io::Error),
    /// All before it was copied.
    #[error("at offset {offset}: {what}", offset = .0.offset, what = .0.what)]
    Stopped(Problem),
}

/// Writes the events of a file to `out`: of one of ours, or of Fluentd's.
///
/// # Errors
/// Damage, after all that comes before it was written; a file that cannot be read.
pub fn copy_events(path: &Path, out: &mut dyn Write) -> Result<(), CopyError> {
    let name = path.file_name().and_then(|name| name.to_str());
    match name.and_then(LeftoverFile::of_any) {
        Some(_) => copy_leftover(path, out),
        None => copy_chunk(path, out),
    }
}

fn copy_chunk(path: &Path, out: &mut dyn Write) -> Result<(), CopyError> {
    let file = DiskFs::default().open_to_read(path)?;
    let found = scan(&*file)?;
    let damage = found.damage.first();
    let end = damage.map_or(found.good_end, |range| range.start);
    let body = ChunkBody {
        fs: Arc::new(DiskFs::default()),
        path: path.to_owned(),
        length: end,
    };
    let mut events = body.open()?;
    let mut block = vec![0; BLOCK_SIZE];
    loop {
        let count = events.read(&mut block)?;
        match block.get(..count) {
            Some(read) if !read.is_empty() => out.write_all(read).map_err(CopyError::Write)?,
            _ => break,
        }
    }
    // A file that is open ends for a reader where it ends for a restart.
    let problems = problems(&found, ChunkState::Queued, file.len()?);
    let first = problems.into_iter().min_by_key(|problem| problem.offset);
    first.map_or(Ok(()), |problem| Err(CopyError::Stopped(problem)))
}

pub(super) fn copy_leftover(path: &Path, out: &mut dyn Write) -> Result<(), CopyError> {
    let mut body = LeftoverBody::open(&DiskFs::default(), path)?;
    let (mut shape, mut block, mut offset) = (Shape::default(), Vec::new(), 0);
    loop {
        block.clear();
        let filled = body.fill(&mut block, BLOCK_SIZE);
        shape.add(&block);
        out.write_all(&block).map_err(CopyError::Write)?;
        offset += block.len() as u64;
        let checked = match filled {
            Ok(()) if block.len() == BLOCK_SIZE => continue,
            Ok(()) => shape.check().map_err(BodyError::Broken),
            Err(error) => Err(error),
        };
        return checked.map_err(|error| match error {
            BodyError::Disk(error) => CopyError::Read(error),
            BodyError::Broken(broken) => CopyError::Stopped(Problem {
                offset,
                severity: Severity::Damage,
                what: broken.to_string(),
            }),
        });
    }
}
