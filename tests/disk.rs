//! Disks that are full, directories that may not be written, directories that are gone.
//!
//! Where the machine does not let a test make such a disk, it says so and passes.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use forebay_testbed::client::{Client, Protocol, Reply, Target};
use forebay_testbed::conf::{Conf, HttpSource};
use forebay_testbed::rig::{Rig, deliver, past, present};
use forebay_testbed::server::{Launch, Server};
use forebay_testbed::tally::Tally;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
/// A slot that does not end while a test runs.
const HOURS: u32 = 36_000;

type TestResult<T = ()> = Result<T, Box<dyn Error>>;

#[tokio::test]
async fn a_full_disk_refuses_and_recovers_without_a_restart() -> TestResult {
    let Some(small_disk) = small_disk() else {
        return Ok(());
    };
    let rig = Rig::new(FOREBAY).await?;
    fs::create_dir_all(buffer(&rig))?;
    let conf = conf(&rig, HOURS);
    let server = small_disk(&rig).start(&conf).await?;
    let mut client = plain_client(&server);
    let mut tally = Tally::default();
    let mut maker = present();
    deliver(&mut client, &maker.audit(10), &mut tally).await?;

    // The server's disk is mounted for the server alone.
    let id = server.id().ok_or("the server has ended")?;
    let ballast = format!("/proc/{id}/root{}", buffer(&rig).join("ballast").display());
    let full = fs::write(&ballast, vec![0; 4 << 20]);
    assert!(full.is_err(), "the disk is not full");
    let mut refusals = 0;
    while refusals < 100 {
        let event = maker.one();
        let reply = client.post(&event.path, event.body.clone(), &[]).await?;
        if reply.status == 200 {
            // There was room in the last page.
            tally.acknowledged(&event);
        } else {
            assert_unavailable(&reply, "No space left");
            refusals += 1;
        }
    }
    for said in ["write failed", "refused a request"] {
        let lines = server.stderr().matches(said).count();
        assert!((1..=2).contains(&lines), "{said}: {lines} lines");
    }

    fs::remove_file(&ballast)?;
    deliver(&mut client, &maker.audit(10), &mut tally).await?;
    assert_exact_after_flush(&rig, server, &tally).await
}

#[tokio::test]
async fn a_disk_that_waiting_chunks_have_filled_empties_itself() -> TestResult {
    let Some(small_disk) = small_disk() else {
        return Ok(());
    };
    let rig = Rig::new(FOREBAY).await?;
    rig.store.remove_bucket("audit")?;
    fs::create_dir_all(buffer(&rig))?;
    let server = small_disk(&rig).start(&conf(&rig, 1)).await?;
    let mut client = plain_client(&server);
    let mut tally = Tally::default();
    let mut maker = past();
    loop {
        let event = maker.one();
        let reply = client.post(&event.path, event.body.clone(), &[]).await?;
        if reply.status != 200 {
            assert_unavailable(&reply, "No space left");
            break;
        }
        tally.acknowledged(&event);
    }
    rig.store.create_bucket("audit")?;
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_directory_that_may_not_be_written_refuses_until_it_may() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let Some(launch) = bound_by_permissions(&rig) else {
        return Ok(());
    };
    let server = launch.start(&conf(&rig, HOURS)).await?;
    let mut client = plain_client(&server);
    let mut tally = Tally::default();
    let mut maker = present();
    deliver(&mut client, &maker.audit(1), &mut tally).await?;

    set_mode(&buffer(&rig), 0o555)?;
    let mut refused = maker.audit(20);
    for (n, event) in refused.iter_mut().enumerate() {
        event.path = format!("/another.{n}");
        let reply = client.post(&event.path, event.body.clone(), &[]).await?;
        assert_unavailable(&reply, "Permission denied");
    }
    let lines = server.stderr().matches("write failed").count();
    assert!((1..=2).contains(&lines), "{lines} lines");

    set_mode(&buffer(&rig), 0o755)?;
    deliver(&mut client, &refused, &mut tally).await?;
    assert_exact_after_flush(&rig, server, &tally).await
}

