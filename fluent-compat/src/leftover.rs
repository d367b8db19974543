//! Fluentd's own buffer files, as `buf_file` leaves them behind: what they are called, what
//! their metadata say, and how their bodies are packed.
//!
//! A chunk is two files: the body, events as the output's `<format>` wrote them, and beside
//! it a `.meta` that says which chunk it is. A process that was killed leaves both, and one
//! that takes Fluentd's place finds them.

mod meta;
mod names;
mod packing;

pub use meta::{Meta, MetaError};
pub use names::{LeftoverFile, LeftoverNames, LeftoverState, Part};
pub use packing::Packing;
