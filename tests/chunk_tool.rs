//! `forebay chunk`: looks at a buffer's directory, and changes nothing in it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use forebay_testbed::rig::{BUCKET, Rig, deliver, past, present};
use forebay_testbed::tally::Tally;
use serde_json::Value;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const RECORDED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/fluent-compat/vectors/leftover/staged/session"
);
const FLUENTD_CHUNK: &str = "buffer.b660c0216d0227413d8e6fd20aa68e2e3.log";
/// A slot that does not end while a test runs.
const HOURS: u32 = 36_000;
/// Events that `staged` leaves in its chunk, each a frame.
const EVENTS: usize = 20;

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn ls_and_verify_look_at_a_directory_that_a_server_works_on() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let conf = rig.conf_with(rig.s3("**", rig.buffer(HOURS)));
    let server = rig.start(&conf).await?;
    deliver(
        &mut rig.client(&server)?,
        &present().audit(EVENTS),
        &mut Tally::default(),
    )
    .await?;
    let before = contents(&buffer(&rig))?;

    let ls = chunk(&["ls"], &buffer(&rig))?;
    let mut lines = ls.stdout.lines();
    assert!(
        lines.next().is_some_and(|line| line.starts_with("STATE ")),
        "{ls:?}"
    );
    let row = lines.next().unwrap_or_default();
    assert!(row.starts_with("staged ") && row.contains(" 20 "), "{ls:?}");
    assert_eq!((lines.next(), ls.code), (None, Some(0)));

    let verify = chunk(&["verify"], &buffer(&rig))?;
    assert_eq!(verify.stdout, "1 file, 20 records, 0 damaged\n");
    assert_eq!(verify.code, Some(0));
    assert_eq!(contents(&buffer(&rig))?, before, "nothing has changed");
    server.kill().await?;
    Ok(())
}

#[tokio::test]
async fn ls_tells_programs_the_object_that_a_queued_chunk_is_put_under() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    rig.store.remove_bucket(BUCKET)?;
    let server = rig.start(&rig.conf()).await?;
    deliver(
        &mut rig.client(&server)?,
        &past().audit(1),
        &mut Tally::default(),
    )
    .await?;
    let limit = Duration::from_secs(20);
    rig.store
        .wait_for_requests(limit, |requests| !requests.is_empty())
        .await?;
    server.kill().await?;

    let ls = chunk(&["ls", "--json"], &buffer(&rig))?;
    let row: Value = serde_json::from_str(ls.stdout.trim_end())?;
    assert_eq!(row["state"], "queued");
    assert_eq!(
        (&row["records"], &row["damaged"]),
        (&1.into(), &false.into())
    );
    let object = row["object"].as_str().unwrap_or_default();
    assert!(object.ends_with("_0.gz"), "{row}");
    let id = row["id"].as_str().unwrap_or_default();
    assert!(
        row["file"].as_str().unwrap_or_default().contains(id),
        "{row}"
    );
    Ok(())
}

#[tokio::test]
async fn cat_writes_the_events_as_they_will_stand_in_the_object() -> TestResult {
    let (_rig, file) = staged().await?;
    let cat = chunk(&["cat"], &file)?;
    assert_eq!(cat.code, Some(0), "{}", cat.stderr);
    assert_eq!(cat.stdout.lines().count(), EVENTS);
    for line in cat.stdout.lines() {
        serde_json::from_str::<Value>(line)?;
    }
    Ok(())
}

