//! The argument of `<match …>`: one or more patterns.

use super::glob::Glob;

/// The patterns of a `<match …>` or `<filter …>`, compiled once; a tag that any of
/// them takes is taken.
#[derive(Clone, Debug)]
pub struct MatchPatterns {
    source: String,
    patterns: Vec<Pattern>,
}

/// Why a pattern cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PatternError {
    /// A `{` without its `}`.
    #[error("`{pattern}` has a `{{` without a `}}`")]
    Unclosed {
        /// The pattern as it stood.
        pattern: String,
    },
    /// It begins with `/` and does not end with one.
    #[error("`{pattern}` begins like a regular expression, but does not end with `/`")]
    UnclosedRegex {
        /// The pattern as it stood.
        pattern: String,
    },
    /// The expression between the slashes is none that we can run.
    #[error("`{pattern}` is not a regular expression that can be used here: {reason}")]
    Regex {
        /// The pattern as it stood.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// More steps than a pattern may have.
    #[error(
        "the pattern of {found} steps beginning with `{start}` is too long; {limit} are allowed"
    )]
    TooLong {
        /// Its first characters.
        start: String,
        /// How many steps it takes: about one a character.
        found: usize,
        /// How many are allowed.
        limit: usize,
    },
}

#[derive(Clone, Debug)]
enum Pattern {
    /// `**`
    All,
    /// Parts spelled out or `*`, as most patterns are: `test.log`, `session.*.log`.
    Parts(Vec<Part>),
    Glob(Glob),
    /// `/…/`
    Regex(regex_lite::Regex),
}

#[derive(Clone, PartialEq, Debug)]
enum Part {
    Any,
    Text(String),
}

impl MatchPatterns {
    /// Reads the argument: patterns separated by spaces. An empty one means `**`, as
    /// in Fluentd.
    ///
    /// - `*` takes one part of a tag: `a.*` takes `a.b`, not `a` or `a.b.c`
    /// - `**` takes any number of parts: `a.**` takes `a`, `a.b`, `a.b.c`
    /// - `{x,y}` takes either pattern
    /// - `/regex/` takes what the expression matches from end to end
    /// - a backslash takes the next character literally
    pub fn parse(argument: &str) -> Result<Self, PatternError> {
        let argument = argument.trim();
        let source = if argument.is_empty() { "**" } else { argument };
        let patterns = source
            .split_ascii_whitespace()
            .map(Pattern::parse)
            .collect::<Result<_, _>>()?;
        Ok(MatchPatterns {
            source: source.to_owned(),
            patterns,
        })
    }

    /// Whether any of the patterns takes this tag. Linear in the tag's length, as the
    /// tag may come from a stranger.
    pub fn matches(&self, tag: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(tag))
    }

    /// Whether one of the patterns is `**`, so that there is no tag which is not taken.
    pub fn takes_all(&self) -> bool {
        let mut patterns = self.patterns.iter();
        patterns.any(|pattern| matches!(pattern, Pattern::All))
    }

    /// The argument as it stood.
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Pattern, PatternError> {
        if text == "**" {
            return Ok(Pattern::All);
        }
        if let Some(rest) = text.strip_prefix('/') {
            let expression = rest
                .strip_suffix('/')
                .ok_or_else(|| PatternError::UnclosedRegex {
                    pattern: text.to_owned(),
                })?;
            // No group around it, as in Fluentd: `/a|b/` takes what begins with `a`
            // and what ends with `b`.
            return regex_lite::Regex::new(&format!(r"\A{expression}\z"))
                .map(Pattern::Regex)
                .map_err(|error| PatternError::Regex {
                    pattern: text.to_owned(),
                    reason: error.to_string(),
                });
        }
        match text.split('.').map(Part::parse).collect() {
            Some(parts) => Ok(Pattern::Parts(parts)),
            None => Glob::parse(text).map(Pattern::Glob),
        }
    }

    fn matches(&self, tag: &str) -> bool {
        match self {
            Pattern::All => true,
            Pattern::Parts(parts) => {
                let mut tag = tag.split('.');
                let all = parts
                    .iter()
                    .all(|part| tag.next().is_some_and(|text| part.matches(text)));
                all && tag.next().is_none()
            }
            Pattern::Glob(glob) => glob.matches(tag),
            Pattern::Regex(regex) => regex.is_match(tag),
        }
    }
}

impl Part {
    /// Nothing comes back where only a [`Glob`] will do.
    fn parse(text: &str) -> Option<Part> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'/');
        match text {
            "*" => Some(Part::Any),
            text => {
                (!text.is_empty() && text.bytes().all(plain)).then(|| Part::Text(text.to_owned()))
            }
        }
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Part::Any => true,
            Part::Text(wanted) => wanted == text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(argument: &str, tag: &str) -> bool {
        MatchPatterns::parse(argument).unwrap().matches(tag)
    }

    #[test]
    fn any_of_several_patterns_takes_a_tag() {
        let argument = "test.log  events.log\tsession.*.log";
        for tag in ["test.log", "events.log", "session.4a1b.log"] {
            assert!(takes(argument, tag), "{tag}");
        }
        assert!(!takes(argument, "session.log"));
        assert_eq!(MatchPatterns::parse(argument).unwrap().source(), argument);
    }

    #[test]
    fn a_star_takes_one_whole_part_which_may_be_empty() {
        assert!(takes("a.*.c", "a.b.c"));
        assert!(takes("a.*", "a."));
        for tag in ["a.b.c.d", "a.c", "a.b", "x.b.c", ""] {
            assert!(!takes("a.*.c", tag), "{tag}");
        }
    }

    #[test]
    fn no_argument_takes_everything() {
        assert!(takes("", "any.thing"));
    }

    #[test]
    fn an_expression_is_anchored_at_both_ends_but_not_grouped() {
        assert!(takes("/a.b/", "axb"));
        assert!(!takes("/a.b/", "axbc"));
        assert!(takes("/a|b/", "a then anything"));
    }

    #[test]
    fn what_cannot_be_a_pattern_is_refused_with_its_reason() {
        let error = |argument: &str| MatchPatterns::parse(argument).unwrap_err().to_string();
        assert_eq!(error("a.{b,c"), "`a.{b,c` has a `{` without a `}`");
        assert!(error("/a b/").starts_with("`/a` begins like a regular expression"));
        assert!(error("/(/").starts_with("`/(/` is not a regular expression"));
        assert!(error(&"a*".repeat(2000)).contains("too long"));
    }
}
