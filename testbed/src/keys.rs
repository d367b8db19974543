//! The keys of a test: the set Teleport's tool writes, on disk, and clients that fit or do
//! not fit to it.

use std::path::{Path, PathBuf};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use forebay_certs::{
    Authority, CertSet, Hosts, IssueError, KeyAlgorithm, LeafRequest, Options, Role, RsaBits,
    ServerPassphrase, Subject, Validity, WriteError, issue_set,
};
use jiff::Timestamp;

use crate::client::{ClientIdentity, TlsOptions, TlsVersions};
use crate::conf::TlsTransport;

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// They could not be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// They could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Their directory could not be made.
    #[error("{path}: {source}")]
    Directory {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// The two keys of digests, as `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout`
/// write them.
#[derive(Debug)]
pub struct DigestKeys {
    /// `digest.key`, for `private_key_path`.
    pub private: PathBuf,
    /// `digest.pub`, for `--public-key`.
    pub public: PathBuf,
}

impl DigestKeys {
    /// Makes a pair in a directory that is there.
    pub fn issue(directory: &Path) -> std::io::Result<DigestKeys> {
        /// What stands before an Ed25519 key in a `SubjectPublicKeyInfo`.
        const SPKI: [u8; 12] = [
            0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
        ];
        let unusable = |_| std::io::Error::other("no key could be made");
        let random = SystemRandom::new();
        let der = Ed25519KeyPair::generate_pkcs8(&random).map_err(unusable)?;
        let pair = Ed25519KeyPair::from_pkcs8(der.as_ref()).map_err(std::io::Error::other)?;
        let public = [&SPKI[..], pair.public_key().as_ref()].concat();
        let keys = DigestKeys {
            private: directory.join("digest.key"),
            public: directory.join("digest.pub"),
        };
        std::fs::write(&keys.private, pem("PRIVATE KEY", der.as_ref()))?;
        std::fs::write(&keys.public, pem("PUBLIC KEY", &public))?;
        Ok(keys)
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

/// An mTLS set for `localhost` and `127.0.0.1`, as files in a directory.
#[derive(Debug)]
pub struct Keys {
    directory: PathBuf,
    set: CertSet,
}

impl Keys {
    /// Issues a set with ECDSA keys, which are made at once, and writes it; the server's key
    /// is encrypted.
    pub fn issue(directory: &Path) -> Result<Keys, KeysError> {
        Keys::issue_with(directory, KeyAlgorithm::EcdsaP256, ServerPassphrase::Random)
    }

    /// Another such set, whose server's key opens with this set's passphrase: as when
    /// certificates are renewed.
    pub fn renewed(&self, directory: &Path) -> Result<Keys, KeysError> {
        let passphrase = ServerPassphrase::Given(self.set.passphrase.clone());
        Keys::issue_with(directory, KeyAlgorithm::EcdsaP256, passphrase)
    }

    /// Puts the server's files, and the CA's certificate, in the place of another set's.
    pub fn install_over(&self, other: &Keys) -> std::io::Result<()> {
        for name in ["ca.crt", "server.crt", "server.key"] {
            std::fs::copy(self.directory.join(name), other.directory.join(name))?;
        }
        Ok(())
    }

    /// Issues a set with RSA keys, as Teleport's tool does: the server's key is encrypted in
    /// the traditional way.
    pub fn issue_rsa(directory: &Path, bits: RsaBits) -> Result<Keys, KeysError> {
        Keys::issue_with(directory, KeyAlgorithm::Rsa(bits), ServerPassphrase::Random)
    }

    fn issue_with(
        directory: &Path,
        algorithm: KeyAlgorithm,
        passphrase: ServerPassphrase,
    ) -> Result<Keys, KeysError> {
        std::fs::create_dir_all(directory).map_err(|source| KeysError::Directory {
            path: directory.to_owned(),
            source,
        })?;
        let options = Options {
            algorithm,
            passphrase,
            ..Options::new(now())
        };
        let set = issue_set(&options)?;
        set.write_to(directory)?;
        Ok(Keys {
            directory: directory.to_owned(),
            set,
        })
    }

    /// Where the files lie: `ca`, `server` and `client`, each `.crt` and `.key`.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The server's side, for `fluent.conf`.
    pub fn transport(&self) -> TlsTransport {
        TlsTransport {
            ca: self.directory.join("ca.crt"),
            certificate: self.directory.join("server.crt"),
            key: self.directory.join("server.key"),
            passphrase: Some(self.set.passphrase.expose().to_owned()),
            lines: Vec::new(),
        }
    }

    /// A client with the certificate of the set.
    pub fn client(&self) -> TlsOptions {
        self.client_showing(Some(ClientIdentity {
            certificate: self.set.client_crt.clone(),
            key: self.set.client_key.clone(),
        }))
    }

    /// A client with nothing to show.
    pub fn client_without_certificate(&self) -> TlsOptions {
        self.client_showing(None)
    }

    /// A client whose certificate another CA has issued, of the same name.
    pub fn client_of_another_ca(&self) -> Result<TlsOptions, KeysError> {
        let validity = Validity::ten_years(now());
        let other = Authority::new(
            &Subject::common_name("CA"),
            KeyAlgorithm::EcdsaP256,
            validity,
        )?;
        Ok(self.client_showing(Some(client_certificate(&other, validity)?)))
    }

    /// A client whose certificate was good until an hour ago.
    pub fn expired_client(&self) -> Result<TlsOptions, KeysError> {
        let authority = Authority::load(
            self.set.ca_crt.as_bytes(),
            self.set.ca_key.as_bytes(),
            None,
            forebay_certs::Digest::default(),
        )?;
        let expired = client_certificate(&authority, Validity::expired(now()))?;
        Ok(self.client_showing(Some(expired)))
    }

    fn client_showing(&self, identity: Option<ClientIdentity>) -> TlsOptions {
        TlsOptions {
            ca: self.set.ca_crt.clone(),
            identity,
            versions: TlsVersions::Both,
            server_name: "localhost".to_owned(),
        }
    }
}

fn client_certificate(
    authority: &Authority,
    validity: Validity,
) -> Result<ClientIdentity, IssueError> {
    let issued = authority.issue(&LeafRequest {
        subject: Subject::common_name("Client"),
        hosts: Hosts::localhost(),
        role: Role::Client,
        algorithm: KeyAlgorithm::EcdsaP256,
        validity,
    })?;
    Ok(ClientIdentity {
        certificate: issued.certificate_pem(),
        key: issued.key_pem()?,
    })
}

fn now() -> i64 {
    Timestamp::now().as_second()
}
