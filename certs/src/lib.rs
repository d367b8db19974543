//! Keys and certificates: the mTLS set that Teleport's tool writes, and opening it again.
//!
//! Two halves that meet in PEM:
//!
//! * **opening**: [`load_identity`] and [`load_certificates`] take the bytes of PEM files and hand
//!   out what rustls serves; keys may be plain (PKCS#1, PKCS#8, SEC1) or encrypted (PKCS#8, or the
//!   traditional `Proc-Type: 4,ENCRYPTED` that `teleport-event-handler configure` writes);
//! * **issuing**: [`issue_set`] makes the six files of that tool; [`Authority`] makes single
//!   certificates; [`issue_server_certificate`] and [`self_signed_server_certificate`] follow the
//!   `generate_*` parameters of Fluentd's `<transport tls>`.
//!
//! Everything works on bytes, and takes the time as a parameter. Only `write.rs` touches the
//! disk.

#![forbid(unsafe_code)]

mod algorithm;
mod authority;
mod encode;
mod error;
mod facts;
mod generate;
mod identity;
mod issue;
mod passphrase;
mod pbes2;
mod pem;
mod random;
mod request;
mod traditional;
mod write;

/// A certificate as it travels: DER bytes.
pub use rustls_pki_types::CertificateDer;

pub use algorithm::{Digest, KeyAlgorithm, RsaBits};
pub use authority::{Authority, Issued};
pub use error::{IssueError, KeyError};
pub use facts::{expiry, hosts};
pub use generate::{GenerateOptions, issue_server_certificate, self_signed_server_certificate};
pub use identity::{Identity, Unlocked, load_identity};
pub use issue::{CertSet, LeafSet, Options, ServerPassphrase, issue_leaves, issue_set};
pub use passphrase::Passphrase;
pub use pem::{load_certificates, load_pkcs8, load_public_keys};
pub use request::{Hosts, LeafRequest, Role, Subject, Validity};
pub use write::{WriteError, make_directory, replace, write_new};
