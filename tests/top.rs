//! `forebay top`: what it shows of a running server, and what it says where there is none.

use std::error::Error;
use std::process::Output;
use std::time::Duration;

use forebay_testbed::conf::Match;
use forebay_testbed::rig::{Rig, deliver, past, present};
use forebay_testbed::tally::Tally;
use tokio::process::Command;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const PATIENCE: Duration = Duration::from_secs(20);
const MONITOR: &str = "<source>\n  @type monitor_agent\n  bind 127.0.0.1\n  port 0\n</source>";

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn once_it_shows_where_events_are_and_what_is_wrong() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let archive =
        Match::s3("archive.log", &rig.store, "archive", rig.buffer(1)).line("@id archive");
    let held = rig.buffer(3600).line(format!(
        "path \"{}\"",
        rig.directory().join("buffer-held").display()
    ));
    let conf = rig
        .conf_with(archive)
        .output(&rig.s3("test.log", held).line("@id audit"))
        .section(MONITOR);
    let mut server = rig.start(&conf).await?;
    let monitor = server.monitor_address().await?;
    let mut client = rig.client(&server)?;
    let mut tally = Tally::default();
    deliver(&mut client, &past().audit(5), &mut tally).await?;
    deliver(&mut client, &present().audit(5), &mut tally).await?;
    assert_eq!(client.post("/archive.log", "{}", &[]).await?.status, 200);
    assert_eq!(client.post("/other.log", "{}", &[]).await?.status, 404);
    server.flush()?;
    server
        .wait_for_log("could not be delivered", PATIENCE)
        .await?;
    rig.store
        .wait_for_objects(PATIENCE, |objects| !objects.is_empty())
        .await?;

    let page = shown(&once(&format!("http://{monitor}")).await?)?;
    for said in [
        "TAKEN IN AND SYNCED",
        "11 since the start",
        "deliveries of archive fail",
        "audit (s3)",
        "refused: 1 unmatched",
        "NoSuchBucket",
        "CERT ENDS",
        "in 9 years",
        "retry in",
    ] {
        assert!(page.contains(said), "{said}\n{page}");
    }
    assert!(!page.contains('\x1b'), "{page}");
    let widest = page.lines().map(|line| line.chars().count()).max();
    assert!(widest.is_some_and(|widest| widest <= 80), "{page}");
    Ok(())
}

#[tokio::test]
async fn without_a_monitor_it_says_what_is_missing() -> TestResult {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = free.local_addr()?;
    drop(free);
    let output = once(&format!("http://{address}")).await?;
    let said = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains(&format!("nobody answers at {address}")),
        "{said}"
    );
    assert!(said.contains("<source> @type monitor_agent"), "{said}");
    assert_eq!(output.stdout, b"");
    Ok(())
}

#[tokio::test]
async fn another_server_than_forebay_is_told_apart() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let store = rig.store.endpoint();
    let output = once(&store).await?;
    let said = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("is no monitor of forebay"), "{said}");
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_at_once() -> TestResult {
    let output = once("https://localhost:24220").await?;
    let said = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("only http:// can be asked"), "{said}");
    let output = Command::new(FOREBAY)
        .args(["top", "--interval", "0s"])
        .output()
        .await?;
    let said = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(2), "{said}");
    Ok(())
}

/// `forebay top --once`, a second between its two looks.
async fn once(url: &str) -> std::io::Result<Output> {
    Command::new(FOREBAY)
        .args(["top", "--once", "--interval", "1s", url])
        .output()
        .await
}

fn shown(output: &Output) -> Result<String, Box<dyn Error>> {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), said.as_ref()), (Some(0), ""));
    Ok(String::from_utf8(output.stdout.clone())?)
}
