//! SIGKILL under load: every acknowledged event is in S3 exactly once, whatever was on its way.
//!
//! `FOREBAY_CRASH_ROUNDS` says how often the server is killed in a test (3 if it is not set).

use std::error::Error;
use std::time::Duration;

use forebay_testbed::client::{Client, Protocol};
use forebay_testbed::events::{AuditEvent, EventMaker};
use forebay_testbed::rig::{BUCKET, Rig};
use forebay_testbed::server::Server;
use forebay_testbed::store::{Fault, LoggedRequest};
use forebay_testbed::tally::{Report, Tally};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const CONNECTIONS: u64 = 6;
/// Acknowledgements and PUTs before the server is killed; others are on their way then.
const ACKNOWLEDGED_BEFORE: usize = 400;
const PUTS_BEFORE: usize = 3;
const PATIENCE: Duration = Duration::from_secs(20);

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn acknowledged_events_survive_a_crash_exactly_once() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let report = crash(&rig, Protocol::Http1).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn acknowledged_events_survive_a_crash_over_http2() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let report = crash(&rig, Protocol::Http2).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_crash_between_put_and_answer_stores_nothing_twice() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    rig.store.faults().share(30, Fault::StoreThenCut);
    let report = crash(&rig, Protocol::Http1).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_crash_while_s3_is_away_loses_nothing() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    rig.store.remove_bucket(BUCKET)?;
    let tally = crash_rounds(&rig, Protocol::Http1).await?;
    assert!(rig.store.objects()?.is_empty());
    rig.store.create_bucket(BUCKET)?;
    let report = settle(&rig, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

/// Kills the server under load as often as asked, and counts after one more start.
async fn crash(rig: &Rig, protocol: Protocol) -> Result<Report, Box<dyn Error>> {
    let tally = crash_rounds(rig, protocol).await?;
    rig.store.faults().clear();
    settle(rig, &tally).await
}

async fn crash_rounds(rig: &Rig, protocol: Protocol) -> Result<Tally, Box<dyn Error>> {
    let rounds: u64 = match std::env::var("FOREBAY_CRASH_ROUNDS") {
        Ok(text) => text.parse()?,
        Err(_) => 3,
    };
    let mut tally = Tally::default();
    for round in 0..rounds {
        let server = rig.start(&rig.conf()).await?;
        load_and_kill(rig, server, protocol, round, &mut tally).await?;
    }
    Ok(tally)
}

async fn settle(rig: &Rig, tally: &Tally) -> Result<Report, Box<dyn Error>> {
    let server = rig.start(&rig.conf()).await?;
    Ok(rig.finish(server, tally).await?)
}

async fn load_and_kill(
    rig: &Rig,
    server: Server,
    protocol: Protocol,
    round: u64,
    tally: &mut Tally,
) -> TestResult {
    let (acknowledged, mut heard) = mpsc::unbounded_channel();
    let mut senders = JoinSet::new();
    let puts_so_far = puts(&rig.store.requests());
    for connection in 0..CONNECTIONS {
        let client = rig.client_with(&server, protocol, &rig.keys.client())?;
        let seed = round * CONNECTIONS + connection;
        // Chunks of an old day are on their way to S3 at once, those of the present are open.
        let start = match connection % 2 {
            0 => "2024-02-29T12:34:00Z".parse()?,
            _ => Timestamp::now(),
        };
        let maker = EventMaker::new(seed, start);
        senders.spawn(send_until_cut(client, maker, acknowledged.clone()));
    }
    drop(acknowledged);
    for _ in 0..ACKNOWLEDGED_BEFORE {
        tally.acknowledged(&heard.recv().await.ok_or("all senders have ended")?);
    }
    let enough = |requests: &[LoggedRequest]| puts(requests) >= puts_so_far + PUTS_BEFORE;
    rig.store.wait_for_requests(PATIENCE, enough).await?;
    server.kill().await?;
    while let Some(event) = heard.recv().await {
        tally.acknowledged(&event);
    }
    while let Some(unanswered) = senders.join_next().await {
        tally.unanswered(&unanswered??);
    }
    Ok(())
}

fn puts(requests: &[LoggedRequest]) -> usize {
    requests.iter().filter(|request| request.is_put()).count()
}

/// Posts until the server is gone; gives the event that was never answered.
async fn send_until_cut(
    mut client: Client,
    mut maker: EventMaker,
    acknowledged: mpsc::UnboundedSender<AuditEvent>,
) -> Result<AuditEvent, String> {
    loop {
        let event = maker.one();
        match client.post(&event.path, event.body.clone(), &[]).await {
            Ok(reply) if reply.status == 200 => {
                let _ = acknowledged.send(event);
            }
            Ok(reply) => return Err(format!("{}: {}", reply.status, reply.text())),
            Err(_) => return Ok(event),
        }
    }
}
