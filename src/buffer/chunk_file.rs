//! The chunk file: `docs/buffer-format.md` in code.
//!
//! Everything that knows the bytes or the names on disk is in here; the rest of the
//! buffer knows chunks.

mod body;
mod compression;
mod frame;
mod glance;
mod header;
mod names;
mod recovery;
mod scan;

pub use body::ChunkBody;
pub(super) use body::leading_frames;
pub use compression::Compression;
pub use frame::FormattedEvents;
pub(super) use frame::{Kind, append_frame};
pub use header::{Header, ObjectName};
pub(super) use names::{ChunkNames, State, parse_any};
pub(super) use recovery::{Reading, Recovered, copy_range, recover, recover_chunk};
pub(super) use scan::{Scan, Tail, scan};
