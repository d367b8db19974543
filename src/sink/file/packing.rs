//! `compress`: what becomes of a chunk's bytes on their way into a file.

use std::io::{self, BufWriter, Write};

use flate2::{Compression, GzBuilder};

use crate::host::fs::File;
use crate::sink::Body;

/// How much is written at once, in bytes.
const WRITE_SIZE: usize = 256 * 1024;

/// `compress`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// `gzip` or `gz`.
    Gzip,
    /// `text`: as it is.
    Text,
    /// `zstd`.
    Zstd,
}

/// A packed chunk's measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Measure {
    /// In bytes.
    pub(super) length: u64,
    pub(super) crc32c: u32,
}

impl Packing {
    /// What a file's name ends in, as in Fluentd.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Gzip => ".gz",
            Self::Text => "",
            Self::Zstd => ".zstd",
        }
    }

    /// Writes the packed chunk into a file from an offset on.
    pub(super) fn write(self, body: &dyn Body, file: &dyn File, offset: u64) -> io::Result<()> {
        let end = End { file, at: offset };
        let mut end = BufWriter::with_capacity(WRITE_SIZE, end);
        self.pack(body, &mut end)?;
        end.flush()
    }

    /// Packs the chunk to learn how long it will be; it is packed the same each time.
    pub(super) fn measure(self, body: &dyn Body) -> io::Result<Measure> {
        let mut measure = Measure::default();
        self.pack(body, &mut measure)?;
        Ok(measure)
    }

    fn pack(self, body: &dyn Body, mut to: &mut dyn Write) -> io::Result<()> {
        let mut reader = body.open()?;
        match self {
            Self::Text => io::copy(&mut reader, &mut to).map(drop),
            Self::Gzip => {
                // NOTE: no time in the header, so that the bytes are the same each time.
                let mut gzip = GzBuilder::new().mtime(0).write(to, Compression::default());
                io::copy(&mut reader, &mut gzip)?;
                gzip.finish().map(drop)
            }
            Self::Zstd => {
                let mut zstd = zstd::Encoder::new(to, zstd::DEFAULT_COMPRESSION_LEVEL)?;
                io::copy(&mut reader, &mut zstd)?;
                zstd.finish().map(drop)
            }
        }
    }
}

impl Write for Measure {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.length += bytes.len() as u64;
        self.crc32c = crc32c::crc32c_append(self.crc32c, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes into a file, one piece after the other.
struct End<'a> {
    file: &'a dyn File,
    at: u64,
}

impl Write for End<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all_at(bytes, self.at)?;
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
