//! Walking through JSON that is known to be in normal form, and building it.

use super::block::next_special;

/// The members of an object: key as it stands between its quotes, raw value.
pub(crate) fn members(object: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut walk = Walk::inside(object);
    std::iter::from_fn(move || {
        let key = walk.value()?;
        let value = walk.value()?;
        Some((key.get(1..key.len() - 1)?, value))
    })
}

/// The raw elements of an array.
pub(crate) fn elements(array: &str) -> impl Iterator<Item = &str> {
    let mut walk = Walk::inside(array);
    std::iter::from_fn(move || walk.value())
}

/// Appends a member (its key as it stands between the quotes) to an object that is not
/// closed yet.
pub(crate) fn push_member(out: &mut String, key: &str, value: &str) {
    // No value ends with an opening brace: it is the object's own.
    out.push_str(if out.ends_with('{') { "\"" } else { ",\"" });
    out.push_str(key);
    out.push_str("\":");
    out.push_str(value);
}

/// How many objects and arrays are inside one another in a value.
pub(crate) fn depth(value: &str) -> usize {
    let bytes = value.as_bytes();
    let (mut at, mut depth, mut deepest) = (0, 0_usize, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_string(bytes, at),
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            _ => at += 1,
        }
    }
    deepest
}

struct Walk<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Walk<'a> {
    /// After the first brace or bracket of `text`.
    fn inside(text: &'a str) -> Self {
        Self { text, position: 1 }
    }

    /// The next value (or key); what separates it from the one after it is passed too.
    fn value(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        let start = self.position;
        let mut at = start;
        let mut depth = 0_usize;
        let end = loop {
            match bytes.get(at)? {
                b'"' => at = end_of_string(bytes, at),
                b'{' | b'[' => {
                    depth += 1;
                    at += 1;
                }
                b'}' | b']' if depth == 0 => break at,
                b'}' | b']' => {
                    depth -= 1;
                    at += 1;
                }
                b',' | b':' if depth == 0 => break at,
                _ => at += 1,
            }
        };
        self.position = end + 1;
        self.text.get(start..end).filter(|value| !value.is_empty())
    }
}

/// The offset after the string whose first quote is at `quote`.
fn end_of_string(bytes: &[u8], quote: usize) -> usize {
    let mut at = next_special(bytes, quote + 1);
    while bytes.get(at) == Some(&b'\\') {
        at = next_special(bytes, at + 2);
    }
    at + 1
}
