//! Encrypted PKCS#8: `ENCRYPTED PRIVATE KEY`, with PBES2 inside.

use pkcs8::der::ErrorKind;
use pkcs8::der::asn1::ObjectIdentifier;
use pkcs8::pkcs5::{self, EncryptionScheme, pbes2};
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use rustls::crypto::CryptoProvider;
use zeroize::Zeroizing;

use crate::{IssueError, KeyError};

/// Rounds of PBKDF2-HMAC-SHA-256 in what is written here; OpenSSL writes 2048. What is read
/// says its own number.
const ITERATIONS: u32 = 10_000;

/// An encrypted key, its algorithms understood.
pub(crate) struct EncryptedKey<'a> {
    info: EncryptedPrivateKeyInfoRef<'a>,
    name: String,
}

impl<'a> EncryptedKey<'a> {
    /// Reads the DER of an `EncryptedPrivateKeyInfo`.
    pub(crate) fn parse(der: &'a [u8]) -> Result<EncryptedKey<'a>, KeyError> {
        let info = EncryptedPrivateKeyInfoRef::try_from(der).map_err(|error| match error {
            pkcs8::Error::Asn1(error) => match error.kind() {
                ErrorKind::OidUnknown { oid } => unknown(oid),
                _ => damaged(error.to_string()),
            },
            other => damaged(other.to_string()),
        })?;
        match &info.encryption_algorithm {
            EncryptionScheme::Pbes2(parameters) => {
                let name = algorithm_name(parameters.encryption.oid());
                Ok(EncryptedKey {
                    info,
                    name: format!("PBES2, {name}"),
                })
            }
            other => Err(unknown(other.oid())),
        }
    }

    /// The cipher's name, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The DER of the `PrivateKeyInfo` inside; `Ok(None)` if the passphrase does not open it.
    pub(crate) fn decrypt(
        &self,
        passphrase: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
        match self.info.decrypt(passphrase) {
            // One wrong passphrase in 256 leaves a padding that looks right, and no key.
            Ok(plain) if PrivateKeyInfoRef::try_from(plain.as_bytes()).is_ok() => {
                Ok(Some(plain.to_bytes()))
            }
            Ok(_)
            | Err(pkcs8::Error::Asn1(_))
            | Err(pkcs8::Error::EncryptedPrivateKey(pkcs5::Error::DecryptFailed)) => Ok(None),
            Err(pkcs8::Error::EncryptedPrivateKey(pkcs5::Error::UnsupportedAlgorithm { oid })) => {
                Err(unknown(oid))
            }
            Err(other) => Err(damaged(other.to_string())),
        }
    }
}

/// Encrypts the DER of a `PrivateKeyInfo` with AES-256-CBC; gives the DER of an
/// `EncryptedPrivateKeyInfo`.
pub(crate) fn encrypt(
    key: &[u8],
    passphrase: &[u8],
    provider: &CryptoProvider,
) -> Result<Vec<u8>, IssueError> {
    let mut salt = [0; 16];
    let mut iv = [0; 16];
    for random in [&mut salt, &mut iv] {
        provider
            .secure_random
            .fill(random)
            .map_err(|_| IssueError::Randomness)?;
    }
    let parameters = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(ITERATIONS, &salt, iv)
        .map_err(|error| IssueError::Key {
            reason: error.to_string(),
        })?;
    let encrypted = PrivateKeyInfoRef::try_from(key)
        .and_then(|info| info.encrypt_with_params(parameters, passphrase))
        .map_err(|error| IssueError::Key {
            reason: error.to_string(),
        })?;
    Ok(encrypted.as_bytes().to_vec())
}

/// Names for the identifiers that turn up in key files; others stay numbers.
fn algorithm_name(oid: ObjectIdentifier) -> String {
    const NAMES: [(&str, &str); 14] = [
        ("1.2.840.113549.1.5.1", "pbeWithMD2AndDES-CBC"),
        ("1.2.840.113549.1.5.3", "pbeWithMD5AndDES-CBC"),
        ("1.2.840.113549.1.5.4", "pbeWithMD2AndRC2-CBC"),
        ("1.2.840.113549.1.5.6", "pbeWithMD5AndRC2-CBC"),
        ("1.2.840.113549.1.5.10", "pbeWithSHA1AndDES-CBC"),
        ("1.2.840.113549.1.5.11", "pbeWithSHA1AndRC2-CBC"),
        (
            "1.2.840.113549.1.12.1.3",
            "pbeWithSHA1And3-KeyTripleDES-CBC",
        ),
        ("1.2.840.113549.1.12.1.6", "pbeWithSHA1And40BitRC2-CBC"),
        ("1.2.840.113549.3.7", "DES-EDE3-CBC"),
        ("1.3.14.3.2.7", "DES-CBC"),
        ("2.16.840.1.101.3.4.1.2", "AES-128-CBC"),
        ("2.16.840.1.101.3.4.1.22", "AES-192-CBC"),
        ("2.16.840.1.101.3.4.1.42", "AES-256-CBC"),
        ("1.3.6.1.4.1.11591.4.11", "scrypt"),
    ];
    let oid = oid.to_string();
    match NAMES.iter().find(|(number, _)| *number == oid) {
        Some((_, name)) => (*name).to_owned(),
        None => format!("the algorithm {oid}"),
    }
}

fn unknown(oid: ObjectIdentifier) -> KeyError {
    KeyError::UnknownEncryption {
        found: algorithm_name(oid),
    }
}

fn damaged(reason: String) -> KeyError {
    KeyError::DamagedKey { reason }
}
