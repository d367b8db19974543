//! Buffer directories that a killed Fluentd left are delivered as its configuration says.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use forebay_testbed::rig::{BUCKET, Rig};
use forebay_testbed::store::{ACCESS_KEY, SECRET_KEY};

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
/// Recorded from Fluentd; its README says what has to come out.
const RECORDED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/fluent-compat/vectors/leftover"
);

type TestResult = Result<(), Box<dyn Error>>;
type Objects = BTreeMap<String, String>;

#[tokio::test]
async fn staged_chunks_go_where_their_configuration_says_and_only_once() -> TestResult {
    everything_comes_out_once("staged").await
}

#[tokio::test]
async fn queued_chunks_go_where_their_configuration_says_and_only_once() -> TestResult {
    everything_comes_out_once("queued").await
}

#[tokio::test]
async fn a_kill_while_the_store_is_away_loses_nothing_of_them() -> TestResult {
    let rig = rig_with("staged").await?;
    rig.store.remove_bucket(BUCKET)?;
    let server = rig.launch().start(&conf(&rig)?).await?;
    server.kill().await?;
    assert_eq!(fluentd_files(&rig)?, Vec::<PathBuf>::new());

    rig.store.create_bucket(BUCKET)?;
    run(&rig).await?;
    assert_eq!(objects(&rig)?, expected());
    Ok(())
}

#[tokio::test]
async fn a_broken_chunk_is_kept_in_backup_and_the_others_are_delivered() -> TestResult {
    let rig = rig_with("queued").await?;
    let directory = rig.directory().join("buf-session");
    let name = "buffer.q660c02335df878888f7648f12ffb41f9.log";
    let body = fs::read(directory.join(name))?;
    fs::write(directory.join(name), body.get(..100).unwrap_or_default())?;
    let log = run(&rig).await?;

    let mut sound = expected();
    sound.remove("sessions/4a1b/ssh/2026112102_0.gz");
    assert_eq!(objects(&rig)?, sound);
    let kept = fs::read(directory.join("backup").join(name))?;
    assert_eq!(Some(kept.as_slice()), body.get(..100));
    let warnings = log.lines().filter(|line| line.contains("set aside"));
    let warnings: Vec<_> = warnings.collect();
    assert!(
        matches!(warnings.as_slice(), [only] if only.contains(name) && only.contains("its gzip breaks off")),
        "{log}"
    );
    Ok(())
}

async fn everything_comes_out_once(which: &str) -> TestResult {
    let rig = rig_with(which).await?;
    run(&rig).await?;
    assert_eq!(objects(&rig)?, expected());
    assert_eq!(fluentd_files(&rig)?, Vec::<PathBuf>::new());
    run(&rig).await?;
    assert_eq!(objects(&rig)?, expected(), "after a second start");
    Ok(())
}

/// What the recording's README says, under the keys that its configuration says.
fn expected() -> Objects {
    let login = |n: u32, user: &str| {
        format!("{{\"ei\":{n},\"uid\":\"u-{n}\",\"event\":\"user.login\"{user}}}\n")
    };
    let session = |session: &str, kind: &str| {
        let key = format!("sessions/{session}/{kind}/2026112102_0.gz");
        let event = |n: u32| {
            format!("{{\"ei\":{n},\"sid\":\"{session}\",\"kind\":{{\"name\":\"{kind}\"}}}}\n")
        };
        (key, event(1) + &event(2))
    };
    let of_the_day: String = (1..=5).map(|n| login(n, ",\"user\":\"żółć\"")).collect();
    let of_2024 = login(6, "") + &login(7, "");
    BTreeMap::from([
        ("logs/2026112102_0.gz".to_owned(), of_the_day),
        ("logs/2024021509_0.gz".to_owned(), of_2024),
        session("4a1b", "ssh"),
        session("4a1b", "db"),
        session("5c2d", "ssh"),
        session("5c2d", "db"),
    ])
}

/// A rig with copies of the recorded directories.
async fn rig_with(which: &str) -> Result<Rig, Box<dyn Error>> {
    let rig = Rig::new(FOREBAY).await?;
    for buffer in ["test", "session"] {
        let copy = rig.directory().join(format!("buf-{buffer}"));
        fs::create_dir(&copy)?;
        for entry in fs::read_dir(Path::new(RECORDED).join(which).join(buffer))? {
            let entry = entry?;
            fs::copy(entry.path(), copy.join(entry.file_name()))?;
        }
    }
    Ok(rig)
}

/// The configuration that the recorded Fluentd ran, with this machine's places in it; what
/// is staged goes out at shutdown, whatever the time is.
fn conf(rig: &Rig) -> Result<String, Box<dyn Error>> {
    let recorded = fs::read_to_string(Path::new(RECORDED).join("fluent.conf"))?;
    let directory = rig.directory().display().to_string();
    Ok(recorded
        .replace("port 28880", "port 0")
        .replace("aws_key_id k", &format!("aws_key_id {ACCESS_KEY}"))
        .replace("aws_sec_key s", &format!("aws_sec_key {SECRET_KEY}"))
        .replace("http://127.0.0.1:28881", &rig.store.endpoint())
        .replace("/var/log/fluent", &directory)
        .replace("timekey_wait 10m", "flush_at_shutdown true"))
}

/// Starts the server and stops it in good order; returns its log.
async fn run(rig: &Rig) -> Result<String, Box<dyn Error>> {
    let server = rig.launch().start(&conf(rig)?).await?;
    let exit = server.terminate().await?;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    Ok(exit.stderr)
}

fn objects(rig: &Rig) -> Result<Objects, Box<dyn Error>> {
    let objects = rig.store.objects()?;
    let texts = objects
        .iter()
        .map(|object| Ok((object.key.clone(), object.text()?)));
    texts.collect()
}

/// Files of Fluentd's that are still in the buffers' directories.
fn fluentd_files(rig: &Rig) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut left = Vec::new();
    for buffer in ["buf-test", "buf-session"] {
        for entry in fs::read_dir(rig.directory().join(buffer))? {
            let path = entry?.path();
            let is_fluentds = path.display().to_string().contains(".log");
            left.extend(is_fluentds.then_some(path));
        }
    }
    Ok(left)
}
