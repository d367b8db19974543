//! Tags, and the patterns of `<match …>` and `<filter …>` that take them.

mod glob;
mod pattern;

use std::sync::Arc;

pub use pattern::{MatchPatterns, PatternError};

/// An event's tag: dot-separated parts, as in `session.4a1b.log`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Tag(Arc<str>);

impl Tag {
    /// A tag of this very text; Fluentd forbids nothing in it.
    pub fn new(text: &str) -> Tag {
        Tag(Arc::from(text))
    }

    /// The whole tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts between the dots, in order: what `${tag[n]}` counts.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('.')
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_tag_are_counted_from_both_ends() {
        let tag = Tag::new("session.4a1b.log");
        assert_eq!(tag.parts().collect::<Vec<_>>(), ["session", "4a1b", "log"]);
        assert_eq!(tag.parts().next_back(), Some("log"));
        assert_eq!(Tag::new("").parts().count(), 1);
    }
}
