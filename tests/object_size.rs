//! `object_size`: objects by the size that the store counts, whatever their events shrink to.

use std::error::Error;
use std::time::Duration;

use forebay_testbed::rig::Rig;
use forebay_testbed::server::Server;
use forebay_testbed::store::StoredObject;
use serde_json::{Value, json};

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const PATIENCE: Duration = Duration::from_secs(60);

/// What objects are to have, in bytes.
const WANTED: u64 = 256 << 10;
/// How far they may be off, once one was packed.
const TOLERANCE: f64 = 0.15;
/// Events a request, and about as many bytes each.
const EVENTS: usize = 50;

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn objects_of_events_that_shrink_well_have_the_size() -> TestResult {
    fill(&["store_as gzip"], &[], usual).await
}

#[tokio::test]
async fn objects_of_events_that_do_not_shrink_have_the_size() -> TestResult {
    fill(&["store_as gzip"], &[], random).await
}

#[tokio::test]
async fn objects_in_zstd_from_a_packed_buffer_have_the_size() -> TestResult {
    fill(&["store_as zstd"], &["compress gzip"], usual).await
}

#[tokio::test]
async fn objects_that_are_not_packed_have_the_size() -> TestResult {
    fill(&["store_as text"], &[], usual).await
}

#[tokio::test]
async fn objects_that_are_not_packed_have_the_size_from_a_packed_buffer_too() -> TestResult {
    fill(&["store_as text"], &["compress zstd"], usual).await
}

#[tokio::test]
async fn sessions_of_any_number_share_objects_of_the_size() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let server = start(&rig, &["store_as gzip"], &[]).await?;
    let sent = send_until(&rig, &server, 8, usual, |n| format!("/session.{n:04}.log")).await?;
    let objects = finish(&rig, server, sent).await?;
    let sessions: std::collections::BTreeSet<_> = (0..sent / EVENTS).collect();
    assert!(sessions.len() > 20, "only {} sessions", sessions.len());
    assert!(
        objects.len() < sessions.len() / 4,
        "{} objects",
        objects.len()
    );
    check(&objects)
}

async fn fill(output: &[&str], buffer: &[&str], event: fn(usize) -> Value) -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let server = start(&rig, output, buffer).await?;
    let sent = send_until(&rig, &server, 12, event, |_| "/test.log".to_owned()).await?;
    check(&finish(&rig, server, sent).await?)
}

/// A slot that does not end while the test runs, so that only the size makes objects.
async fn start(rig: &Rig, output: &[&str], buffer: &[&str]) -> Result<Server, Box<dyn Error>> {
    let buffer = buffer
        .iter()
        .fold(rig.buffer(86_400 * 365), |buffer, line| buffer.line(*line));
    let buffer = buffer.line("flush_at_shutdown true");
    let mut output = output
        .iter()
        .fold(rig.s3("**", buffer), |output, line| output.line(*line));
    output = output.line(format!("object_size {WANTED}"));
    Ok(rig.start(&rig.conf_with(output)).await?)
}

/// Sends until so many objects are there; how many events that were.
async fn send_until(
    rig: &Rig,
    server: &Server,
    objects: usize,
    event: fn(usize) -> Value,
    path: fn(usize) -> String,
) -> Result<usize, Box<dyn Error>> {
    let mut client = rig.client(server)?;
    let now = jiff::Timestamp::now().strftime("%FT%T").to_string();
    let mut sent = 0;
    while rig.store.objects()?.len() < objects {
        let events: Vec<_> = (sent..sent + EVENTS)
            .map(|n| {
                let mut event = event(n);
                if let Some(fields) = event.as_object_mut() {
                    fields.insert("time".to_owned(), json!(now));
                }
                event
            })
            .collect();
        let body = serde_json::to_string(&events)?;
        let reply = client.post(&path(sent / EVENTS), body, &[]).await?;
        assert_eq!(reply.status, 200, "{}", reply.text());
        sent += EVENTS;
        assert!(sent < 400_000, "no objects come of {sent} events");
    }
    Ok(sent)
}

/// All objects in the order of their index, the last of which is what was left.
async fn finish(
    rig: &Rig,
    server: Server,
    sent: usize,
) -> Result<Vec<StoredObject>, Box<dyn Error>> {
    let exit = server.terminate().await?;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let lines = |objects: &[StoredObject]| -> usize {
        let texts = objects.iter().filter_map(|object| object.text().ok());
        texts.map(|text| text.lines().count()).sum()
    };
    let mut objects = rig
        .store
        .wait_for_objects(PATIENCE, |objects| lines(objects) >= sent)
        .await?;
    assert_eq!(lines(&objects), sent, "each event once");
    objects.sort_by_key(|object| (object.key.len(), object.key.clone()));
    Ok(objects)
}

/// The first ones may be smaller: nothing is known of the events then. The last is what was
/// left. None is larger.
fn check(objects: &[StoredObject]) -> TestResult {
    let sizes: Vec<_> = objects.iter().map(|object| object.size).collect();
    let off = |size: &u64| *size as f64 / WANTED as f64 - 1.0;
    assert!(sizes.iter().all(|size| off(size) < TOLERANCE), "{sizes:?}");
    let (_, full) = sizes.split_last().ok_or("there are no objects")?;
    let known: Vec<_> = full
        .iter()
        .skip_while(|size| off(size) < -TOLERANCE)
        .collect();
    assert!(known.len() >= 3, "{sizes:?}");
    assert!(
        known.iter().all(|size| off(size).abs() < TOLERANCE),
        "{sizes:?}"
    );
    Ok(())
}

/// An audit event of the usual kind: much of it is what others have as well.
fn usual(n: usize) -> Value {
    let user = match n % 3 {
        0 => "alice",
        1 => "bob",
        _ => "mallory",
    };
    json!({
        "event": "session.start", "code": "T2000I", "cluster_name": "harbour.example.com",
        "uid": uid(n), "ei": n, "user": user, "login": "ubuntu",
        "server_hostname": format!("crane-{}", n % 17), "addr.remote": "198.51.100.4:52114",
        "server_labels": { "env": "prod", "team": "cranes" }, "size": "80:25",
        "initial_command": [""], "session_recording": "node", "proto": "ssh", "sid": uid(n * 7),
    })
}

/// Nearly all of it is its own.
fn random(n: usize) -> Value {
    let noise: String = (0..16).map(|part| uid(n * 16 + part)).collect();
    json!({ "noise": noise })
}

/// Digits that no other number has.
fn uid(n: usize) -> String {
    // The finalizer of SplitMix64, twice.
    let mix = |mut n: u64| {
        n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^ (n >> 31)
    };
    let n = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:016x}{:016x}", mix(n), mix(n ^ 0x5555_5555_5555_5555))
}
