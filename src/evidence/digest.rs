//! A digest: `docs/digest-format.md` in code.

use std::io;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::entry::{ChainId, Entry, Kind, Moment, Sha256, Signature};
use super::key::{PublicKey, SigningKey};

/// What names of digests end with.
pub const SUFFIX: &str = ".digest";
const VERSION: u64 = 1;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Of the format.
    #[serde(rename = "forebay-digest")]
    version: u64,
    /// The chain it belongs to.
    pub chain: ChainId,
    /// Its place there, from 1 on.
    pub sequence: u64,
    /// Its own name in the bucket.
    pub key: String,
    /// The bucket.
    pub bucket: String,
    /// What the names of all objects of the output begin with.
    pub covers: String,
    /// Why it was made.
    pub occasion: Occasion,
    /// Seconds from one to the next.
    pub interval: u64,
    /// The time it is about begins here.
    pub since: Moment,
    /// And ends here.
    pub until: Moment,
    /// The one before.
    pub previous: Option<Link>,
    objects: u64,
    doubtful: u64,
    pending: u64,
}

/// Why a digest is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Occasion {
    /// The server begins to put objects.
    Start,
    /// An interval is over, or so much has happened that a digest is full.
    Interval,
    /// The server puts nothing any more.
    Stop,
}

/// What a digest says of the one before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its name.
    pub key: String,
    /// Of all its bytes.
    pub sha256: Sha256,
    /// Its signature.
    pub signature: Signature,
}

/// All that a digest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// The first line.
    pub head: Head,
    /// Objects that were put.
    pub objects: Vec<Entry>,
    /// Attempts of which nobody will ever know.
    pub doubtful: Vec<Entry>,
    /// Attempts that were under way.
    pub pending: Vec<Entry>,
}

/// The last line.
#[derive(Serialize, Deserialize)]
struct Trailer {
    signature: Signature,
    public_key: PublicKey,
}

/// A digest's bytes and what follows from them.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The whole object.
    pub bytes: Bytes,
    /// What the next digest says of it.
    pub link: Link,
}

/// A digest that was read; whether to believe it is another question.
#[derive(Clone, Debug)]
pub struct ReadDigest {
    /// What it says.
    pub digest: Digest,
    /// What the next digest should say of it.
    pub link: Link,
    /// The key that it names.
    pub public_key: PublicKey,
    /// How many of its bytes are signed.
    signed: usize,
}

/// Bytes that are no digest.
#[derive(Debug, thiserror::Error)]
pub enum DigestError {
    /// A line is not what it should be.
    #[error("line {line}: {reason}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// Another version of the format.
    #[error("version {found} of the format; known is {VERSION}")]
    Version {
        /// What the head says.
        found: u64,
    },
    /// Lines are missing, or there are too many.
    #[error("the head counts {expected} entries, and there are {found}")]
    Count {
        /// By the head.
        expected: u64,
        /// As they are.
        found: u64,
    },
}

impl Digest {
    /// The counts of the head are made to fit.
    pub(super) fn new(
        mut head: Head,
        objects: Vec<Entry>,
        doubtful: Vec<Entry>,
        pending: Vec<Entry>,
    ) -> Self {
        head.objects = objects.len() as u64;
        head.doubtful = doubtful.len() as u64;
        head.pending = pending.len() as u64;
        Self {
            head,
            objects,
            doubtful,
            pending,
        }
    }

    /// Its bytes, signed.
    pub(super) fn signed(&self, key: &SigningKey) -> io::Result<Signed> {
        let mut text = Vec::new();
        push_line(&mut text, &self.head)?;
        for (kind, entries) in [
            (Kind::Object, &self.objects),
            (Kind::Doubtful, &self.doubtful),
            (Kind::Pending, &self.pending),
        ] {
            for entry in entries {
                push_line(&mut text, &entry.of_kind(kind))?;
            }
        }
        let signature = key.sign(&text);
        let public_key = key.public_key();
        let trailer = Trailer {
            signature,
            public_key,
        };
        push_line(&mut text, &trailer)?;
        Ok(Signed {
            link: Link {
                key: self.head.key.clone(),
                sha256: Sha256::of(&text),
                signature,
            },
            bytes: text.into(),
        })
    }

