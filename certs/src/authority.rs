//! A certificate authority and what it issues.

use std::fmt;

use rcgen::{BasicConstraints, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_parser::parse_x509_certificate;
use x509_parser::x509::X509Name;

use crate::request::{parameters, refused};
use crate::{
    Digest, Identity, IssueError, KeyAlgorithm, KeyError, LeafRequest, Passphrase, Subject,
    Unlocked, Validity, encode, load_identity,
};

/// A certificate authority: its certificate and its key. `Debug` shows no key.
pub struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new one, self-signed, path length 0, as Teleport's tool makes it.
    ///
    /// # Errors
    /// [`IssueError::Certificate`], [`IssueError::Date`], [`IssueError::Randomness`].
    pub fn new(
        subject: &Subject,
        algorithm: KeyAlgorithm,
        validity: Validity,
    ) -> Result<Authority, IssueError> {
        let mut parameters = parameters(subject, validity)?;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];

        let refused = |source| refused(subject, source);
        let key = algorithm.generate(Digest::default()).map_err(refused)?;
        let certificate = parameters.self_signed(&key).map_err(refused)?.der().clone();
        Ok(Authority {
            certificate,
            issuer: Issuer::new(parameters, key),
        })
    }

    /// One that is there already; it signs with `digest` if its key is RSA.
    ///
    /// Follows Fluentd's `ca_cert_path`, `ca_private_key_path` and `ca_private_key_passphrase`.
    ///
    /// # Errors
    /// [`IssueError::Authority`] if it cannot be opened, [`IssueError::AuthorityName`] if its
    /// name cannot be copied into what it issues.
    pub fn load(
        cert_pem: &[u8],
        key_pem: &[u8],
        passphrase: Option<&Passphrase>,
        digest: Digest,
    ) -> Result<Authority, IssueError> {
        let identity =
            load_identity(cert_pem, key_pem, passphrase).map_err(IssueError::Authority)?;
        let key = signing_key(&identity.key, digest)?;
        let certificate = identity
            .chain
            .into_iter()
            .next()
            .expect("invariant: an identity has a leaf");
        let issuer = issuer(&certificate, key)?;
        Ok(Authority {
            certificate,
            issuer,
        })
    }

    /// Makes a key and signs a certificate for it.
    ///
    /// # Errors
    /// As [`Authority::new`].
    pub fn issue(&self, request: &LeafRequest) -> Result<Issued, IssueError> {
        let parameters = request.parameters()?;
        let refused = |source| refused(&request.subject, source);
        let key = request
            .algorithm
            .generate(Digest::default())
            .map_err(refused)?;
        let certificate = parameters
            .signed_by(&key, &self.issuer)
            .map_err(refused)?
            .der()
            .clone();
        Ok(Issued { certificate, key })
    }

    /// Its certificate, for those who are to trust it.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The same as PEM.
    pub fn certificate_pem(&self) -> String {
        encode::certificate(&self.certificate)
    }

    /// Its private key as PEM, not encrypted: PKCS#1 if it is RSA, else PKCS#8.
    ///
    /// # Errors
    /// [`IssueError::Key`] if the key cannot be encoded.
    pub fn key_pem(&self) -> Result<String, IssueError> {
        encode::key(self.issuer.key())
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// A certificate with the key that was made for it. `Debug` shows no key.
pub struct Issued {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Issued {
    /// One that signs itself, with `digest` if its key is RSA.
    pub(crate) fn self_signed(request: &LeafRequest, digest: Digest) -> Result<Issued, IssueError> {
        let parameters = request.parameters()?;
        let refused = |source| refused(&request.subject, source);
        let key = request.algorithm.generate(digest).map_err(refused)?;
        let certificate = parameters.self_signed(&key).map_err(refused)?.der().clone();
        Ok(Issued { certificate, key })
    }

    /// The certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The key, for tests that write it in other ways.
    #[cfg(test)]
    pub(crate) fn key(&self) -> &KeyPair {
        &self.key
    }

    /// The certificate as PEM.
    pub fn certificate_pem(&self) -> String {
        encode::certificate(&self.certificate)
    }

    /// The private key as PEM, not encrypted: PKCS#1 if it is RSA, else PKCS#8.
    ///
    /// # Errors
    /// [`IssueError::Key`] if the key cannot be encoded.
    pub fn key_pem(&self) -> Result<String, IssueError> {
        encode::key(&self.key)
    }

    /// The private key as encrypted PEM: traditional with AES-256-CBC if it is RSA, else PKCS#8.
    ///
    /// # Errors
    /// [`IssueError::Key`] or [`IssueError::Randomness`].
    pub fn encrypted_key_pem(&self, passphrase: &Passphrase) -> Result<String, IssueError> {
        encode::encrypted_key(&self.key, passphrase)
    }

    /// Certificate and key, ready for rustls.
    pub fn into_identity(self) -> Identity {
        Identity {
            chain: vec![self.certificate],
            key: PrivatePkcs8KeyDer::from(self.key.serialize_der()).into(),
            unlocked: Unlocked::NotEncrypted,
        }
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").finish_non_exhaustive()
    }
}

/// The key with an algorithm to sign with: a choice only RSA leaves.
fn signing_key(key: &PrivateKeyDer<'static>, digest: Digest) -> Result<KeyPair, IssueError> {
    let unusable = |error: rcgen::Error| {
        IssueError::Authority(KeyError::UnusableKey {
            reason: error.to_string(),
        })
    };
    let pair = KeyPair::try_from(key).map_err(unusable)?;
    if pair.algorithm() != Digest::Sha256.with_rsa() {
        return Ok(pair);
    }
    KeyPair::from_der_and_sign_algo(key, digest.with_rsa()).map_err(unusable)
}

/// What rcgen needs to know of a CA that it did not make.
fn issuer(
    certificate: &CertificateDer<'static>,
    key: KeyPair,
) -> Result<Issuer<'static, KeyPair>, IssueError> {
    let unusable = |reason: String| {
        IssueError::Authority(KeyError::UnusableCertificate {
            position: 1,
            reason,
        })
    };
    let (_, parsed) =
        parse_x509_certificate(certificate).map_err(|error| unusable(error.to_string()))?;
    let subject = parsed.subject();
    if !can_be_copied(subject) {
        return Err(IssueError::AuthorityName {
            found: subject.to_string(),
        });
    }
    Issuer::from_ca_cert_der(certificate, key).map_err(|error| unusable(error.to_string()))
}

/// rcgen keeps a name as a map from attribute to value, so that `OU=a, OU=b` would come out as
/// `OU=b`, and no client would find the issuer of such a certificate.
fn can_be_copied(name: &X509Name<'_>) -> bool {
    let mut seen = Vec::new();
    name.iter().all(|part| {
        let mut attributes = part.iter();
        match (attributes.next(), attributes.next()) {
            (Some(attribute), None) => {
                let kind = attribute.attr_type();
                let is_new = !seen.contains(&kind);
                seen.push(kind);
                is_new
            }
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests;
