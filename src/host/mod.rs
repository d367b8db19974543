//! What belongs to the machine and what tests replace: the clock, the filesystem, the
//! environment.

pub mod clock;
pub mod environment;
pub mod fs;
