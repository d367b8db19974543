//! What belongs to the machine and what tests replace: the clock and the filesystem.

pub mod clock;
pub mod fs;
