//! Several chunks, and several servers, at a time.

use std::collections::BTreeSet;

use super::*;
use forebay_testbed::conf::Buffer;
use forebay_testbed::events::EventMaker;
use forebay_testbed::server::Launch;

#[tokio::test]
async fn a_chunk_that_cannot_go_does_not_hold_back_the_others() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let buffer = rig.buffer(1).by_tag().line("flush_thread_count 2");
    let output = rig.s3("**", buffer).line("path logs/${tag}/");
    rig.store.faults().next(1, Fault::Stall);
    let server = rig.start(&rig.conf_with(output)).await?;
    let mut client = rig.client(&server)?;
    let mut maker = past();
    let mut tally = Tally::default();
    deliver(&mut client, &maker.recording(5).events, &mut tally).await?;
    deliver(&mut client, &maker.recording(5).events, &mut tally).await?;
    rig.store
        .wait_for_objects(PATIENCE, |objects| records(objects) >= 5)
        .await?;
    rig.store.faults().clear();
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn flush_thread_count_chunks_are_uploaded_at_a_time() -> TestResult {
    const THREADS: usize = 3;
    let rig = Rig::new(FOREBAY).await?;
    let buffer = rig
        .buffer(1)
        .by_tag()
        .line(format!("flush_thread_count {THREADS}"));
    let output = rig.s3("**", buffer).line("path logs/${tag}/");
    rig.store.faults().next(THREADS, Fault::Stall);
    let server = rig.start(&rig.conf_with(output)).await?;
    let mut client = rig.client(&server)?;
    let mut maker = past();
    let mut tally = Tally::default();
    for _ in 0..THREADS {
        deliver(&mut client, &maker.recording(2).events, &mut tally).await?;
    }
    // None of them goes on before all are there.
    tokio::time::timeout(PATIENCE, rig.store.faults().wait_for_stalled(THREADS)).await?;
    rig.store.faults().clear();
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_chunk_that_is_refused_for_good_is_kept_and_the_others_go() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut server = rig.start(&rig.conf()).await?;
    let mut client = rig.client(&server)?;
    let mut maker = past();
    rig.store
        .faults()
        .next(1, Fault::Refuse(Refusal::EntityTooLarge));
    deliver(&mut client, &maker.audit(1), &mut Tally::default()).await?;
    let line = server.wait_for_log("chunk given up", PATIENCE).await?;
    assert!(line.contains("EntityTooLarge"), "{line}");

    let mut tally = Tally::default();
    deliver(&mut client, &maker.audit(EVENTS), &mut tally).await?;
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    let kept = std::fs::read_dir(rig.directory().join("buffer/backup"))?.count();
    assert_eq!(kept, 1);
    Ok(())
}

#[tokio::test]
async fn two_servers_on_one_prefix_overwrite_and_repeat_nothing() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut servers = Vec::new();
    for name in ["one", "two"] {
        let directory = rig.directory().join(name);
        std::fs::create_dir(&directory)?;
        let buffer = Buffer::file(&directory.join("buffer"), 1);
        // One name for all: who comes second gets the next index.
        let output = rig.s3("**", buffer).line("time_slice_format %Y%m%d");
        let conf = rig.conf_with(output).to_string();
        servers.push(Launch::new(FOREBAY, &directory).start(&conf).await?);
    }
    let start = "2024-02-29T12:34:00Z".parse()?;
    let mut makers = [EventMaker::new(11, start), EventMaker::new(12, start)];
    let mut tally = Tally::default();
    for _ in 0..8 {
        for (server, maker) in servers.iter().zip(&mut makers) {
            deliver(&mut rig.client(server)?, &maker.audit(3), &mut tally).await?;
        }
    }
    rig.store
        .wait_for_objects(PATIENCE, |objects| {
            records(objects) >= tally.acknowledged_count()
        })
        .await?;
    // What they still have to say they say now.
    for server in servers {
        server.terminate().await?;
    }
    let report = rig.count(&tally)?;
    assert!(report.is_exact(), "{report}");
    let objects = rig.store.objects()?;
    let chunks: BTreeSet<_> = objects
        .iter()
        .map(|object| &object.metadata["forebay-chunk"])
        .collect();
    assert_eq!(chunks.len(), objects.len(), "an object a chunk");
    Ok(())
}
