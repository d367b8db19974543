//! Chunks that a Fluentd left in the buffer's directory become our own.
//!
//! # The order, and what a cut anywhere in it leaves
//! 1. The chunk is written whole under its unfinished name, and synced. *Cut before 2*: the
//!    leftover is there as before; the unfinished file is removed.
//! 2. It gets its name, and the directory is synced. *Cut before 3*: chunk and leftover are
//!    both there, agree in id and events, and only 3 is done.
//! 3. Fluentd's body is removed, then its metadata, and the directory is synced. *Cut in
//!    between*: metadata without a body, whose chunk is ours; they are removed.
//!
//! The chunk keeps Fluentd's id. Until 3 has come to its end nobody may deliver it: a power
//! cut could bring the leftover back.
//!
//! What is broken goes to the backup directory as it is, and nothing here keeps the server
//! from starting.

mod backup;
mod body;
mod find;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fluent_compat::chunk::ChunkId;
use fluent_compat::leftover::{LeftoverState, Meta, MetaError, Packing};
use fluent_compat::time::EventTime;
use tracing::{error, info, warn};

pub(super) use body::{BodyError, LeftoverBody, Shape};
pub(super) use find::{Leftover, Leftovers};

use super::chunk_file::{ChunkBody, ChunkNames, Compression, Header, Kind, State, append_frame};
use crate::host::fs::{File, Fs};

/// Payload of a frame, in bytes: what is in memory of a chunk at a time.
const FRAME_SIZE: usize = 1024 * 1024;

/// Why a leftover cannot be delivered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// Its key is unknown.
    #[error("there are no metadata beside it")]
    NoMeta,
    /// Its key is unknown, too.
    #[error(transparent)]
    Meta(#[from] MetaError),
    /// Nothing was ever written, or all was lost.
    #[error("it is empty")]
    Empty,
    /// It cannot be unpacked to its end.
    #[error("its {packing} breaks off or is damaged: {error}")]
    Packing {
        /// With what.
        packing: Packing,
        /// What the unpacking said.
        error: io::Error,
    },
    /// The last event is not whole.
    #[error("its last line breaks off")]
    Torn,
    /// Somebody copied a file.
    #[error("a chunk of its id with other events is there already")]
    Twice,
}

/// Why a leftover is still there.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error(transparent)]
    Disk(#[from] io::Error),
}

impl From<BodyError> for Failure {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Broken(broken) => Self::Broken(broken),
            BodyError::Disk(error) => Self::Disk(error),
        }
    }
}

/// Makes chunks of the leftovers of the buffer's directory.
///
/// Returns the chunks that must be left alone until the next start, because what they were
/// made of could come back.
pub(super) fn take_over(fs: &Arc<dyn Fs>, names: &ChunkNames) -> BTreeSet<ChunkId> {
    let takeover = TakeOver { fs, names };
    let found = find::find(&**fs, names);
    let mut left_alone = BTreeSet::new();
    for leftover in &found.chunks {
        let path = leftover.body.display();
        let meta = read_meta(&**fs, leftover).map_err(Failure::from);
        let id = meta.as_ref().ok().map(|meta| meta.id);
        let about = meta.as_ref().ok().map(|meta| meta.metadata.clone());
        let about = about.unwrap_or_default();
        let chunk = id.map(tracing::field::display);
        match meta.and_then(|meta| takeover.take(leftover, meta)) {
            Ok(()) => {
                info!(chunk, tag = about.tag_text(), key = about.key_text(), %path, "took over a chunk that Fluentd had left");
            }
            Err(Failure::Broken(broken)) => takeover.set_aside(leftover, &broken),
            Err(Failure::Disk(error)) => {
                // Our chunk may be there by now, and the leftover as well.
                left_alone.extend(id);
                error!(chunk, tag = about.tag_text(), key = about.key_text(), %path, %error, "a chunk of Fluentd's could not be taken over; the next start tries again");
            }
        }
    }
    for meta in &found.lone_metas {
        takeover.clear_lone_meta(meta);
    }
    left_alone
}

/// Reads the metadata of a leftover.
pub(super) fn read_meta(fs: &dyn Fs, leftover: &Leftover) -> Result<Meta, BodyError> {
    let path = leftover.meta.as_deref().ok_or(Broken::NoMeta)?;
    let meta = Meta::read(&fs.read(path)?);
    meta.map_err(|error| BodyError::Broken(error.into()))
}

struct TakeOver<'a> {
    fs: &'a Arc<dyn Fs>,
    names: &'a ChunkNames,
}

