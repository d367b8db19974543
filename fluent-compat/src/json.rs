//! JSON in one pass: checked, minified and copied, without a tree.
//!
//! What [`Scanner`] writes is the *normal form*, the only form in which a record is
//! kept:
//! - valid UTF-8, no white space outside strings;
//! - every key at most once in its object (the last value, at the first one's place,
//!   as Ruby's Hash has it);
//! - control characters in strings are escaped, all other text is as it came;
//! - numbers are digit for digit as they came, whatever their size.
//!
//! What is no JSON by RFC 8259 is an error, with one exception: control characters
//! inside strings need not be escaped (senders do it, and nothing is lost by it).
//! NaN, comments, lone surrogates and leading zeros are refused.

mod block;
mod error;
mod keys;
mod number;
mod scan;
mod string;
mod unique;
mod walk;

pub use error::{Found, Problem};
pub use scan::{NestingLimit, TimeKey};

pub(crate) use error::Fault;
pub(crate) use scan::Scanner;
pub(crate) use string::{push_escaped_text, push_quoted, unescape};
pub(crate) use walk::{depth, elements, members, push_member};

#[cfg(test)]
mod tests;
