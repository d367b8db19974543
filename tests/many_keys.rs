//! Many chunks and many connections where the system allows few open files.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use forebay_testbed::client::{Client, Protocol, Target};
use forebay_testbed::conf::{Conf, HttpSource};
use forebay_testbed::events::AuditEvent;
use forebay_testbed::rig::{Rig, deliver, present};
use forebay_testbed::server::{Launch, Server};
use forebay_testbed::tally::Tally;
use tokio::net::TcpStream;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
/// A slot that does not end while a test runs.
const HOURS: u32 = 36_000;
const KEYS: usize = 10_000;
const CLIENTS: usize = 64;
const PATIENCE: Duration = Duration::from_secs(20);

type TestResult<T = ()> = Result<T, Box<dyn Error>>;

#[tokio::test]
async fn ten_thousand_keys_need_few_descriptors_also_after_a_kill() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    // The store of the tests would take minutes for as many objects.
    let conf = conf_with(stdout(&rig));
    let server = with_descriptors(&rig, 1024).start(&conf).await?;
    let tally = deliver_by_many(&server, tagged(KEYS)).await?;
    assert_eq!(tally.acknowledged_count(), KEYS);
    let open = open_descriptors(&server)?;
    assert!(open < 256, "{open} descriptors are open");
    server.kill().await?;

    let server = with_descriptors(&rig, 1024).start(&conf).await?;
    let log = server.stderr();
    assert!(log.contains("chunks=10000"), "{log}");
    let exit = server.terminate().await?;
    let report = tally.check([exit.stdout]);
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn idle_connections_do_not_take_the_descriptors_that_chunks_need() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let output = rig.s3("**", rig.buffer(HOURS).by_tag());
    let conf = conf_with(output);
    let mut server = with_descriptors(&rig, 128).start(&conf).await?;
    let mut tally = Tally::default();
    let mut client = Client::new(Target::plain(server.address(), Protocol::Http1));
    let mut events = tagged(200);
    let later = events.split_off(1);
    deliver(&mut client, &events, &mut tally).await?;

    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(TcpStream::connect(server.address()).await?);
    }
    server
        .wait_for_log("connections are taken", PATIENCE)
        .await?;
    deliver(&mut client, &later, &mut tally).await?;
    assert_eq!(client.connections_opened(), 1);
    server.flush()?;
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

fn conf_with(output: impl fmt::Display) -> String {
    let conf = Conf::new().source(&HttpSource::plain());
    conf.section(output).to_string()
}

fn stdout(rig: &Rig) -> String {
    let path = rig.directory().join("buffer");
    format!(
        "<match **>
  @type stdout
  <format>
    @type json
  </format>
  <buffer tag,time>
    @type file
    path {path}
    timekey {HOURS}
    flush_at_shutdown true
    flush_thread_count 16
    chunk_limit_size 8m
  </buffer>
</match>",
        path = path.display()
    )
}

/// The executable with so many descriptors and no way to more.
fn with_descriptors(rig: &Rig, most: u32) -> Launch {
    Launch::new("/bin/sh", rig.directory())
        .argument("-c")
        .argument(format!("ulimit -n {most} && exec \"$0\" \"$@\""))
        .argument(FOREBAY)
}

/// Events each of which has a tag of its own.
fn tagged(count: usize) -> Vec<AuditEvent> {
    let mut events = present().audit(count);
    for (n, event) in events.iter_mut().enumerate() {
        event.path = format!("/tag.{n}");
    }
    events
}

async fn deliver_by_many(server: &Server, mut events: Vec<AuditEvent>) -> TestResult<Tally> {
    let mut tally = Tally::default();
    let mut clients = tokio::task::JoinSet::new();
    let share = events.len().div_ceil(CLIENTS);
    while !events.is_empty() {
        let share = events.split_off(events.len().saturating_sub(share));
        let target = Target::plain(server.address(), Protocol::Http1);
        clients.spawn(async move {
            let mut tally = Tally::default();
            let delivered = deliver(&mut Client::new(target), &share, &mut tally).await;
            delivered.map(|()| share)
        });
    }
    while let Some(share) = clients.join_next().await {
        for event in share?? {
            tally.acknowledged(&event);
        }
    }
    Ok(tally)
}

fn open_descriptors(server: &Server) -> TestResult<usize> {
    let id = server.id().ok_or("the server has ended")?;
    Ok(std::fs::read_dir(format!("/proc/{id}/fd"))?.count())
}
