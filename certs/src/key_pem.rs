//! Writing private keys as PEM.

use pem::{EncodeConfig, LineEnding, Pem};
use pkcs8::PrivateKeyInfoRef;
use rcgen::KeyPair;
use rustls::crypto::aws_lc_rs::default_provider;

use crate::traditional::{Cipher, Encryption};
use crate::{IssueError, Passphrase, pbes2};

/// Line feeds alone, as OpenSSL and Go write PEM.
const LINES: EncodeConfig = EncodeConfig::new().set_line_ending(LineEnding::LF);

/// RSA as PKCS#1 (`RSA PRIVATE KEY`), as Teleport's tool does; others as PKCS#8.
pub(crate) fn plain(key: &KeyPair) -> Result<String, IssueError> {
    let section = match pkcs1(key)? {
        Some(der) => Pem::new("RSA PRIVATE KEY", der),
        None => Pem::new("PRIVATE KEY", key.serialized_der()),
    };
    Ok(pem::encode_config(&section, LINES))
}

/// RSA in traditional PEM with AES-256-CBC, as Teleport's tool does; others as encrypted PKCS#8.
pub(crate) fn encrypted(key: &KeyPair, passphrase: &Passphrase) -> Result<String, IssueError> {
    match pkcs1(key)? {
        Some(der) => traditional("RSA PRIVATE KEY", &der, Cipher::Aes256Cbc, passphrase),
        None => encrypted_pkcs8(key.serialized_der(), passphrase),
    }
}

/// A traditional section whose DER is encrypted with `cipher`.
pub(crate) fn traditional(
    label: &str,
    der: &[u8],
    cipher: Cipher,
    passphrase: &Passphrase,
) -> Result<String, IssueError> {
    let encryption = Encryption::random(cipher, &default_provider())?;
    let mut section = Pem::new(
        label,
        encryption.encrypt(der, passphrase.expose().as_bytes()),
    );
    for (name, value) in [
        ("Proc-Type", "4,ENCRYPTED"),
        ("DEK-Info", &encryption.dek_info()),
    ] {
        let added = section.headers_mut().add(name, value);
        added.map_err(|error| IssueError::Key {
            reason: error.to_string(),
        })?;
    }
    Ok(pem::encode_config(&section, LINES))
}

/// A section `ENCRYPTED PRIVATE KEY` of a PKCS#8 DER.
pub(crate) fn encrypted_pkcs8(der: &[u8], passphrase: &Passphrase) -> Result<String, IssueError> {
    let encrypted = pbes2::encrypt(der, passphrase.expose().as_bytes(), &default_provider())?;
    Ok(pem::encode_config(
        &Pem::new("ENCRYPTED PRIVATE KEY", encrypted),
        LINES,
    ))
}

/// The PKCS#1 inside of an RSA key's PKCS#8; `None` for other kinds.
pub(crate) fn pkcs1(key: &KeyPair) -> Result<Option<Vec<u8>>, IssueError> {
    /// rsaEncryption
    const RSA: &str = "1.2.840.113549.1.1.1";

    let info =
        PrivateKeyInfoRef::try_from(key.serialized_der()).map_err(|error| IssueError::Key {
            reason: error.to_string(),
        })?;
    let is_rsa = info.algorithm.oid.to_string() == RSA;
    Ok(is_rsa.then(|| info.private_key.as_bytes().to_vec()))
}
