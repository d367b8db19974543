//! A mistake in the configuration ends the start with exit code 78 and says where it is.

use std::error::Error;
use std::net::TcpListener;
use std::process::Command;

use forebay_testbed::conf::{Conf, HttpSource, Match};
use forebay_testbed::rig::Rig;
use forebay_testbed::server::Exit;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
/// `EX_CONFIG` of sysexits.h.
const CONFIGURATION_MISTAKE: i32 = 78;

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn an_unknown_plugin_is_located_and_those_we_have_are_named() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let conf = conf_with_match("<match **>\n  @type kafka2\n</match>");
    let exit = rig.run(&conf).await?;
    assert_mistake(&exit, &conf, "@type kafka2");
    for plugin in ["kafka2", "s3", "stdout"] {
        assert!(exit.stderr.contains(plugin), "{plugin}: {}", exit.stderr);
    }
    Ok(())
}

#[tokio::test]
async fn a_slip_of_the_pen_is_answered_with_the_nearest_name() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let conf = conf_with_match("<match **>\n  @type stdot\n</match>");
    let exit = rig.run(&conf).await?;
    assert_mistake(&exit, &conf, "@type stdot");
    assert!(exit.stderr.contains("stdout"), "{}", exit.stderr);
    Ok(())
}

#[tokio::test]
async fn every_mistake_of_a_file_is_told_in_one_run() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let conf = Conf::new()
        .source(&HttpSource::plain().line("body_size_limit huge"))
        .section("<match test.log>\n  @type kafka2\n</match>\n")
        .section("<match other.log>\n  @type file_of_sorts\n</match>\n")
        .to_string();
    let exit = rig.run(&conf).await?;
    for mistake in [
        "body_size_limit huge",
        "@type kafka2",
        "@type file_of_sorts",
    ] {
        assert_mistake(&exit, &conf, mistake);
    }
    Ok(())
}

#[tokio::test]
async fn a_section_that_is_never_closed_is_located() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let conf = "<source>\n  @type http\n";
    let exit = rig.run(conf).await?;
    assert_eq!(exit.code, Some(CONFIGURATION_MISTAKE), "{}", exit.stderr);
    assert!(exit.stderr.contains("fluent.conf:"), "{}", exit.stderr);
    Ok(())
}

#[tokio::test]
async fn a_missing_key_file_is_named_with_the_place_that_names_it() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut transport = rig.keys.transport();
    transport.key = rig.directory().join("nowhere.key");
    let conf = Conf::new()
        .source(&HttpSource::tls(transport))
        .output(&Match::stdout("**"))
        .to_string();
    let exit = rig.run(&conf).await?;
    assert_mistake(&exit, &conf, "private_key_path");
    assert!(exit.stderr.contains("nowhere.key"), "{}", exit.stderr);
    Ok(())
}

#[tokio::test]
async fn a_wrong_passphrase_is_told_without_telling_it() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut transport = rig.keys.transport();
    let right = transport
        .passphrase
        .clone()
        .ok_or("the key is not encrypted")?;
    transport.passphrase = Some("open-sesame-1702".to_owned());
    let conf = Conf::new()
        .source(&HttpSource::tls(transport))
        .output(&Match::stdout("**"))
        .to_string();
    let exit = rig.run(&conf).await?;
    assert_eq!(exit.code, Some(CONFIGURATION_MISTAKE), "{}", exit.stderr);
    assert!(exit.stderr.contains("passphrase"), "{}", exit.stderr);
    for secret in ["open-sesame-1702", &right] {
        assert!(!exit.stderr.contains(secret), "the passphrase is shown");
        assert!(!exit.stdout.contains(secret), "the passphrase is shown");
    }
    Ok(())
}

#[tokio::test]
async fn a_missing_passphrase_is_told() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut transport = rig.keys.transport();
    transport.passphrase = None;
    let conf = Conf::new()
        .source(&HttpSource::tls(transport))
        .output(&Match::stdout("**"));
    let exit = rig.run(&conf).await?;
    assert_eq!(exit.code, Some(CONFIGURATION_MISTAKE), "{}", exit.stderr);
    assert!(
        exit.stderr.contains("private_key_passphrase"),
        "{}",
        exit.stderr
    );
    Ok(())
}

#[tokio::test]
async fn no_secret_is_shown_when_something_else_is_wrong() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let passphrase = rig
        .keys
        .transport()
        .passphrase
        .ok_or("the key is not encrypted")?;
    let output = rig
        .s3("**", rig.buffer(1))
        .line("s3_endpoint ftp://nowhere");
    let conf = rig.conf_with(output).to_string();
    let exit = rig.run(&conf).await?;
    assert_mistake(&exit, &conf, "s3_endpoint ftp://nowhere");
    for secret in [forebay_testbed::store::SECRET_KEY, &passphrase] {
        assert!(!exit.stderr.contains(secret), "a secret is shown");
    }
    Ok(())
}

#[tokio::test]
async fn a_port_in_use_is_told_with_the_address() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?;
    let conf = Conf::new()
        .source(&HttpSource::plain().port(address.port()))
        .output(&Match::stdout("**"));
    let exit = rig.run(&conf).await?;
    assert!(exit.code.is_some_and(|code| code != 0), "{exit:?}");
    assert!(
        exit.stderr.contains(&address.to_string()),
        "{}",
        exit.stderr
    );
    Ok(())
}

#[test]
fn a_configuration_that_is_not_there_is_named() -> TestResult {
    let directory = tempfile::tempdir()?;
    let output = Command::new(FOREBAY)
        .args(["--config", "nowhere.conf"])
        .current_dir(directory.path())
        .output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(CONFIGURATION_MISTAKE),
        "{stderr}"
    );
    assert!(stderr.contains("nowhere.conf"), "{stderr}");
    Ok(())
}

#[tokio::test]
async fn a_dry_run_judges_the_file_and_opens_nothing() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let dry = rig.launch().argument("--dry-run");
    let exit = dry.run(&rig.conf().to_string()).await?;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(!rig.directory().join("buffer").exists());
    assert!(rig.store.requests().is_empty());

    let exit = dry
        .run(&conf_with_match("<match **>\n  @type kafka2\n</match>"))
        .await?;
    assert_eq!(exit.code, Some(CONFIGURATION_MISTAKE), "{}", exit.stderr);
    Ok(())
}

fn conf_with_match(section: &str) -> String {
    Conf::new()
        .source(&HttpSource::plain())
        .section(section)
        .to_string()
}

/// The exit code, and `fluent.conf:line:column` of the line that holds the mistake.
fn assert_mistake(exit: &Exit, conf: &str, mistake: &str) {
    let line = conf.lines().position(|line| line.contains(mistake));
    let line = line.expect("the mistake is in the file") + 1;
    assert_eq!(exit.code, Some(CONFIGURATION_MISTAKE), "{}", exit.stderr);
    let place = format!("fluent.conf:{line}:");
    assert!(
        exit.stderr.contains(&place),
        "{place} for `{mistake}` is not in:\n{}",
        exit.stderr
    );
}
