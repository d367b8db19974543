//! What belongs to the machine and what tests replace: the clock, the filesystem, the
//! environment, the limit of descriptors, the service manager; a throttle, which needs the
//! time; and meters.

pub mod clock;
pub mod descriptors;
pub mod environment;
pub mod fs;
pub mod meter;
pub mod notify;
pub mod throttle;
