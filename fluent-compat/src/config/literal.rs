//! The texts of parameters as typed values, converted as Fluentd does it.
//!
//! Fluentd takes whatever part of a text makes sense to it: `1.5m` is five mebibytes and
//! `abc` is zero. We come to the same values, and say when only a part of the text went
//! into one, so that the reader can be warned.

mod collection;
mod number;

pub use collection::{array, hash};
pub use number::{float, integer, size, time};

/// A converted text.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Converted<T> {
    /// What Fluentd takes it for.
    pub value: T,
    /// How much of the text that is.
    pub reading: Reading,
}

/// How much of a text went into its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reading {
    /// All of it: it is what its writer meant.
    Whole,
    /// Some of it: Fluentd passes over the rest in silence.
    Partial,
}

/// Why a text has no value of the wanted type.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum LiteralError {
    /// Fluentd would count on without end.
    #[error("the number is beyond the range of 64 bits")]
    OutOfRange,
    /// `on`, `1`, `TRUE` and the like.
    #[error("expected true, yes, false or no")]
    NotBool,
    /// A text that begins with `[`.
    #[error("expected a JSON array or values separated by commas: {reason}")]
    NotArray {
        /// What the JSON parser says.
        reason: String,
    },
    /// A text that begins with `{`, or a list with an empty place.
    #[error("expected a JSON hash or `name:value` pairs separated by commas: {reason}")]
    NotHash {
        /// What is wrong with it.
        reason: String,
    },
    /// `/…` without a second slash before at most two letters.
    #[error("expected a closing `/` followed by no more than the options i and m")]
    UnclosedRegexp,
}

/// `true`, `yes` and nothing at all are true, `false` and `no` are not.
///
/// A text that begins with `#` is true, too: it is what a parameter without a value gets
/// that has a remark behind its name.
///
/// # Errors
/// Every other text: Fluentd refuses those for most parameters.
pub fn boolean(text: &str) -> Result<bool, LiteralError> {
    match text {
        "" | "true" | "yes" => Ok(true),
        "false" | "no" => Ok(false),
        _ if text.starts_with('#') => Ok(true),
        _ => Err(LiteralError::NotBool),
    }
}

/// A regular expression in Ruby's notation, not compiled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegexpText {
    /// What stands between the slashes, or the whole text if it has none.
    pub pattern: String,
    /// Option `i`.
    pub ignores_case: bool,
    /// Option `m`: the dot matches line breaks.
    pub is_multiline: bool,
}

/// Takes `/pattern/im` apart; a text that does not begin with a slash is a pattern as it is.
///
/// # Errors
/// A first slash without a last one.
pub fn regexp(text: &str) -> Result<RegexpText, LiteralError> {
    let Some(rest) = text.strip_prefix('/') else {
        return Ok(RegexpText {
            pattern: text.to_owned(),
            ignores_case: false,
            is_multiline: false,
        });
    };
    let (pattern, options) = rest.rsplit_once('/').ok_or(LiteralError::UnclosedRegexp)?;
    if options.chars().count() > 2 {
        return Err(LiteralError::UnclosedRegexp);
    }
    Ok(RegexpText {
        pattern: pattern.to_owned(),
        ignores_case: options.contains('i'),
        is_multiline: options.contains('m'),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_in_place_of_a_value_is_true() {
        assert_eq!(boolean("# on purpose"), Ok(true));
        assert_eq!(boolean("on"), Err(LiteralError::NotBool));
    }

    #[test]
    fn a_regexp_is_taken_apart() {
        let plain = regexp("^a/b$").unwrap();
        assert_eq!(
            (plain.pattern.as_str(), plain.ignores_case),
            ("^a/b$", false)
        );
        let full = regexp("/^a/b$/im").unwrap();
        assert_eq!(
            (full.pattern.as_str(), full.ignores_case, full.is_multiline),
            ("^a/b$", true, true)
        );
        assert_eq!(regexp("/abc"), Err(LiteralError::UnclosedRegexp));
        assert_eq!(regexp("/abc/imx"), Err(LiteralError::UnclosedRegexp));
    }
}
