//! The set of files that `teleport-event-handler configure` writes, and its leaves anew.

use std::fmt;

use crate::{
    Authority, Hosts, IssueError, KeyAlgorithm, LeafRequest, Passphrase, Role, RsaBits, Subject,
    Validity,
};

/// What the set is to be like.
#[derive(Clone, Debug)]
pub struct Options {
    /// The names of both leaves, as the tool's `--dns-names` and `--ip`.
    pub hosts: Hosts,
    /// The kind of all three keys.
    pub algorithm: KeyAlgorithm,
    /// The validity of all three certificates.
    pub validity: Validity,
    /// What encrypts the server's key.
    pub passphrase: ServerPassphrase,
}

impl Options {
    /// The tool's own choice: localhost, RSA with 4096 bits, ten years from `now` (unix
    /// seconds), a random passphrase.
    pub fn new(now: i64) -> Options {
        Options {
            hosts: Hosts::localhost(),
            algorithm: KeyAlgorithm::Rsa(RsaBits::Bits4096),
            validity: Validity::ten_years(now),
            passphrase: ServerPassphrase::Random,
        }
    }
}

/// What encrypts the server's key.
#[derive(Clone, Debug)]
pub enum ServerPassphrase {
    /// 64 random hex digits.
    Random,
    /// This one; if it is empty the key is not encrypted, as with the tool.
    Given(Passphrase),
}

/// The set, each file's text as PEM. `Debug` shows no key.
pub struct CertSet {
    /// The CA's certificate, `CN=CA`.
    pub ca_crt: String,
    /// The CA's key, not encrypted.
    pub ca_key: String,
    /// The server's certificate, `CN=Server`.
    pub server_crt: String,
    /// The server's key, encrypted unless the passphrase is empty.
    pub server_key: String,
    /// The client's certificate, `CN=Client`.
    pub client_crt: String,
    /// The client's key, not encrypted.
    pub client_key: String,
    /// What opens the server's key.
    pub passphrase: Passphrase,
}

impl CertSet {
    /// The texts with the names under which the tool writes them.
    pub fn files(&self) -> [(&'static str, &str); 6] {
        [
            ("ca.crt", &self.ca_crt),
            ("ca.key", &self.ca_key),
            ("server.crt", &self.server_crt),
            ("server.key", &self.server_key),
            ("client.crt", &self.client_crt),
            ("client.key", &self.client_key),
        ]
    }
}

impl fmt::Debug for CertSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertSet").finish_non_exhaustive()
    }
}

/// What a CA is there for: the server's and the client's certificate with their keys. `Debug`
/// shows no key.
pub struct LeafSet {
    /// The server's certificate, `CN=Server`.
    pub server_crt: String,
    /// The server's key, encrypted unless the passphrase is empty.
    pub server_key: String,
    /// The client's certificate, `CN=Client`.
    pub client_crt: String,
    /// The client's key, not encrypted.
    pub client_key: String,
}

impl LeafSet {
    /// The texts with the names under which the tool writes them.
    pub fn files(&self) -> [(&'static str, &str); 4] {
        [
            ("server.crt", &self.server_crt),
            ("server.key", &self.server_key),
            ("client.crt", &self.client_crt),
            ("client.key", &self.client_key),
        ]
    }
}

impl fmt::Debug for LeafSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeafSet").finish_non_exhaustive()
    }
}

/// Makes a CA, a server and a client certificate with new keys.
///
/// # Errors
/// As [`Authority::new`] and [`Authority::issue`].
pub fn issue_set(options: &Options) -> Result<CertSet, IssueError> {
    let passphrase = match &options.passphrase {
        ServerPassphrase::Random => Passphrase::random()?,
        ServerPassphrase::Given(passphrase) => passphrase.clone(),
    };
    let authority = Authority::new(
        &Subject::common_name("CA"),
        options.algorithm,
        options.validity,
    )?;
    let leaves = issue_leaves(&authority, options, &passphrase)?;
    Ok(CertSet {
        ca_crt: authority.certificate_pem(),
        ca_key: authority.key_pem()?,
        server_crt: leaves.server_crt,
        server_key: leaves.server_key,
        client_crt: leaves.client_crt,
        client_key: leaves.client_key,
        passphrase,
    })
}

/// Makes a server and a client certificate with new keys below a CA that is there; the
/// passphrase of `options` does not count, `passphrase` does.
///
/// # Errors
/// As [`Authority::issue`].
pub fn issue_leaves(
    authority: &Authority,
    options: &Options,
    passphrase: &Passphrase,
) -> Result<LeafSet, IssueError> {
    let leaf = |name: &str, role| LeafRequest {
        subject: Subject::common_name(name),
        hosts: options.hosts.clone(),
        role,
        algorithm: options.algorithm,
        validity: options.validity,
    };
    let server = authority.issue(&leaf("Server", Role::Server))?;
    let client = authority.issue(&leaf("Client", Role::Client))?;
    Ok(LeafSet {
        server_crt: server.certificate_pem(),
        server_key: if passphrase.is_empty() {
            server.key_pem()?
        } else {
            server.encrypted_key_pem(passphrase)?
        },
        client_crt: client.certificate_pem(),
        client_key: client.key_pem()?,
    })
}

#[cfg(test)]
mod tests;
