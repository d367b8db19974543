//! Certificates, keys and the CA of the clients change while the server runs.

use std::error::Error;
use std::fs;
use std::time::Duration;

use forebay_testbed::client::{Client, Protocol, Target};
use forebay_testbed::conf::{Conf, HttpSource};
use forebay_testbed::keys::{Keys, KeysError};
use forebay_testbed::load::Load;
use forebay_testbed::rig::{Rig, deliver, past};
use forebay_testbed::server::Server;
use forebay_testbed::tally::Tally;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const PATIENCE: Duration = Duration::from_secs(20);
const RENEWED: &str = "certificates reloaded";
const KEPT: &str = "those from before stay in force";

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test(flavor = "multi_thread")]
async fn a_new_ca_takes_effect_and_open_connections_stay() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut server = rig.start(&rig.conf()).await?;
    let mut tally = Tally::default();
    let clients = vec![
        rig.client(&server)?,
        rig.client_with(&server, Protocol::Http2, &rig.keys.client())?,
    ];
    let mut load = Load::start(clients);
    load.go_on(50, &mut tally).await?;

    let new = renewed(&rig)?;
    new.install_over(&rig.keys)?;
    server.wait_for_log(RENEWED, PATIENCE).await?;
    load.go_on(50, &mut tally).await?;
    assert_eq!(load.finish(&mut tally).await?, 2, "a connection was closed");

    assert!(!is_let_in(&rig, &server, &rig.keys).await?);
    let mut client = rig.client_with(&server, Protocol::Http1, &new.client())?;
    deliver(&mut client, &past().audit(1), &mut tally).await?;
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_session_does_not_let_a_client_of_a_removed_ca_in() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut server = rig.start(&rig.conf()).await?;
    // One target for both connections: it remembers the sessions' tickets.
    let target = Target::tls(server.address(), Protocol::Http1, &rig.keys.client())?;
    let event = past().one();
    let mut client = Client::new(target.clone());
    assert_eq!(client.post(&event.path, event.body, &[]).await?.status, 200);

    let ca = "ca.crt";
    let (old, new) = (rig.keys.directory(), renewed(&rig)?);
    fs::copy(new.directory().join(ca), old.join(ca))?;
    server.wait_for_log(RENEWED, PATIENCE).await?;
    let event = past().one();
    let again = Client::new(target).post(&event.path, event.body, &[]).await;
    assert!(again.is_err(), "{again:?}");
    Ok(())
}

#[tokio::test]
async fn a_broken_key_keeps_the_old_one_and_is_told_once() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut server = rig.start(&rig.conf()).await?;
    let new = renewed(&rig)?;
    let key = rig.keys.directory().join("server.key");
    // Of another certificate; for another passphrase; and half written.
    let stranger = Keys::issue(&rig.directory().join("stranger"))?;
    let whole = fs::read(new.directory().join("server.key"))?;
    let half = whole.get(..whole.len() / 2).unwrap_or_default().to_vec();
    let locked = fs::read(stranger.directory().join("server.key"))?;
    for (times, broken) in (1..).zip([whole, locked, half]) {
        fs::write(&key, broken)?;
        server.wait_for_logs(KEPT, times, PATIENCE).await?;
        assert!(is_let_in(&rig, &server, &rig.keys).await?);
    }

    new.install_over(&rig.keys)?;
    server.wait_for_log(RENEWED, PATIENCE).await?;
    assert!(is_let_in(&rig, &server, &new).await?);
    let told = server.stderr().matches(KEPT).count();
    assert_eq!(told, 3, "{}", server.stderr());
    Ok(())
}

#[tokio::test]
async fn a_configuration_that_is_wrong_meanwhile_keeps_no_certificate_from_renewal() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut server = rig.start(&rig.conf()).await?;
    fs::write(rig.launch().conf_path(), "<source>\n  half-writ")?;
    let new = renewed(&rig)?;
    new.install_over(&rig.keys)?;
    server.wait_for_log(RENEWED, PATIENCE).await?;
    assert!(is_let_in(&rig, &server, &new).await?);
    Ok(())
}

#[tokio::test]
async fn sighup_reads_certificates_again() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut server = rig.start(&rig.conf()).await?;
    let new = renewed(&rig)?;
    new.install_over(&rig.keys)?;
    server.reload()?;
    server
        .wait_for_log("configuration reloaded", PATIENCE)
        .await?;
    assert!(is_let_in(&rig, &server, &new).await?);
    assert!(!is_let_in(&rig, &server, &rig.keys).await?);
    Ok(())
}

#[tokio::test]
async fn a_certificate_that_ends_soon_is_warned_of_at_start_and_at_a_reload() -> TestResult {
    const SOON: &str = "a certificate expires soon";
    let rig = Rig::new(FOREBAY).await?;
    let keys = rig.keys.directory().display();
    let source = HttpSource::plain().line(format!(
        "<transport tls>
        ca_cert_path {keys}/ca.crt
        ca_private_key_path {keys}/ca.key
        generate_cert_common_name localhost
        generate_cert_expiration 7d
        </transport>"
    ));
    let conf = Conf::new()
        .source(&source)
        .output(&rig.s3("**", rig.buffer(1)));
    let mut server = rig.start(&conf).await?;
    server.wait_for_log(SOON, PATIENCE).await?;
    server.reload()?;
    server.wait_for_logs(SOON, 2, PATIENCE).await?;
    Ok(())
}

/// A set of another CA; its server's key has the old passphrase.
fn renewed(rig: &Rig) -> Result<Keys, KeysError> {
    rig.keys.renewed(&rig.directory().join("renewed"))
}

/// Whether the client of a set gets an answer: each side trusts the other.
async fn is_let_in(rig: &Rig, server: &Server, keys: &Keys) -> Result<bool, Box<dyn Error>> {
    let mut client = rig.client_with(server, Protocol::Http1, &keys.client())?;
    let event = past().one();
    Ok(client.post(&event.path, event.body, &[]).await.is_ok())
}
