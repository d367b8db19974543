//! Encrypted PKCS#8: `ENCRYPTED PRIVATE KEY`, with PBES2 inside.

use pkcs8::der::asn1::{AnyRef, ObjectIdentifier};
use pkcs8::der::{Decode, ErrorKind};
use pkcs8::pkcs5::{self, pbes2};
use pkcs8::spki::AlgorithmIdentifierRef;
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use zeroize::Zeroizing;

use crate::{IssueError, KeyError, random};

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
        let scheme = scheme(der).map_err(KeyError::damaged)?;
        if scheme != pbes2::PBES2_OID {
            return Err(unknown(scheme));
        }
        let info = EncryptedPrivateKeyInfoRef::try_from(der).map_err(|error| match error {
            pkcs8::Error::Asn1(error) => match error.kind() {
                ErrorKind::OidUnknown { oid } => unknown(oid),
                _ => KeyError::damaged(error),
            },
            other => KeyError::damaged(other),
        })?;
        let name = match info.encryption_algorithm.pbes2() {
            Some(parameters) => algorithm_name(parameters.encryption.oid()),
            None => return Err(unknown(scheme)),
        };
        Ok(EncryptedKey {
            info,
            name: format!("PBES2, {name}"),
        })
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
            Err(other) => Err(KeyError::damaged(other)),
        }
    }
}

/// Encrypts the DER of a `PrivateKeyInfo` with AES-256-CBC; gives the DER of an
/// `EncryptedPrivateKeyInfo`.
pub(crate) fn encrypt(key: &[u8], passphrase: &[u8]) -> Result<Vec<u8>, IssueError> {
    let mut salt = [0; 16];
    let mut iv = [0; 16];
    random::fill(&mut salt)?;
    random::fill(&mut iv)?;
    let parameters = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(ITERATIONS, &salt, iv)
        .map_err(IssueError::key)?;
    let encrypted = PrivateKeyInfoRef::try_from(key)
        .and_then(|info| info.encrypt_with_params(parameters, passphrase))
        .map_err(IssueError::key)?;
    Ok(encrypted.as_bytes().to_vec())
}

/// The outermost algorithm alone: pkcs8 does not tell which one it is that it does not know.
fn scheme(der: &[u8]) -> pkcs8::der::Result<ObjectIdentifier> {
    AnyRef::from_der(der)?.sequence(|reader| {
        let algorithm = AlgorithmIdentifierRef::decode(reader)?;
        AnyRef::decode(reader)?;
        Ok(algorithm.oid)
    })
}

/// Names for the identifiers that turn up in key files; others stay numbers.
fn algorithm_name(oid: ObjectIdentifier) -> String {
    const NAMES: [(&str, &str); 13] = [
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
