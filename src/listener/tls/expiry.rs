//! How long the certificates of a listener are good.

use forebay_certs::expiry;

use super::{Clients, TlsMaterial};

/// The last unix second in which the certificates are valid; `None` for one that cannot be
/// told, or is not asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expiry {
    /// The server's own certificate: after it no client connects.
    pub server: Option<i64>,
    /// The first of the CAs of the clients to end.
    pub client_ca: Option<i64>,
}

impl Expiry {
    pub(super) fn of(material: &TlsMaterial, clients: Clients) -> Self {
        let leaf = material.identity.chain.first();
        let authorities = match clients {
            Clients::Anyone => &[],
            Clients::Certified => material.client_ca.as_slice(),
        };
        Self {
            server: leaf.and_then(|leaf| expiry(leaf).ok()),
            client_ca: authorities.iter().filter_map(|ca| expiry(ca).ok()).min(),
        }
    }
}