    /// Reads a digest, and believes nothing of it.
    ///
    /// # Errors
    /// The bytes are no digest of a version that is known.
    pub fn read(bytes: &[u8]) -> Result<ReadDigest, DigestError> {
        let wrong = |line, reason: &dyn std::fmt::Display| DigestError::Line {
            line: line + 1,
            reason: reason.to_string(),
        };
        let lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let last = lines.len().saturating_sub(1);
        let (Some(head), Some(trailer)) = (lines.first(), lines.last().filter(|_| last > 0)) else {
            return Err(wrong(0, &"expected a head and a signature"));
        };
        let head: Head = serde_json::from_slice(head).map_err(|error| wrong(0, &error))?;
        if head.version != VERSION {
            let found = head.version;
            return Err(DigestError::Version { found });
        }
        if !trailer.ends_with(b"\n") {
            return Err(wrong(last, &"the signature's line does not end"));
        }
        let trailer_text = trailer;
        let trailer: Trailer =
            serde_json::from_slice(trailer_text).map_err(|error| wrong(last, &error))?;
        let (mut objects, mut doubtful, mut pending) = (Vec::new(), Vec::new(), Vec::new());
        for (at, line) in lines.iter().enumerate().take(last).skip(1) {
            let mut entry: Entry =
                serde_json::from_slice(line).map_err(|error| wrong(at, &error))?;
            match entry.kind.take() {
                Some(Kind::Object) => objects.push(entry),
                Some(Kind::Doubtful) => doubtful.push(entry),
                Some(Kind::Pending) => pending.push(entry),
                None => return Err(wrong(at, &"`kind` is missing")),
            }
        }
        for (expected, found) in [
            (head.objects, &objects),
            (head.doubtful, &doubtful),
            (head.pending, &pending),
        ] {
            let found = found.len() as u64;
            if expected != found {
                return Err(DigestError::Count { expected, found });
            }
        }
        Ok(ReadDigest {
            link: Link {
                key: head.key.clone(),
                sha256: Sha256::of(bytes),
                signature: trailer.signature,
            },
            public_key: trailer.public_key,
            signed: bytes.len() - trailer_text.len(),
            digest: Self {
                head,
                objects,
                doubtful,
                pending,
            },
        })
    }
}

impl ReadDigest {
    /// Whether one of the keys has signed these bytes, from which it was read.
    pub fn is_signed_by(&self, keys: &[PublicKey], bytes: &[u8]) -> bool {
        let signed = bytes.get(..self.signed).unwrap_or_default();
        let signature = &self.link.signature;
        keys.iter().any(|key| key.verifies(signed, signature))
    }
}

/// A head whose counts are still to come.
pub(super) struct Beginning {
    pub(super) chain: ChainId,
    pub(super) sequence: u64,
    pub(super) occasion: Occasion,
    pub(super) since: Moment,
    pub(super) until: Moment,
    pub(super) previous: Option<Link>,
}

impl Beginning {
    /// With what an output's configuration says; `random` makes the name the digest's own.
    pub(super) fn head(self, config: &super::Config, random: u64) -> Head {
        let (chain, sequence, until) = (self.chain, self.sequence, self.until);
        let key = format!(
            "{path}{chain}/{sequence:010}-{until}-{random:016x}{SUFFIX}",
            path = config.path,
            until = until.compact(),
        );
        Head {
            version: VERSION,
            chain,
            sequence,
            key,
            bucket: config.bucket.clone(),
            covers: config.covers.clone(),
            occasion: self.occasion,
            interval: config.interval.as_secs(),
            since: self.since,
            until,
            previous: self.previous,
            objects: 0,
            doubtful: 0,
            pending: 0,
        }
    }
}

fn push_line(text: &mut Vec<u8>, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *text, value)?;
    text.push(b'\n');
    Ok(())
}
