//! `forebay certs`: what it issues is served and trusted, and nothing is lost or shown by it.

use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use forebay_certs::{CertificateDer, Passphrase, expiry, hosts, load_certificates, load_identity};
use forebay_testbed::client::{Client, ClientIdentity, Protocol, Target, TlsOptions, TlsVersions};
use forebay_testbed::conf::{Conf, HttpSource, Match, TlsTransport};
use forebay_testbed::rig::past;
use forebay_testbed::server::Launch;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const FILES: [&str; 7] = [
    "ca.crt",
    "ca.key",
    "client.crt",
    "client.key",
    "server.crt",
    "server.env",
    "server.key",
];
const DAY: i64 = 86_400;

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn what_it_issues_serves_and_is_trusted_after_a_renewal_too() -> TestResult {
    let directory = tempfile::tempdir()?;
    let keys = directory.path().join("new/keys");
    issue(&keys, &["--key", "rsa2048"])?;
    assert!(is_served(&keys, directory.path()).await?);

    let before = contents(&keys)?;
    let renewed = forebay(&keys, &["--renew", "--key", "p256"])?;
    assert!(renewed.status.success(), "{renewed:?}");
    let after = contents(&keys)?;
    let changed: Vec<_> = FILES
        .into_iter()
        .zip(before.iter().zip(&after))
        .filter(|(_, (before, after))| before != after)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        changed,
        ["client.crt", "client.key", "server.crt", "server.key"]
    );
    assert!(is_served(&keys, directory.path()).await?);
    Ok(())
}

