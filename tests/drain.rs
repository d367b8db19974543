//! `forebay drain`: the buffers are emptied, or it is said what is left and where.

use std::error::Error;

use forebay_testbed::conf::Conf;
use forebay_testbed::rig::{BUCKET, Rig, deliver, present};
use forebay_testbed::server::{Exit, Launch, Server};
use forebay_testbed::tally::Tally;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const EVENTS: usize = 20;

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn open_chunks_are_delivered_once_and_the_buffer_is_empty() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let tally = buffered(&rig).await?;
    assert_eq!(rig.store.objects()?.len(), 0);

    let exit = drain(&rig, &hourly(&rig), &[]).await?;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(
        exit.stderr.contains("drained: all buffers are empty"),
        "{}",
        exit.stderr
    );
    assert!(!exit.stderr.contains("listening"), "{}", exit.stderr);
    let report = rig.count(&tally)?;
    assert!(report.is_exact(), "{report}");

    let objects = rig.store.objects()?.len();
    let again = drain(&rig, &hourly(&rig), &[]).await?;
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(rig.store.objects()?.len(), objects);
    Ok(())
}

#[tokio::test]
async fn what_is_left_when_time_is_over_is_named_and_not_lost() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let tally = buffered(&rig).await?;
    rig.store.remove_bucket(BUCKET)?;
    let exit = drain(&rig, &hourly(&rig), &["--timeout", "1s"]).await?;
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    let buffer = rig.directory().join("buffer");
    let named = format!("the buffer {} of <match **> still holds ", buffer.display());
    assert!(exit.stderr.contains(&named), "{}", exit.stderr);

    rig.store.create_bucket(BUCKET)?;
    let exit = drain(&rig, &hourly(&rig), &[]).await?;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let report = rig.count(&tally)?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn retries_that_are_used_up_do_not_count_as_empty() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    buffered(&rig).await?;
    rig.store.remove_bucket(BUCKET)?;
    let buffer = rig
        .buffer(3600)
        .line("retry_max_times 0")
        .line("retry_wait 100ms");
    let conf = rig.conf_with(rig.s3("**", buffer));
    let exit = drain(&rig, &conf, &["--timeout", "2s"]).await?;
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    assert!(exit.stderr.contains("still holds"), "{}", exit.stderr);
    assert!(!rig.directory().join("buffer/backup").exists());
    Ok(())
}

#[tokio::test]
async fn a_chunk_that_no_retry_helps_is_kept_and_named() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    buffered(&rig).await?;
    let output = rig
        .s3("**", rig.buffer(3600))
        // A key that S3 would never take.
        .line(format!("s3_object_key_format {}", "k".repeat(1025)));
    let exit = drain(&rig, &rig.conf_with(output), &[]).await?;
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    let backup = rig.directory().join("buffer/backup");
    let named = format!("{}/", backup.display());
    let last = exit.stderr.lines().last().unwrap_or_default();
    assert!(
        last.contains(&named) && last.contains("was set aside"),
        "{}",
        exit.stderr
    );
    Ok(())
}

#[tokio::test]
async fn beside_a_running_server_it_touches_nothing_and_says_why() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let server = rig.start(&hourly(&rig)).await?;
    let tally = send(&rig, &server).await?;
    let exit = drain(&rig, &hourly(&rig), &[]).await?;
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    for part in ["another process has it", "has to be stopped first"] {
        assert!(exit.stderr.contains(part), "{}", exit.stderr);
    }
    server.flush()?;
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

/// An hour a chunk: nothing leaves by itself while a test runs.
fn hourly(rig: &Rig) -> Conf {
    rig.conf_with(rig.s3("**", rig.buffer(3600)))
}

/// Events in the buffer of a server that has ended.
async fn buffered(rig: &Rig) -> Result<Tally, Box<dyn Error>> {
    let conf = rig.conf_with(rig.s3("**", rig.buffer(3600).line("timekey_wait 1h")));
    let server = rig.start(&conf).await?;
    let tally = send(rig, &server).await?;
    server.terminate().await?;
    Ok(tally)
}

async fn send(rig: &Rig, server: &Server) -> Result<Tally, Box<dyn Error>> {
    let mut tally = Tally::default();
    let mut client = rig.client(server)?;
    deliver(&mut client, &present().audit(EVENTS), &mut tally).await?;
    Ok(tally)
}

async fn drain(rig: &Rig, conf: &Conf, arguments: &[&str]) -> Result<Exit, Box<dyn Error>> {
    let launch = Launch::new(FOREBAY, rig.directory()).argument("drain");
    let launch = arguments
        .iter()
        .fold(launch, |launch, argument| launch.argument(*argument));
    Ok(launch.run(&conf.to_string()).await?)
}