#[tokio::test]
async fn a_removed_directory_is_made_and_locked_again_with_what_was_in_it() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let conf = conf(&rig, HOURS);
    let server = rig.launch().start(&conf).await?;
    let mut client = plain_client(&server);
    let mut tally = Tally::default();
    let mut maker = present();
    deliver(&mut client, &maker.audit(5), &mut tally).await?;
    fs::remove_dir_all(buffer(&rig))?;
    deliver(&mut client, &maker.audit(5), &mut tally).await?;
    let log = server.stderr();
    assert!(log.contains("removed while it was open"), "{log}");

    let second = rig.launch().run(&conf).await?;
    assert!(
        second.stderr.contains("another process"),
        "{}",
        second.stderr
    );
    server.kill().await?;
    let server = rig.launch().start(&conf).await?;
    assert_exact_after_flush(&rig, server, &tally).await
}

#[tokio::test]
async fn what_was_staged_in_a_removed_directory_is_delivered() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let server = rig.launch().start(&conf(&rig, HOURS)).await?;
    let mut tally = Tally::default();
    deliver(&mut plain_client(&server), &present().audit(30), &mut tally).await?;
    fs::remove_dir_all(buffer(&rig))?;
    assert_exact_after_flush(&rig, server, &tally).await
}

async fn assert_exact_after_flush(rig: &Rig, server: Server, tally: &Tally) -> TestResult {
    server.flush()?;
    let report = rig.finish(server, tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

fn assert_unavailable(reply: &Reply, reason: &str) {
    let text = reply.text();
    assert_eq!(reply.status, 503, "{text}");
    assert!(text.contains(reason), "{text}");
    assert!(reply.header("retry-after").is_some(), "{text}");
}

fn conf(rig: &Rig, timekey_seconds: u32) -> String {
    let output = rig.s3("**", rig.buffer(timekey_seconds).by_tag());
    Conf::new()
        .source(&HttpSource::plain())
        .output(&output)
        .to_string()
}

fn buffer(rig: &Rig) -> PathBuf {
    rig.directory().join("buffer")
}

fn plain_client(server: &Server) -> Client {
    Client::new(Target::plain(server.address(), Protocol::Http1))
}

fn set_mode(path: &Path, mode: u32) -> TestResult {
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

/// The executable with its buffer on a disk of 256 KiB, if we may mount one.
fn small_disk() -> Option<impl Fn(&Rig) -> Launch> {
    const MOUNT: &str = "mount -t tmpfs -o size=256k none \"$0\"";
    let works = succeeds("unshare", &["-m", "sh", "-c", MOUNT, "/tmp"]);
    if !works {
        return skipped("no disk can be mounted here");
    }
    Some(|rig: &Rig| {
        Launch::new("unshare", rig.directory())
            .argument("-m")
            .argument("sh")
            .argument("-c")
            .argument(format!("{MOUNT} && exec \"$@\""))
            .argument(buffer(rig))
            .argument(FOREBAY)
    })
}

/// The executable so that permissions count, also where everything runs as root.
fn bound_by_permissions(rig: &Rig) -> Option<Launch> {
    const WITHOUT: [&str; 3] = ["--bounding-set", "-dac_override,-dac_read_search", "--"];
    if !succeeds("sh", &["-c", "test $(id -u) = 0"]) {
        return Some(rig.launch());
    }
    if !succeeds("setpriv", &[&WITHOUT[..], &["true"]].concat()) {
        return skipped("root's privileges cannot be dropped here");
    }
    let launch = Launch::new("setpriv", rig.directory());
    let launch = WITHOUT.into_iter().fold(launch, Launch::argument);
    Some(launch.argument(FOREBAY))
}

fn skipped<T>(reason: &str) -> Option<T> {
    // Nothing can be done about a closed terminal.
    let _ = writeln!(std::io::stderr(), "skipped: {reason}");
    None
}

fn succeeds(command: &str, arguments: &[&str]) -> bool {
    let ran = Command::new(command).args(arguments).output();
    ran.is_ok_and(|output| output.status.success())
}
