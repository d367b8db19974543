//! What is found, and how it is told.

use std::fmt;

use serde_json::{Value, json};

/// Something that is not as it was signed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    pub(super) what: What,
    pub(super) verdict: Verdict,
    /// The whole name of the object or digest; of several digests that are missing, a chain and
    /// numbers.
    pub(super) name: String,
    pub(super) detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Digest,
    Object,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Missing,
    Altered,
    Forged,
    Forked,
    Unlisted,
    /// Listed a second time, as something else.
    Repeated,
    /// It lies outside of what is looked at.
    Unchecked,
    /// With `--live`: there should be a later one.
    Late,
}

impl Finding {
    pub(super) fn digest(verdict: Verdict, name: impl Into<String>, detail: String) -> Self {
        Self {
            what: What::Digest,
            verdict,
            name: name.into(),
            detail,
        }
    }

    pub(super) fn object(verdict: Verdict, name: impl Into<String>, detail: String) -> Self {
        Self {
            what: What::Object,
            verdict,
            name: name.into(),
            detail,
        }
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "finding": self.verdict.to_string(),
            "what": self.what.to_string(),
            "name": self.name,
            "detail": self.detail,
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            verdict,
            name,
            detail,
        } = self;
        write!(f, "{verdict} {what}: {name}: {detail}")
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Digest => "digest",
            Self::Object => "object",
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "missing",
            Self::Altered => "altered",
            Self::Forged => "forged",
            Self::Forked => "forked",
            Self::Unlisted => "unlisted",
            Self::Repeated => "repeated",
            Self::Unchecked => "unchecked",
            Self::Late => "late",
        })
    }
}
