//! SIGKILL under load: every acknowledged event is in S3 exactly once, whatever was on its way.
//!
//! `FOREBAY_CRASH_ROUNDS` says how often the server is killed in each test, whatever stands
//! there: `FOREBAY_CRASH_ROUNDS=1000 cargo test --test crash -- --nocapture`.

#![expect(
    clippy::print_stdout,
    reason = "how much was tried, for those who run it with --nocapture"
)]

use std::error::Error;
use std::time::Duration;

use forebay_testbed::client::{Client, Protocol};
use forebay_testbed::events::{AuditEvent, EventMaker};
use forebay_testbed::rig::{BUCKET, Rig};
use forebay_testbed::server::Server;
use forebay_testbed::store::{Fault, LoggedRequest, Refusal};
use forebay_testbed::tally::Tally;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const CONNECTIONS: u64 = 6;
/// What one request in five meets, another fault in each round.
const FAULTS: [Fault; 6] = [
    Fault::StoreThenCut,
    Fault::Refuse(Refusal::SlowDown),
    Fault::StoreThenFail,
    Fault::Cut,
    Fault::Refuse(Refusal::InternalError),
    Fault::Refuse(Refusal::Conflict),
];
const PATIENCE: Duration = Duration::from_secs(20);

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn acknowledged_events_survive_a_crash_exactly_once() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let tally = crash_rounds(&rig, Protocol::Http1, 25, |_| ()).await?;
    settle(&rig, &tally).await
}

#[tokio::test]
async fn acknowledged_events_survive_a_crash_while_one_put_in_five_fails() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let trouble = |fault: Fault| rig.store.faults().share(20, fault);
    let tally = crash_rounds(&rig, Protocol::Http1, 25, trouble).await?;
    settle(&rig, &tally).await
}

#[tokio::test]
async fn acknowledged_events_survive_a_crash_over_http2() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let tally = crash_rounds(&rig, Protocol::Http2, 3, |_| ()).await?;
    settle(&rig, &tally).await
}

#[tokio::test]
async fn a_crash_between_put_and_answer_stores_nothing_twice() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let trouble = |_| rig.store.faults().share(30, Fault::StoreThenCut);
    let tally = crash_rounds(&rig, Protocol::Http1, 3, trouble).await?;
    settle(&rig, &tally).await
}

#[tokio::test]
async fn a_crash_while_s3_is_away_loses_nothing() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    rig.store.remove_bucket(BUCKET)?;
    let tally = crash_rounds(&rig, Protocol::Http1, 3, |_| ()).await?;
    assert!(rig.store.objects()?.is_empty());
    rig.store.create_bucket(BUCKET)?;
    settle(&rig, &tally).await
}

/// Kills the server under load as often as asked; each round with another fault.
async fn crash_rounds(
    rig: &Rig,
    protocol: Protocol,
    usual: u64,
    trouble: impl Fn(Fault),
) -> Result<Tally, Box<dyn Error>> {
    let rounds: u64 = match std::env::var("FOREBAY_CRASH_ROUNDS") {
        Ok(text) => text.parse()?,
        Err(_) => usual,
    };
    let mut tally = Tally::default();
    for (round, fault) in (0..rounds).zip(FAULTS.into_iter().cycle()) {
        trouble(fault);
        let server = rig.start(&rig.conf()).await?;
        load_and_kill(rig, server, protocol, round, &mut tally).await?;
    }
    println!("killed {rounds} times");
    Ok(tally)
}

/// Starts the server once more over a store that is well, and counts.
async fn settle(rig: &Rig, tally: &Tally) -> TestResult {
    rig.store.faults().clear();
    let server = rig.start(&rig.conf()).await?;
    let report = rig.finish(server, tally).await?;
    println!("{report}");
    assert!(report.is_exact(), "{report}");
    Ok(())
}

/// When a round's server is killed: after so many acknowledgements and PUTs. Others are on
/// their way then.
struct Moment {
    acknowledged: usize,
    puts: usize,
}

impl Moment {
    /// Any moment, and the same one in each run.
    fn of(round: u64) -> Self {
        // The multiplier of Knuth's MMIX, whose upper bits are as good as dice.
        let dice = round
            .wrapping_add(1)
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_shr(40) as usize;
        Self {
            acknowledged: 1 + dice % 400,
            puts: dice / 400 % 4,
        }
    }
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
    let moment = Moment::of(round);
    for _ in 0..moment.acknowledged {
        tally.acknowledged(&heard.recv().await.ok_or("all senders have ended")?);
    }
    let enough = |requests: &[LoggedRequest]| puts(requests) >= puts_so_far + moment.puts;
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
