//! More than there is room for: in a buffer, in a chunk, in memory.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use forebay_testbed::client::{Client, Protocol, Target};
use forebay_testbed::conf::{Conf, HttpSource};
use forebay_testbed::events::AuditEvent;
use forebay_testbed::rig::{BUCKET, Rig, deliver, past};
use forebay_testbed::server::Server;
use forebay_testbed::tally::Tally;
use tokio::task::JoinSet;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const PATIENCE: Duration = Duration::from_secs(20);
/// More events than a buffer of 20 KiB holds.
const MANY: usize = 100;

type TestResult<T = ()> = Result<T, Box<dyn Error>>;

#[tokio::test]
async fn throw_exception_is_a_503_until_there_is_room() -> TestResult {
    refused_until_there_is_room(&["total_limit_size 20k"], "20480").await
}

#[tokio::test]
async fn queue_limit_length_times_chunk_limit_size_is_a_total_limit() -> TestResult {
    refused_until_there_is_room(&["queue_limit_length 5"], "20480").await
}

async fn refused_until_there_is_room(lines: &[&str], limit: &str) -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    rig.store.remove_bucket(BUCKET)?;
    let server = start(&rig, "", lines).await?;
    let mut client = plain_client(&server);
    let mut tally = Tally::default();
    let refused = post_until_refused(&mut client, &mut tally).await?;

    rig.store.create_bucket(BUCKET)?;
    let stored = |requests: &[_]| requests.iter().any(is_stored);
    rig.store.wait_for_requests(PATIENCE, stored).await?;
    while !is_taken(&mut client, &refused, limit).await? {}
    tally.acknowledged(&refused);
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn block_waits_for_room_and_then_goes_on() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    rig.store.remove_bucket(BUCKET)?;
    let limits = ["total_limit_size 20k", "overflow_action block"];
    let mut server = start(&rig, "", &limits).await?;
    let mut client = plain_client(&server);
    let mut events = small(MANY + 1);
    let impatient = events.pop().ok_or("no event")?;
    let sent = events.clone();
    let sending = tokio::spawn(async move {
        let mut tally = Tally::default();
        deliver(&mut client, &sent, &mut tally).await
    });
    server.wait_for_log("requests wait", PATIENCE).await?;

    // One that goes away while it waits has not been stored.
    let mut leaver = plain_client(&server);
    let left = tokio::time::timeout(Duration::from_millis(200), async move {
        leaver.post(&impatient.path, impatient.body, &[]).await
    });
    assert!(left.await.is_err(), "it did not have to wait");

    assert!(!sending.is_finished());
    rig.store.create_bucket(BUCKET)?;
    sending.await??;
    let mut tally = Tally::default();
    events.iter().for_each(|event| tally.acknowledged(event));
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn drop_oldest_chunk_takes_all_and_logs_what_it_drops() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    rig.store.remove_bucket(BUCKET)?;
    let limits = ["total_limit_size 20k", "overflow_action drop_oldest_chunk"];
    let server = start(&rig, "", &limits).await?;
    let mut tally = Tally::default();
    deliver(&mut plain_client(&server), &small(MANY), &mut tally).await?;
    let log = server.stderr();
    let lines = log
        .lines()
        .filter(|line| line.contains("dropping the oldest chunk"));
    let dropped: usize = lines
        .filter_map(|line| line.split_once("records=")?.1.split(' ').next())
        .filter_map(|records| records.parse::<usize>().ok())
        .sum();
    assert!(dropped > 0, "{log}");

    rig.store.create_bucket(BUCKET)?;
    let left = MANY - dropped;
    let all = |_: &[_]| rig.count(&tally).is_ok_and(|report| report.stored == left);
    rig.store.wait_for_requests(PATIENCE, all).await?;
    server.terminate().await?;
    let report = rig.count(&tally)?;
    assert_eq!(report.missing.len(), dropped, "{report}");
    assert!(
        report.twice.is_empty() && report.strangers.is_empty(),
        "{report}"
    );
    Ok(())
}

#[tokio::test]
async fn a_record_larger_than_a_chunk_is_a_413_however_it_comes() -> TestResult {
    for compress in ["text", "gzip", "zstd"] {
        let rig = Rig::new(FOREBAY).await?;
        let compress = format!("compress {compress}");
        let server = start(&rig, "", &["total_limit_size 1m", &compress]).await?;
        let mut client = plain_client(&server);
        let mut tally = Tally::default();
        let mut maker = past();
        deliver(&mut client, &maker.audit(3), &mut tally).await?;
        let large = format!(
            "{{\"uid\":\"a\",\"ei\":1,\"big\":\"{}\"}}",
            "x".repeat(5000)
        );
        let bodies = [
            large.clone(),
            format!("[{{\"uid\":\"b\",\"ei\":2}},{large}]"),
        ];
        for body in bodies {
            let reply = client.post("/test.log", body, &[]).await?;
            assert_eq!(reply.status, 413, "{compress}: {}", reply.text());
            assert!(
                reply.text().contains("chunk_limit_size, 4096"),
                "{}",
                reply.text()
            );
        }
        deliver(&mut client, &maker.audit(3), &mut tally).await?;
        let report = rig.finish(server, &tally).await?;
        assert!(report.is_exact(), "{compress}: {report}");
    }
    Ok(())
}

