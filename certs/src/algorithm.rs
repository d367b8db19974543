//! Kinds of keys, and what they sign with.

use std::str::FromStr;

use rcgen::{KeyPair, RsaKeySize, SignatureAlgorithm};

use crate::IssueError;

/// The kind of a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// RSA: what Teleport's tool and Fluentd make. Takes up to seconds.
    Rsa(RsaBits),
    /// ECDSA on P-256: made at once.
    EcdsaP256,
}

impl KeyAlgorithm {
    /// A new key, which will sign with `digest` if it is RSA; P-256 always signs with SHA-256.
    pub(crate) fn generate(self, digest: Digest) -> Result<KeyPair, rcgen::Error> {
        match self {
            KeyAlgorithm::Rsa(bits) => KeyPair::generate_rsa_for(digest.with_rsa(), bits.size()),
            KeyAlgorithm::EcdsaP256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
        }
    }
}

/// The length of an RSA key in bits, as Fluentd's `generate_private_key_length`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RsaBits {
    /// 2048, Fluentd's default.
    Bits2048,
    /// 3072
    Bits3072,
    /// 4096, what Teleport's tool makes.
    Bits4096,
}

impl RsaBits {
    fn size(self) -> RsaKeySize {
        match self {
            RsaBits::Bits2048 => RsaKeySize::_2048,
            RsaBits::Bits3072 => RsaKeySize::_3072,
            RsaBits::Bits4096 => RsaKeySize::_4096,
        }
    }
}

impl TryFrom<u64> for RsaBits {
    type Error = IssueError;

    fn try_from(bits: u64) -> Result<RsaBits, IssueError> {
        match bits {
            2048 => Ok(RsaBits::Bits2048),
            3072 => Ok(RsaBits::Bits3072),
            4096 => Ok(RsaBits::Bits4096),
            found => Err(IssueError::KeyLength { found }),
        }
    }
}

/// The digest of an RSA signature, as Fluentd's `generate_cert_digest`. Its `sha1` is missing on
/// purpose: no client of today takes a certificate signed with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Digest {
    /// `sha256`, the default.
    #[default]
    Sha256,
    /// `sha384`
    Sha384,
    /// `sha512`
    Sha512,
}

impl Digest {
    pub(crate) fn with_rsa(self) -> &'static SignatureAlgorithm {
        match self {
            Digest::Sha256 => &rcgen::PKCS_RSA_SHA256,
            Digest::Sha384 => &rcgen::PKCS_RSA_SHA384,
            Digest::Sha512 => &rcgen::PKCS_RSA_SHA512,
        }
    }
}

impl FromStr for Digest {
    type Err = IssueError;

    fn from_str(name: &str) -> Result<Digest, IssueError> {
        match name {
            "sha256" => Ok(Digest::Sha256),
            "sha384" => Ok(Digest::Sha384),
            "sha512" => Ok(Digest::Sha512),
            found => Err(IssueError::Digest {
                found: found.to_owned(),
            }),
        }
    }
}
