//! The TLS side of a connection: one finished rustls configuration.

mod ciphers;
mod error;
mod expiry;
mod server;
mod time;

mod version;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use forebay_certs::Identity;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::HandshakeKind;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::server::TlsStream;

pub use self::ciphers::{CipherError, Ciphers};
pub(super) use self::error::HandshakeError;
pub use self::error::TlsError;
pub use self::expiry::Expiry;
use self::server::Server;

pub use self::version::{TlsVersion, VersionError, Versions};
use crate::host::clock::Clock;

/// What a TLS listener asks for.
#[derive(Clone, Debug)]
pub struct TlsConfig {
    /// Fluentd's `version`, `min_version` and `max_version`.
    pub versions: Versions,
    /// Fluentd's `ciphers`.
    pub ciphers: Ciphers,
    /// Fluentd's `client_cert_auth`.
    pub clients: Clients,
}

/// Whom a TLS listener lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clients {
    /// Everybody: no certificate is asked for.
    Anyone,
    /// Those with a valid certificate from one of [`TlsMaterial::client_ca`].
    Certified,
}

/// What is read from files.
#[derive(Debug)]
pub struct TlsMaterial {
    /// The server's certificate and key: Fluentd's `cert_path` and `private_key_path`.
    pub identity: Identity,
    /// Who issues the clients' certificates: Fluentd's `ca_path`. Not looked at for
    /// [`Clients::Anyone`].
    pub client_ca: Vec<CertificateDer<'static>>,
}

/// What connections are served with, checked and complete. Clones share it. It never changes:
/// new files make a new one, which takes its place as a whole (see [`super::Terms`]).
#[derive(Clone)]
pub struct TlsHandle {
    config: Arc<TlsConfig>,
    expiry: Expiry,
    server: Arc<Server>,
}

/// What was agreed on in the handshake (ALPN). A client that asks for nothing, as Teleport's
/// until 2024, gets HTTP/1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

impl TlsHandle {
    /// Makes a configuration. `clock` says whether a client's certificate is in date.
    ///
    /// # Errors
    /// [`TlsError`] if the parts do not go together.
    pub fn new(
        config: TlsConfig,
        material: TlsMaterial,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TlsError> {
        let expiry = Expiry::of(&material, config.clients);
        let server = Server::build(&config, material, &clock)?;
        Ok(Self {
            config: Arc::new(config),
            expiry,
            server: Arc::new(server),
        })
    }

    /// What the listener asks for.
    pub fn config(&self) -> &TlsConfig {
        &self.config
    }

    /// When its certificates end.
    pub fn expiry(&self) -> Expiry {
        self.expiry
    }

    /// Shakes hands with a client, which has until `deadline` for it.
    pub(super) async fn accept<T>(
        &self,
        stream: T,
        deadline: Duration,
    ) -> Result<(TlsStream<T>, Protocol), HandshakeError>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let server = &self.server;
        let acceptor = TlsAcceptor::from(Arc::clone(&server.config));
        let stream = timeout(deadline, acceptor.accept(stream))
            .await
            .map_err(|_elapsed| HandshakeError::Slow { deadline })??;
        let (_, session) = stream.get_ref();
        if session.handshake_kind() == Some(HandshakeKind::Resumed) {
            server.verify_again(session.peer_certificates())?;
        }
        let protocol = match session.alpn_protocol() {
            Some(b"h2") => Protocol::Http2,
            _ => Protocol::Http1,
        };
        Ok((stream, protocol))
    }
}

impl fmt::Debug for TlsHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsHandle")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