/// 64 clients with 8 MiB each, half of them as a few packed bytes.
#[tokio::test]
async fn memory_is_bounded_whatever_comes_at_once() -> TestResult {
    const CLIENTS: usize = 64;
    const BODY: usize = 8 << 20;
    const BOUND: usize = 320 << 20;

    let rig = Rig::new(FOREBAY).await?;
    let full = ["total_limit_size 1k"];
    let server = start(&rig, "body_memory_limit 32m", &full).await?;
    let record = format!("{{\"big\":\"{}\"}},", "x".repeat(2000));
    let records = record.repeat(BODY / record.len());
    let body = bytes::Bytes::from(format!("[{}]", records.trim_end_matches(',')));
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&body)?;
    let packed = bytes::Bytes::from(packed.finish()?);

    let mut clients = JoinSet::new();
    for n in 0..CLIENTS {
        let mut client = plain_client(&server);
        let (body, packed) = (body.clone(), packed.clone());
        clients.spawn(async move {
            let reply = match n % 2 {
                0 => client.post("/test.log", body, &[]).await,
                _ => {
                    let headers = [("content-encoding", "gzip")];
                    client.post("/test.log", packed, &headers).await
                }
            };
            reply.map(|reply| reply.status.as_u16())
        });
    }
    let mut answered = 0;
    while let Some(status) = clients.join_next().await {
        // A refusal may come while the client still sends; then it sees a reset.
        if let Ok(status) = status? {
            assert!([413, 503].contains(&status), "{status}");
            answered += 1;
        }
    }
    assert!(answered >= CLIENTS / 2, "{answered} answers");
    let peak = peak_memory(&server)?;
    println!("{answered} answers, {} MiB at most", peak >> 20);
    assert!(peak < BOUND, "{} MiB", peak >> 20);
    Ok(())
}

/// Chunks of 4 KiB, due at once, and further lines in `<source>` and `<buffer>`.
async fn start(rig: &Rig, source: &str, lines: &[&str]) -> TestResult<Server> {
    let buffer = rig.buffer(1).line("chunk_limit_size 4k");
    let buffer = lines.iter().fold(buffer, |buffer, line| buffer.line(*line));
    let conf = Conf::new()
        .source(&HttpSource::plain().line(source))
        .output(&rig.s3("**", buffer));
    Ok(rig.start(&conf).await?)
}

/// Events that fit into the chunks.
fn small(count: usize) -> Vec<AuditEvent> {
    let mut maker = past();
    let all = std::iter::repeat_with(|| maker.one());
    all.filter(|event| event.body.len() < 3000)
        .take(count)
        .collect()
}

async fn post_until_refused(client: &mut Client, tally: &mut Tally) -> TestResult<AuditEvent> {
    for event in small(MANY) {
        if !is_taken(client, &event, "").await? {
            return Ok(event);
        }
        tally.acknowledged(&event);
    }
    Err("the buffer has taken everything".into())
}

/// Whether the event is taken; if not, the refusal has to name the limit.
async fn is_taken(client: &mut Client, event: &AuditEvent, limit: &str) -> TestResult<bool> {
    let reply = client.post(&event.path, event.body.clone(), &[]).await?;
    let text = reply.text();
    if reply.status == 200 {
        return Ok(true);
    }
    assert_eq!(reply.status, 503, "{text}");
    assert_eq!(reply.header("retry-after"), Some("5"), "{text}");
    assert!(
        text.contains("buffer is full") && text.contains(limit),
        "{text}"
    );
    Ok(false)
}

fn is_stored(request: &forebay_testbed::store::LoggedRequest) -> bool {
    request.is_put() && request.status().is_some_and(|status| status.is_success())
}

fn plain_client(server: &Server) -> Client {
    Client::new(Target::plain(server.address(), Protocol::Http1))
}

/// The most the server has had in memory, in bytes.
fn peak_memory(server: &Server) -> TestResult<usize> {
    let id = server.id().ok_or("the server has ended")?;
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
    Ok(kib.ok_or("no VmHWM")?.parse::<usize>()? << 10)
}
