//! Handshakes over pipes, with certificates made on the spot.

use std::io;

use forebay_certs::{
    Authority, Hosts, Identity, Issued, KeyAlgorithm, LeafRequest, Role, Subject, Validity,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as ClientStream;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use super::super::testing::{
    REQUEST, TestListener, exchange, http2_client, ok, post, seconds_until_closed,
};
use super::super::{Limits, Transport};
use super::*;
use crate::host::clock::PausedClock;

/// 2026-02-01, when these tests happen.
const NOW: i64 = 1_769_904_000;
const DAY: Duration = Duration::from_secs(86_400);

/// A server, its CA, and the clock by which it looks at certificates.
struct Site {
    ca: Authority,
    clock: Arc<PausedClock>,
    tls: TlsHandle,
}

impl Site {
    fn new() -> Self {
        Self::with(certified())
    }

    fn with(config: TlsConfig) -> Self {
        let ca = authority("CA");
        let clock = clock();
        let tls = TlsHandle::new(config, material(&ca), clock.clone()).unwrap();
        Self { ca, clock, tls }
    }

    fn listen(&self) -> TestListener {
        let transport = Transport::Tls(self.tls.clone());
        TestListener::start(transport, Limits::default(), ok)
    }

    /// The same listener with certificates of another CA.
    fn transport_of(&self, ca: &Authority) -> Transport {
        let config = self.tls.config().clone();
        Transport::Tls(TlsHandle::new(config, material(ca), self.clock.clone()).unwrap())
    }

    fn client(&self, certificate: Option<Identity>) -> ClientConfig {
        client(&self.ca, certificate, &[&TLS12, &TLS13])
    }

    fn certified_client(&self) -> ClientConfig {
        self.client(Some(certificate(&self.ca, days(1)).into_identity()))
    }
}

fn certified() -> TlsConfig {
    TlsConfig {
        versions: Versions::default(),
        ciphers: Ciphers::default(),
        clients: Clients::Certified,
    }
}

fn clock() -> Arc<PausedClock> {
    Arc::new(PausedClock::starting_at(NOW))
}

fn authority(name: &str) -> Authority {
    let subject = Subject::common_name(name);
    Authority::new(&subject, KeyAlgorithm::EcdsaP256, Validity::ten_years(NOW)).unwrap()
}

fn days(count: u32) -> Validity {
    Validity::starting(NOW, DAY * count)
}

fn material(ca: &Authority) -> TlsMaterial {
    TlsMaterial {
        identity: leaf(ca, Role::Server, days(365)).into_identity(),
        client_ca: vec![ca.certificate().clone()],
    }
}

fn certificate(ca: &Authority, validity: Validity) -> Issued {
    leaf(ca, Role::Client, validity)
}

fn leaf(ca: &Authority, role: Role, validity: Validity) -> Issued {
    ca.issue(&LeafRequest {
        subject: Subject::common_name("leaf"),
        hosts: Hosts::localhost(),
        role,
        algorithm: KeyAlgorithm::EcdsaP256,
        validity,
    })
    .unwrap()
}

fn client(
    server_ca: &Authority,
    certificate: Option<Identity>,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(server_ca.certificate().clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .unwrap();
    let time = Arc::new(time::HostTime(Arc::new(PausedClock::starting_at(NOW))));
    let builder = ClientConfig::builder_with_details(provider, time)
        .with_protocol_versions(versions)
        .unwrap()
        .with_webpki_verifier(verifier);
    match certificate {
        None => builder.with_no_client_auth(),
        Some(identity) => builder
            .with_client_auth_cert(identity.chain, identity.key)
            .unwrap(),
    }
}

async fn connect(
    listener: &TestListener,
    config: &Arc<ClientConfig>,
) -> io::Result<ClientStream<DuplexStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::clone(config));
    connector.connect(name, listener.connect()).await
}

