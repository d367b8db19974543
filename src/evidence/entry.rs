//! What is said of one object, and the values that stand in digests and ledgers as texts.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{Context, Digest, SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use data_encoding::HEXLOWER;
use fluent_compat::chunk::ChunkId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One object, or an attempt to put one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// In a digest; a ledger's records say it themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<Kind>,
    /// The object's name in its bucket.
    pub key: String,
    /// Bytes of the object as it is stored.
    pub size: u64,
    /// Of these bytes.
    pub sha256: Sha256,
    /// How many events are in it.
    pub records: u64,
    /// The chunk it was made from.
    #[serde(with = "as_text")]
    pub chunk: ChunkId,
    /// When that chunk was begun.
    pub created: Moment,
    /// From when on and before when its events are, if chunks are cut by time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<(Moment, Moment)>,
    /// What it may have instead of `size` and `sha256`: bytes of earlier attempts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub or: Vec<Contents>,
}

/// What an object's bytes are known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// How many there are.
    pub size: u64,
    /// Of all of them.
    pub sha256: Sha256,
}

/// Counts and hashes bytes as they come.
pub struct Hashing {
    size: u64,
    sha256: Context,
}

impl Hashing {
    /// Nothing has come yet.
    pub fn new() -> Self {
        Self {
            size: 0,
            sha256: Context::new(&SHA256),
        }
    }

    /// These come next.
    pub fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.sha256.update(bytes);
    }

    /// All have come.
    pub fn finish(self) -> Contents {
        Contents {
            size: self.size,
            sha256: Sha256::from(self.sha256.finish()),
        }
    }
}

impl Default for Hashing {
    fn default() -> Self {
        Self::new()
    }
}

/// What a digest says of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It was put.
    Object,
    /// Nobody knows whether it was, and nobody will.
    Doubtful,
    /// It was being put when the digest was made.
    Pending,
}

impl Entry {
    /// Says of what is about to be put what can be said of it.
    pub fn new(chunk: ChunkId, key: String, contents: Contents) -> Self {
        Self {
            kind: None,
            key,
            size: contents.size,
            sha256: contents.sha256,
            records: 0,
            chunk,
            created: Moment(0),
            slot: None,
            or: Vec::new(),
        }
    }

    /// Its first choice.
    pub fn contents(&self) -> Contents {
        Contents {
            size: self.size,
            sha256: self.sha256,
        }
    }

    /// All that it may have.
    pub fn choices(&self) -> impl Iterator<Item = Contents> {
        std::iter::once(self.contents()).chain(self.or.iter().copied())
    }

    /// An earlier attempt to put it has had these bytes, perhaps others.
    pub(super) fn or_as(&mut self, earlier: &Self) {
        for contents in earlier.choices() {
            if self.choices().all(|known| known != contents) {
                self.or.push(contents);
            }
        }
    }

    pub(super) fn of_kind(&self, kind: Kind) -> Self {
        let kind = Some(kind);
        Self {
            kind,
            ..self.clone()
        }
    }
}

/// A text that is not what should stand there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found:?}")]
pub struct TextError {
    expected: &'static str,
    found: String,
}

fn unexpected(expected: &'static str, found: &str) -> TextError {
    let found = found.to_owned();
    TextError { expected, found }
}

/// So many bytes of what a text was decoded to, or what the text should have been.
pub(super) fn of_length<const N: usize, E>(
    decoded: Result<Vec<u8>, E>,
    expected: &'static str,
    text: &str,
) -> Result<[u8; N], TextError> {
    let bytes = decoded.ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| unexpected(expected, text))
}

/// The SHA-256 of something; a text of 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        digest(&SHA256, bytes).into()
    }

    /// As it is computed.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// One that was computed elsewhere.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl From<Digest> for Sha256 {
    fn from(digest: Digest) -> Self {
        let bytes = digest.as_ref().try_into();
        Self(bytes.expect("invariant: a SHA-256 has 32 bytes"))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}

impl FromStr for Sha256 {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let decoded = HEXLOWER.decode(text.as_bytes());
        of_length(decoded, "64 lower-case hex digits", text).map(Self)
    }
}

/// An Ed25519 signature; a text in base64.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Signature([u8; 64]);

impl Signature {
    pub(super) const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({self})")
    }
}

impl FromStr for Signature {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let decoded = BASE64_STANDARD.decode(text);
        of_length(decoded, "64 bytes in base64", text).map(Self)
    }
}

/// The id of a chain of digests; 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChainId([u8; 16]);

impl ChainId {
    pub(super) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainId({self})")
    }
}

impl FromStr for ChainId {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let decoded = HEXLOWER.decode(text.as_bytes());
        of_length(decoded, "32 lower-case hex digits", text).map(Self)
    }
}

/// A second; a text as RFC 3339 has it, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(i64);

impl Moment {
    /// From unix seconds, as far as there is a date for them.
    pub fn new(unix_seconds: i64) -> Self {
        let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        Self(unix_seconds.clamp(first, last))
    }

    /// Unix seconds.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// As in names: `20261128T110000Z`.
    pub(super) fn compact(self) -> String {
        self.timestamp().strftime("%Y%m%dT%H%M%SZ").to_string()
    }

    fn timestamp(self) -> Timestamp {
        Timestamp::from_second(self.0).expect("invariant: a moment has a date")
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.timestamp().fmt(f)
    }
}

impl FromStr for Moment {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let moment: Result<Timestamp, _> = text.parse();
        let moment = moment.map_err(|_| unexpected("a time such as 2026-11-28T11:00:00Z", text))?;
        Ok(Self(moment.as_second()))
    }
}

macro_rules! from_text {
    ($($name:ty),*) => {$(
        impl TryFrom<String> for $name {
            type Error = TextError;

            fn try_from(text: String) -> Result<Self, TextError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.to_string()
            }
        }
    )*};
}

from_text!(ChainId, Moment, Sha256, Signature);

/// A value that has a text of its own.
pub(super) mod as_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::evidence) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(in crate::evidence) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr,
        T::Err: Display,
        D: Deserializer<'de>,
    {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}
