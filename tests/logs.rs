//! What the log says, as text and as JSON: of each chunk its id, tag and key; of bad clients not
//! more than can be read; of secrets nothing.

use std::error::Error;
use std::time::Duration;

use forebay_testbed::rig::{Rig, deliver, past};
use forebay_testbed::tally::Tally;
use serde_json::Value;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const PATIENCE: Duration = Duration::from_secs(20);

type TestResult = Result<(), Box<dyn Error>>;

/// A chunk's life with all its troubles: its name is taken, the store is away, a restart, the
/// secondary.
#[tokio::test]
async fn every_line_about_a_chunk_has_its_id_tag_and_key() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let buffer = rig
        .buffer(1)
        .by_tag()
        .line("retry_timeout 3s")
        .line("retry_secondary_threshold 0.3")
        .line("retry_forever false");
    let kept = rig.directory().join("kept");
    let output = rig
        .s3("test.log", buffer)
        .line("@id audit")
        .line("slow_flush_log_threshold 0")
        .line(format!(
            "<secondary>\n@type secondary_file\ndirectory \"{}\"\n</secondary>",
            kept.display()
        ));
    let conf = rig.conf_with(output);
    let launch = rig.launch().argument("-v");
    let mut tally = Tally::default();
    let events = past().audit(3);

    // Twice the same slot: the second finds the name taken.
    let mut server = launch.start(&conf.to_string()).await?;
    for event in &events {
        deliver(
            &mut rig.client(&server)?,
            std::slice::from_ref(event),
            &mut tally,
        )
        .await?;
        server.wait_for_log("chunk delivered", PATIENCE).await?;
    }
    rig.store.remove_bucket("audit")?;
    deliver(&mut rig.client(&server)?, &past().audit(1), &mut tally).await?;
    server
        .wait_for_log("could not be delivered", PATIENCE)
        .await?;
    let first = server.kill().await?.stderr;

    let mut server = launch.start(&conf.to_string()).await?;
    server
        .wait_for_log("chunk delivered to <secondary>", PATIENCE)
        .await?;
    let second = server.terminate().await?.stderr;

    for told in [
        "naming the chunk",
        "taking up a chunk",
        "a delivery took longer",
    ] {
        assert!(
            format!("{first}{second}").contains(told),
            "{told}\n{first}{second}"
        );
    }
    let lines: Vec<_> = first.lines().chain(second.lines()).collect();
    let about: Vec<_> = lines
        .iter()
        .filter(|line| line.contains(" chunk="))
        .collect();
    assert!(about.len() >= 8, "{about:#?}");
    for line in about {
        assert!(line.contains(" tag=\"test.log\""), "{line}");
        assert!(line.contains(" key=\"timekey=2024-02-29T"), "{line}");
    }
    Ok(())
}

#[tokio::test]
async fn json_has_the_same_as_members() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let conf = rig
        .conf_with(rig.s3("**", rig.buffer(1).by_tag()).line("@id audit"))
        .section("<system>\n  <log>\n    format json\n  </log>\n</system>");
    let mut server = rig.start(&conf).await?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &past().audit(2), &mut tally).await?;
    server.wait_for_log("chunk delivered", PATIENCE).await?;
    let exit = server.terminate().await?;
    let lines = exit.stderr.lines().map(serde_json::from_str);
    let lines: Vec<Value> = lines.collect::<Result<_, _>>()?;
    let delivered = lines
        .iter()
        .find(|line| line["message"] == "chunk delivered");
    let delivered = delivered.ok_or("no line says so")?;
    assert_eq!(delivered["level"], "INFO");
    assert_eq!(delivered["output"], "audit");
    assert_eq!(delivered["tag"], "test.log");
    for member in ["timestamp", "chunk", "key", "name"] {
        assert!(delivered[member].is_string(), "{member}: {delivered}");
    }
    assert_eq!(delivered["records"], 2);
    Ok(())
}

#[tokio::test]
async fn a_client_that_sends_rubbish_does_not_fill_the_log() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut server = rig.start(&rig.conf()).await?;
    let mut client = rig.client(&server)?;
    for _ in 0..200 {
        assert_eq!(client.post("/test.log", "{", &[]).await?.status, 400);
    }
    server.ask_to_stop()?;
    server.wait_for_log("stopped", PATIENCE).await?;
    let lines = server.stderr();
    let refusals = lines
        .lines()
        .filter(|line| line.contains("refused a request"));
    let refusals = refusals.count();
    // Ten in ten seconds; on a busy machine it may have taken more than ten.
    assert!((1..=60).contains(&refusals), "{refusals} lines");
    Ok(())
}

/// A tag comes from the URL, and a key from the events.
#[tokio::test]
async fn no_tag_makes_a_line_of_its_own() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let conf = rig.conf_with(rig.s3("**", rig.buffer(1).by_tag()));
    let mut server = rig.start(&conf).await?;
    let mut client = rig.client(&server)?;
    let path = "/a%0A2026-11-21%2003:00:00%20+0000%20%5Berror%5D:%20made%20up";
    let body = past().one().body;
    assert_eq!(client.post(path, body, &[]).await?.status, 200);
    server.wait_for_log("chunk delivered", PATIENCE).await?;
    let exit = server.terminate().await?;
    let made_up = exit
        .stderr
        .lines()
        .find(|line| line.starts_with("2026-11-21 03:00:00"));
    assert_eq!(made_up, None, "{}", exit.stderr);
    Ok(())
}
