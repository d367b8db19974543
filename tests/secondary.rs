//! Chunks that end in files: because `<match>` says so, or because S3 does not take them.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use forebay_testbed::conf::{Buffer, Conf, HttpSource, Match};
use forebay_testbed::events::AuditEvent;
use forebay_testbed::rig::{BUCKET, Rig, deliver, past, present};
use forebay_testbed::server::Server;
use forebay_testbed::store::{Fault, Refusal};
use forebay_testbed::tally::{Report, Tally};
use tokio::time::Instant;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const PATIENCE: Duration = Duration::from_secs(20);
const EVENTS: usize = 20;

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn what_s3_refuses_for_good_is_in_the_secondarys_file_and_nowhere_else() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let output = rig
        .s3("**", rig.buffer(1))
        // A key that S3 would never take.
        .line(format!("s3_object_key_format {}", "k".repeat(1025)))
        .line(secondary(&rig, "append true"));
    let server = rig.start(&rig.conf_with(output)).await?;
    let tally = send(&rig, &server, &past().audit(EVENTS)).await?;
    let report = files_hold_all(&rig, server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    assert_eq!(rig.store.objects()?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn when_retries_have_taken_too_long_the_secondary_gets_the_chunks() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let refuse = Fault::Refuse(Refusal::AccessDenied);
    rig.store.faults().share(100, refuse);
    let output = rig
        .s3("**", limited_buffer(&rig))
        .line(secondary(&rig, "compress gzip"));
    let mut server = rig.start(&rig.conf_with(output)).await?;
    let tally = send(&rig, &server, &past().audit(EVENTS)).await?;
    let line = server
        .wait_for_log("delivered to <secondary>", PATIENCE)
        .await?;
    assert!(line.contains("dump.bin."), "{line}");
    let report = files_hold_all(&rig, server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    assert_eq!(rig.store.objects()?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_second_bucket_can_be_the_secondary() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    rig.store.create_bucket("second")?;
    rig.store.remove_bucket(BUCKET)?;
    let endpoint = rig.store.endpoint();
    let keys = [
        forebay_testbed::store::ACCESS_KEY,
        forebay_testbed::store::SECRET_KEY,
    ];
    let second = format!(
        "<secondary>\ns3_bucket second\ns3_region us-east-1\ns3_endpoint {endpoint}\n\
         force_path_style true\naws_key_id {}\naws_sec_key {}\npath late/\n</secondary>",
        keys[0], keys[1]
    );
    let output = rig.s3("**", limited_buffer(&rig)).line(second);
    let server = rig.start(&rig.conf_with(output)).await?;
    let tally = send(&rig, &server, &past().audit(EVENTS)).await?;
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    let objects = rig.store.objects()?;
    assert!(objects.iter().all(|object| object.key.starts_with("late/")));
    Ok(())
}

#[tokio::test]
async fn a_match_writes_files_that_are_numbered() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let conf = to_files(&rig, "compress gzip");
    let mut maker = past();
    let mut tally = Tally::default();
    // Two chunks of one slot, one after the other.
    for number in 0..2 {
        let server = rig.start(&conf).await?;
        let events = maker.audit(EVENTS);
        deliver(&mut rig.client(&server)?, &events, &mut tally).await?;
        let report = files_hold_all(&rig, server, &tally).await?;
        assert!(report.is_exact(), "start {number}: {report}");
    }
    let names = names(&rig)?;
    assert!(
        names.iter().any(|name| name.ends_with("_0.log.gz")),
        "{names:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_server_killed_again_and_again_leaves_each_event_in_the_file_once() -> TestResult {
    for mode in ["append true", "append false"] {
        let rig = Rig::new(FOREBAY).await?;
        let conf = to_files(&rig, mode);
        let mut maker = past();
        let mut tally = Tally::default();
        for _ in 0..5 {
            let server = rig.start(&conf).await?;
            let events = maker.audit(EVENTS);
            deliver(&mut rig.client(&server)?, &events, &mut tally).await?;
            server.kill().await?;
        }
        let server = rig.start(&conf).await?;
        let report = files_hold_all(&rig, server, &tally).await?;
        assert!(report.is_exact(), "{mode}: {report}");
    }
    Ok(())
}

#[tokio::test]
async fn without_a_buffer_section_chunks_lie_where_fluentd_has_them() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let path = out(&rig).join("audit");
    let conf = rig.conf_with(Match::file("**", &path, None));
    let server = rig.start(&conf).await?;
    let tally = send(&rig, &server, &present().audit(EVENTS)).await?;
    assert!(std::fs::read_dir(&path)?.next().is_some());
    server.flush()?;
    let report = files_hold_all(&rig, server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_secondary_without_a_buffer_is_a_mistake() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let conf = Conf::new().source(&HttpSource::plain()).section(
        "<match **>\n@type stdout\n<secondary>\n@type secondary_file\ndirectory /v\n</secondary>\n</match>\n",
    );
    let exit = rig.run(conf).await?;
    assert_eq!(exit.code, Some(78), "{}", exit.stderr);
    assert!(exit.stderr.contains("<secondary>"), "{}", exit.stderr);
    Ok(())
}

/// Gives up after three seconds; the secondary takes over before.
fn limited_buffer(rig: &Rig) -> Buffer {
    rig.buffer(1)
        .line("retry_forever false")
        .line("retry_timeout 3s")
        .line("retry_secondary_threshold 0.3")
}

fn secondary(rig: &Rig, line: &str) -> String {
    let directory = out(rig).display().to_string();
    format!("<secondary>\n@type secondary_file\ndirectory \"{directory}\"\n{line}\n</secondary>")
}

fn to_files(rig: &Rig, line: &str) -> Conf {
    let path = out(rig).join("%Y/%m/audit.%d%H%M%S");
    rig.conf_with(Match::file("**", &path, Some(rig.buffer(1))).line(line))
}

fn out(rig: &Rig) -> PathBuf {
    rig.directory().join("out")
}

async fn send(rig: &Rig, server: &Server, events: &[AuditEvent]) -> Result<Tally, Box<dyn Error>> {
    let mut tally = Tally::default();
    deliver(&mut rig.client(server)?, events, &mut tally).await?;
    Ok(tally)
}

/// Waits until the files hold as many events as were acknowledged and no chunk is left, ends the server, and counts.
async fn files_hold_all(
    rig: &Rig,
    server: Server,
    tally: &Tally,
) -> Result<Report, Box<dyn Error>> {
    let deadline = Instant::now() + PATIENCE;
    let is_late = || Instant::now() > deadline;
    while !is_late() && (chunks_left(rig)? > 0 || lines(rig)? < tally.acknowledged_count()) {
        // The store lives in this process.
        tokio::task::yield_now().await;
    }
    let exit = server.terminate().await?;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    Ok(tally.check(texts(rig)?))
}

fn chunks_left(rig: &Rig) -> Result<usize, Box<dyn Error>> {
    let mut chunks = Vec::new();
    for directory in [rig.directory().join("buffer"), out(rig)] {
        chunks.extend(files_below(&directory)?);
    }
    let is_chunk = |path: &&PathBuf| path.extension().is_some_and(|end| end == "chunk");
    Ok(chunks.iter().filter(is_chunk).count())
}

fn lines(rig: &Rig) -> Result<usize, Box<dyn Error>> {
    Ok(texts(rig)?.iter().map(|text| text.lines().count()).sum())
}

fn texts(rig: &Rig) -> Result<Vec<String>, Box<dyn Error>> {
    let mut texts = Vec::new();
    for path in visible_files(&out(rig))? {
        let bytes = std::fs::read(&path)?;
        texts.push(match path.extension().is_some_and(|end| end == "gz") {
            true => {
                let mut text = String::new();
                let mut gzip = flate2::read::MultiGzDecoder::new(&*bytes);
                std::io::Read::read_to_string(&mut gzip, &mut text)?;
                text
            }
            false => String::from_utf8(bytes)?,
        });
    }
    Ok(texts)
}

fn names(rig: &Rig) -> Result<Vec<String>, Box<dyn Error>> {
    let files = visible_files(&out(rig))?;
    let names = files.iter().filter_map(|path| path.file_name()?.to_str());
    Ok(names.map(str::to_owned).collect())
}

/// Without the sink's own files and chunks.
fn visible_files(directory: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = files_below(directory)?;
    files.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        !name.starts_with('.') && !name.ends_with(".chunk")
    });
    Ok(files)
}

fn files_below(directory: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    if !directory.exists() {
        return Ok(files);
    }
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        match path.is_dir() {
            true => files.extend(files_below(&path)?),
            false => files.push(path),
        }
    }
    Ok(files)
}
