//! What can be wrong with certificates and keys.
//!
//! No message names a file: the caller read it, and puts its path in front.

/// Why certificates or a private key could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text holds no certificate at all.
    #[error("found no certificate but {found}; a PEM section CERTIFICATE is needed")]
    NoCertificate {
        /// What is in the file instead.
        found: String,
    },
    /// A certificate is there and cannot be read, or is of a kind that rustls does not take.
    #[error("certificate number {position} of the file cannot be used: {reason}")]
    UnusableCertificate {
        /// Its place among the file's certificates, from 1.
        position: usize,
        /// What the parser says.
        reason: String,
    },
    /// The text holds no private key.
    #[error(
        "found no private key but {found}; a PEM section RSA PRIVATE KEY, EC PRIVATE KEY, \
         PRIVATE KEY or ENCRYPTED PRIVATE KEY is needed"
    )]
    NoKey {
        /// What is in the file instead.
        found: String,
    },
    /// A private key is there and cannot be read, whatever the passphrase.
    #[error("the private key is damaged: {reason}")]
    DamagedKey {
        /// What is wrong with it.
        reason: String,
    },
    /// The key is encrypted and there is no passphrase.
    #[error("the private key is encrypted ({encryption}) and no passphrase is given")]
    PassphraseMissing {
        /// The encryption found.
        encryption: String,
    },
    /// Decryption gave no key. With these ciphers a damaged ciphertext looks just the same.
    #[error(
        "the passphrase does not open the private key ({encryption}): it is wrong, or the file \
         is damaged; tried as given and with a trailing newline {newline}"
    )]
    WrongPassphrase {
        /// The encryption found.
        encryption: String,
        /// `"removed"` or `"added"`.
        newline: &'static str,
    },
    /// The key is encrypted in a way that is not supported.
    #[error(
        "the private key is encrypted with {found}; allowed are AES-128-CBC, AES-192-CBC, \
         AES-256-CBC and DES-EDE3-CBC, in traditional PEM or in PKCS#8 by PBES2 with PBKDF2 or \
         scrypt (`openssl pkcs8 -topk8 -v2 aes256` makes one)"
    )]
    UnknownEncryption {
        /// Its name, or its object identifier.
        found: String,
    },
    /// The key is whole, but of a kind that TLS here cannot use.
    #[error(
        "the private key cannot be used: {reason}; allowed are RSA of 2048 to 8192 bits, ECDSA \
         (P-256, P-384, P-521) and Ed25519"
    )]
    UnusableKey {
        /// What it is, or what rustls says.
        reason: String,
    },
    /// A private key in another form than a signature's library takes.
    #[error(
        "found {found}; a private key in PKCS#8 that is not encrypted is needed (a PEM section \
         PRIVATE KEY)"
    )]
    NotPkcs8 {
        /// What is in the file instead.
        found: String,
    },
    /// A file without a public key.
    #[error("found no public key but {found}; a PEM section PUBLIC KEY is needed")]
    NoPublicKey {
        /// What is in the file instead.
        found: String,
    },
    /// Both are sound, but the key is another certificate's.
    #[error("the private key does not belong to the first certificate of the certificate file")]
    Mismatch,
}

impl KeyError {
    pub(crate) fn damaged(reason: impl ToString) -> KeyError {
        KeyError::DamagedKey {
            reason: reason.to_string(),
        }
    }
}

/// Why a certificate could not be issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// A name cannot stand in a certificate, or the crypto library refused.
    #[error("cannot make the certificate of \"{subject}\": {source}")]
    Certificate {
        /// Its subject.
        subject: String,
        /// What rcgen says.
        source: rcgen::Error,
    },
    /// A date beyond the years that a certificate can hold.
    #[error("{found} seconds since 1970 is no date of the years 1 to 9999")]
    Date {
        /// Unix seconds.
        found: i64,
    },
    /// Fluentd's `generate_private_key_length` is none that can be made.
    #[error("cannot make an RSA key of {found} bits; allowed are 2048, 3072 and 4096")]
    KeyLength {
        /// Bits asked for.
        found: u64,
    },
    /// Fluentd's `generate_cert_digest` is none that a certificate should have.
    #[error("cannot sign certificates with \"{found}\"; allowed are sha256, sha384 and sha512")]
    Digest {
        /// The name asked for.
        found: String,
    },
    /// The CA's certificate or key could not be opened.
    #[error("the certificate authority cannot be opened: {0}")]
    Authority(#[source] KeyError),
    /// The CA's name has a shape that would not come out the same in what it issues.
    #[error(
        "the certificate authority's name \"{found}\" cannot be written as an issuer: each of \
         its parts may have one attribute, and each attribute may occur once"
    )]
    AuthorityName {
        /// Its subject.
        found: String,
    },
    /// A new key could not be put into PEM.
    #[error("cannot write the private key: {reason}")]
    Key {
        /// What the encoder says.
        reason: String,
    },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    Randomness,
}

impl IssueError {
    pub(crate) fn key(reason: impl ToString) -> IssueError {
        IssueError::Key {
            reason: reason.to_string(),
        }
    }
}
