//! `compress`: what a data frame's payload is packed with.

use std::io::{self, Read, Write};

use flate2::Compression as GzipLevel;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

/// `compress` of `<buffer>`; each frame says its own, so one chunk may have several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Events lie in the chunk as they were formatted.
    #[default]
    Text,
    /// A gzip member a frame, of the library's usual level, as in Fluentd.
    Gzip,
    /// A zstd frame a frame, of the library's usual level, as in Fluentd.
    Zstd,
}

impl Compression {
    /// Packs a payload, and says with what: one that would not become smaller stays as it
    /// is, so that no payload ever outgrows the limit it was measured against.
    ///
    /// # Errors
    /// The library's own: no memory for its tables.
    pub(in crate::buffer) fn packed(self, payload: Vec<u8>) -> io::Result<(Self, Vec<u8>)> {
        let packed = match self {
            Self::Text => return Ok((Self::Text, payload)),
            Self::Gzip => {
                let mut gzip = GzEncoder::new(Vec::new(), GzipLevel::default());
                gzip.write_all(&payload)?;
                gzip.finish()?
            }
            Self::Zstd => zstd::encode_all(payload.as_slice(), zstd::DEFAULT_COMPRESSION_LEVEL)?,
        };
        Ok(match packed.len() < payload.len() {
            true => (self, packed),
            false => (Self::Text, payload),
        })
    }

    /// Puts the events of a payload in the place of what is in `out`.
    ///
    /// # Errors
    /// The payload was not packed with this. Its CRC has held, so it was written so.
    pub(super) fn unpack(self, payload: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        out.clear();
        match self {
            Self::Text => out.extend_from_slice(payload),
            Self::Gzip => drop(MultiGzDecoder::new(payload).read_to_end(out)?),
            Self::Zstd => zstd::stream::copy_decode(payload, out)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "{\"event\":\"session.start\",\"user\":\"alice\"}\n";

    #[test]
    fn what_is_packed_unpacks_to_the_same() {
        let events = LINE.repeat(50).into_bytes();
        for compression in [Compression::Text, Compression::Gzip, Compression::Zstd] {
            let (with, packed) = compression.packed(events.clone()).unwrap();
            assert_eq!(with, compression);
            let mut unpacked = b"of another frame".to_vec();
            with.unpack(&packed, &mut unpacked).unwrap();
            assert_eq!(unpacked, events, "{compression:?}");
        }
    }

    #[test]
    fn what_would_not_become_smaller_stays_as_it_is() {
        for compression in [Compression::Gzip, Compression::Zstd] {
            let (with, packed) = compression.packed(b"{}\n".to_vec()).unwrap();
            assert_eq!((with, &packed[..]), (Compression::Text, &b"{}\n"[..]));
        }
    }

    #[test]
    fn a_payload_that_breaks_off_is_an_error() {
        let events = LINE.repeat(50).into_bytes();
        for compression in [Compression::Gzip, Compression::Zstd] {
            let (with, mut packed) = compression.packed(events.clone()).unwrap();
            packed.truncate(packed.len() / 2);
            assert!(with.unpack(&packed, &mut Vec::new()).is_err(), "{with:?}");
        }
    }
}
