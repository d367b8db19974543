//! The configurations beside unit, image and sidecar are valid, and the deadlines that those
//! give fit the server's own.

use std::error::Error;
use std::path::Path;
use std::process::Command;

use forebay_testbed::keys::Keys;
use forebay_testbed::server::Launch;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const UNIT: &str = include_str!("../examples/systemd/forebay.service");
const SIDECAR: &str = include_str!("../examples/container/kubernetes/sidecar.yaml");
const COMPOSE: &str = include_str!("../examples/container/compose.yaml");
/// What a stop takes at most, in seconds: requests in flight, then what `flush_at_shutdown`
/// delivers, then a last write.
const STOP: u32 = 30 + 45 + 2;

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn the_configurations_are_valid_and_draw_no_warning() -> TestResult {
    for conf in [
        include_str!("../examples/systemd/fluent.conf"),
        include_str!("../examples/container/fluent.conf"),
        include_str!("../examples/container/kubernetes/fluent.conf"),
    ] {
        let directory = tempfile::tempdir()?;
        let keys = Keys::issue(&directory.path().join("keys"))?;
        let passphrase = keys
            .transport()
            .passphrase
            .ok_or("the key is not encrypted")?;
        let place = keys.directory().display();
        let conf = conf.replace("/keys/", &format!("{place}/")).replace(
            // The demo's key is not encrypted.
            "server.key\"\n  </transport>",
            &format!("server.key\"\n    private_key_passphrase {passphrase}\n  </transport>"),
        );
        let exit = Launch::new(FOREBAY, directory.path())
            .argument("--dry-run")
            .variable("SERVER_KEY_PASSPHRASE", &passphrase)
            .variable("CREDENTIALS_DIRECTORY", keys.directory())
            .variable("S3_ENDPOINT", "http://store:9000")
            .variable("S3_ACCESS_KEY", "demo")
            .variable("S3_SECRET_KEY", "demo-secret")
            .run(&conf)
            .await?;
        assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""), "{conf}");
    }
    Ok(())
}

#[test]
fn whoever_stops_it_waits_longer_than_it_takes() -> TestResult {
    for (text, name) in [
        (UNIT, "TimeoutStopSec="),
        (SIDECAR, "terminationGracePeriodSeconds: "),
        (COMPOSE, "stop_grace_period: "),
    ] {
        let seconds = number_after(text, name)?;
        assert!(seconds > STOP, "{name}{seconds}");
    }
    Ok(())
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() -> TestResult {
    let directory = tempfile::tempdir()?;
    let unit = directory.path().join("forebay.service");
    // The executable is where it is not installed yet.
    std::fs::write(&unit, UNIT.replace("/usr/bin/forebay", FOREBAY))?;
    let Some(said) = systemd_analyze(&["verify"], &unit)? else {
        return Ok(());
    };
    assert_eq!(said, "");

    let Some(said) = systemd_analyze(&["security", "--offline=true"], &unit)? else {
        return Ok(());
    };
    let last = said.lines().rfind(|line| line.contains("exposure level"));
    let score = last.and_then(|line| line.split(": ").nth(1)?.split(' ').next());
    let score: f32 = score.ok_or("no exposure level")?.parse()?;
    // The comment in the unit says 1.1; another systemd may count another way.
    assert!(score < 2.0, "{score}");
    Ok(())
}

/// The rest of the package is made by hand: `cargo deb`, `dpkg -i`.
#[test]
fn the_package_is_made_of_files_that_are_there() -> TestResult {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = std::fs::read_to_string(root.join("Cargo.toml"))?;
    let (_, assets) = manifest.split_once("assets = [").ok_or("no assets")?;
    let sources = assets
        .lines()
        .filter_map(|line| line.trim().strip_prefix("[\"")?.split('"').next());
    let mut found = 0;
    for source in sources.filter(|source| !source.starts_with("target/")) {
        let place = source.split('*').next().unwrap_or_default();
        assert!(root.join(place).exists(), "{source}");
        found += 1;
    }
    assert!(found >= 5, "{found} assets");
    for script in ["postinst", "prerm", "postrm"] {
        let text = std::fs::read_to_string(root.join("examples/systemd/debian").join(script))?;
        // Where cargo-deb puts what it has to do with systemd.
        assert!(text.contains("\n#DEBHELPER#\n"), "{script}");
    }
    Ok(())
}

/// What it says; `None` where there is none, or it knows no such thing.
fn systemd_analyze(arguments: &[&str], unit: &Path) -> Result<Option<String>, Box<dyn Error>> {
    let mut command = Command::new("systemd-analyze");
    let Ok(output) = command.args(arguments).arg(unit).output() else {
        return Ok(None);
    };
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let unknown = ["unrecognized option", "Failed to initialize manager"];
    Ok((!unknown.iter().any(|word| said.contains(word))).then(|| said.into_owned()))
}

fn number_after(text: &str, name: &str) -> Result<u32, Box<dyn Error>> {
    let (_, rest) = text.split_once(name).ok_or(format!("no {name}"))?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Ok(digits.parse()?)
}
