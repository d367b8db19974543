//! Parameters of `<buffer>` as their users see them: on the disk, in S3, and at the start.

use std::error::Error;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use forebay_testbed::rig::{BUCKET, Rig, deliver, past, present};
use forebay_testbed::tally::Tally;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
/// A slot that does not end while a test runs.
const HOURS: u32 = 36_000;
const PATIENCE: Duration = Duration::from_secs(20);

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn packed_chunks_survive_a_kill_and_another_packing_and_reach_s3_exactly() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut tally = Tally::default();
    let mut maker = present();
    for compress in ["gzip", "zstd", "text"] {
        let buffer = rig.buffer(HOURS).line(format!("compress {compress}"));
        let server = rig.start(&rig.conf_with(rig.s3("**", buffer))).await?;
        deliver(&mut rig.client(&server)?, &maker.audit(30), &mut tally).await?;
        server.kill().await?;
        let plain = chunk_texts(&rig)?.matches("\"event\":").count();
        let expected = match compress {
            "text" => 30,
            _ => 0,
        };
        assert_eq!(
            plain, expected,
            "events that can be read on the disk, {compress}"
        );
    }
    let buffer = rig.buffer(HOURS).line("flush_at_shutdown true");
    let server = rig.start(&rig.conf_with(rig.s3("**", buffer))).await?;
    server.terminate().await?;
    let report = rig.count(&tally)?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn packed_chunks_that_wait_for_s3_are_delivered_after_a_kill() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    rig.store.remove_bucket(BUCKET)?;
    let conf = rig.conf_with(rig.s3("**", rig.buffer(1).line("compress zstd")));
    let server = rig.start(&conf).await?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &past().audit(50), &mut tally).await?;
    server.kill().await?;
    rig.store.create_bucket(BUCKET)?;
    let server = rig.start(&conf).await?;
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_second_server_on_the_same_buffer_does_not_start_and_disturbs_nothing() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    rig.store.remove_bucket(BUCKET)?;
    let server = rig.start(&rig.conf()).await?;
    let mut tally = Tally::default();
    let mut client = rig.client(&server)?;
    let mut maker = past();
    deliver(&mut client, &maker.audit(20), &mut tally).await?;

    let second = rig.run(rig.conf()).await?;
    assert_eq!(second.code, Some(1), "{}", second.stderr);
    let directory = rig.directory().join("buffer");
    for said in ["another process", &directory.display().to_string()] {
        assert!(second.stderr.contains(said), "{}", second.stderr);
    }

    deliver(&mut client, &maker.audit(20), &mut tally).await?;
    rig.store.create_bucket(BUCKET)?;
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_was_killed_leaves_no_lock() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    for _ in 0..2 {
        rig.start(&rig.conf()).await?.kill().await?;
    }
    assert!(rig.directory().join("buffer/buffer.lock").exists());
    rig.start(&rig.conf()).await?.terminate().await?;
    Ok(())
}

#[tokio::test]
async fn what_is_given_up_without_a_backup_is_deleted_and_logged() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    rig.store.remove_bucket(BUCKET)?;
    let buffer = rig
        .buffer(1)
        .line("retry_forever false")
        .line("retry_max_times 1")
        .line("disable_chunk_backup true");
    let mut server = rig.start(&rig.conf_with(rig.s3("**", buffer))).await?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &past().audit(1), &mut tally).await?;
    server
        .wait_for_log("given up and DELETED", PATIENCE)
        .await?;
    server.kill().await?;
    let left = files_in(&rig.directory().join("buffer"))?;
    assert_eq!(left, [rig.directory().join("buffer/buffer.lock")]);
    Ok(())
}

#[tokio::test]
async fn files_and_directories_have_the_permissions_asked_for() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let buffer = rig
        .buffer(HOURS)
        .line("file_permission 0660")
        .line("dir_permission 0770");
    let server = rig.start(&rig.conf_with(rig.s3("**", buffer))).await?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &present().audit(1), &mut tally).await?;
    server.kill().await?;
    let directory = rig.directory().join("buffer");
    assert_eq!(mode(&directory)?, 0o770);
    let files = files_in(&directory)?;
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        assert_eq!(mode(&file)?, 0o660, "{}", file.display());
    }
    Ok(())
}

#[tokio::test]
async fn a_buffer_without_a_path_lies_below_root_dir() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let root = rig.directory().join("root");
    let system = format!("<system>\n  root_dir {}\n</system>\n", root.display());
    let path = format!("path \"{}\"", rig.directory().join("buffer").display());
    let output = rig.s3("**", rig.buffer(HOURS)).line("@id audit");
    let conf = rig.conf_with(output).section(system).to_string();
    let server = rig.launch().start(&conf.replace(&path, "")).await?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &present().audit(1), &mut tally).await?;
    server.kill().await?;
    let files = files_in(&root.join("worker0/audit/buffer"))?;
    assert_eq!(files.iter().filter(|path| is_chunk(path)).count(), 1);
    Ok(())
}

#[tokio::test]
async fn two_outputs_with_one_buffer_are_a_mistake_that_names_both_places() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let first = rig.s3("a", rig.buffer(1));
    let second = rig.s3("b", rig.buffer(1));
    let conf = rig.conf_with(first).output(&second).to_string();
    let exit = rig.run(&conf).await?;
    assert_eq!(exit.code, Some(78), "{}", exit.stderr);
    let is_path = |(_, line): &(usize, &str)| line.contains("path \"") && line.contains("/buffer");
    let lines: Vec<_> = conf.lines().enumerate().filter(is_path).collect();
    let [(first, _), (second, _)] = lines[..] else {
        panic!("{conf}");
    };
    let (first, second) = (first + 1, second + 1);
    assert!(
        exit.stderr.contains(&format!("fluent.conf:{second}:")),
        "{}",
        exit.stderr
    );
    let other = exit.stderr.lines().find(|line| line.contains("the first:"));
    let other = other.ok_or("the first place is not named")?;
    assert!(other.contains(&format!("fluent.conf:{first}:")), "{other}");
    Ok(())
}

/// All chunk files of the rig's buffer, one after the other.
fn chunk_texts(rig: &Rig) -> io::Result<String> {
    let mut texts = String::new();
    for path in files_in(&rig.directory().join("buffer"))? {
        if is_chunk(&path) {
            texts.push_str(&String::from_utf8_lossy(&std::fs::read(path)?));
        }
    }
    Ok(texts)
}

fn files_in(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(directory)?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

fn is_chunk(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "chunk")
}

fn mode(path: &Path) -> io::Result<u32> {
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o7777)
}
