//! What is wrong with a JSON text.

use std::fmt;

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

impl Found {
    pub(crate) fn at(text: &str, offset: usize) -> Self {
        let rest = text.get(offset..).unwrap_or_default();
        rest.chars().next().map_or(Self::End, Self::Char)
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Char(c) => write!(f, "{c:?}"),
            Self::End => f.write_str("the end"),
        }
    }
}

/// A problem at an offset of the scanned text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) offset: usize,
    pub(crate) problem: Problem,
}

impl Fault {
    /// The fault of finding what stands at `offset` where `expected` should be.
    pub(crate) fn unexpected(text: &str, offset: usize, expected: &'static str) -> Self {
        let found = Found::at(text, offset);
        let problem = Problem::Unexpected { found, expected };
        Self { offset, problem }
    }
}
