//! SIGHUP and SIGUSR2: the configuration changes under load, and nobody notices but those
//! whom the change is about.

use std::error::Error;
use std::fs;
use std::time::Duration;

use forebay_testbed::client::{Client, Protocol, Target};
use forebay_testbed::conf::{Buffer, Conf};
use forebay_testbed::load::Load;
use forebay_testbed::rig::{Rig, deliver, past, present, records};
use forebay_testbed::server::Server;
use forebay_testbed::tally::Tally;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const PATIENCE: Duration = Duration::from_secs(20);
/// A slot that does not end while a test runs.
const HOURS: u32 = 36_000;
const RELOADED: &str = "configuration reloaded";

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_refused_or_cut_off_by_reloads_under_load() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut server = rig.start(&rig.conf()).await?;
    let clients = vec![
        rig.client(&server)?,
        rig.client(&server)?,
        rig.client_with(&server, Protocol::Http2, &rig.keys.client())?,
    ];
    let count = clients.len();
    let mut tally = Tally::default();
    let mut load = Load::start(clients);
    load.go_on(100, &mut tally).await?;

    let variants = [
        // Another sink on the same buffer.
        rig.conf_with(rig.s3("**", rig.buffer(1)).line("path other/")),
        // Another buffer on the same directory.
        rig.conf_with(rig.s3("**", rig.buffer(1).line("chunk_limit_size 64k"))),
        // Other routes, and a buffer more.
        rig.conf_with(rig.s3("test.log", rig.buffer(1)))
            .output(&rig.s3("session.**", buffer(&rig, "sessions"))),
        // Back, which takes a buffer away that has chunks.
        rig.conf(),
        // Another buffer in the same place, and other answers of the source.
        Conf::new()
            .source(&rig.source().line("keepalive_timeout 90s"))
            .output(&rig.s3("**", rig.buffer(2).line("total_limit_size 1g"))),
    ];
    for conf in &variants {
        reload(&rig, &mut server, conf).await?;
        load.go_on(100, &mut tally).await?;
    }
    let connections = load.finish(&mut tally).await?;
    assert_eq!(connections, count, "a connection was closed");
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_wrong_configuration_changes_nothing_and_all_its_mistakes_are_told() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut server = rig.start(&rig.conf()).await?;
    let wrong = rig.conf_with(rig.s3("**", rig.buffer(1).line("chunk_limit_size many")));
    let wrong = format!("{wrong}\n<match other>\n  @type nowhere\n</match>\n");
    fs::write(rig.launch().conf_path(), wrong)?;
    server.reload()?;
    server
        .wait_for_log("the one before stays in force", PATIENCE)
        .await?;
    server.wait_for_log("nowhere", PATIENCE).await?;
    for told in ["fluent.conf:", "many"] {
        assert!(server.stderr().contains(told), "{}", server.stderr());
    }

    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &past().audit(10), &mut tally).await?;
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_port_in_use_changes_nothing() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut server = rig.start(&rig.conf()).await?;
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port();
    let conf = rig.conf().source(&rig.source().port(port));
    fs::write(rig.launch().conf_path(), conf.to_string())?;
    server.reload()?;
    let line = server
        .wait_for_log("cannot be put in force", PATIENCE)
        .await?;
    assert!(line.contains(&port.to_string()), "{line}");
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &past().audit(1), &mut tally).await?;
    Ok(())
}

