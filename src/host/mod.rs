//! What belongs to the machine and what tests replace: the clock, the filesystem, the
//! environment, the service manager; and a throttle, which needs the time.

pub mod clock;
pub mod environment;
pub mod fs;
pub mod notify;
pub mod throttle;
