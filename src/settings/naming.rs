//! What names of objects and files can be made of, also when `<buffer>` has a mistake.

use std::num::NonZeroU64;
use std::path::PathBuf;

use fluent_compat::chunk::ChunkKeys;
use fluent_compat::config::Params;
use fluent_compat::time::Zone;
use fluent_compat::timekey::TimekeySlots;

use super::buffer::BufferSettings;
use super::s3::S3Buffer;
use crate::buffer::Place;

/// A `timekey` that asks least of a path, for one that could not be read.
const A_DAY: NonZeroU64 = NonZeroU64::new(86_400).expect("a day is not zero");

/// A `<buffer>` as its output sees it. A mistake in it must not hide those beside it: then
/// the output is judged by as much of it as can be read.
pub(super) struct Naming {
    buffer: Option<BufferSettings>,
    readable_keys: ChunkKeys,
    assumed_slots: Option<TimekeySlots>,
}

impl Naming {
    pub(super) fn new(output: &Params<'_>, buffer: Option<BufferSettings>) -> Self {
        let readable_keys = readable_keys(output);
        let assumed_slots = readable_keys
            .has_time()
            .then(|| TimekeySlots::new(A_DAY, Zone::Utc));
        Self {
            buffer,
            readable_keys,
            assumed_slots,
        }
    }

    pub(super) fn chunks(&self) -> S3Buffer<'_> {
        match &self.buffer {
            Some(buffer) => S3Buffer {
                keys: &buffer.chunk_keys,
                slots: buffer.slots.as_ref(),
                spool_directory: spool_directory(&buffer.buffer.place),
            },
            None => S3Buffer {
                keys: &self.readable_keys,
                slots: self.assumed_slots.as_ref(),
                spool_directory: PathBuf::new(),
            },
        }
    }

    /// `None` if `<buffer>` has a mistake.
    pub(super) fn buffer(&self) -> Option<&BufferSettings> {
        self.buffer.as_ref()
    }

    /// As `buffer`.
    pub(super) fn into_buffer(self) -> Option<BufferSettings> {
        self.buffer
    }
}

/// Those chunk keys of a `<buffer>` that can be read.
fn readable_keys(output: &Params<'_>) -> ChunkKeys {
    let buffer = output.section_or_empty("buffer");
    let names = buffer.argument().split(',').map(str::trim);
    let names: Vec<_> = names
        .filter(|name| ChunkKeys::parse(name).is_ok())
        .collect();
    match ChunkKeys::parse(&names.join(",")) {
        Ok(keys) if !keys.is_empty() => keys,
        _ => ChunkKeys::only_time(),
    }
}

/// Compressed objects wait where their chunks lie: there is room, and it is the user's
/// choice of disk.
fn spool_directory(place: &Place) -> PathBuf {
    match place {
        Place::Memory => std::env::temp_dir(),
        Place::File { path, .. } => crate::buffer::directory(path),
    }
}