#[tokio::test]
async fn what_an_output_holds_that_is_gone_is_delivered_and_its_buffer_closed() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let old = buffer(&rig, "old").line(format!("timekey {HOURS}s"));
    let mut server = rig.start(&rig.conf_with(rig.s3("**", old))).await?;
    let mut tally = Tally::default();
    let mut client = rig.client(&server)?;
    deliver(&mut client, &present().audit(20), &mut tally).await?;
    assert!(rig.store.objects()?.is_empty());

    reload(&rig, &mut server, &rig.conf()).await?;
    server
        .wait_for_log("a former output has delivered everything", PATIENCE)
        .await?;
    assert_eq!(records(&rig.store.objects()?), 20);
    deliver(&mut client, &past().audit(20), &mut tally).await?;
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_memory_buffer_goes_on_and_one_with_other_parameters_loses_nothing() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let memory = |line: &str| rig.conf_with(rig.s3("**", Buffer::memory(HOURS).line(line)));
    let mut server = rig.start(&memory("chunk_limit_size 1m")).await?;
    let mut tally = Tally::default();
    let mut client = rig.client(&server)?;
    let mut events = present();
    deliver(&mut client, &events.audit(10), &mut tally).await?;
    reload(&rig, &mut server, &memory("chunk_limit_size 1m")).await?;
    deliver(&mut client, &events.audit(10), &mut tally).await?;
    assert!(rig.store.objects()?.is_empty());
    reload(&rig, &mut server, &memory("chunk_limit_size 2m")).await?;
    deliver(&mut client, &events.audit(10), &mut tally).await?;
    server.terminate().await?;
    let report = rig.count(&tally)?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn ports_come_and_go() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut server = rig.start(&rig.conf()).await?;
    let mut client = rig.client(&server)?;
    let mut tally = Tally::default();
    deliver(&mut client, &past().audit(1), &mut tally).await?;

    // Port 0 is the source that runs; the second one of it is new.
    let two = rig.conf().source(&rig.source());
    reload(&rig, &mut server, &two).await?;
    let addresses = addresses(&server);
    let [first, second] = addresses[..] else {
        return Err(format!("{addresses:?}").into());
    };
    let target = Target::tls(second, Protocol::Http1, &rig.keys.client())?;
    deliver(&mut Client::new(target), &present().audit(1), &mut tally).await?;
    deliver(&mut client, &past().audit(2)[1..], &mut tally).await?;
    assert_eq!(client.connections_opened(), 1);

    let none = format!("<system>\n  without_source true\n</system>\n{}", rig.conf());
    fs::write(rig.launch().conf_path(), none)?;
    server.reload()?;
    server.wait_for_log("no longer listening", PATIENCE).await?;
    let target = Target::tls(first, Protocol::Http1, &rig.keys.client())?;
    let mut late = Client::new(target);
    while late.post("/test.log", "{}", &[]).await.is_ok() {}
    Ok(())
}

#[tokio::test]
async fn sigusr2_reloads_and_the_log_level_changes() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut server = rig.start(&rig.conf()).await?;
    assert!(!server.stderr().contains("[debug]"), "{}", server.stderr());
    let loud = format!("<system>\n  log_level debug\n</system>\n{}", rig.conf());
    fs::write(rig.launch().conf_path(), loud)?;
    server.reload_by_usr2()?;
    server.wait_for_log(RELOADED, PATIENCE).await?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &past().audit(1), &mut tally).await?;
    server.wait_for_log("[debug]", PATIENCE).await?;
    Ok(())
}

async fn reload(rig: &Rig, server: &mut Server, conf: &Conf) -> TestResult {
    let before = server.stderr().matches(RELOADED).count();
    fs::write(rig.launch().conf_path(), conf.to_string())?;
    server.reload()?;
    server.wait_for_logs(RELOADED, before + 1, PATIENCE).await?;
    Ok(())
}

/// A buffer beside that of [`Rig::buffer`].
fn buffer(rig: &Rig, name: &str) -> Buffer {
    Buffer::file(&rig.directory().join("buffer").join(name), 1)
}

/// Where it has said that it listens.
fn addresses(server: &Server) -> Vec<std::net::SocketAddr> {
    let log = server.stderr();
    let named = log.lines().filter(|line| line.contains("listening"));
    let named = named.filter_map(|line| line.split_once("address="));
    named
        .filter_map(|(_, address)| address.trim().parse().ok())
        .collect()
}
