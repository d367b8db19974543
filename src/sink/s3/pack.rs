//! From a chunk to the body of its object.
//!
//! The whole body is made before the request begins, since its length and checksum go
//! ahead of it. It stays in memory while it is small and goes into an unnamed file
//! otherwise, so memory stays flat however large a chunk is. The same chunk gives the
//! same bytes each time.

use std::io::{self, Read, Write};
use std::path::Path;

use aws_sdk_s3::primitives::{ByteStream, FsBuilder, Length};
use bytes::Bytes;
use flate2::{Compression, GzBuilder};
use tempfile::{SpooledData, SpooledTempFile, spooled_tempfile_in};

use super::store_as::StoreAs;
use crate::sink::Body;

/// A larger body goes into a file, in bytes.
const MEMORY_LIMIT: usize = 8 << 20;

/// What is read and packed, or read and sent, at a time, in bytes: requests of one event leave
/// frames of a few hundred bytes, and each change to a thread that may block costs as much as
/// sending some KiB.
const BLOCK: usize = 256 << 10;

/// The body of an object.
#[derive(Debug)]
pub(super) struct Packed {
    data: Data,
    /// In bytes.
    pub(super) length: u64,
    pub(super) crc32c: u32,
}

#[derive(Debug)]
enum Data {
    Disk(tokio::fs::File),
    Memory(Bytes),
}

impl Packed {
    /// Packs a chunk. Blocks.
    pub(super) fn new(body: &dyn Body, store_as: StoreAs, spool: &Path) -> io::Result<Self> {
        Self::with_limit(body, store_as, spool, MEMORY_LIMIT)
    }

    fn with_limit(
        body: &dyn Body,
        store_as: StoreAs,
        spool: &Path,
        memory_limit: usize,
    ) -> io::Result<Self> {
        let measured = Measured {
            inner: spooled_tempfile_in(memory_limit, spool),
            length: 0,
            crc32c: 0,
        };
        let mut reader = body.open()?;
        let mut measured = match store_as {
            StoreAs::Gzip => {
                // NOTE: no time and no name in the header, so that the bytes are the
                // same each time.
                let mut gzip = GzBuilder::new()
                    .mtime(0)
                    .write(measured, Compression::default());
                copy(&mut reader, &mut gzip)?;
                gzip.finish()?
            }
            StoreAs::Zstd(level) => {
                let mut zstd = zstd::Encoder::new(measured, level.get())?;
                copy(&mut reader, &mut zstd)?;
                zstd.finish()?
            }
            StoreAs::Json | StoreAs::Text => {
                let mut plain = measured;
                copy(&mut reader, &mut plain)?;
                plain
            }
        };
        measured.flush()?;
        let data = match measured.inner.into_inner() {
            SpooledData::InMemory(cursor) => Data::Memory(Bytes::from(cursor.into_inner())),
            SpooledData::OnDisk(file) => Data::Disk(tokio::fs::File::from_std(file)),
        };
        Ok(Self {
            data,
            length: measured.length,
            crc32c: measured.crc32c,
        })
    }

    /// The body from its beginning. One at a time: a file has one place to read from.
    pub(super) async fn stream(&self) -> io::Result<ByteStream> {
        use tokio::io::AsyncSeekExt;

        match &self.data {
            Data::Memory(bytes) => Ok(ByteStream::from(bytes.clone())),
            Data::Disk(file) => {
                let mut file = file.try_clone().await?;
                file.rewind().await?;
                FsBuilder::new()
                    .file(file)
                    .buffer_size(BLOCK)
                    .length(Length::Exact(self.length))
                    .build()
                    .await
                    .map_err(io::Error::other)
            }
        }
    }
}

/// Copies in whole blocks, however small the pieces are that the reader has.
fn copy(reader: &mut impl Read, writer: &mut impl Write) -> io::Result<()> {
    let mut block = vec![0; BLOCK];
    loop {
        let mut filled = 0;
        while let Some(free) = block.get_mut(filled..).filter(|free| !free.is_empty()) {
            match reader.read(free) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        writer.write_all(block.get(..filled).unwrap_or_default())?;
        if filled < BLOCK {
            return Ok(());
        }
    }
}

/// Counts what goes through.
struct Measured {
    inner: SpooledTempFile,
    length: u64,
    crc32c: u32,
}

impl Write for Measured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(bytes)?;
        let written = bytes.get(..taken).unwrap_or(bytes);
        self.length = self.length.saturating_add(written.len() as u64);
        self.crc32c = crc32c::crc32c_append(self.crc32c, written);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests;
