//! Proves what is issued, and what is opened, by TLS handshakes in memory.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of a test may fail it"
)]

use std::sync::Arc;
use std::time::Duration;

use forebay_certs::{
    Authority, GenerateOptions, Hosts, Identity, KeyAlgorithm, LeafRequest, Options, Role, RsaBits,
    Subject, Validity, issue_server_certificate, issue_set, load_certificates, load_identity,
    self_signed_server_certificate,
};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::time_provider::TimeProvider;
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, Error, ProtocolVersion, RootCertStore,
    ServerConfig, ServerConnection, SupportedProtocolVersion,
};

const NOW: i64 = 1_800_000_000;
const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// All handshakes of this file take place at [`NOW`].
#[derive(Debug)]
struct Noon;

impl TimeProvider for Noon {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(
            NOW.unsigned_abs(),
        )))
    }
}

/// What took part in a handshake: a server that requires client certificates, and a client.
struct Scene {
    server: Identity,
    client: Option<Identity>,
    trusted_by_server: CertificateDer<'static>,
    trusted_by_client: CertificateDer<'static>,
}

impl Scene {
    /// A CA with both leaves, changed as a case wants it.
    fn new(authority: &Authority, server: &LeafRequest, client: &LeafRequest) -> Scene {
        Scene {
            server: authority.issue(server).unwrap().into_identity(),
            client: Some(authority.issue(client).unwrap().into_identity()),
            trusted_by_server: authority.certificate().clone(),
            trusted_by_client: authority.certificate().clone(),
        }
    }

    fn shake(
        &self,
        version: &'static SupportedProtocolVersion,
    ) -> Result<ProtocolVersion, Failure> {
        let mut client = ClientConnection::new(
            Arc::new(self.client_config(version)),
            ServerName::try_from("localhost").unwrap(),
        )
        .unwrap();
        let mut server = ServerConnection::new(Arc::new(self.server_config())).unwrap();

        loop {
            let sent = transfer(|to| client.write_tls(to), |from| server.read_tls(from));
            if let Err(error) = server.process_new_packets() {
                return Err(Failure::Server(error));
            }
            let answered = transfer(|to| server.write_tls(to), |from| client.read_tls(from));
            if let Err(error) = client.process_new_packets() {
                return Err(Failure::Client(error));
            }
            if !sent && !answered {
                assert!(!client.is_handshaking() && !server.is_handshaking());
                return Ok(server.protocol_version().unwrap());
            }
        }
    }

    fn server_config(&self) -> ServerConfig {
        let provider = Arc::new(default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(
            roots(&self.trusted_by_server).into(),
            Arc::clone(&provider),
        );
        ServerConfig::builder_with_details(provider, Arc::new(Noon))
            .with_protocol_versions(&VERSIONS)
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(self.server.chain.clone(), self.server.key.clone_key())
            .unwrap()
    }

    fn client_config(&self, version: &'static SupportedProtocolVersion) -> ClientConfig {
        let builder =
            ClientConfig::builder_with_details(Arc::new(default_provider()), Arc::new(Noon))
                .with_protocol_versions(&[version])
                .unwrap()
                .with_root_certificates(roots(&self.trusted_by_client));
        match &self.client {
            Some(client) => builder
                .with_client_auth_cert(client.chain.clone(), client.key.clone_key())
                .unwrap(),
            None => builder.with_no_client_auth(),
        }
    }
}

/// Who refused, and why.
#[derive(Debug)]
enum Failure {
    Server(Error),
    Client(Error),
}

fn roots(certificate: &CertificateDer<'static>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    roots
}

/// Carries all bytes that one side has to send; tells whether there were any.
fn transfer(
    mut write: impl FnMut(&mut Vec<u8>) -> std::io::Result<usize>,
    mut read: impl FnMut(&mut &[u8]) -> std::io::Result<usize>,
) -> bool {
    let mut bytes = Vec::new();
    while write(&mut bytes).unwrap() > 0 {}
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        read(&mut rest).unwrap();
    }
    !bytes.is_empty()
}

fn authority(subject: &Subject) -> Authority {
    Authority::new(subject, KeyAlgorithm::EcdsaP256, Validity::ten_years(NOW)).unwrap()
}

fn leaf(role: Role) -> LeafRequest {
    LeafRequest {
        subject: Subject::common_name("Leaf"),
        hosts: Hosts::localhost(),
        role,
        algorithm: KeyAlgorithm::EcdsaP256,
        validity: Validity::ten_years(NOW),
    }
}

fn scene() -> Scene {
    let ca = authority(&Subject::common_name("CA"));
    Scene::new(&ca, &leaf(Role::Server), &leaf(Role::Client))
}

/// The certificate error on the server's side, for each version.
fn refusals(scene: &Scene) -> Vec<CertificateError> {
    let refuse = |version| match scene.shake(version) {
        Err(Failure::Server(Error::InvalidCertificate(error))) => error,
        other => panic!("{other:?}"),
    };
    VERSIONS.into_iter().map(refuse).collect()
}

#[test]
fn the_set_of_teleports_tool_works_as_it_comes_out_of_its_files() {
    let algorithm = KeyAlgorithm::Rsa(RsaBits::Bits2048);
    let set = issue_set(&Options {
        algorithm,
        ..Options::new(NOW)
    })
    .unwrap();
    let ca = load_certificates(set.ca_crt.as_bytes()).unwrap().remove(0);
    let (server_crt, server_key) = (set.server_crt.as_bytes(), set.server_key.as_bytes());
    let (client_crt, client_key) = (set.client_crt.as_bytes(), set.client_key.as_bytes());
    let scene = Scene {
        server: load_identity(server_crt, server_key, Some(&set.passphrase)).unwrap(),
        client: Some(load_identity(client_crt, client_key, None).unwrap()),
        trusted_by_server: ca.clone(),
        trusted_by_client: ca,
    };
    assert_eq!(scene.shake(&TLS12).unwrap(), ProtocolVersion::TLSv1_2);
    assert_eq!(scene.shake(&TLS13).unwrap(), ProtocolVersion::TLSv1_3);
}

