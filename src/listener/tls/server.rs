//! Builds rustls's configuration.

use std::sync::Arc;

use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};

use super::time::HostTime;
use super::{Clients, TlsConfig, TlsError, TlsMaterial};
use crate::host::clock::Clock;

/// A finished configuration.
pub(super) struct Server {
    pub(super) config: Arc<ServerConfig>,
    /// Of [`Clients::Certified`].
    verifier: Option<Arc<dyn ClientCertVerifier>>,
}

impl Server {
    pub(super) fn build(
        config: &TlsConfig,
        material: TlsMaterial,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, TlsError> {
        let provider = Arc::new(CryptoProvider {
            cipher_suites: config.ciphers.suites().to_vec(),
            ..aws_lc_rs::default_provider()
        });
        let verifier = match config.clients {
            Clients::Anyone => None,
            Clients::Certified => Some(verifier(material.client_ca, &provider)?),
        };
        let time = Arc::new(HostTime(Arc::clone(clock)));
        let builder = ServerConfig::builder_with_details(provider, time)
            .with_protocol_versions(&config.versions.for_rustls())
            .expect("invariant: there are ciphers for every version, and no range is empty");
        let builder = match &verifier {
            None => builder.with_no_client_auth(),
            Some(verifier) => builder.with_client_cert_verifier(Arc::clone(verifier)),
        };
        let identity = material.identity;
        let mut server = builder
            .with_single_cert(identity.chain, identity.key)
            .map_err(|source| TlsError::UnusableIdentity { source })?;
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        server.ticketer =
            aws_lc_rs::Ticketer::new().map_err(|source| TlsError::Tickets { source })?;
        Ok(Self {
            config: Arc::new(server),
            verifier,
        })
    }

    /// Looks at the certificate of a resumed session, which rustls takes as it was at the first
    /// handshake: one that has expired since must not be let in.
    pub(super) fn verify_again(
        &self,
        chain: Option<&[CertificateDer<'static>]>,
    ) -> Result<(), rustls::Error> {
        let Some(verifier) = &self.verifier else {
            return Ok(());
        };
        let (leaf, intermediates) = chain
            .and_then(<[_]>::split_first)
            .ok_or(rustls::Error::NoCertificatesPresented)?;
        let now = self.config.time_provider.current_time();
        let now = now.ok_or(rustls::Error::FailedToGetCurrentTime)?;
        verifier.verify_client_cert(leaf, intermediates, now)?;
        Ok(())
    }
}

fn verifier(
    client_ca: Vec<CertificateDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    if client_ca.is_empty() {
        return Err(TlsError::NoClientCa);
    }
    let mut roots = RootCertStore::empty();
    for (index, certificate) in client_ca.into_iter().enumerate() {
        let position = index + 1;
        roots
            .add(certificate)
            .map_err(|source| TlsError::ClientCa { position, source })?;
    }
    // No hints at the CAs we trust, as Fluentd: a client whose certificate is from another CA
    // then sends it, and is refused with a reason, instead of sending none.
    let verifier: Arc<dyn ClientCertVerifier> =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .clear_root_hint_subjects()
            .build()
            .map_err(|source| TlsError::Verifier { source })?;
    Ok(verifier)
}
