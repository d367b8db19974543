//! Portions as they go into their chunks' files: packed, if `compress` says so.

use std::io;

use fluent_compat::chunk::Metadata;

use super::chunk_file::Compression;
use super::{AppendError, Portion};

/// A portion, packed. Limits count its bytes as they are here, as Fluentd's do.
pub(super) struct Payload {
    pub(super) metadata: Metadata,
    pub(super) bytes: Vec<u8>,
    pub(super) records: u32,
    pub(super) compression: Compression,
}

impl Payload {
    fn pack(portion: Portion, compression: Compression) -> io::Result<Self> {
        let (compression, bytes) = compression.packed(portion.bytes)?;
        Ok(Self {
            metadata: portion.metadata,
            bytes,
            records: portion.records,
            compression,
        })
    }
}

/// Packs the portions of a request. `length` is their bytes together: where packing them
/// would keep other connections waiting it is done in a thread of its own.
pub(super) async fn pack(
    portions: Vec<Portion>,
    length: u64,
    compression: Compression,
) -> Result<Vec<Payload>, AppendError> {
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
pub(super) fn pack_here(
    portions: Vec<Portion>,
    compression: Compression,
) -> io::Result<Vec<Payload>> {
    let packed = portions
        .into_iter()
        .map(|portion| Payload::pack(portion, compression));
    packed.collect()
}

/// The bytes of all, packed.
pub(super) fn length(payloads: &[Payload]) -> u64 {
    let lengths = payloads.iter().map(|payload| payload.bytes.len() as u64);
    lengths.sum()
}
