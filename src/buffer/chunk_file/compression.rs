//! `compress`: what a data frame's payload is packed with.

use std::io::{self, Read, Write};

use flate2::Compression as GzipLevel;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::FormattedEvents;

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
    /// Packs events, and says with what: those that would not become smaller stay as they
    /// are, so that no payload ever outgrows the limit it was measured against.
    ///
    /// # Errors
    /// The library's own: no memory for its tables.
    pub(in crate::buffer) fn packed(
        self,
        events: FormattedEvents,
    ) -> io::Result<(Self, FormattedEvents)> {
        let mut packed = FormattedEvents::with_capacity(0);
        match self {
            Self::Text => return Ok((Self::Text, events)),
            Self::Gzip => {
                let mut gzip = GzEncoder::new(packed.out(), GzipLevel::default());
                gzip.write_all(events.as_bytes())?;
                gzip.finish()?;
            }
            Self::Zstd => {
                let level = zstd::DEFAULT_COMPRESSION_LEVEL;
                zstd::stream::copy_encode(events.as_bytes(), packed.out(), level)?;
            }
        }
        Ok(match packed.len() < events.len() {
            true => (self, packed),
            false => (Self::Text, events),
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

    fn lines() -> FormattedEvents {
        let line = "{\"event\":\"session.start\",\"user\":\"alice\"}\n";
        FormattedEvents::from(line.repeat(50).as_bytes())
    }

    #[test]
    fn what_is_packed_unpacks_to_the_same() {
        let events = lines();
        for compression in [Compression::Text, Compression::Gzip, Compression::Zstd] {
            let (with, packed) = compression.packed(events.clone()).unwrap();
            assert_eq!(with, compression);
            let mut unpacked = b"of another frame".to_vec();
            with.unpack(packed.as_bytes(), &mut unpacked).unwrap();
            assert_eq!(unpacked, events.as_bytes(), "{compression:?}");
        }
    }

    #[test]
    fn what_would_not_become_smaller_stays_as_it_is() {
        for compression in [Compression::Gzip, Compression::Zstd] {
            let events = FormattedEvents::from(&b"{}\n"[..]);
            let (with, packed) = compression.packed(events).unwrap();
            assert_eq!((with, packed.as_bytes()), (Compression::Text, &b"{}\n"[..]));
        }
    }

    #[test]
    fn a_payload_that_breaks_off_is_an_error() {
        for compression in [Compression::Gzip, Compression::Zstd] {
            let (with, packed) = compression.packed(lines()).unwrap();
            let (half, _) = packed.as_bytes().split_at(packed.len() / 2);
            assert!(with.unpack(half, &mut Vec::new()).is_err(), "{with:?}");
        }
    }
}
