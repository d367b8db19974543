//! The first half of the way to Snowflake: events over mTLS, by the ready configurations, into
//! objects, with a kill in the middle. What the objects hold is checked here, and that the digests
//! beside them prove it; `.ci/run snowflake` has them left in a directory, and the second half
//! (`test_*.py` beside this file) loads them and asks questions.

mod evidence;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use forebay_testbed::events::{AUDIT_PATH, AuditEvent};
use forebay_testbed::keys::DigestKeys;
use forebay_testbed::rig::{Rig, deliver, past};
use forebay_testbed::server::Server;
use forebay_testbed::store::{ACCESS_KEY, LoggedRequest, SECRET_KEY, StoredObject};
use forebay_testbed::tally::{Tally, TimeField};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
/// The bucket that the examples name.
const BUCKET: &str = "audit-events";
/// What the detection queries are to find, and what they are not to find.
const PLANTED: &str = include_str!("planted.json");
/// Where the objects are left for the second half; unset, they go with the test.
const KEEP_IN: &str = "FOREBAY_OBJECTS";
const PATIENCE: Duration = Duration::from_secs(60);

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn what_is_sent_by_the_ready_configurations_is_there_to_be_loaded() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    rig.store.create_bucket(BUCKET)?;
    let (audit, sessions) = traffic()?;
    let all = [audit.clone(), sessions.clone()].concat();

    let keys = DigestKeys::issue(rig.keys.directory())?;

    let tally = send_all(&rig, "evidence.conf", &all).await?;
    let report = tally.check(texts(&rig.store.objects()?)?);
    assert!(report.is_exact(), "{report}");
    evidence::holds(&rig, &keys).await?;
    send_all(&rig, "raw-lines.conf", &all).await?;

    let objects = rig.store.objects()?;
    assert_eq!(lines(&objects, "logs/audit/")?, audit.len());
    assert_eq!(lines(&objects, "logs/sessions/")?, sessions.len());
    assert_eq!(lines(&objects, "logs/raw/")?, all.len());
    if let Some(directory) = std::env::var_os(KEEP_IN) {
        keep(
            &objects,
            &PathBuf::from(directory),
            audit.len(),
            sessions.len(),
        )?;
    }
    Ok(())
}

/// Two days of a harbour's events, the planted ones among them, one of these repeated as the
/// event handler does after a restart; and a session's recording.
fn traffic() -> Result<(Vec<AuditEvent>, Vec<AuditEvent>), Box<dyn Error>> {
    let mut maker = past().step(SignedDuration::from_mins(5));
    let recording = maker.recording(40);
    let mut audit = maker.audit(600);
    let planted = planted()?;
    let again = planted.first().ok_or("nothing is planted")?.clone();
    audit.extend(planted);
    audit.push(again);
    Ok((audit, recording.events))
}

fn planted() -> Result<Vec<AuditEvent>, Box<dyn Error>> {
    let cases: Vec<Map<String, Value>> = serde_json::from_str(PLANTED)?;
    let events = cases
        .iter()
        .filter_map(|case| case.get("events")?.as_array())
        .flatten()
        .enumerate();
    events.map(|(n, event)| audit_event(n, event)).collect()
}

/// With the fields that every event has.
fn audit_event(n: usize, fields: &Value) -> Result<AuditEvent, Box<dyn Error>> {
    let mut record = fields.as_object().ok_or("an event is no object")?.clone();
    record.insert("cluster_name".to_owned(), json!("harbour.example.com"));
    record.insert("ei".to_owned(), json!(n));
    let uid = format!("018df000-0000-7000-9000-{n:012}");
    record.insert("uid".to_owned(), json!(uid));
    let body = serde_json::to_string(&record)?;
    Ok(AuditEvent {
        path: AUDIT_PATH.to_owned(),
        body,
        record,
    })
}

