//! The keys of digests: Ed25519, in the PEM that `openssl genpkey -algorithm ed25519` and
//! `openssl pkey -pubout` write.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use forebay_certs::KeyError;
use serde::{Deserialize, Serialize};

use super::entry::{Signature, TextError, of_length};

/// What stands before the 32 bytes of an Ed25519 key in a `SubjectPublicKeyInfo` (RFC 8410).
const SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// A key that signs. Nothing of it is ever shown.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

/// A PEM text without a usable key.
#[derive(Debug, thiserror::Error)]
pub enum DigestKeyError {
    /// No section with a key, or a damaged one.
    #[error(transparent)]
    Pem(#[from] KeyError),
    /// A key of another kind.
    #[error(
        "expected an Ed25519 key in PKCS#8, as `openssl genpkey -algorithm ed25519` writes it: {reason}"
    )]
    Private {
        /// What the library says.
        reason: String,
    },
    /// A public key of another kind.
    #[error(
        "expected Ed25519 public keys, as `openssl pkey -in digest.key -pubout` writes them: found {found}"
    )]
    Public {
        /// What is there.
        found: String,
    },
}

impl SigningKey {
    /// Reads the first private key of a PEM text.
    ///
    /// # Errors
    /// There is none, it is encrypted, or it is of another kind.
    pub fn from_pem(pem: &[u8]) -> Result<Self, DigestKeyError> {
        let der = forebay_certs::load_pkcs8(pem)?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der());
        let pair = pair.map_err(|error| DigestKeyError::Private {
            reason: error.to_string(),
        })?;
        let public = pair.public_key().as_ref().try_into();
        Ok(Self {
            public: PublicKey(public.expect("invariant: an Ed25519 key has 32 bytes")),
            pair,
        })
    }

    /// What its signatures are verified with.
    pub fn public_key(&self) -> PublicKey {
        self.public
    }

    pub(super) fn sign(&self, bytes: &[u8]) -> Signature {
        let signature = self.pair.sign(bytes);
        let bytes = signature.as_ref().try_into();
        Signature::from_bytes(bytes.expect("invariant: an Ed25519 signature has 64 bytes"))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

/// A key that verifies; a text in base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Reads all public keys of a PEM text: more than one where a key was exchanged.
    ///
    /// # Errors
    /// There is none, or one of another kind.
    pub fn all_from_pem(pem: &[u8]) -> Result<Vec<Self>, DigestKeyError> {
        let keys = forebay_certs::load_public_keys(pem)?;
        let keys = keys.into_iter().map(|der| {
            let raw = der.strip_prefix(&SPKI);
            let raw = raw.and_then(|raw| raw.try_into().ok());
            raw.map(Self).ok_or_else(|| DigestKeyError::Public {
                found: format!("a key of another kind, {} bytes", der.len()),
            })
        });
        keys.collect()
    }

    pub(super) fn verifies(&self, bytes: &[u8], signature: &Signature) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, &self.0);
        key.verify(bytes, signature.as_bytes()).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl TryFrom<String> for PublicKey {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        let decoded = BASE64_STANDARD.decode(&text);
        of_length(decoded, "32 bytes in base64", &text).map(Self)
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> String {
        key.to_string()
    }
}
