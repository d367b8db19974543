//! An end in good order loses nothing, and the next start takes up what is there.

use std::error::Error;
use std::time::Duration;

use forebay_testbed::client::Protocol;
use forebay_testbed::conf::{Buffer, Conf};
use forebay_testbed::rig::{BUCKET, Rig, deliver, past, present, records};
use forebay_testbed::store::{Fault, Refusal};
use forebay_testbed::tally::Tally;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const PATIENCE: Duration = Duration::from_secs(20);
/// A slot that does not end while a test runs.
const HOURS: u32 = 36_000;

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn what_is_on_disk_at_a_restart_is_delivered() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    rig.store.remove_bucket(BUCKET)?;
    let server = rig.start(&rig.conf()).await?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &past().audit(50), &mut tally).await?;
    server.terminate().await?;
    assert!(rig.store.objects()?.is_empty());

    rig.store.create_bucket(BUCKET)?;
    let server = rig.start(&rig.conf()).await?;
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn sigterm_flushes_where_the_buffer_says_so_and_exits_0() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let server = rig.start(&flushing(&rig)).await?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &present().audit(50), &mut tally).await?;

    let exit = server.terminate().await?;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let report = rig.count(&tally)?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_file_buffer_keeps_its_open_chunks_over_a_sigterm() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let server = rig
        .start(&rig.conf_with(rig.s3("**", rig.buffer(HOURS))))
        .await?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &present().audit(50), &mut tally).await?;
    let exit = server.terminate().await?;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(rig.store.objects()?.is_empty());

    let server = rig.start(&flushing(&rig)).await?;
    server.terminate().await?;
    let report = rig.count(&tally)?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_memory_buffer_is_flushed_by_a_sigterm() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let server = rig
        .start(&rig.conf_with(rig.s3("**", Buffer::memory(HOURS))))
        .await?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &present().audit(50), &mut tally).await?;
    let exit = server.terminate().await?;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let report = rig.count(&tally)?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn sigusr1_flushes_what_is_not_due_yet() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let server = rig
        .start(&rig.conf_with(rig.s3("**", rig.buffer(HOURS))))
        .await?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &present().audit(20), &mut tally).await?;
    assert!(rig.store.objects()?.is_empty());

    server.flush()?;
    rig.store
        .wait_for_objects(PATIENCE, |objects| records(objects) == 20)
        .await?;
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn events_acknowledged_while_it_stops_are_not_lost() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let server = rig.start(&flushing(&rig)).await?;
    let mut clients = tokio::task::JoinSet::new();
    let (acknowledged, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let http1 = (Protocol::Http1, rig.keys.client());
    let http2 = (Protocol::Http2, rig.keys.client());
    for (n, (protocol, options)) in (0..).zip([&http1, &http2, &http1, &http2]) {
        let mut client = rig.client_with(&server, *protocol, options)?;
        let mut maker = forebay_testbed::events::EventMaker::new(n, jiff::Timestamp::now());
        let acknowledged = acknowledged.clone();
        clients.spawn(async move {
            loop {
                let event = maker.one();
                match client.post(&event.path, event.body.clone(), &[]).await {
                    Ok(reply) if reply.status == 200 => {
                        let _ = acknowledged.send(event);
                    }
                    // A refusal while it stops is a clear answer: not stored.
                    Ok(reply) => assert_eq!(reply.status, 503, "{}", reply.text()),
                    Err(_) => return event,
                }
            }
        });
    }
    drop(acknowledged);
    let mut tally = Tally::default();
    for _ in 0..100 {
        tally.acknowledged(&heard.recv().await.ok_or("all clients have ended")?);
    }
    let exit = server.terminate().await?;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    while let Some(event) = heard.recv().await {
        tally.acknowledged(&event);
    }
    while let Some(unanswered) = clients.join_next().await {
        tally.unanswered(&unanswered?);
    }
    let report = rig.count(&tally)?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_second_sigterm_ends_at_once_and_says_what_remains() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut server = rig.start(&flushing(&rig)).await?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &present().audit(50), &mut tally).await?;
    // The store takes the last flush and never answers.
    rig.store.faults().share(100, Fault::Stall);
    server.ask_to_stop()?;
    server.wait_for_log("stopping", PATIENCE).await?;
    server.ask_to_stop()?;
    server.wait_for_log("still holds events", PATIENCE).await?;
    let exit = server.wait().await?;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(
        exit.stderr.contains("told to stop again"),
        "{}",
        exit.stderr
    );

    rig.store.faults().clear();
    let server = rig.start(&flushing(&rig)).await?;
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_chunk_that_waits_for_its_retry_is_tried_once_more_at_a_stop() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let buffer = rig
        .buffer(1)
        .line("retry_wait 1h")
        .line("retry_max_interval 2h");
    let buffer = buffer.line("flush_at_shutdown true");
    rig.store.faults().next(1, Fault::Refuse(Refusal::SlowDown));
    let mut server = rig.start(&rig.conf_with(rig.s3("**", buffer))).await?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &past().audit(5), &mut tally).await?;
    server
        .wait_for_log("could not be delivered", PATIENCE)
        .await?;
    server.terminate().await?;
    let report = rig.count(&tally)?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

/// Chunks that are due in hours, or when the server ends.
fn flushing(rig: &Rig) -> Conf {
    rig.conf_with(rig.s3("**", rig.buffer(HOURS).line("flush_at_shutdown true")))
}
