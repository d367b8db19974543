//! How much a buffer holds, in which pieces, and how they are packed.

use std::num::NonZeroUsize;

use fluent_compat::config::Params;

use super::{BufferDefaults, GIB, MIB, ObjectSize};
use crate::buffer::{Compression, OverflowAction, Place};
use crate::settings::remark::no_effect;
use crate::settings::traps;

/// Sizes in bytes, of events as they lie in their chunks.
pub(super) struct Limits {
    pub(super) chunk: u64,
    pub(super) records: Option<u64>,
    pub(super) threshold: f64,
    pub(super) total: u64,
    pub(super) queued_chunks: Option<NonZeroUsize>,
}

pub(super) fn limits(
    section: &Params<'_>,
    place: Option<&Place>,
    defaults: BufferDefaults,
    objects: Option<ObjectSize>,
) -> Limits {
    let (default_chunk, default_total) = match (place, defaults) {
        (_, BufferDefaults::Stdout) => (10 * 1024, 512 * MIB),
        (Some(Place::File { .. }), _) => (256 * MIB, 64 * GIB),
        _ => (8 * MIB, 512 * MIB),
    };
    if defaults == BufferDefaults::Stdout && !section.is_given("chunk_limit_size") {
        traps::warn_of_small_chunks(section, default_chunk);
    }
    let total = section.size("total_limit_size").unwrap_or(default_total);
    let room = objects.map_or(0, |objects| objects.room(total));
    let chunk = section
        .size("chunk_limit_size")
        .unwrap_or(default_chunk.max(room))
        .max(1);
    // Fluentd's old way to say the same; where it is given, it is what counts.
    let by_length = section.integer_in("queue_limit_length", 1..=u64::MAX);
    let threshold = section.float("chunk_full_threshold").unwrap_or(0.95);
    Limits {
        chunk,
        records: section.integer_in("chunk_limit_records", 1..=u64::MAX),
        threshold: threshold.clamp(0.0, 1.0),
        total: by_length.map_or(total, |length| chunk.saturating_mul(length)),
        queued_chunks: section
            .integer_in("queued_chunks_limit_size", 1..=usize::MAX)
            .and_then(NonZeroUsize::new),
    }
}

/// `compress`, and `decompression_size_limit` in bytes.
pub(super) fn compression(section: &Params<'_>) -> (Compression, u64) {
    let compressions = [
        ("text", Compression::Text),
        ("gzip", Compression::Gzip),
        ("zstd", Compression::Zstd),
    ];
    let compression = section.enumeration("compress", &compressions);
    let compression = compression.unwrap_or_default();
    let limit = section.size("decompression_size_limit");
    if compression == Compression::Text {
        let reason = "nothing is packed without `compress gzip` or `zstd`";
        no_effect(section, &["decompression_size_limit"], reason);
    }
    (compression, limit.unwrap_or(256 * MIB).max(1))
}

pub(super) fn overflow_action(section: &Params<'_>) -> OverflowAction {
    let actions = [
        ("throw_exception", OverflowAction::ThrowException),
        ("block", OverflowAction::Block),
        ("drop_oldest_chunk", OverflowAction::DropOldestChunk),
    ];
    let action = section.enumeration("overflow_action", &actions);
    action.unwrap_or(OverflowAction::ThrowException)
}
