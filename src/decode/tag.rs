//! From a request's path to a tag.

use fluent_compat::tag::Tag;

/// What stands before every tag: Fluentd's `add_tag_prefix`, never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagPrefix(String);

/// A prefix that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("found an empty prefix; allowed is a text, or to leave the parameter out")]
pub struct TagPrefixError;

impl TagPrefix {
    /// Any text but the empty one.
    ///
    /// # Errors
    /// [`TagPrefixError`] if it is empty.
    pub fn new(text: &str) -> Result<Self, TagPrefixError> {
        if text.is_empty() {
            return Err(TagPrefixError);
        }
        Ok(Self(text.to_owned()))
    }

    /// The prefix, without the dot behind it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The path's segments joined by dots. Empty ones at the end do not count; what is escaped in
/// the path stays escaped, as in Fluentd.
pub(super) fn of_path(path: &str, prefix: Option<&TagPrefix>) -> Tag {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.trim_end_matches('/');
    match prefix {
        // Teleport's paths have one segment: nothing is copied but into the tag.
        None if !path.contains('/') => Tag::new(path),
        None => Tag::new(&path.replace('/', ".")),
        Some(TagPrefix(prefix)) => Tag::new(&format!("{prefix}.{}", path.replace('/', "."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(path: &str) -> String {
        of_path(path, None).as_str().to_owned()
    }

    #[test]
    fn segments_are_joined_by_dots() {
        assert_eq!(tag("/test.log"), "test.log");
        assert_eq!(tag("/a/b/c"), "a.b.c");
        assert_eq!(tag("/session.0f1e.log"), "session.0f1e.log");
    }

    #[test]
    fn empty_segments_count_but_at_the_end() {
        assert_eq!(tag("/"), "");
        assert_eq!(tag("/test.log//"), "test.log");
        assert_eq!(tag("//a//b"), ".a..b");
    }

    #[test]
    fn what_is_escaped_stays_escaped() {
        assert_eq!(tag("/a%20b"), "a%20b");
    }

    #[test]
    fn a_prefix_stands_before_a_dot() {
        let prefix = TagPrefix::new("teleport").unwrap();
        let tag = |path| of_path(path, Some(&prefix)).as_str().to_owned();
        assert_eq!(tag("/test.log"), "teleport.test.log");
        assert_eq!(tag("/a/b"), "teleport.a.b");
        assert_eq!(tag("/"), "teleport.");
    }

    #[test]
    fn an_empty_prefix_is_refused() {
        assert_eq!(TagPrefix::new(""), Err(TagPrefixError));
    }
}
