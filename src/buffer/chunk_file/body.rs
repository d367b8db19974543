//! A sealed chunk's bytes, as a sink reads them.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use super::compression::Compression;
use super::frame::{FrameError, FrameReader, Kind, READ_SIZE};
use crate::host::fs::{Cursor, File, Fs};

/// The events of a chunk file's data frames, one after another, as often as they are asked for.
#[derive(Clone)]
pub struct ChunkBody {
    pub(in crate::buffer) fs: Arc<dyn Fs>,
    pub(in crate::buffer) path: PathBuf,
    /// Where the synced part of the file ends.
    pub(in crate::buffer) length: u64,
}

impl ChunkBody {
    /// A reader from the first event on. Reads block.
    ///
    /// # Errors
    /// The file cannot be opened; while reading, a frame whose CRC does not hold or that does
    /// not unpack, or a file that is shorter than it was.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        let file = self.fs.open_to_read(&self.path)?;
        let synced = Cursor::new(file, 0).take(self.length);
        Ok(Box::new(Payloads {
            frames: FrameReader::new(synced, 0, READ_SIZE),
            unpacked: None,
            served: 0,
            length: self.length,
        }))
    }
}

/// How many bytes the payloads of the first data frames have, about `most` together, and where
/// the last of these frames ends. What is being written behind them is left out.
///
/// # Errors
/// The file cannot be read.
pub(in crate::buffer) fn leading_frames(file: Box<dyn File>, most: u64) -> io::Result<(u64, u64)> {
    let mut frames = FrameReader::new(Cursor::new(file, 0), 0, READ_SIZE);
    let (mut bytes, mut end) = (0, 0);
    loop {
        let frame = match frames.next() {
            Ok(Some(frame)) => frame,
            Err(FrameError::Io(error)) => return Err(error),
            Ok(None) | Err(FrameError::Short | FrameError::Unreadable) => return Ok((bytes, end)),
        };
        if let Kind::Data(_) = frame.kind {
            let more = bytes + frame.payload.len() as u64;
            if bytes > 0 && more > most {
                return Ok((bytes, end));
            }
            bytes = more;
        }
        end = frame.end;
    }
}

struct Payloads<R> {
    frames: FrameReader<R>,
    /// The events of the last frame, unless they lie in it as they are.
    unpacked: Option<Vec<u8>>,
    /// How much of the last frame's events was handed out.
    served: usize,
    /// Where the last frame is to end.
    length: u64,
}

impl<R: Read> Payloads<R> {
    /// What is still to be handed out of the last frame.
    fn rest(&self) -> &[u8] {
        let events = match &self.unpacked {
            Some(unpacked) => unpacked,
            None => self.frames.payload(),
        };
        events.get(self.served..).unwrap_or_default()
    }

    /// Goes on to the next frame; `false` at the end of the file.
    fn advance(&mut self) -> io::Result<bool> {
        self.served = 0;
        let mut unpacked = self.unpacked.take().unwrap_or_default();
        let Some(frame) = self.frames.next().map_err(io::Error::other)? else {
            // What is read here is put and then removed: it had better be all.
            return match self.frames.offset() == self.length {
                true => Ok(false),
                false => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        };
        self.unpacked = match frame.kind {
            Kind::Data(Compression::Text) => None,
            Kind::Data(compression) => {
                compression.unpack(frame.payload, &mut unpacked)?;
                Some(unpacked)
            }
            // There are no events in it.
            Kind::Header | Kind::Name => Some(Vec::new()),
        };
        Ok(true)
    }
}

impl<R: Read> Read for Payloads<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest().is_empty() {
            if !self.advance()? {
                return Ok(0);
            }
        }
        let count = self.rest().read(buffer)?;
        self.served += count;
        Ok(count)
    }
}
