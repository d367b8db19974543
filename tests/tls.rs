//! Certificates other than the set of today's tools: such as the server issues itself, and
//! such as are still in use.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Duration;

use forebay_certs::{Authority, Hosts, Issued, KeyAlgorithm, LeafRequest, Role, Subject, Validity};
use forebay_testbed::client::{ClientIdentity, Protocol, TlsOptions, TlsVersions};
use forebay_testbed::conf::{HttpSource, TlsTransport};
use forebay_testbed::rig::{Rig, deliver, past};
use forebay_testbed::tally::Tally;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const PATIENCE: Duration = Duration::from_secs(20);

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn a_certificate_that_the_users_ca_issues_at_start_is_trusted() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let keys = rig.keys.directory().display();
    let source = source_with(&format!(
        "client_cert_auth true
        ca_path {keys}/ca.crt
        ca_cert_path {keys}/ca.crt
        ca_private_key_path {keys}/ca.key
        generate_cert_common_name localhost"
    ));
    is_served(&rig, &source, &rig.keys.client()).await
}

#[tokio::test]
async fn an_insecure_server_says_so_and_nobody_trusts_it() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let source = source_with("insecure true\ngenerate_cert_common_name localhost");
    let output = rig.s3("**", rig.buffer(1));
    let server = rig.launch().start(&format!("{source}{output}")).await?;
    assert!(
        server.stderr().contains("signs itself"),
        "{}",
        server.stderr()
    );
    let options = rig.keys.client_without_certificate();
    let mut client = rig.client_with(&server, Protocol::Http1, &options)?;
    let event = past().one();
    assert!(client.post(&event.path, event.body, &[]).await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_tls_section_without_a_certificate_names_the_ways_to_one() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let exit = rig.run(source_with("min_version TLS1_2")).await?;
    assert_eq!(exit.code, Some(78));
    for way in ["cert_path", "ca_cert_path", "insecure"] {
        assert!(exit.stderr.contains(way), "{}", exit.stderr);
    }
    Ok(())
}

#[tokio::test]
async fn a_probe_of_the_port_is_no_failed_handshake_and_a_stranger_is() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let server = rig.launch().argument("-v");
    let mut server = server.start(&rig.conf().to_string()).await?;
    drop(std::net::TcpStream::connect(server.address())?);
    server
        .wait_for_log("hung up in the TLS handshake", PATIENCE)
        .await?;
    assert!(
        !server.stderr().contains("handshake failed"),
        "{}",
        server.stderr()
    );

    let options = rig.keys.client_without_certificate();
    let mut stranger = rig.client_with(&server, Protocol::Http1, &options)?;
    let event = past().one();
    assert!(stranger.post(&event.path, event.body, &[]).await.is_err());
    let line = server
        .wait_for_log("a TLS handshake failed", PATIENCE)
        .await?;
    assert!(line.contains("[warn]"), "{line}");
    Ok(())
}

/// As Teleport's event handler wrote them until v10.1.9.
#[tokio::test]
async fn a_ca_without_a_name_is_served() -> TestResult {
    let leaf = Subject {
        country: Some("US".to_owned()),
        ..Subject::common_name("localhost")
    };
    old_certificates_are_served(&Subject::default(), &leaf).await
}

/// As it wrote them from v10.2.1 to v13.3.7.
#[tokio::test]
async fn one_name_for_ca_server_and_client_is_served() -> TestResult {
    let name = Subject {
        country: Some("US".to_owned()),
        ..Subject::common_name("localhost")
    };
    old_certificates_are_served(&name, &name).await
}

async fn old_certificates_are_served(ca: &Subject, leaf: &Subject) -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let validity = Validity::ten_years(jiff::Timestamp::now().as_second());
    let authority = Authority::new(ca, KeyAlgorithm::EcdsaP256, validity)?;
    let issue = |role, hosts| {
        authority.issue(&LeafRequest {
            subject: leaf.clone(),
            hosts,
            role,
            algorithm: KeyAlgorithm::EcdsaP256,
            validity,
        })
    };
    let server = issue(Role::Server, Hosts::localhost())?;
    let client = issue(Role::Client, Hosts::default())?;
    let transport = write(rig.directory(), &authority, &server)?;
    let options = TlsOptions {
        ca: authority.certificate_pem(),
        identity: Some(ClientIdentity {
            certificate: client.certificate_pem(),
            key: client.key_pem()?,
        }),
        versions: TlsVersions::Both,
        server_name: "localhost".to_owned(),
    };
    let source = HttpSource::tls(transport).to_string();
    is_served(&rig, &source, &options).await
}

fn write(
    directory: &Path,
    authority: &Authority,
    server: &Issued,
) -> Result<TlsTransport, Box<dyn Error>> {
    let transport = TlsTransport {
        ca: directory.join("old-ca.crt"),
        certificate: directory.join("old-server.crt"),
        key: directory.join("old-server.key"),
        passphrase: None,
        lines: Vec::new(),
    };
    fs::write(&transport.ca, authority.certificate_pem())?;
    fs::write(&transport.certificate, server.certificate_pem())?;
    fs::write(&transport.key, server.key_pem()?)?;
    Ok(transport)
}

/// Starts with this source; a client of these options delivers, and all of it is stored.
async fn is_served(rig: &Rig, source: &str, options: &TlsOptions) -> TestResult {
    let output = rig.s3("**", rig.buffer(1));
    let server = rig.launch().start(&format!("{source}{output}")).await?;
    let mut client = rig.client_with(&server, Protocol::Http1, options)?;
    let mut tally = Tally::default();
    deliver(&mut client, &past().audit(2), &mut tally).await?;
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

/// A source that takes what Teleport sends, with these lines about its TLS.
fn source_with(lines: &str) -> String {
    let section = format!("<transport tls>\n{lines}\n</transport>");
    HttpSource::plain().line(section).to_string()
}
