//! A certificate chain with its private key: what a TLS server presents.

use std::fmt;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::sign::CertifiedKey;
use rustls::{Error as TlsError, InconsistentKeys};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use crate::pbes2::EncryptedKey;
use crate::pem::{KeySection, load_certificates, private_key};
use crate::{KeyError, Passphrase};

/// A certificate chain and the private key of its first certificate. `Debug` shows no key.
pub struct Identity {
    /// The leaf first, then its issuers as far as the file has them.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's private key, decrypted.
    pub key: PrivateKeyDer<'static>,
    /// How the key was opened.
    pub unlocked: Unlocked,
}

/// How a private key was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlocked {
    /// The file is not encrypted; a passphrase, if there is one, was not used.
    NotEncrypted,
    /// With the passphrase as it was given.
    AsGiven,
    /// With the passphrase less the newline at its end, which is worth a line in the log.
    NewlineRemoved,
    /// With the passphrase and a newline after it: Teleport's tool takes a piped passphrase
    /// whole, `echo`'s newline included. Worth a line in the log, too.
    NewlineAdded,
}

/// Opens a certificate chain with its key and checks that they belong together.
///
/// Follows Fluentd's `cert_path`, `private_key_path` and `private_key_passphrase`. The two may be
/// the same file. The passphrase is tried as given, then with its trailing newline removed, or
/// added if it has none: copies of a passphrase differ in just that.
///
/// # Errors
/// One [`KeyError`] for each thing that can be wrong; none names a file.
pub fn load_identity(
    cert_pem: &[u8],
    key_pem: &[u8],
    passphrase: Option<&Passphrase>,
) -> Result<Identity, KeyError> {
    let chain = load_certificates(cert_pem)?;
    let (key, unlocked) = open(private_key(key_pem)?, passphrase)?;
    let certified = CertifiedKey::from_der(chain, key.clone_key(), &default_provider());
    let chain = certified.map_err(refusal)?.cert;
    Ok(Identity {
        chain,
        key,
        unlocked,
    })
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("certificates", &self.chain.len())
            .field("unlocked", &self.unlocked)
            .finish_non_exhaustive()
    }
}

fn open(
    section: KeySection,
    passphrase: Option<&Passphrase>,
) -> Result<(PrivateKeyDer<'static>, Unlocked), KeyError> {
    match section {
        KeySection::Plain(key) => Ok((key, Unlocked::NotEncrypted)),
        KeySection::Traditional {
            encryption,
            ciphertext,
            format,
        } => {
            encryption.check(&ciphertext)?;
            let (der, unlocked) = try_passphrase(passphrase, encryption.name(), |candidate| {
                Ok(encryption.decrypt(&ciphertext, candidate))
            })?;
            Ok((format.key(der.to_vec()), unlocked))
        }
        KeySection::EncryptedPkcs8(der) => {
            let encrypted = EncryptedKey::parse(&der)?;
            let (der, unlocked) = try_passphrase(passphrase, encrypted.name(), |candidate| {
                encrypted.decrypt(candidate)
            })?;
            Ok((PrivatePkcs8KeyDer::from(der.to_vec()).into(), unlocked))
        }
    }
}

/// Tries the passphrase in its two spellings. `decrypt` gives `Ok(None)` for a wrong one.
fn try_passphrase<T>(
    passphrase: Option<&Passphrase>,
    encryption: &str,
    decrypt: impl Fn(&[u8]) -> Result<Option<T>, KeyError>,
) -> Result<(T, Unlocked), KeyError> {
    let encryption = encryption.to_owned();
    let Some(passphrase) = passphrase else {
        return Err(KeyError::PassphraseMissing { encryption });
    };
    let given = passphrase.expose();
    if let Some(opened) = decrypt(given.as_bytes())? {
        return Ok((opened, Unlocked::AsGiven));
    }

    let (other, unlocked, newline) = match given.strip_suffix('\n') {
        Some(line) => {
            let line = line.strip_suffix('\r').unwrap_or(line);
            (
                Zeroizing::new(line.to_owned()),
                Unlocked::NewlineRemoved,
                "removed",
            )
        }
        None => (
            Zeroizing::new(format!("{given}\n")),
            Unlocked::NewlineAdded,
            "added",
        ),
    };
    match decrypt(other.as_bytes())? {
        Some(opened) => Ok((opened, unlocked)),
        None => Err(KeyError::WrongPassphrase {
            encryption,
            newline,
        }),
    }
}

/// What rustls has against a certificate and key.
fn refusal(error: TlsError) -> KeyError {
    match error {
        TlsError::InconsistentKeys(InconsistentKeys::KeyMismatch) => KeyError::Mismatch,
        TlsError::InvalidCertificate(reason) => KeyError::UnusableCertificate {
            position: 1,
            reason: reason.to_string(),
        },
        other => KeyError::UnusableKey {
            reason: other.to_string(),
        },
    }
}

#[cfg(test)]
mod tests;