#[tokio::test]
async fn damage_is_named_with_its_offset_and_what_comes_before_it_is_read() -> TestResult {
    let (rig, file) = staged().await?;
    let whole = chunk(&["cat"], &file)?.stdout;
    let mut bytes = fs::read(&file)?;
    let offset = frames(&bytes)[10];
    bytes[offset + 30] ^= 1;
    fs::write(&file, &bytes)?;

    let verify = chunk(&["verify"], &buffer(&rig))?;
    let expected = format!("damaged {} at offset {offset}: ", file.display());
    assert!(verify.stdout.starts_with(&expected), "{verify:?}");
    assert!(
        verify.stdout.ends_with("1 file, 19 records, 1 damaged\n"),
        "{verify:?}"
    );
    assert_eq!(verify.code, Some(1));
    let json = chunk(&["verify", "--json"], &buffer(&rig))?;
    let verdict: Value = serde_json::from_str(json.stdout.trim_end())?;
    assert_eq!(verdict["problems"][0]["offset"], offset);
    assert_eq!((&verdict["damaged"], json.code), (&true.into(), Some(1)));
    let ls = chunk(&["ls"], &buffer(&rig))?;
    assert!(
        ls.stdout.contains("(damaged)") && ls.code == Some(0),
        "{ls:?}"
    );

    let cat = chunk(&["cat"], &file)?;
    // The first frame is the header.
    let before: String = whole.split_inclusive('\n').take(9).collect();
    assert_eq!(cat.stdout, before);
    assert!(
        cat.stderr.contains(&format!("at offset {offset}")),
        "{cat:?}"
    );
    assert_eq!(cat.code, Some(1));
    Ok(())
}

#[tokio::test]
async fn a_torn_tail_is_no_damage_in_a_chunk_that_is_open() -> TestResult {
    let (rig, file) = staged().await?;
    let bytes = fs::read(&file)?;
    fs::write(&file, &bytes[..bytes.len() - 3])?;
    let verify = chunk(&["verify"], &buffer(&rig))?;
    assert!(verify.stdout.starts_with("unfinished "), "{verify:?}");
    assert_eq!(verify.code, Some(0));

    let queued = file.display().to_string().replace("buffer.b", "buffer.q");
    fs::rename(&file, &queued)?;
    let verify = chunk(&["verify"], &buffer(&rig))?;
    assert!(verify.stdout.starts_with("damaged "), "{verify:?}");
    assert_eq!(verify.code, Some(1));
    Ok(())
}

#[tokio::test]
async fn what_is_given_up_or_set_aside_is_listed_too() -> TestResult {
    let (rig, file) = staged().await?;
    let backup = buffer(&rig).join("backup");
    fs::create_dir(&backup)?;
    let name = file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    fs::copy(&file, backup.join(name.replace("buffer.b", "buffer.q")))?;
    fs::write(backup.join(format!("{name}.damaged")), b"no frame")?;
    let ls = chunk(&["ls"], &buffer(&rig))?.stdout;
    let states: Vec<_> = ls
        .lines()
        .skip(1)
        .map(|row| row.split(' ').next())
        .collect();
    let expected = ["staged", "set-aside", "given-up"].map(Some);
    assert_eq!(states, expected, "{ls}");
    Ok(())
}

#[test]
fn chunks_of_fluentd_are_listed_read_and_verified() -> TestResult {
    let directory = Path::new(RECORDED);
    let ls = chunk(&["ls", "--json"], directory)?;
    let rows: Result<Vec<Value>, _> = ls.stdout.lines().map(serde_json::from_str).collect();
    let rows = rows?;
    assert_eq!(rows.len(), 4);
    let row = &rows[0];
    assert_eq!(row["state"], "fluentd-staged");
    assert_eq!(row["tag"], "session.4a1b.log");
    assert_eq!(row["timekey"], 1_795_226_400);
    assert_eq!(row["variables"]["$.kind.name"], "ssh");
    assert_eq!((&row["records"], &row["bytes"]), (&2.into(), &88.into()));
    assert_eq!(row["created"], "2026-11-21T02:29:31Z");

    let cat = chunk(&["cat"], &directory.join(FLUENTD_CHUNK))?;
    assert!(
        cat.stdout.starts_with("{\"ei\":1,") && cat.stdout.len() == 88,
        "{cat:?}"
    );
    assert_eq!(chunk(&["verify"], directory)?.code, Some(0));
    Ok(())
}

#[test]
fn a_chunk_of_fluentds_that_is_cut_is_read_as_far_as_it_goes() -> TestResult {
    let directory = tempfile::tempdir()?;
    let body = fs::read(Path::new(RECORDED).join(FLUENTD_CHUNK))?;
    let cut = directory.path().join(FLUENTD_CHUNK);
    // The second of two members breaks off.
    fs::write(&cut, &body[..body.len() - 20])?;
    let cat = chunk(&["cat"], &cut)?;
    assert!(cat.stdout.starts_with("{\"ei\":1,"), "{cat:?}");
    assert_eq!(cat.code, Some(1));
    let verify = chunk(&["verify"], directory.path())?;
    assert!(
        verify.stdout.contains("no metadata beside it"),
        "{verify:?}"
    );
    assert_eq!(verify.code, Some(1));
    Ok(())
}

