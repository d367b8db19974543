//! What the black-box tests, the demo and the benchmarks stand on: an S3 store with
//! faults, an mTLS client, a running server and made-up audit events.

pub mod client;
pub mod conf;
pub mod events;
pub mod keys;
pub mod load;
pub mod rig;
pub mod server;
pub mod store;
pub mod tally;