#[test]
fn a_client_without_a_certificate_is_refused() {
    let scene = Scene {
        client: None,
        ..scene()
    };
    for version in VERSIONS {
        let failure = scene.shake(version).unwrap_err();
        assert!(
            matches!(failure, Failure::Server(Error::NoCertificatesPresented)),
            "{failure:?}"
        );
    }
}

#[test]
fn a_client_of_another_authority_is_refused_even_if_it_has_the_same_name() {
    let other = authority(&Subject::common_name("Other CA"));
    let client = Some(other.issue(&leaf(Role::Client)).unwrap().into_identity());
    let scene = Scene { client, ..scene() };
    assert_eq!(
        refusals(&scene),
        [
            CertificateError::UnknownIssuer,
            CertificateError::UnknownIssuer
        ]
    );

    let namesake = authority(&Subject::common_name("CA"));
    let client = Some(namesake.issue(&leaf(Role::Client)).unwrap().into_identity());
    let scene = Scene { client, ..scene };
    let bad_signature = CertificateError::BadSignature;
    assert_eq!(refusals(&scene), [bad_signature.clone(), bad_signature]);
}

#[test]
fn an_expired_client_is_refused() {
    let ca = authority(&Subject::common_name("CA"));
    let expired = LeafRequest {
        validity: Validity::expired(NOW),
        ..leaf(Role::Client)
    };
    for error in refusals(&Scene::new(&ca, &leaf(Role::Server), &expired)) {
        assert!(
            matches!(error, CertificateError::ExpiredContext { .. }),
            "{error:?}"
        );
    }
}

#[test]
fn a_client_of_tomorrow_is_refused() {
    let ca = authority(&Subject::common_name("CA"));
    let tomorrow = Validity::starting(NOW + 86_400, Duration::from_secs(60));
    let early = LeafRequest {
        validity: tomorrow,
        ..leaf(Role::Client)
    };
    for error in refusals(&Scene::new(&ca, &leaf(Role::Server), &early)) {
        assert!(
            matches!(error, CertificateError::NotValidYetContext { .. }),
            "{error:?}"
        );
    }
}

#[test]
fn a_certificate_serves_only_its_own_role() {
    let ca = authority(&Subject::common_name("CA"));
    for error in refusals(&Scene::new(&ca, &leaf(Role::Server), &leaf(Role::Server))) {
        assert!(
            matches!(error, CertificateError::InvalidPurposeContext { .. }),
            "{error:?}"
        );
    }
}

#[test]
fn a_client_refuses_a_server_of_another_name() {
    let ca = authority(&Subject::common_name("CA"));
    let elsewhere = LeafRequest {
        hosts: Hosts::one("elsewhere"),
        ..leaf(Role::Server)
    };
    let failure = Scene::new(&ca, &elsewhere, &leaf(Role::Client))
        .shake(&TLS13)
        .unwrap_err();
    let Failure::Client(Error::InvalidCertificate(error)) = failure else {
        panic!("{failure:?}")
    };
    assert!(
        matches!(error, CertificateError::NotValidForNameContext { .. }),
        "{error:?}"
    );
}

/// Teleport's tool up to 10.1.9: a CA without a name; v10.2.1 to v13.3.7: one name for all three;
/// v13.3.8: three names with a country. Clients have alternative names only since v14.
#[test]
fn certificates_of_old_versions_of_the_tool_are_accepted() {
    let country = |name: &str| Subject {
        country: Some("US".to_owned()),
        ..Subject::common_name(name)
    };
    let cases = [
        (
            Subject::default(),
            country("localhost"),
            country("localhost"),
        ),
        (
            country("localhost"),
            country("localhost"),
            country("localhost"),
        ),
        (country("CA"), country("Server"), country("Client")),
    ];
    for (ca, server, client) in cases {
        let name = ca.to_string();
        let server = LeafRequest {
            subject: server,
            ..leaf(Role::Server)
        };
        let client = LeafRequest {
            subject: client,
            hosts: Hosts::default(),
            ..leaf(Role::Client)
        };
        let scene = Scene::new(&authority(&ca), &server, &client);
        for version in VERSIONS {
            let outcome = scene.shake(version);
            assert!(outcome.is_ok(), "CA \"{name}\", {version:?}: {outcome:?}");
        }
    }
}

#[test]
fn certificates_generated_at_start_are_accepted_by_a_client_that_trusts_their_authority() {
    let ca = authority(&Subject::common_name("CA"));
    let options = GenerateOptions::new("localhost");
    let (crt, key) = (ca.certificate_pem(), ca.key_pem().unwrap());
    let server =
        issue_server_certificate(crt.as_bytes(), key.as_bytes(), None, &options, NOW).unwrap();
    let trusted = ca.certificate().clone();
    let scene = Scene {
        server,
        trusted_by_client: trusted,
        ..scene()
    };
    scene.shake(&TLS13).unwrap();
}

#[test]
fn a_self_signed_server_is_refused_by_a_client_that_checks() {
    let options = GenerateOptions::new("localhost");
    let server = self_signed_server_certificate(&options, NOW).unwrap();
    let failure = Scene { server, ..scene() }.shake(&TLS13).unwrap_err();
    let Failure::Client(Error::InvalidCertificate(error)) = failure else {
        panic!("{failure:?}")
    };
    assert_eq!(error, CertificateError::UnknownIssuer);
}