/// Runs a ready configuration until all events are in the store.
async fn send_all(
    rig: &Rig,
    example: &str,
    events: &[AuditEvent],
) -> Result<Tally, Box<dyn Error>> {
    let before = lines(&rig.store.objects()?, "")?;
    let server = rig.launch().start(&on_loopback(rig, example)?).await?;
    let mut tally = Tally::new(TimeField::Kept);
    let (first, second) = events.split_at(events.len() / 2);
    deliver(&mut rig.client(&server)?, first, &mut tally).await?;
    let server = kill_and_start(rig, server, &on_loopback(rig, example)?).await?;
    deliver(&mut rig.client(&server)?, second, &mut tally).await?;
    let stored = |objects: &[StoredObject]| {
        lines(objects, "").is_ok_and(|lines| lines >= before + events.len())
    };
    rig.store.wait_for_objects(PATIENCE, stored).await?;
    let exit = server.terminate().await?;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    Ok(tally)
}

/// Kills it while objects are on their way, some of them put and none of these told of.
async fn kill_and_start(rig: &Rig, server: Server, conf: &str) -> Result<Server, Box<dyn Error>> {
    let before = rig.store.requests().len();
    let some = |requests: &[LoggedRequest]| requests.len() > before + 3;
    rig.store.wait_for_requests(PATIENCE, some).await?;
    server.kill().await?;
    Ok(rig.launch().start(conf).await?)
}

/// The example as it is, but for places: keys, buffers and store are the rig's, and nobody
/// waits a minute.
fn on_loopback(rig: &Rig, example: &str) -> Result<String, Box<dyn Error>> {
    let conf = std::fs::read_to_string(Path::new(EXAMPLES).join(example))?;
    let passphrase = rig.keys.transport().passphrase;
    let passphrase = passphrase.ok_or("the key is not encrypted")?;
    let store = format!(
        "s3_bucket {BUCKET}\n  s3_endpoint {}\n  force_path_style true\n  aws_key_id {ACCESS_KEY}\n  \
         aws_sec_key {SECRET_KEY}",
        rig.store.endpoint()
    );
    Ok(conf
        .replace("port 8888", "bind 127.0.0.1\n  port 0")
        .replace("/keys/", &format!("{}/", rig.keys.directory().display()))
        .replace("\"#{ENV['SERVER_KEY_PASSPHRASE']}\"", &passphrase)
        .replace(
            "/var/lib/forebay",
            &rig.directory().join("buffer").display().to_string(),
        )
        .replace(&format!("s3_bucket {BUCKET}"), &store)
        .replace("timekey_wait 1m", "timekey_wait 0s"))
}

/// How many lines the objects below a prefix hold.
fn lines(objects: &[StoredObject], prefix: &str) -> Result<usize, Box<dyn Error>> {
    let of_prefix = objects
        .iter()
        .filter(|object| object.key.starts_with(prefix));
    let of_prefix: Vec<_> = of_prefix.cloned().collect();
    let texts = texts(&of_prefix)?;
    Ok(texts.iter().map(|text| text.lines().count()).sum())
}

/// What the objects hold; digests are not among them.
fn texts(objects: &[StoredObject]) -> Result<Vec<String>, Box<dyn Error>> {
    let objects = objects
        .iter()
        .filter(|object| !object.key.ends_with(".digest"));
    Ok(objects.map(StoredObject::text).collect::<Result<_, _>>()?)
}

/// Lays the objects out by bucket and key, and says beside them what was sent.
fn keep(objects: &[StoredObject], directory: &Path, audit: usize, sessions: usize) -> TestResult {
    for object in objects {
        let path = directory.join(&object.bucket).join(&object.key);
        std::fs::create_dir_all(path.parent().ok_or("a key without a directory")?)?;
        std::fs::write(path, object.bytes()?)?;
    }
    let sent = json!({ "audit": audit, "sessions": sessions }).to_string();
    std::fs::write(directory.join("sent.json"), sent)?;
    Ok(())
}
