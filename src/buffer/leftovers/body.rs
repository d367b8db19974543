//! The body of a chunk of Fluentd's: unpacked, and looked at on the way.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use fluent_compat::leftover::Packing;

use super::Broken;
use crate::host::fs::{Cursor, Fs};

const READ_SIZE: usize = 256 * 1024;

/// The events of a body, whatever it is packed with.
pub(in crate::buffer) struct LeftoverBody {
    packing: Packing,
    events: Box<dyn Read + Send>,
}

/// Why a body could not be read on.
#[derive(Debug, thiserror::Error)]
pub(in crate::buffer) enum BodyError {
    /// The body's own fault: trying again will not help it.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The disk's fault.
    #[error(transparent)]
    Disk(#[from] io::Error),
}

impl LeftoverBody {
    /// Opens a body for reading only.
    pub(in crate::buffer) fn open(fs: &dyn Fs, path: &Path) -> io::Result<Self> {
        let source = FromDisk(Cursor::new(fs.open_to_read(path)?, 0));
        let mut source = BufReader::with_capacity(READ_SIZE, source);
        let packing = Packing::of(source.fill_buf()?);
        let events: Box<dyn Read + Send> = match packing {
            Packing::Text => Box::new(source),
            Packing::Gzip => Box::new(MultiGzDecoder::new(source)),
            Packing::Zstd => Box::new(zstd::Decoder::with_buffer(source)?),
        };
        Ok(Self { packing, events })
    }

    /// Adds what comes next until `block` has `size` bytes; fewer mean the end.
    pub(in crate::buffer) fn fill(
        &mut self,
        block: &mut Vec<u8>,
        size: usize,
    ) -> Result<(), BodyError> {
        let missing = size.saturating_sub(block.len()) as u64;
        let read = (&mut self.events).take(missing).read_to_end(block);
        read.map(drop).map_err(|error| match error.downcast() {
            Ok(DiskFailed(error)) => BodyError::Disk(error),
            Err(error) => {
                let packing = self.packing;
                BodyError::Broken(Broken::Packing { packing, error })
            }
        })
    }
}

/// Marks what the disk says, so that it can be told from what the unpacking says.
struct FromDisk<R>(R);

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct DiskFailed(io::Error);

impl<R: Read> Read for FromDisk<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.map_err(|error| io::Error::other(DiskFailed(error))),
            }
        }
    }
}

/// What the events of a body look like, gathered block by block.
#[derive(Debug, Default)]
pub(in crate::buffer) struct Shape {
    first: Option<u8>,
    last: Option<u8>,
    newlines: u64,
}

impl Shape {
    /// Takes the next block; returns how many lines end in it.
    pub(in crate::buffer) fn add(&mut self, block: &[u8]) -> u64 {
        self.first = self.first.or(block.first().copied());
        self.last = block.last().copied().or(self.last);
        let newlines = memchr::memchr_iter(b'\n', block).count() as u64;
        self.newlines += newlines;
        newlines
    }

    /// Whether this was a whole body, once all of it was seen.
    ///
    /// Nothing says how long a body has to be: Fluentd writes the number of events beside it
    /// and not its size. But lines are cut visibly. Formats without lines (`msgpack`,
    /// `single_value` with `add_newline false`) are believed.
    pub(in crate::buffer) fn check(&self) -> Result<(), Broken> {
        match (self.first, self.last) {
            (None, _) | (_, None) => Err(Broken::Empty),
            (Some(0x80..), _) | (_, Some(b'\n')) => Ok(()),
            (Some(b'{'), Some(b'}')) if self.newlines == 0 => Ok(()),
            (Some(b'{'), _) => Err(Broken::Torn),
            _ if self.newlines > 0 => Err(Broken::Torn),
            _ => Ok(()),
        }
    }
}

/// Whether a body has exactly the events that the reader has.
pub(super) fn holds_the_same(
    fs: &dyn Fs,
    body: &Path,
    mut other: impl Read,
) -> Result<bool, BodyError> {
    let mut body = LeftoverBody::open(fs, body)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    loop {
        ours.clear();
        theirs.clear();
        body.fill(&mut theirs, READ_SIZE)?;
        (&mut other).take(READ_SIZE as u64).read_to_end(&mut ours)?;
        if ours != theirs {
            return Ok(false);
        }
        if ours.is_empty() {
            return Ok(true);
        }
    }
}
