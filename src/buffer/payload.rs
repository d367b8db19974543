//! Portions as they go into their chunks' files: packed, if `compress` says so, and framed.

use std::io;

use fluent_compat::chunk::Metadata;

use super::chunk_file::{Compression, Kind};
use super::frames::Frame;
use super::{AppendError, Portion, Portions};

/// A portion as a frame.
pub(super) struct Payload {
    pub(super) metadata: Metadata,
    /// Head and events.
    pub(super) frame: Frame,
    pub(super) content: Content,
}

/// Events and their bytes, packed as they are. Limits count these bytes, as Fluentd's do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) bytes: u64,
    pub(super) records: u64,
}

/// The payloads of a request: mostly one.
pub(super) type Payloads = Vec<Payload>;

impl Payload {
    fn pack(portion: Portion, compression: Compression) -> io::Result<Self> {
        let (compression, events) = compression.packed(portion.events)?;
        let content = Content {
            bytes: events.len() as u64,
            records: portion.records.into(),
        };
        Ok(Self {
            metadata: portion.metadata,
            frame: Frame::Own(events.into_frame(Kind::Data(compression), portion.records)?),
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

/// Whether packing so many bytes keeps nobody waiting: it takes about a millisecond at most.
pub(super) fn is_packed_in_no_time(length: u64, compression: Compression) -> bool {
    const SMALL: u64 = 64 << 10;
    compression == Compression::Text || length <= SMALL
}

/// Packs the portions of a request.
pub(super) fn pack(portions: Portions, compression: Compression) -> Result<Payloads, AppendError> {
    let pack = |portion| {
        Payload::pack(portion, compression).map_err(|error| AppendError::Storage {
            reason: format!("packing failed: {error}").into(),
        })
    };
    portions.into_iter().map(pack).collect()
}

/// The same in a thread of its own.
pub(super) async fn pack_aside(
    portions: Portions,
    compression: Compression,
) -> Result<Payloads, AppendError> {
    match tokio::task::spawn_blocking(move || pack(portions, compression)).await {
        Ok(packed) => packed,
        Err(failure) => std::panic::resume_unwind(failure.into_panic()),
    }
}

/// The bytes of all, packed.
pub(super) fn length(payloads: &[Payload]) -> u64 {
    let lengths = payloads.iter().map(|payload| payload.content.bytes);
    lengths.sum()
}
