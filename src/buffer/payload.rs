//! Portions as they go into their chunks' files: packed, if `compress` says so, and framed.

use std::io;

use fluent_compat::chunk::Metadata;
use smallvec::SmallVec;

use super::chunk_file::{Compression, Kind};
use super::{AppendError, Portion, Portions};

/// A portion as a frame.
pub(super) struct Payload {
    pub(super) metadata: Metadata,
    /// Head and events.
    pub(super) frame: Vec<u8>,
    pub(super) content: Content,
}

/// Events and their bytes, packed as they are. Limits count these bytes, as Fluentd's do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) bytes: u64,
    pub(super) records: u64,
}

/// The payloads of a request: mostly one.
pub(super) type Payloads = SmallVec<[Payload; 1]>;

impl Payload {
    fn pack(portion: Portion, compression: Compression) -> io::Result<Self> {
        let (compression, events) = compression.packed(portion.events)?;
        let content = Content {
            bytes: events.len() as u64,
            records: portion.records.into(),
        };
        Ok(Self {
            metadata: portion.metadata,
            frame: events.into_frame(Kind::Data(compression), portion.records)?,
            content,
        })
    }
}

impl Content {
    /// Both together.
    pub(super) fn with(self, other: Self) -> Self {
        Self {
            bytes: self.bytes + other.bytes,
            records: self.records + other.records,
        }
    }
}

/// Packs the portions of a request. `length` is their bytes together: where packing them
/// would keep other connections waiting it is done in a thread of its own.
pub(super) async fn pack(
    portions: Portions,
    length: u64,
    compression: Compression,
) -> Result<Payloads, AppendError> {
    /// Packed in about a millisecond.
    const SMALL: u64 = 64 << 10;

    let packed = if compression == Compression::Text || length <= SMALL {
        pack_here(portions, compression)
    } else {
        match tokio::task::spawn_blocking(move || pack_here(portions, compression)).await {
            Ok(packed) => packed,
            Err(failure) => std::panic::resume_unwind(failure.into_panic()),
        }
    };
    packed.map_err(|error| AppendError::Storage {
        reason: format!("packing failed: {error}").into(),
    })
}

/// The same in this thread.
pub(super) fn pack_here(portions: Portions, compression: Compression) -> io::Result<Payloads> {
    let packed = portions
        .into_iter()
        .map(|portion| Payload::pack(portion, compression));
    packed.collect()
}

/// The bytes of all, packed.
pub(super) fn length(payloads: &[Payload]) -> u64 {
    let lengths = payloads.iter().map(|payload| payload.content.bytes);
    lengths.sum()
}
