//! Whom the load is for: address, TLS, and the request.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http_body_util::Full;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::pki_types::ServerName;

use super::{Options, Protocol, Reuse};
use crate::keys;

/// Whom the load is for.
pub(crate) struct Target {
    address: SocketAddr,
    name: ServerName<'static>,
    connector: TlsConnector,
    url: http::Uri,
    body: Bytes,
    /// Head and body as HTTP/1.1 has them.
    pub(crate) http1_request: Bytes,
}

/// Why a request was not answered with success.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no connection: {0}")]
    Connect(std::io::Error),
    #[error("no handshake: {0}")]
    Handshake(std::io::Error),
    #[error("the connection broke: {0}")]
    Broken(std::io::Error),
    #[error("the connection was closed instead of an answer")]
    Closed,
    #[error("not HTTP/1.1: {0}")]
    NotHttp1(#[from] httparse::Error),
    #[error("HTTP/2: {0}")]
    Http2(#[from] hyper::Error),
    #[error("status {0}")]
    Status(u16),
}

impl Target {
    pub(super) fn new(options: &Options) -> anyhow::Result<Target> {
        let resumption = match options.reuse {
            Reuse::ResumedHandshake => Resumption::default(),
            Reuse::KeepAlive | Reuse::FullHandshake => Resumption::disabled(),
        };
        let mut tls = keys::client(&options.keys, resumption)?;
        if options.protocol == Protocol::Http2 {
            tls.alpn_protocols = vec![b"h2".to_vec()];
        }
        Target::over(tls, &options.url, &options.body)
    }

    /// For connections that speak HTTP/1.1 and resume nothing.
    pub(crate) fn of(url: &http::Uri, keys: &Path, body: &Path) -> anyhow::Result<Target> {
        Target::over(keys::client(keys, Resumption::disabled())?, url, body)
    }

    fn over(tls: ClientConfig, url: &http::Uri, body: &Path) -> anyhow::Result<Target> {
        let url = url.clone();
        let host = url.host().context("the URL has no host")?.to_owned();
        let addresses = (host.as_str(), url.port_u16().unwrap_or(443)).to_socket_addrs();
        let address = addresses
            .with_context(|| format!("the address of {host}"))?
            .next()
            .with_context(|| format!("{host} has no address"))?;
        let body = std::fs::read(body).with_context(|| body.display().to_string())?;
        Ok(Target {
            address,
            name: ServerName::try_from(host)?,
            connector: TlsConnector::from(Arc::new(tls)),
            http1_request: http1_request(&url, &body),
            url,
            body: body.into(),
        })
    }

    pub(crate) async fn connect(&self) -> Result<TlsStream<TcpStream>, Failure> {
        let tcp = TcpStream::connect(self.address)
            .await
            .map_err(Failure::Connect)?;
        tcp.set_nodelay(true).map_err(Failure::Connect)?;
        let stream = self.connector.connect(self.name.clone(), tcp).await;
        stream.map_err(Failure::Handshake)
    }

    pub(crate) fn http2_request(&self) -> http::Request<Full<Bytes>> {
        let mut request = http::Request::new(Full::new(self.body.clone()));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.url.clone();
        *request.version_mut() = http::Version::HTTP_2;
        let values = [
            (USER_AGENT, "Go-http-client/2.0"),
            (CONTENT_TYPE, "application/json"),
            (ACCEPT_ENCODING, "gzip"),
        ];
        for (name, value) in values {
            let value = http::HeaderValue::from_static(value);
            request.headers_mut().insert(name, value);
        }
        request
    }
}

/// With the headers of Teleport's client.
fn http1_request(url: &http::Uri, body: &[u8]) -> Bytes {
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let authority = url.authority().map_or("", |authority| authority.as_str());
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: Go-http-client/1.1\r\n\
         Content-Length: {length}\r\nContent-Type: application/json\r\n\
         Accept-Encoding: gzip\r\n\r\n"
    );
    let mut request = head.into_bytes();
    request.extend_from_slice(body);
    request.into()
}
