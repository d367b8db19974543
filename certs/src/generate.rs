//! Certificates that a server makes for itself at start, as Fluentd's `<transport tls>` can.
//!
//! Two differences on purpose. Fluentd gives them no subject alternative name, so that no Go
//! client (and Teleport's handler is one) accepts them: here the common name is one. And the
//! long dead `nsCertType` is left out.

use std::time::Duration;

use crate::request::TEN_YEARS;
use crate::{
    Authority, Digest, Hosts, Identity, IssueError, Issued, KeyAlgorithm, LeafRequest, Passphrase,
    Role, RsaBits, Subject, Validity,
};

/// The `generate_*` parameters of `<transport tls>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerateOptions {
    /// `generate_private_key_length`
    pub key_length: RsaBits,
    /// `generate_cert_country`: two letters.
    pub country: String,
    /// `generate_cert_state`
    pub state: String,
    /// `generate_cert_locality`
    pub locality: String,
    /// `generate_cert_common_name`: the host's name or address.
    pub common_name: String,
    /// `generate_cert_expiration`, from now on.
    pub expiration: Duration,
    /// `generate_cert_digest`
    pub digest: Digest,
}

impl GenerateOptions {
    /// Fluentd's defaults. Its common name is the host's name, which is a parameter here.
    pub fn new(common_name: impl Into<String>) -> GenerateOptions {
        GenerateOptions {
            key_length: RsaBits::Bits2048,
            country: "US".to_owned(),
            state: "CA".to_owned(),
            locality: "Mountain View".to_owned(),
            common_name: common_name.into(),
            expiration: TEN_YEARS,
            digest: Digest::Sha256,
        }
    }

    /// Valid from 1970 on, as Fluentd's are: a client whose clock is behind takes it, too.
    fn request(&self, now: i64) -> LeafRequest {
        let end = Duration::from_secs(now.max(0).unsigned_abs()).saturating_add(self.expiration);
        LeafRequest {
            subject: Subject {
                country: Some(self.country.clone()),
                state: Some(self.state.clone()),
                locality: Some(self.locality.clone()),
                common_name: Some(self.common_name.clone()),
            },
            hosts: Hosts::one(&self.common_name),
            role: Role::Server,
            algorithm: KeyAlgorithm::Rsa(self.key_length),
            validity: Validity::starting(0, end),
        }
    }
}

/// A new server certificate, signed by the CA of the two PEM files; `now` is in unix seconds.
///
/// Follows Fluentd's `ca_cert_path`, `ca_private_key_path`, `ca_private_key_passphrase` and
/// `generate_*`. The chain holds the leaf alone, as Fluentd's does. The digest counts if the
/// CA's key is RSA.
///
/// # Errors
/// As [`Authority::load`] and [`Authority::issue`].
pub fn issue_server_certificate(
    ca_cert_pem: &[u8],
    ca_key_pem: &[u8],
    ca_passphrase: Option<&Passphrase>,
    options: &GenerateOptions,
    now: i64,
) -> Result<Identity, IssueError> {
    let authority = Authority::load(ca_cert_pem, ca_key_pem, ca_passphrase, options.digest)?;
    Ok(authority.issue(&options.request(now))?.into_identity())
}

/// A new server certificate that signs itself, so that no client can know whom it speaks to;
/// `now` is in unix seconds.
///
/// Follows Fluentd's `insecure` with `generate_*`.
///
/// # Errors
/// As [`Authority::issue`].
pub fn self_signed_server_certificate(
    options: &GenerateOptions,
    now: i64,
) -> Result<Identity, IssueError> {
    Ok(Issued::self_signed(&options.request(now), options.digest)?.into_identity())
}

#[cfg(test)]
mod tests;
