//! The ready configurations in `examples/` are valid, and leave nobody wondering.

use std::error::Error;
use std::path::Path;

use forebay_testbed::keys::{DigestKeys, Keys};
use forebay_testbed::server::{Exit, Launch};

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");

/// What Teleport generates; it is valid, and means something else than most people think.
const AS_GENERATED: &str = "teleport-stdout.conf";
/// What stands in it for the passphrase.
const PLACEHOLDER: &str = "the passphrase that configure has written here";

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn every_example_is_valid_and_draws_no_warning() -> TestResult {
    let mut tried = 0;
    for entry in std::fs::read_dir(EXAMPLES)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "conf")
        {
            let exit = dry_run(&path).await?;
            let name = path.display();
            assert_eq!(exit.code, Some(0), "{name}:\n{}", exit.stderr);
            if !path.ends_with(AS_GENERATED) {
                assert_eq!(exit.stderr, "", "{name}");
            }
            tried += 1;
        }
    }
    assert_eq!(
        tried, 16,
        "examples are missing here or in the table of README.md"
    );
    Ok(())
}

#[tokio::test]
async fn the_generated_configuration_is_taken_with_its_traps_named() -> TestResult {
    let exit = dry_run(&Path::new(EXAMPLES).join(AS_GENERATED)).await?;
    for trap in ["<buffer>", "keep_time_key true", "session.log.<id>.log"] {
        assert!(
            exit.stderr.contains(trap),
            "{trap} is not in:\n{}",
            exit.stderr
        );
    }
    assert!(!exit.stderr.contains("error:"), "{}", exit.stderr);
    Ok(())
}

#[test]
fn every_example_says_what_it_is_for_and_stands_in_the_readme() -> TestResult {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"))?;
    for entry in std::fs::read_dir(EXAMPLES)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "conf")
        {
            let text = std::fs::read_to_string(&path)?;
            let name = path
                .file_name()
                .ok_or("a file without a name")?
                .to_string_lossy();
            assert!(
                text.lines().take(2).all(|line| line.starts_with("# ")),
                "{name}"
            );
            assert!(readme.contains(&format!("(examples/{name})")), "{name}");
        }
    }
    Ok(())
}

/// Judges an example as it is, but for the keys: they lie in a directory of ours.
async fn dry_run(example: &Path) -> Result<Exit, Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let keys = Keys::issue(&directory.path().join("keys"))?;
    DigestKeys::issue(keys.directory())?;
    let passphrase = keys
        .transport()
        .passphrase
        .ok_or("the key is not encrypted")?;
    let conf = std::fs::read_to_string(example)?
        .replace("/keys/", &format!("{}/", keys.directory().display()))
        .replace(PLACEHOLDER, &passphrase);
    let launch = Launch::new(FOREBAY, directory.path())
        .argument("--dry-run")
        .variable("SERVER_KEY_PASSPHRASE", &passphrase);
    Ok(launch.run(&conf).await?)
}
