//! Where a client goes, and what it shows there.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, SupportedProtocolVersion, version};

use super::ClientError;

/// Which HTTP a client speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Protocol {
    /// HTTP/1.1 without ALPN, as event handlers before November 2024.
    #[default]
    Http1,
    /// HTTP/2, with `h2` and `http/1.1` offered as event handlers do since then; over plain
    /// TCP with prior knowledge.
    Http2,
}

/// Which TLS versions a client offers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TlsVersions {
    /// 1.2 and 1.3, as Go does.
    #[default]
    Both,
    /// 1.2 alone.
    Only12,
    /// 1.3 alone.
    Only13,
}

/// A client's certificate chain and key, both as PEM.
#[derive(Clone)]
pub struct ClientIdentity {
    /// The chain, leaf first.
    pub certificate: String,
    /// The key, not encrypted.
    pub key: String,
}

/// How a client does TLS.
#[derive(Clone)]
pub struct TlsOptions {
    /// The CA that the server's certificate must come from, as PEM.
    pub ca: String,
    /// What we show; none for a client without a certificate.
    pub identity: Option<ClientIdentity>,
    /// Which versions we offer.
    pub versions: TlsVersions,
    /// The name the server's certificate must be for.
    pub server_name: String,
}

/// What is wrong with [`TlsOptions`].
#[derive(Debug, thiserror::Error)]
pub enum TlsOptionsError {
    /// The PEM text.
    #[error("not PEM: {0}")]
    Pem(#[from] pem::Error),
    /// What is in it.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The name.
    #[error("`{0}` is neither a DNS name nor an address")]
    Name(String),
}

/// A listener as a client sees it.
#[derive(Clone, Debug)]
pub struct Target {
    address: SocketAddr,
    protocol: Protocol,
    tls: Option<Tls>,
}

#[derive(Clone, Debug)]
struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    /// The name as text, for the request's authority.
    host: String,
}

impl Target {
    /// A listener without TLS.
    pub fn plain(address: SocketAddr, protocol: Protocol) -> Target {
        Target {
            address,
            protocol,
            tls: None,
        }
    }

    /// A listener with TLS.
    pub fn tls(
        address: SocketAddr,
        protocol: Protocol,
        options: &TlsOptions,
    ) -> Result<Target, TlsOptionsError> {
        let mut config = config(options)?;
        if protocol == Protocol::Http2 {
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        }
        let name = ServerName::try_from(options.server_name.clone())
            .map_err(|_| TlsOptionsError::Name(options.server_name.clone()))?;
        Ok(Target {
            address,
            protocol,
            tls: Some(Tls {
                config: Arc::new(config),
                name,
                host: options.server_name.clone(),
            }),
        })
    }

    /// Which HTTP is spoken.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    pub(super) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    pub(super) fn authority(&self) -> String {
        match &self.tls {
            Some(tls) => format!("{}:{}", tls.host, self.address.port()),
            None => self.address.to_string(),
        }
    }

    pub(super) async fn connect(&self) -> Result<Stream, ClientError> {
        let tcp = TcpStream::connect(self.address)
            .await
            .map_err(ClientError::Connect)?;
        tcp.set_nodelay(true).map_err(ClientError::Connect)?;
        let Some(tls) = &self.tls else {
            return Ok(Stream::Plain(tcp));
        };
        let stream = TlsConnector::from(Arc::clone(&tls.config))
            .connect(tls.name.clone(), tcp)
            .await
            .map_err(ClientError::Handshake)?;
        let chosen = stream.get_ref().1.alpn_protocol();
        if self.protocol == Protocol::Http2 && chosen != Some(b"h2") {
            return Err(ClientError::NoHttp2);
        }
        Ok(Stream::Tls(Box::new(stream)))
    }
}

fn config(options: &TlsOptions) -> Result<ClientConfig, TlsOptionsError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(options.ca.as_bytes()) {
        roots.add(certificate?)?;
    }
    let versions: &[&SupportedProtocolVersion] = match options.versions {
        TlsVersions::Both => &[&version::TLS12, &version::TLS13],
        TlsVersions::Only12 => &[&version::TLS12],
        TlsVersions::Only13 => &[&version::TLS13],
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)?
        .with_root_certificates(roots);
    match &options.identity {
        None => Ok(builder.with_no_client_auth()),
        Some(identity) => {
            let chain = CertificateDer::pem_slice_iter(identity.certificate.as_bytes())
                .collect::<Result<Vec<_>, _>>()?;
            let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes())?;
            Ok(builder.with_client_auth_cert(chain, key)?)
        }
    }
}

/// A connection, with TLS or without.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