#[test]
fn files_are_the_owners_alone_and_the_passphrase_is_not_shown() -> TestResult {
    let directory = tempfile::tempdir()?;
    let keys = directory.path().join("keys");
    let said = issue(&keys, &["--key", "p256"])?;
    assert_eq!(names(&keys)?, FILES);
    for name in FILES {
        let mode = fs::metadata(keys.join(name))?.permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(fs::metadata(&keys)?.permissions().mode() & 0o777, 0o700);
    assert!(!said.contains(&passphrase(&keys)?), "{said}");
    assert!(said.contains("server.env"), "{said}");
    Ok(())
}

#[test]
fn one_file_that_is_there_keeps_all_others_from_being_written() -> TestResult {
    for name in FILES {
        let directory = tempfile::tempdir()?;
        fs::write(directory.path().join(name), "mine")?;
        let output = forebay(directory.path(), &["--key", "p256"])?;
        assert_eq!(output.status.code(), Some(1), "{name}");
        let complaint = String::from_utf8(output.stderr)?;
        assert!(
            complaint.contains(&format!("{name} exists already")),
            "{complaint}"
        );
        assert_eq!(names(directory.path())?, [name]);
        assert_eq!(fs::read(directory.path().join(name))?, b"mine");
    }
    Ok(())
}

#[test]
fn names_addresses_and_days_are_in_both_certificates() -> TestResult {
    let directory = tempfile::tempdir()?;
    let asked = [
        "--dns-names",
        "forebay.audit.svc,localhost",
        "--ip",
        "::1",
        "--days",
        "30",
        "--key",
        "p256",
    ];
    issue(directory.path(), &asked)?;
    let now = jiff::Timestamp::now().as_second();
    for name in ["server.crt", "client.crt"] {
        let certificate = certificate(&directory.path().join(name))?;
        let hosts = hosts(&certificate)?;
        assert_eq!(
            hosts.dns_names,
            ["forebay.audit.svc", "localhost"],
            "{name}"
        );
        assert_eq!(
            hosts.addresses,
            ["::1".parse::<std::net::IpAddr>()?],
            "{name}"
        );
        let left = expiry(&certificate)? - now;
        assert!((29 * DAY..=30 * DAY).contains(&left), "{name}: {left} s");
    }
    Ok(())
}

#[test]
fn a_renewal_keeps_the_names_and_ends_no_later_than_its_ca() -> TestResult {
    let directory = tempfile::tempdir()?;
    let keys = directory.path();
    issue(
        keys,
        &[
            "--dns-names",
            "forebay.audit.svc",
            "--days",
            "10",
            "--key",
            "p256",
        ],
    )?;
    let output = forebay(keys, &["--renew", "--days", "400", "--key", "p256"])?;
    assert!(output.status.success(), "{output:?}");
    let renewed = certificate(&keys.join("server.crt"))?;
    assert_eq!(hosts(&renewed)?.dns_names, ["forebay.audit.svc"]);
    assert_eq!(
        expiry(&renewed)?,
        expiry(&certificate(&keys.join("ca.crt"))?)?
    );
    Ok(())
}

#[test]
fn a_renewal_that_was_killed_between_two_files_can_be_repeated() -> TestResult {
    let directory = tempfile::tempdir()?;
    let keys = directory.path();
    issue(keys, &["--key", "p256"])?;
    let old_key = fs::read(keys.join("server.key"))?;
    assert!(
        forebay(keys, &["--renew", "--key", "p256"])?
            .status
            .success()
    );
    fs::rename(keys.join("server.key"), keys.join("server.key.new"))?;
    fs::write(keys.join("server.key"), old_key)?;

    let output = forebay(keys, &["--renew", "--key", "p256"])?;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(names(keys)?, FILES);
    let (crt, key) = (
        fs::read(keys.join("server.crt"))?,
        fs::read(keys.join("server.key"))?,
    );
    load_identity(&crt, &key, Some(&Passphrase::new(passphrase(keys)?)))?;
    Ok(())
}

#[test]
fn without_the_passphrase_or_the_cas_key_nothing_is_renewed() -> TestResult {
    for (missing, reason) in [
        ("server.env", "its passphrase is looked for in server.env"),
        ("ca.key", "--renew needs the set"),
    ] {
        let directory = tempfile::tempdir()?;
        let keys = directory.path();
        issue(keys, &["--key", "p256"])?;
        fs::remove_file(keys.join(missing))?;
        let before = fs::read(keys.join("server.crt"))?;
        let output = forebay(keys, &["--renew", "--key", "p256"])?;
        assert_eq!(output.status.code(), Some(1), "{missing}");
        let complaint = String::from_utf8(output.stderr)?;
        assert!(complaint.contains(reason), "{complaint}");
        assert_eq!(fs::read(keys.join("server.crt"))?, before);
    }
    Ok(())
}

#[test]
fn openssl_agrees_with_the_chain_and_opens_the_key() -> TestResult {
    if Command::new("openssl").arg("version").output().is_err() {
        return Ok(());
    }
    let directory = tempfile::tempdir()?;
    let keys = directory.path();
    issue(keys, &["--key", "rsa2048"])?;
    let openssl = |arguments: &[&str]| {
        Command::new("openssl")
            .args(arguments)
            .current_dir(keys)
            .output()
    };
    for (purpose, leaf) in [("sslserver", "server.crt"), ("sslclient", "client.crt")] {
        let arguments = ["verify", "-CAfile", "ca.crt", "-purpose", purpose, leaf];
        let verified = openssl(&arguments)?;
        assert!(verified.status.success(), "{verified:?}");
    }
    let pass = format!("pass:{}", passphrase(keys)?);
    let opened = openssl(&[
        "rsa",
        "-in",
        "server.key",
        "-passin",
        &pass,
        "-noout",
        "-check",
    ])?;
    assert!(opened.status.success(), "{opened:?}");
    Ok(())
}

fn forebay(keys: &Path, arguments: &[&str]) -> std::io::Result<Output> {
    Command::new(FOREBAY)
        .arg("certs")
        .arg(keys)
        .args(arguments)
        .env_remove("SERVER_KEY_PASSPHRASE")
        .output()
}

fn issue(keys: &Path, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    let output = forebay(keys, arguments)?;
    assert!(output.status.success(), "{output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

fn names(directory: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn contents(keys: &Path) -> std::io::Result<Vec<Vec<u8>>> {
    FILES.iter().map(|name| fs::read(keys.join(name))).collect()
}

fn passphrase(keys: &Path) -> Result<String, Box<dyn Error>> {
    let text = fs::read_to_string(keys.join("server.env"))?;
    let value = text.trim_end().strip_prefix("SERVER_KEY_PASSPHRASE=");
    Ok(value.ok_or("no passphrase in server.env")?.to_owned())
}

fn certificate(path: &Path) -> Result<CertificateDer<'static>, Box<dyn Error>> {
    let certificates = load_certificates(&fs::read(path)?)?;
    Ok(certificates.into_iter().next().ok_or("no certificate")?)
}

/// Whether a server with these keys takes an event from the client with these keys.
async fn is_served(keys: &Path, directory: &Path) -> Result<bool, Box<dyn Error>> {
    let source = HttpSource::tls(TlsTransport {
        ca: keys.join("ca.crt"),
        certificate: keys.join("server.crt"),
        key: keys.join("server.key"),
        passphrase: Some(passphrase(keys)?),
        lines: Vec::new(),
    });
    let conf = Conf::new().source(&source).output(&Match::stdout("**"));
    let server = Launch::new(FOREBAY, directory)
        .start(&conf.to_string())
        .await?;
    let client = TlsOptions {
        ca: fs::read_to_string(keys.join("ca.crt"))?,
        identity: Some(ClientIdentity {
            certificate: fs::read_to_string(keys.join("client.crt"))?,
            key: fs::read_to_string(keys.join("client.key"))?,
        }),
        versions: TlsVersions::Both,
        server_name: "localhost".to_owned(),
    };
    let target = Target::tls(server.address(), Protocol::Http1, &client)?;
    let event = past().one();
    let reply = Client::new(target)
        .post(&event.path, event.body, &[])
        .await?;
    server.terminate().await?;
    Ok(reply.status == 200)
}