#[tokio::test]
async fn files_that_may_only_be_read_are_enough() -> TestResult {
    let (rig, file) = staged().await?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444))?;
    fs::set_permissions(buffer(&rig), fs::Permissions::from_mode(0o555))?;
    let before = contents(&buffer(&rig))?;
    let runs = [
        chunk(&["ls"], &buffer(&rig))?,
        chunk(&["verify"], &buffer(&rig))?,
        chunk(&["cat"], &file)?,
    ];
    fs::set_permissions(buffer(&rig), fs::Permissions::from_mode(0o755))?;
    for run in runs {
        assert_eq!(run.code, Some(0), "{run:?}");
    }
    assert_eq!(contents(&buffer(&rig))?, before);
    Ok(())
}

#[test]
fn a_wrong_path_is_told_clearly() -> TestResult {
    let directory = tempfile::tempdir()?;
    let nowhere = directory.path().join("nowhere");
    for command in ["ls", "verify", "cat"] {
        let run = chunk(&[command], &nowhere)?;
        assert_eq!(run.code, Some(1), "{run:?}");
        let expected = format!("forebay: {}: No such file", nowhere.display());
        assert!(run.stderr.starts_with(&expected), "{run:?}");
    }
    let file = Path::new(RECORDED).join(FLUENTD_CHUNK);
    let run = chunk(&["ls"], &file)?;
    assert!(run.stderr.contains("forebay chunk cat"), "{run:?}");
    let empty = chunk(&["ls"], directory.path())?;
    assert!(empty.stderr.starts_with("no chunks in"), "{empty:?}");
    assert_eq!((empty.stdout.as_str(), empty.code), ("", Some(0)));
    Ok(())
}

#[test]
fn the_path_of_a_buffer_may_be_a_pattern() -> TestResult {
    let pattern = Path::new(RECORDED).join("buffer.*.log");
    assert_eq!(chunk(&["ls"], &pattern)?.stdout.lines().count(), 5);
    Ok(())
}

/// A rig whose server was killed with one open chunk, and the chunk's file.
async fn staged() -> Result<(Rig, PathBuf), Box<dyn Error>> {
    let rig = Rig::new(FOREBAY).await?;
    let conf = rig.conf_with(rig.s3("**", rig.buffer(HOURS)));
    let server = rig.start(&conf).await?;
    deliver(
        &mut rig.client(&server)?,
        &present().audit(EVENTS),
        &mut Tally::default(),
    )
    .await?;
    server.kill().await?;
    let files = contents(&buffer(&rig))?;
    let chunks = files
        .into_keys()
        .filter(|path| path.extension().is_some_and(|it| it == "chunk"));
    let chunks: Vec<_> = chunks.collect();
    match chunks.as_slice() {
        [only] => Ok((rig, only.clone())),
        _ => Err(format!("one chunk is expected: {chunks:?}").into()),
    }
}

fn buffer(rig: &Rig) -> PathBuf {
    rig.directory().join("buffer")
}

fn contents(directory: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>, Box<dyn Error>> {
    let mut contents = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_file() {
            let bytes = fs::read(&path)?;
            contents.insert(path, bytes);
        }
    }
    Ok(contents)
}

/// Where frames begin: docs/buffer-format.md.
fn frames(bytes: &[u8]) -> Vec<usize> {
    const HEAD: usize = 16;
    let (mut begins, mut at) = (Vec::new(), 0);
    while let Some(length) = bytes.get(at + 4..at + 8) {
        begins.push(at);
        let length = length
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        at += HEAD + length;
    }
    begins
}

/// How a command ended.
#[derive(Debug)]
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn chunk(arguments: &[&str], path: &Path) -> Result<Run, Box<dyn Error>> {
    let mut command = Command::new(FOREBAY);
    let output = command.arg("chunk").args(arguments).arg(path).output()?;
    Ok(Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout)?,
        stderr: String::from_utf8(output.stderr)?,
    })
}
