//! `object_size` of an output, as its `<buffer>` has to allow for it.

use std::num::NonZeroU64;

use fluent_compat::config::{Params, Span};

use super::MIB;
use super::limits::Limits;
use crate::buffer::Compression;
use crate::schedule;

/// Chunks have room for events that shrink to a part of this unless `chunk_limit_size` is set.
const ROOM: u64 = 16;
/// What audit events shrink by, about; measured with gzip and zstd.
const USUAL: u64 = 6;

/// How large objects are to become.
#[derive(Clone, Copy, Debug)]
pub(in crate::settings) struct ObjectSize {
    /// In bytes of the object.
    pub(in crate::settings) bytes: u64,
    /// Whether `store_as` makes it smaller than its events.
    pub(in crate::settings) shrinks: bool,
    /// Where it stands.
    pub(in crate::settings) span: Span,
}

impl ObjectSize {
    /// As the schedule takes it. What lies packed in the buffer and is stored as it is grows by
    /// about what events shrink by, request by request.
    pub(super) fn for_schedule(&self, compression: Compression) -> schedule::ObjectSize {
        const GROWTH: NonZeroU64 = NonZeroU64::new(10).expect("ten is not zero");

        schedule::ObjectSize {
            bytes: self.bytes,
            at_first: match self.shrinks || compression == Compression::Text {
                true => NonZeroU64::MIN,
                false => GROWTH,
            },
        }
    }

    /// How much a chunk may hold, in a buffer that holds so much in all: another one has to
    /// have room while it is delivered.
    pub(super) fn room(&self, total: u64) -> u64 {
        self.bytes.saturating_mul(ROOM).min(total / 2)
    }
}

/// Who reads of it looks for it in `<buffer>`, beside `chunk_limit_size`.
pub(super) fn refuse_here(section: &Params<'_>) {
    if section.is_given("object_size") {
        let message = "`object_size` stands in <match>, beside `store_as`: it is the object's size";
        let span = section.span_of("object_size");
        section.diagnostics().error(span, message);
    }
}

/// A limit that every chunk meets before its object has the size.
pub(super) fn warn_if_out_of_reach(
    section: &Params<'_>,
    objects: Option<ObjectSize>,
    compression: Compression,
    limits: &Limits,
) {
    let Some(objects) = objects else { return };
    let (name, limit) = match limits.chunk <= limits.total {
        true => ("chunk_limit_size", limits.chunk),
        false => ("total_limit_size", limits.total),
    };
    // What is packed in the buffer is counted as such, and does not shrink much more.
    let shrinks = objects.shrinks && compression == Compression::Text;
    let usual = match shrinks {
        true => objects.bytes.saturating_mul(USUAL),
        false => objects.bytes,
    };
    let grows = !objects.shrinks && compression != Compression::Text;
    if limit >= usual || grows {
        return;
    }
    let asked = told(objects.bytes);
    let limit_told = told(limit);
    let message = match limit < objects.bytes {
        true => format!(
            "`object_size` is {asked}, and no object becomes so large: `{name}` is {limit_told}"
        ),
        false => format!(
            "`object_size` is {asked}, and audit events shrink to a {USUAL}th: with `{name}` \
             {limit_told} few objects become so large"
        ),
    };
    let help = match section.is_given(name) {
        true => format!("leave `{name}` out, or make it {} at least", told(usual)),
        false => format!("set `total_limit_size` to {} at least", told(usual * 2)),
    };
    let diagnostics = section.diagnostics();
    diagnostics.warning_with_help(objects.span, message, help);
}

/// As a configuration has it: `200m`, or the bytes.
fn told(bytes: u64) -> String {
    match bytes % MIB {
        0 => format!("{}m", bytes / MIB),
        _ => bytes.to_string(),
    }
}
