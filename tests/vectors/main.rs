//! The executable against what was recorded from a running Fluentd.
//!
//! The cases, and the directory that `FLUENTD_VECTORS` names, are those of `fluent-compat`;
//! so is the table of our deliberate differences.

mod http;
#[path = "../../fluent-compat/tests/vectors/mod.rs"]
mod recordings;
mod s3_objects;

/// The executable under test.
const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");

/// What a case ends with that could not even be tried.
fn shown(error: impl std::fmt::Display) -> String {
    error.to_string()
}