/// What an HTTP/1.1 client gets: the head of an answer, or nothing.
async fn answer(listener: &TestListener, config: ClientConfig) -> String {
    match connect(listener, &Arc::new(config)).await {
        // In TLS 1.3 the client has finished before the server looks at its certificate.
        Ok(mut stream) => exchange(&mut stream).await,
        Err(_) => String::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_certified_client_is_served_in_both_versions_of_tls() {
    let site = Site::new();
    let listener = site.listen();
    for version in [&TLS12, &TLS13] {
        let identity = certificate(&site.ca, days(1)).into_identity();
        let config = client(&site.ca, Some(identity), &[version]);
        let mut stream = connect(&listener, &Arc::new(config)).await.unwrap();
        let answer = exchange(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
    }
}

#[tokio::test(start_paused = true)]
async fn http2_is_agreed_on_in_the_handshake() {
    let site = Site::new();
    let listener = site.listen();
    let mut config = site.certified_client();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = connect(&listener, &Arc::new(config)).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut client, _connection) = http2_client(stream).await;
    let answer = client.send_request(post()).await.unwrap();
    assert_eq!(answer.version(), http::Version::HTTP_2);
}

#[tokio::test(start_paused = true)]
async fn clients_without_a_good_certificate_never_reach_the_service() {
    let site = Site::new();
    let listener = site.listen();
    let stranger = certificate(&authority("Other"), days(1));
    let expired = certificate(&site.ca, Validity::expired(NOW));
    let not_for_clients = leaf(&site.ca, Role::Server, days(1));
    let identities = [
        None,
        Some(stranger.into_identity()),
        Some(expired.into_identity()),
        Some(not_for_clients.into_identity()),
    ];
    for (index, identity) in identities.into_iter().enumerate() {
        let head = answer(&listener, site.client(identity)).await;
        assert_eq!(head, "", "client {index}");
    }
    assert!(
        answer(&listener, site.certified_client())
            .await
            .starts_with("HTTP/1.1 200")
    );
}

#[tokio::test(start_paused = true)]
async fn anyone_needs_no_certificate() {
    let site = Site::with(TlsConfig {
        versions: Versions::default(),
        ciphers: Ciphers::default(),
        clients: Clients::Anyone,
    });
    let head = answer(&site.listen(), site.client(None)).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
}

#[tokio::test(start_paused = true)]
async fn a_version_out_of_range_is_refused() {
    let site = Site::with(TlsConfig {
        versions: Versions::only(TlsVersion::V1_3),
        ciphers: Ciphers::default(),
        clients: Clients::Certified,
    });
    let listener = site.listen();
    let identity = certificate(&site.ca, days(1)).into_identity();
    let old = client(&site.ca, Some(identity), &[&TLS12]);
    let refused = connect(&listener, &Arc::new(old)).await;
    assert!(refused.unwrap_err().to_string().contains("ProtocolVersion"));
}

#[tokio::test(start_paused = true)]
async fn a_session_with_a_client_certificate_is_resumed() {
    for version in [&TLS12, &TLS13] {
        let site = Site::new();
        let listener = site.listen();
        let identity = certificate(&site.ca, days(1)).into_identity();
        let config = Arc::new(client(&site.ca, Some(identity), &[version]));
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let mut stream = connect(&listener, &config).await.unwrap();
            // The answer also brings the ticket.
            let answer = exchange(&mut stream).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            kinds.push(stream.get_ref().1.handshake_kind());
        }
        let expected = [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)];
        assert_eq!(kinds, expected, "{:?}", version.version);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_is_not_resumed_once_its_certificate_has_expired() {
    let site = Site::new();
    let listener = site.listen();
    let short = Validity::starting(NOW, Duration::from_secs(600));
    let identity = certificate(&site.ca, short).into_identity();
    let config = Arc::new(site.client(Some(identity)));
    let first = exchange(&mut connect(&listener, &config).await.unwrap()).await;
    assert!(first.starts_with("HTTP/1.1 200"), "{first}");

    site.clock.jump(601);
    let mut stream = connect(&listener, &config).await.unwrap();
    assert_eq!(
        stream.get_ref().1.handshake_kind(),
        Some(HandshakeKind::Resumed)
    );
    assert_eq!(exchange(&mut stream).await, "");
}

#[tokio::test(start_paused = true)]
async fn new_material_is_served_to_new_connections_and_leaves_open_ones_alone() {
    let site = Site::new();
    let listener = site.listen();
    let mut open = connect(&listener, &Arc::new(site.certified_client()))
        .await
        .unwrap();
    exchange(&mut open).await;

    let other_ca = authority("Other");
    listener.switch(site.transport_of(&other_ca));

    let answer_on_open = exchange(&mut open).await;
    assert!(
        answer_on_open.starts_with("HTTP/1.1 200"),
        "{answer_on_open}"
    );
    assert_eq!(answer(&listener, site.certified_client()).await, "");
    let identity = certificate(&other_ca, days(1)).into_identity();
    let config = client(&other_ca, Some(identity), &[&TLS13]);
    assert!(answer(&listener, config).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test(start_paused = true)]
async fn a_session_from_before_new_material_is_not_resumed() {
    let site = Site::new();
    let listener = site.listen();
    let config = Arc::new(site.certified_client());
    exchange(&mut connect(&listener, &config).await.unwrap()).await;
    listener.switch(site.transport_of(&site.ca));
    let stream = connect(&listener, &config).await.unwrap();
    assert_eq!(
        stream.get_ref().1.handshake_kind(),
        Some(HandshakeKind::Full)
    );
}

#[test]
fn clients_cannot_be_certified_without_a_ca() {
    let material = TlsMaterial {
        client_ca: Vec::new(),
        ..material(&authority("CA"))
    };
    let error = TlsHandle::new(certified(), material, clock()).unwrap_err();
    assert!(matches!(error, TlsError::NoClientCa), "{error}");
}

#[test]
fn it_is_known_when_the_certificates_end() {
    const TEN_YEARS: i64 = 315_576_000;
    let ca = authority("CA");
    let expiry = |config| {
        TlsHandle::new(config, material(&ca), clock())
            .unwrap()
            .expiry()
    };
    let mutual = expiry(certified());
    assert_eq!(mutual.server, Some(NOW + 365 * 86_400));
    let ca_ends = mutual.client_ca.unwrap();
    assert!((ca_ends - NOW - TEN_YEARS).abs() < 3 * 86_400, "{ca_ends}");
    let anyone = TlsConfig {
        clients: Clients::Anyone,
        ..certified()
    };
    assert_eq!(expiry(anyone).client_ca, None);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_starts_no_handshake_is_cut_off() {
    let site = Site::new();
    let listener = site.listen();
    let mut silent = listener.connect();
    assert_eq!(seconds_until_closed(&mut silent).await, 10);
}

#[tokio::test(start_paused = true)]
async fn plain_http_on_a_tls_port_gets_no_answer_in_http() {
    let site = Site::new();
    let listener = site.listen();
    let mut client = listener.connect();
    client.write_all(REQUEST).await.unwrap();
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).await.unwrap();
    // An alert of TLS: record type 21.
    assert_eq!(bytes.first(), Some(&21));
}
