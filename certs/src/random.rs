//! Randomness, from the same source as TLS has it.

use rustls::crypto::aws_lc_rs::default_provider;

use crate::IssueError;

/// Fills the bytes with what nobody can guess.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), IssueError> {
    default_provider()
        .secure_random
        .fill(bytes)
        .map_err(|_| IssueError::Randomness)
}
