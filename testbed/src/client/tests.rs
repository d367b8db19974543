//! The client against a listener of our own that asks for client certificates.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use forebay_certs::{Passphrase, load_identity};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::*;
use crate::keys::Keys;

const LISTEN: Duration = Duration::from_millis(500);

struct Listener {
    _directory: tempfile::TempDir,
    keys: Keys,
    address: SocketAddr,
}

impl Listener {
    /// Answers every request with its version, method, path and headers.
    async fn start() -> Listener {
        let directory = tempfile::tempdir().unwrap();
        let keys = Keys::issue(directory.path()).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(server_config(&keys)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(tcp).await {
                        let _ = Builder::new(TokioExecutor::new())
                            .serve_connection(TokioIo::new(stream), service_fn(echo))
                            .await;
                    }
                });
            }
        });
        Listener {
            _directory: directory,
            keys,
            address,
        }
    }

    fn target(&self, protocol: Protocol, options: &TlsOptions) -> Target {
        Target::tls(self.address, protocol, options).unwrap()
    }
}

fn server_config(keys: &Keys) -> ServerConfig {
    let transport = keys.transport();
    let read = |path| std::fs::read(path).unwrap();
    let passphrase = Passphrase::new(transport.passphrase.unwrap());
    let identity = load_identity(
        &read(transport.certificate),
        &read(transport.key),
        Some(&passphrase),
    )
    .unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(&read(transport.ca)).unwrap())
        .unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
        .build()
        .unwrap();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(identity.chain, identity.key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    let text = format!("{head:?} {}", String::from_utf8_lossy(&body));
    Ok(Response::new(Full::from(text)))
}

#[tokio::test]
async fn both_protocols_look_like_the_event_handler() {
    let listener = Listener::start().await;
    for (protocol, agent) in [
        (Protocol::Http1, "Go-http-client/1.1"),
        (Protocol::Http2, "Go-http-client/2.0"),
    ] {
        let mut client = Client::new(listener.target(protocol, &listener.keys.client()));
        let reply = client
            .post("/test.log", "{}", &[("x-more", "1")])
            .await
            .unwrap();
        let text = reply.text();
        for part in [
            agent,
            "application/json",
            "\"content-length\": \"2\"",
            "x-more",
            "/test.log",
        ] {
            assert!(text.contains(part), "`{part}` is not in {text}");
        }
        client.post("/test.log", "{}", &[]).await.unwrap();
        assert_eq!(client.connections_opened(), 1);
    }
}

#[tokio::test]
async fn only_an_http2_connection_is_shared() {
    let listener = Listener::start().await;
    for (protocol, shares) in [(Protocol::Http1, false), (Protocol::Http2, true)] {
        let mut client = Client::new(listener.target(protocol, &listener.keys.client()));
        client.post("/test.log", "{}", &[]).await.unwrap();
        assert_eq!(client.share().is_some(), shares);
        if let Some(mut other) = client.share() {
            other.post("/test.log", "{}", &[]).await.unwrap();
            assert_eq!(other.connections_opened(), 0);
        }
    }
}

#[tokio::test]
async fn a_welcome_client_is_accepted_at_the_door() {
    let listener = Listener::start().await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let target = listener.target(protocol, &listener.keys.client());
        assert_eq!(knock(&target, LISTEN).await.unwrap(), Knock::Accepted);
    }
}

#[tokio::test]
async fn an_unwelcome_client_hears_the_alert_in_every_version() {
    let listener = Listener::start().await;
    for versions in [TlsVersions::Only12, TlsVersions::Only13] {
        for unwelcome in [
            listener.keys.client_without_certificate(),
            listener.keys.client_of_another_ca().unwrap(),
            listener.keys.expired_client().unwrap(),
        ] {
            let options = TlsOptions {
                versions,
                ..unwelcome
            };
            let target = listener.target(Protocol::Http1, &options);
            let heard = knock(&target, LISTEN).await.unwrap();
            assert!(
                matches!(heard, Knock::Refused(Refused::Alert(_))),
                "{heard:?}"
            );
            let error = Client::new(target)
                .post("/test.log", "{}", &[])
                .await
                .unwrap_err();
            assert!(error.refused().is_some(), "{error}");
        }
    }
}

#[tokio::test]
async fn nobody_at_home_is_no_refusal() {
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let mut client = Client::new(Target::plain(free, Protocol::Http1));
    let error = client.post("/test.log", "{}", &[]).await.unwrap_err();
    assert!(matches!(error, ClientError::Connect(_)), "{error}");
    assert_eq!(error.refused(), None);
}
