//! Why a body is refused.

use std::str::Utf8Error;

use crate::json::{Fault, Found, Problem};
use crate::time::TimeError;

/// A body that is refused: the place and the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at byte {offset}, line {line}")]
pub struct ParseError {
    /// Bytes before the place, from the start of the body. Where a whole record is at
    /// fault it is the record's place.
    pub offset: usize,
    /// The line of the body, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub reason: Reason,
}

/// Why a body is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// It is no JSON, or is no text at all.
    #[error(transparent)]
    Json(#[from] Problem),
    /// An array has something else than an object in it.
    #[error("found {found} as element {index} of the array, expected an object")]
    NotAnObject {
        /// Counted from 0.
        index: usize,
        /// What the element begins with.
        found: Found,
    },
    /// The record's time key has a value that is no time.
    #[error("field {key:?}: {reason}")]
    Time {
        /// The time key.
        key: String,
        /// What the time parser says.
        reason: TimeError,
    },
    /// A text that is not one CSV row.
    #[error("found {found}, expected {expected}")]
    Csv {
        /// What stands there.
        found: Found,
        /// What may stand there.
        expected: &'static str,
    },
    /// The text does not match the expression of the parser.
    #[error("found a text that the expression of <parse> does not match")]
    NoMatch,
    /// It is no MessagePack, or something that no record can hold.
    #[error("found {found} in MessagePack, expected {expected}")]
    Msgpack {
        /// What was found.
        found: &'static str,
        /// What is allowed there.
        expected: &'static str,
    },
}

/// A reason at an offset of the piece of the body that is being parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) offset: usize,
    pub(super) reason: Reason,
}

impl Failure {
    pub(super) fn at(offset: usize, reason: impl Into<Reason>) -> Self {
        let reason = reason.into();
        Self { offset, reason }
    }

    pub(super) fn not_utf8(error: Utf8Error) -> Self {
        Self::at(error.valid_up_to(), Problem::NotUtf8)
    }

    /// The same as seen from the start of the body, in which the piece begins at `base`.
    pub(super) fn locate(self, body: &[u8], base: usize) -> ParseError {
        let offset = base.saturating_add(self.offset).min(body.len());
        let before = body.get(..offset).unwrap_or_default();
        ParseError {
            offset,
            line: 1 + memchr::memchr_iter(b'\n', before).count(),
            reason: self.reason,
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::at(fault.offset, fault.problem)
    }
}
