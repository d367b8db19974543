//! `forebay check`: what it prints, word for word.
//!
//! With `UPDATE_SNAPSHOTS=1` what is printed becomes what is expected.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use forebay_testbed::keys::Keys;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const UPDATE: &str = "UPDATE_SNAPSHOTS";

type TestResult = Result<(), Box<dyn Error>>;

#[test]
fn an_example_is_explained() -> TestResult {
    let example = Path::new(ROOT).join("examples/teleport-s3.conf");
    let run = Run::of(&example)?;
    assert_eq!(run.code, Some(0), "{}", run.printed);
    run.compare_with("teleport-s3.txt")
}

#[test]
fn ten_mistakes_are_told_at_once_with_their_places() -> TestResult {
    let run = Run::of(&Path::new(ROOT).join("tests/check/ten-mistakes.conf"))?;
    assert_eq!(run.code, Some(78), "{}", run.printed);
    assert_eq!(
        run.printed.matches("error: ").count(),
        10,
        "{}",
        run.printed
    );
    run.compare_with("ten-mistakes.txt")
}

#[test]
fn traps_are_named_and_forbid_nothing() -> TestResult {
    let run = Run::of(&Path::new(ROOT).join("tests/check/traps.conf"))?;
    assert_eq!(run.code, Some(0), "{}", run.printed);
    run.compare_with("traps.txt")
}

#[test]
fn labels_filters_and_copies_are_explained_in_their_order() -> TestResult {
    let run = Run::of(&Path::new(ROOT).join("tests/check/routing.conf"))?;
    assert_eq!(run.code, Some(0), "{}", run.printed);
    run.compare_with("routing.txt")
}

#[test]
fn no_secret_is_printed() -> TestResult {
    for conf in ["ten-mistakes.conf", "traps.conf"] {
        let run = Run::of(&Path::new(ROOT).join("tests/check").join(conf))?;
        assert!(!run.printed.contains("hush"), "{}", run.printed);
        assert!(!run.printed.contains(&run.passphrase), "{}", run.printed);
    }
    Ok(())
}

#[test]
fn a_dry_run_prints_the_same() -> TestResult {
    let directory = tempfile::tempdir()?;
    let conf = directory.path().join("fluent.conf");
    std::fs::write(
        &conf,
        "<source>\n@type http\n</source>\n<match **>\n@type stdout\n</match>\n",
    )?;
    let print = |arguments: &[&str]| -> Result<Vec<u8>, Box<dyn Error>> {
        let output = Command::new(FOREBAY).args(arguments).arg(&conf).output()?;
        assert_eq!(output.status.code(), Some(0));
        Ok(output.stdout)
    };
    let checked = print(&["check"])?;
    assert!(!checked.is_empty());
    assert_eq!(checked, print(&["--dry-run", "--config"])?);
    Ok(())
}

#[test]
fn a_bad_start_says_what_is_missing() -> TestResult {
    let directory = tempfile::tempdir()?;
    let source = "<source>\n@type http\n</source>\n";
    let output = "<match **>\n@type stdout\n</match>\n";
    for (name, conf, expected) in [
        ("empty.conf", "", "there is no <source>"),
        ("no-source.conf", output, "there is no <source>"),
        ("no-match.conf", source, "there is no <match>"),
        ("fluent.yaml", "config:\n  - source:\n", "YAML"),
    ] {
        let path = directory.path().join(name);
        std::fs::write(&path, conf)?;
        assert_refused(&path, expected)?;
    }
    assert_refused(directory.path(), "Is a directory")?;
    assert_refused(&directory.path().join("nowhere.conf"), "No such file")
}

fn assert_refused(path: &Path, expected: &str) -> TestResult {
    let output = Command::new(FOREBAY).arg("check").arg(path).output()?;
    let said = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(said.contains(expected), "{expected} is not in:\n{said}");
    Ok(())
}

/// What `forebay check` has printed.
struct Run {
    code: Option<i32>,
    /// The remarks, and then the rest, with names that do not depend on the machine.
    printed: String,
    passphrase: String,
}

impl Run {
    /// Checks a configuration with keys of ours in the place of `/keys/`.
    fn of(conf: &Path) -> Result<Self, Box<dyn Error>> {
        let directory = tempfile::tempdir()?;
        let keys = Keys::issue(&directory.path().join("keys"))?;
        let passphrase = keys.transport().passphrase;
        let passphrase = passphrase.ok_or("the key is not encrypted")?;
        let ours = format!("{}/", keys.directory().display());
        let text = std::fs::read_to_string(conf)?.replace("/keys/", &ours);
        let path = directory.path().join("fluent.conf");
        std::fs::write(&path, text)?;
        let output = Command::new(FOREBAY)
            .args(["check", "fluent.conf"])
            .current_dir(directory.path())
            .env("SERVER_KEY_PASSPHRASE", &passphrase)
            .env("TZ", "Asia/Tokyo")
            .env_remove("AWS_REGION")
            .output()?;
        let printed = [output.stderr, output.stdout].concat();
        let printed = String::from_utf8(printed)?.replace(&ours, "/keys/");
        Ok(Self {
            code: output.status.code(),
            printed: without_times(&printed),
            passphrase,
        })
    }

    fn compare_with(&self, name: &str) -> TestResult {
        let path: PathBuf = [ROOT, "tests/check", name].iter().collect();
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(&path, &self.printed)?;
        }
        let expected = std::fs::read_to_string(&path)?;
        assert_eq!(self.printed, expected, "({UPDATE}=1 takes it as it is now)");
        Ok(())
    }
}

/// Times of now, which begin with this century, as `YYYYMMDDHH`.
fn without_times(text: &str) -> String {
    let mut out = String::new();
    let mut digits = String::new();
    for character in text.chars().chain(['\n']) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        match digits.len() {
            8.. if digits.starts_with("20") => {
                out.extend("YYYYMMDDHHMMSS".chars().take(digits.len()));
            }
            _ => out.push_str(&digits),
        }
        digits.clear();
        out.push(character);
    }
    out.pop();
    out
}
