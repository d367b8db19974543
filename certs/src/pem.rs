//! Reading PEM: which sections a file has, and what is in them.
//!
//! Certificates are read by rustls-pemfile. Keys need the `pem` crate beside it, because
//! rustls-pemfile knows neither headers nor `ENCRYPTED PRIVATE KEY`.

use pem::Pem;
use rustls::RootCertStore;
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer,
};

use crate::KeyError;
use crate::traditional::Encryption;

/// The certificates of a PEM text in the order of the file, other sections left aside.
///
/// Follows Fluentd's `cert_path` (leaf first, then its chain) and `ca_path`.
///
/// # Errors
/// [`KeyError::NoCertificate`], or [`KeyError::UnusableCertificate`] with the place of the first
/// that rustls could not use.
pub fn load_certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, KeyError> {
    let expected = labels(pem).filter(|label| label == "CERTIFICATE").count();
    if expected == 0 {
        return Err(KeyError::NoCertificate {
            found: describe(pem),
        });
    }

    // A key with headers in the same file is an error to rustls-pemfile, and not to us: errors
    // count only if a certificate is missing in the end.
    let mut certificates = Vec::with_capacity(expected);
    let mut failure = None;
    for section in rustls_pemfile::certs(&mut &*pem) {
        match section {
            Ok(certificate) => {
                check(&certificate, certificates.len() + 1)?;
                certificates.push(certificate);
            }
            Err(error) => {
                failure.get_or_insert((certificates.len() + 1, error.to_string()));
            }
        }
    }
    if certificates.len() < expected {
        let (position, reason) =
            failure.unwrap_or((expected, "its section does not end".to_owned()));
        return Err(KeyError::UnusableCertificate { position, reason });
    }
    Ok(certificates)
}

/// A private key as it stands in its file.
pub(crate) enum KeySection {
    /// Not encrypted.
    Plain(PrivateKeyDer<'static>),
    /// `Proc-Type: 4,ENCRYPTED`: PKCS#1 or SEC1 inside.
    Traditional {
        encryption: Encryption,
        ciphertext: Vec<u8>,
        format: TraditionalFormat,
    },
    /// `ENCRYPTED PRIVATE KEY`: the DER of an `EncryptedPrivateKeyInfo`.
    EncryptedPkcs8(Vec<u8>),
}

/// What a traditional section holds.
#[derive(Clone, Copy)]
pub(crate) enum TraditionalFormat {
    /// `RSA PRIVATE KEY`
    Pkcs1,
    /// `EC PRIVATE KEY`
    Sec1,
}

impl TraditionalFormat {
    pub(crate) fn key(self, der: Vec<u8>) -> PrivateKeyDer<'static> {
        match self {
            TraditionalFormat::Pkcs1 => PrivatePkcs1KeyDer::from(der).into(),
            TraditionalFormat::Sec1 => PrivateSec1KeyDer::from(der).into(),
        }
    }
}

/// The first private key of a PEM text.
pub(crate) fn private_key(pem: &[u8]) -> Result<KeySection, KeyError> {
    let sections = pem::parse_many(pem).map_err(KeyError::damaged)?;
    let Some(section) = sections.into_iter().find(|section| is_key(section.tag())) else {
        return Err(match labels(pem).find(|label| is_key(label)) {
            Some(label) => KeyError::damaged(format!("its section {label} does not end")),
            None => KeyError::NoKey {
                found: describe(pem),
            },
        });
    };
    match section.tag() {
        "RSA PRIVATE KEY" => traditional(section, TraditionalFormat::Pkcs1),
        "EC PRIVATE KEY" => traditional(section, TraditionalFormat::Sec1),
        "PRIVATE KEY" => {
            let der = PrivatePkcs8KeyDer::from(section.into_contents());
            Ok(KeySection::Plain(der.into()))
        }
        "ENCRYPTED PRIVATE KEY" => Ok(KeySection::EncryptedPkcs8(section.into_contents())),
        other => Err(KeyError::UnusableKey {
            reason: format!("found a section {other}"),
        }),
    }
}

/// The private key of a PEM text, in PKCS#8 and not encrypted: as a library for signatures takes
/// it.
///
/// # Errors
/// There is none, it is encrypted, or it is in another form.
pub fn load_pkcs8(pem: &[u8]) -> Result<PrivatePkcs8KeyDer<'static>, KeyError> {
    let found = match private_key(pem)? {
        KeySection::Plain(PrivateKeyDer::Pkcs8(key)) => return Ok(key),
        KeySection::Plain(_) => "a key in an older form",
        KeySection::Traditional { .. } | KeySection::EncryptedPkcs8(_) => "an encrypted key",
    };
    let found = found.to_owned();
    Err(KeyError::NotPkcs8 { found })
}

/// All public keys of a PEM text, each a `SubjectPublicKeyInfo` in DER.
///
/// # Errors
/// There is none, or the text is damaged.
pub fn load_public_keys(pem: &[u8]) -> Result<Vec<Vec<u8>>, KeyError> {
    let sections = pem::parse_many(pem).map_err(KeyError::damaged)?;
    let public = sections.into_iter();
    let public = public.filter(|section| section.tag() == "PUBLIC KEY");
    let keys: Vec<_> = public.map(Pem::into_contents).collect();
    match keys.is_empty() {
        true => Err(KeyError::NoPublicKey {
            found: describe(pem),
        }),
        false => Ok(keys),
    }
}

fn traditional(section: Pem, format: TraditionalFormat) -> Result<KeySection, KeyError> {
    let encrypted = section
        .headers()
        .get("Proc-Type")
        .is_some_and(|it| it.contains("ENCRYPTED"));
    if !encrypted {
        return Ok(KeySection::Plain(format.key(section.into_contents())));
    }
    let Some(dek_info) = section.headers().get("DEK-Info") else {
        return Err(KeyError::damaged(
            "Proc-Type says it is encrypted, and DEK-Info is missing",
        ));
    };
    let encryption = Encryption::parse(dek_info)?;
    Ok(KeySection::Traditional {
        encryption,
        ciphertext: section.into_contents(),
        format,
    })
}

/// A certificate passes here if rustls could trust it: the most lenient of its parsers, which
/// takes old CAs (version 1, empty subject) as well.
fn check(certificate: &CertificateDer<'_>, position: usize) -> Result<(), KeyError> {
    RootCertStore::empty()
        .add(certificate.clone())
        .map_err(|error| KeyError::UnusableCertificate {
            position,
            reason: error.to_string(),
        })
}

fn is_key(label: &str) -> bool {
    label.ends_with("PRIVATE KEY")
}

/// The labels of all sections that begin, whether or not they are whole.
fn labels(pem: &[u8]) -> impl Iterator<Item = String> {
    pem.split(|byte| *byte == b'\n').filter_map(|line| {
        let label = line
            .trim_ascii()
            .strip_prefix(b"-----BEGIN ")?
            .strip_suffix(b"-----")?;
        Some(String::from_utf8_lossy(label).into_owned())
    })
}

/// What a file holds that does not hold what was looked for.
fn describe(pem: &[u8]) -> String {
    // A DER file is one SEQUENCE whose length takes two bytes.
    const DER_START: [u8; 2] = [0x30, 0x82];

    let labels: Vec<String> = labels(pem).collect();
    if !labels.is_empty() {
        labels.join(", ")
    } else if pem.starts_with(&DER_START) {
        "binary DER".to_owned()
    } else if pem.trim_ascii().is_empty() {
        "an empty file".to_owned()
    } else {
        "text that is no PEM".to_owned()
    }
}
