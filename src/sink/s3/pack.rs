//! From a chunk to the body of its object.
//!
//! The whole body is made before the request begins, since its length and checksum go
//! ahead of it. It stays in memory while it is small and goes into an unnamed file
//! otherwise, so memory stays flat however large a chunk is. The same chunk gives the
//! same bytes each time.

use std::io::{self, Read, Write};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use aws_sdk_s3::primitives::{ByteStream, FsBuilder, Length};
use bytes::Bytes;
use flate2::{Compression, GzBuilder};
use tempfile::{SpooledData, spooled_tempfile_in};

use super::store_as::StoreAs;
use crate::sink::{Body, ObjectFacts};

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
    sha256: [u8; 32],
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
        let spooled = Measured::new(spooled_tempfile_in(memory_limit, spool));
        let measured = pack(body, store_as, spooled)?;
        let data = match measured.inner.into_inner() {
            SpooledData::InMemory(cursor) => Data::Memory(Bytes::from(cursor.into_inner())),
            SpooledData::OnDisk(file) => Data::Disk(tokio::fs::File::from_std(file)),
        };
        Ok(Self {
            data,
            length: measured.length,
            crc32c: measured.crc32c,
            sha256: finished(measured.sha256),
        })
    }

    /// A document that goes as it is.
    pub(super) fn document(bytes: Bytes) -> Self {
        let mut sha256 = Context::new(&SHA256);
        sha256.update(&bytes);
        Self {
            length: bytes.len() as u64,
            crc32c: crc32c::crc32c(&bytes),
            sha256: finished(sha256),
            data: Data::Memory(bytes),
        }
    }

    /// What can be told of the object before it is put.
    pub(super) fn facts(&self) -> ObjectFacts {
        ObjectFacts {
            size: self.length,
            sha256: self.sha256,
        }
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

/// How long the packed body would be, which is kept nowhere. Blocks.
pub(super) fn packed_length(body: &dyn Body, store_as: StoreAs) -> io::Result<u64> {
    Ok(pack(body, store_as, Measured::new(io::sink()))?.length)
}

/// Writes the packed body.
fn pack<W: Write>(body: &dyn Body, store_as: StoreAs, out: Measured<W>) -> io::Result<Measured<W>> {
    let mut reader = body.open()?;
    let mut measured = match store_as {
        StoreAs::Gzip => {
            // NOTE: no time and no name in the header, so that the bytes are the
            // same each time.
            let mut gzip = GzBuilder::new().mtime(0).write(out, Compression::default());
            copy(&mut reader, &mut gzip)?;
            gzip.finish()?
        }
        StoreAs::Zstd(level) => {
            let mut zstd = zstd::Encoder::new(out, level.get())?;
            copy(&mut reader, &mut zstd)?;
            zstd.finish()?
        }
        StoreAs::Json | StoreAs::Text => {
            let mut plain = out;
            copy(&mut reader, &mut plain)?;
            plain
        }
    };
    measured.flush()?;
    Ok(measured)
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
struct Measured<W> {
    inner: W,
    length: u64,
    crc32c: u32,
    sha256: Context,
}

impl<W> Measured<W> {
    fn new(inner: W) -> Self {
        Self {
            inner,
            length: 0,
            crc32c: 0,
            sha256: Context::new(&SHA256),
        }
    }
}

fn finished(sha256: Context) -> [u8; 32] {
    let digest = sha256.finish();
    digest
        .as_ref()
        .try_into()
        .expect("invariant: a SHA-256 has 32 bytes")
}

impl<W: Write> Write for Measured<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(bytes)?;
        let written = bytes.get(..taken).unwrap_or(bytes);
        self.length = self.length.saturating_add(written.len() as u64);
        self.crc32c = crc32c::crc32c_append(self.crc32c, written);
        self.sha256.update(written);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests;
