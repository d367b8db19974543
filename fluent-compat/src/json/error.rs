//! What is wrong with a JSON text, and where.

use std::fmt;

/// A text that is no JSON: the place and the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {offset}, line {line}")]
pub struct JsonError {
    /// Bytes before the place, from the start of the body.
    pub offset: usize,
    /// The line of the body, counted from 1.
    pub line: usize,
    /// What was found there.
    pub problem: Problem,
}

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The grammar allows something else here.
    #[error("found {found}, expected {expected}")]
    Unexpected {
        /// What stands there.
        found: Found,
        /// What may stand there.
        expected: &'static str,
    },
    /// One half of a surrogate pair, which stands for no character.
    #[error("found the lone surrogate \\u{0:04x}, expected a pair of them or a character")]
    LoneSurrogate(u16),
    /// Bytes that are no UTF-8.
    #[error("found bytes that are not UTF-8")]
    NotUtf8,
    /// Objects and arrays inside one another beyond the limit.
    #[error("found more than {limit} objects and arrays inside one another")]
    TooDeep {
        /// How many levels are allowed.
        limit: u8,
    },
}

/// What stands where the scanner stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A character.
    Char(char),
    /// The end of the text.
    End,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Char(c) => write!(f, "{c:?}"),
            Self::End => f.write_str("the end"),
        }
    }
}

/// A problem at an offset of the scanned text: what the scanner itself passes on.
/// The line is looked up only when an error leaves this module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) offset: usize,
    pub(crate) problem: Problem,
}

impl Fault {
    /// The fault of finding what stands at `offset` where `expected` should be.
    pub(crate) fn unexpected(text: &str, offset: usize, expected: &'static str) -> Self {
        let next = text.get(offset..).and_then(|rest| rest.chars().next());
        let found = next.map_or(Found::End, Found::Char);
        let problem = Problem::Unexpected { found, expected };
        Self { offset, problem }
    }

    /// The same, as seen from the start of `body`, in which the scanned text begins at
    /// `base`.
    pub(crate) fn in_body(self, body: &[u8], base: usize) -> JsonError {
        let offset = base.saturating_add(self.offset).min(body.len());
        let before = body.get(..offset).unwrap_or_default();
        JsonError {
            offset,
            line: 1 + memchr::memchr_iter(b'\n', before).count(),
            problem: self.problem,
        }
    }
}
