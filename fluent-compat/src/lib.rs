//! What Fluentd means: its configuration language, times, tags, records and names.
//!
//! Everything here is pure. No sockets, no clock, no threads: a function's answer
//! depends on its arguments alone, so the answers recorded from a running Fluentd
//! in `vectors/` can be asked of it one by one.

pub mod chunk;
pub mod config;
pub mod events;
pub mod filter;
pub mod format;
pub mod inject;
pub mod json;
pub mod leftover;
pub mod object_key;
pub mod parse;
pub mod placeholder;
pub mod record;
pub mod retry;
pub mod tag;
pub mod time;
pub mod timekey;

mod ruby;
