//! Writing certificates and private keys as PEM.

use pem::{EncodeConfig, LineEnding, Pem};
use pkcs8::PrivateKeyInfoRef;
use pkcs8::der::asn1::ObjectIdentifier;
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;

use crate::traditional::{Cipher, Encryption};
use crate::{IssueError, Passphrase, pbes2};

/// rsaEncryption: the algorithm of RSA keys in PKCS#8.
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// A section `CERTIFICATE`.
pub(crate) fn certificate(certificate: &CertificateDer<'_>) -> String {
    encode(&Pem::new("CERTIFICATE", certificate.as_ref()))
}

/// RSA as PKCS#1 (`RSA PRIVATE KEY`), as Teleport's tool does; others as PKCS#8.
pub(crate) fn key(key: &KeyPair) -> Result<String, IssueError> {
    let section = match pkcs1(key)? {
        Some(der) => Pem::new("RSA PRIVATE KEY", der),
        None => Pem::new("PRIVATE KEY", key.serialized_der()),
    };
    Ok(encode(&section))
}

/// RSA in traditional PEM with AES-256-CBC, as Teleport's tool does; others as encrypted PKCS#8.
pub(crate) fn encrypted_key(key: &KeyPair, passphrase: &Passphrase) -> Result<String, IssueError> {
    if let Some(der) = pkcs1(key)? {
        return traditional_key("RSA PRIVATE KEY", &der, Cipher::Aes256, passphrase);
    }
    let encrypted = pbes2::encrypt(key.serialized_der(), passphrase.expose().as_bytes())?;
    Ok(encode(&Pem::new("ENCRYPTED PRIVATE KEY", encrypted)))
}

/// A traditional section whose DER is encrypted with `cipher`.
pub(crate) fn traditional_key(
    label: &str,
    der: &[u8],
    cipher: Cipher,
    passphrase: &Passphrase,
) -> Result<String, IssueError> {
    let encryption = Encryption::random(cipher)?;
    let mut section = Pem::new(
        label,
        encryption.encrypt(der, passphrase.expose().as_bytes()),
    );
    for (name, value) in [
        ("Proc-Type", "4,ENCRYPTED"),
        ("DEK-Info", &encryption.dek_info()),
    ] {
        section
            .headers_mut()
            .add(name, value)
            .map_err(IssueError::key)?;
    }
    Ok(encode(&section))
}

/// The PKCS#1 inside of an RSA key's PKCS#8; `None` for other kinds.
pub(crate) fn pkcs1(key: &KeyPair) -> Result<Option<Vec<u8>>, IssueError> {
    let info = PrivateKeyInfoRef::try_from(key.serialized_der()).map_err(IssueError::key)?;
    let is_rsa = info.algorithm.oid == RSA;
    Ok(is_rsa.then(|| info.private_key.as_bytes().to_vec()))
}

/// With line feeds alone, as OpenSSL and Go write PEM.
fn encode(section: &Pem) -> String {
    pem::encode_config(section, EncodeConfig::new().set_line_ending(LineEnding::LF))
}