impl TakeOver<'_> {
    fn take(&self, leftover: &Leftover, meta: Meta) -> Result<(), Failure> {
        match self.chunk_of(meta.id)? {
            None => self.write_chunk(leftover, meta)?,
            Some(chunk) => {
                let chunk = self.whole(chunk)?.open()?;
                if !body::holds_the_same(&**self.fs, &leftover.body, chunk)? {
                    return Err(Broken::Twice.into());
                }
            }
        }
        Ok(self.remove(leftover)?)
    }

    /// Steps 1 and 2.
    fn write_chunk(&self, leftover: &Leftover, meta: Meta) -> Result<(), Failure> {
        let id = meta.id;
        let unfinished = self.names.unfinished(id);
        if self.is_there(&unfinished)? {
            self.fs.remove(&unfinished)?;
        }
        let file = self.fs.create_new(&unfinished)?;
        let written = self.write_frames(leftover, meta, &*file);
        if let Err(failure) = written {
            if let Err(error) = self.fs.remove(&unfinished) {
                warn!(path = %unfinished.display(), %error, "an unfinished copy could not be removed");
            }
            return Err(failure);
        }
        file.sync_data()?;
        let state = match leftover.state {
            LeftoverState::Staged => State::Staged,
            LeftoverState::Queued => State::Queued,
        };
        self.fs.rename(&unfinished, &self.names.chunk(state, id))?;
        Ok(self.fs.sync_dir(self.names.dir())?)
    }

    fn write_frames(
        &self,
        leftover: &Leftover,
        meta: Meta,
        file: &dyn File,
    ) -> Result<(), Failure> {
        let mut body = LeftoverBody::open(&**self.fs, &leftover.body)?;
        let mut records_left = meta.records;
        let header = Header {
            id: meta.id,
            created: EventTime::new(meta.created, 0),
            metadata: meta.metadata,
        };
        let mut frames = Vec::new();
        append_frame(Kind::Header, 0, &header.to_json()?, &mut frames)?;
        let (mut shape, mut block, mut offset) = (Shape::default(), Vec::new(), 0);
        loop {
            body.fill(&mut block, FRAME_SIZE)?;
            let is_last = block.len() < FRAME_SIZE;
            // At a line's end, so that a frame that is lost takes no other's event along.
            let line_end = memchr::memrchr(b'\n', &block).map(|at| at + 1);
            let end = line_end.filter(|_| !is_last).unwrap_or(block.len());
            let payload = block.get(..end).unwrap_or_default();
            let lines = shape.add(payload);
            // What the metadata count. A frame of events never has none.
            let records = if is_last { records_left } else { lines };
            let records = records.min(records_left).max(1);
            records_left = records_left.saturating_sub(records);
            if !payload.is_empty() {
                let records = u32::try_from(records).unwrap_or(u32::MAX);
                append_frame(Kind::Data(Compression::Text), records, payload, &mut frames)?;
            }
            file.write_all_at(&frames, offset)?;
            offset += frames.len() as u64;
            frames.clear();
            block.drain(..end);
            if is_last {
                return Ok(shape.check()?);
            }
        }
    }

    /// Step 3.
    ///
    /// NOTE: body first: metadata without a body are recognised, a body without metadata
    /// would be taken for a broken chunk.
    fn remove(&self, leftover: &Leftover) -> io::Result<()> {
        self.fs.remove(&leftover.body)?;
        match &leftover.meta {
            Some(meta) => self.remove_synced(meta),
            None => self.fs.sync_dir(directory(&leftover.body)),
        }
    }

    fn remove_synced(&self, file: &Path) -> io::Result<()> {
        self.fs.remove(file)?;
        self.fs.sync_dir(directory(file))
    }

    /// The path of our chunk with this id.
    fn chunk_of(&self, id: ChunkId) -> io::Result<Option<PathBuf>> {
        for state in [State::Staged, State::Queued] {
            let path = self.names.chunk(state, id);
            if self.is_there(&path)? {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    fn is_there(&self, path: &Path) -> io::Result<bool> {
        match self.fs.open_to_read(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// All events of a chunk of ours.
    fn whole(&self, path: PathBuf) -> io::Result<ChunkBody> {
        let length = self.fs.open_to_read(&path)?.len()?;
        let fs = Arc::clone(self.fs);
        Ok(ChunkBody { fs, path, length })
    }
}

/// The directory a file lies in.
fn directory(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests;
