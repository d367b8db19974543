//! The addresses of fields.

mod without;

use crate::json;

/// A field's address, as Fluentd's record accessor reads it: `user` is a top-level key,
/// `$.a.b`, `$.a[0]` and `$['a.b']["c"][0]` lead into objects and arrays. A negative index
/// counts from the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath {
    source: String,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(i64),
}

/// A text that is no address of a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldPathError {
    /// `$.` or `$[` with nothing behind it.
    #[error("found no key in {path:?}, expected one as in $.key or $['key']")]
    Empty {
        /// The whole address.
        path: String,
    },
    /// White space in a key after `$.`.
    #[error("found white space in {key:?}, expected bracket notation as in $['{key}']")]
    WhiteSpace {
        /// The key.
        key: String,
    },
    /// A bracket that is not closed.
    #[error("found '[' without its ']' in {path:?}")]
    Unclosed {
        /// The whole address.
        path: String,
    },
    /// A bracket with neither a quoted key nor a number in it.
    #[error("found [{found}] in {path:?}, expected a number or a key in quotes")]
    Index {
        /// What is between the brackets.
        found: String,
        /// The whole address.
        path: String,
    },
    /// Something other than a bracket after a bracket.
    #[error("found {found:?} after ']' in {path:?}, expected '[' or the end")]
    Trailing {
        /// What comes after the bracket.
        found: String,
        /// The whole address.
        path: String,
    },
}

impl FieldPath {
    /// Reads an address.
    pub fn parse(path: &str) -> Result<Self, FieldPathError> {
        let steps = if let Some(keys) = path.strip_prefix("$.") {
            dotted(keys, path)?
        } else if path.starts_with("$[") {
            brackets(path.trim_start_matches('$'), path)?
        } else {
            vec![Step::Key(path.to_owned())]
        };
        if steps.is_empty() {
            let path = path.to_owned();
            return Err(FieldPathError::Empty { path });
        }
        let source = path.to_owned();
        Ok(Self { source, steps })
    }

    /// The address of a key in the object at a key, and so on.
    pub(crate) fn of_keys(source: &str, keys: Vec<String>) -> Self {
        let source = source.to_owned();
        let steps = keys.into_iter().map(Step::Key).collect();
        Self { source, steps }
    }

    /// The address as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The raw value at this address of an object in normal form.
    pub(super) fn find<'a>(&self, object: &'a str) -> Option<&'a str> {
        self.steps
            .iter()
            .try_fold(object, |value, step| step.find(value))
    }
}

impl Step {
    fn find<'a>(&self, value: &'a str) -> Option<&'a str> {
        match (self, value.as_bytes().first()?) {
            (Self::Key(wanted), b'{') => json::members(value)
                .find(|(key, _)| is_key(key, wanted))
                .map(|(_, value)| value),
            (Self::Index(index), b'[') => json::elements(value).nth(place_in_array(value, *index)?),
            _ => None,
        }
    }
}

/// Whether a key as it stands between its quotes is the one that is wanted.
fn is_key(raw: &str, wanted: &str) -> bool {
    raw == wanted || json::unescape(raw) == wanted
}

/// An index counted from the start; `None` for one before it.
fn place_in_array(array: &str, index: i64) -> Option<usize> {
    usize::try_from(index).ok().or_else(|| {
        let from_end = usize::try_from(index.unsigned_abs()).ok()?;
        json::elements(array).count().checked_sub(from_end)
    })
}

/// `a.b[0].c`, what stands behind `$.`.
fn dotted(keys: &str, path: &str) -> Result<Vec<Step>, FieldPathError> {
    let mut steps = Vec::new();
    for part in keys.trim_end_matches('.').split('.') {
        let (key, indexes) = part.split_at(part.find('[').unwrap_or(part.len()));
        if key.contains(char::is_whitespace) {
            let key = key.to_owned();
            return Err(FieldPathError::WhiteSpace { key });
        }
        if !(key.is_empty() && (keys.is_empty() || !indexes.is_empty())) {
            steps.push(Step::Key(key.to_owned()));
        }
        steps.extend(brackets(indexes, path)?);
    }
    Ok(steps)
}

/// `[0]['a']["b"]`, to the end of `text`.
fn brackets(text: &str, path: &str) -> Result<Vec<Step>, FieldPathError> {
    let mut steps = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let Some(inside) = rest.strip_prefix('[') else {
            return Err(FieldPathError::Trailing {
                found: rest.to_owned(),
                path: path.to_owned(),
            });
        };
        let end = match inside.chars().next() {
            Some('\'') => "']",
            Some('"') => "\"]",
            _ => "]",
        };
        let quote = end.trim_end_matches(']');
        let body = inside.get(quote.len()..).unwrap_or_default();
        let Some((content, after)) = body.split_once(end) else {
            let path = path.to_owned();
            return Err(FieldPathError::Unclosed { path });
        };
        steps.push(match quote {
            "" => Step::Index(content.trim().parse().map_err(|_| FieldPathError::Index {
                found: content.to_owned(),
                path: path.to_owned(),
            })?),
            _ => Step::Key(content.to_owned()),
        });
        rest = after;
    }
    Ok(steps)
}
