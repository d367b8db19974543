//! What is sent arrives: over every protocol, in every form.

use std::error::Error;
use std::time::Duration;

use forebay_testbed::client::{Client, Protocol, Target, TlsOptions, TlsVersions};
use forebay_testbed::conf::{Conf, HttpSource, Match};
use forebay_testbed::events::AuditEvent;
use forebay_testbed::rig::{Rig, deliver, past, present};
use forebay_testbed::tally::{Tally, TimeField};

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn events_over_mtls_reach_s3_once_and_unaltered() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let server = rig.start(&rig.conf()).await?;
    let mut maker = present();
    let mut events = maker.audit(100);
    events.extend(maker.recording(60).events);

    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &events, &mut tally).await?;

    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    assert_eq!(report.sent, 160);
    Ok(())
}

#[tokio::test]
async fn events_over_one_http2_connection_reach_s3_once() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let server = rig.start(&rig.conf()).await?;
    let events = past().audit(80);
    let (first, rest) = events.split_first().ok_or("no events")?;

    let mut client = rig.client_with(&server, Protocol::Http2, &rig.keys.client())?;
    let mut tally = Tally::default();
    deliver(&mut client, std::slice::from_ref(first), &mut tally).await?;
    let mut streams = tokio::task::JoinSet::new();
    for event in rest.iter().cloned() {
        let mut client = client.share().ok_or("the connection is not shared")?;
        streams.spawn(async move {
            let reply = client.post(&event.path, event.body.clone(), &[]).await;
            (event, reply)
        });
    }
    while let Some(answered) = streams.join_next().await {
        let (event, reply) = answered?;
        assert_eq!(reply?.status, 200);
        tally.acknowledged(&event);
    }

    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_client_of_tls_1_2_alone_is_served() -> TestResult {
    served_with_versions(TlsVersions::Only12).await
}

#[tokio::test]
async fn a_client_of_tls_1_3_alone_is_served() -> TestResult {
    served_with_versions(TlsVersions::Only13).await
}

async fn served_with_versions(versions: TlsVersions) -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let server = rig.start(&rig.conf()).await?;
    let options = TlsOptions {
        versions,
        ..rig.keys.client()
    };
    let mut client = rig.client_with(&server, Protocol::Http1, &options)?;
    let mut tally = Tally::default();
    deliver(&mut client, &past().audit(5), &mut tally).await?;
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn without_a_transport_section_http_is_served_in_the_clear() -> TestResult {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let rig = Rig::new(FOREBAY).await?;
        let conf = Conf::new()
            .source(&HttpSource::plain())
            .output(&rig.s3("**", rig.buffer(1)));
        let server = rig.start(&conf).await?;
        let mut client = Client::new(Target::plain(server.address(), protocol));
        let mut tally = Tally::default();
        deliver(&mut client, &past().audit(5), &mut tally).await?;
        let report = rig.finish(server, &tally).await?;
        assert!(report.is_exact(), "{protocol:?}: {report}");
    }
    Ok(())
}

#[tokio::test]
async fn a_match_to_stdout_prints_every_record() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let conf = rig.conf_with(Match::stdout("test.log"));
    let mut server = rig.start(&conf).await?;
    let events = past().audit(10);
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &events, &mut tally).await?;
    for event in &events {
        let uid = event.record["uid"].as_str().ok_or("no uid")?;
        let line = server.wait_for_stdout(uid, Duration::from_secs(5)).await?;
        assert!(line.contains("test.log: {"), "{line}");
    }
    let exit = server.terminate().await?;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let report = tally.check([exit.stdout]);
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn sessions_and_audit_events_go_where_their_match_says() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let conf = Conf::new()
        .source(&rig.source())
        .output(&rig.s3("test.log", rig.buffer(1)).line("path audit/"))
        .output(
            &rig.s3(
                "session.*.log",
                forebay_testbed::conf::Buffer::file(&rig.directory().join("sessions"), 1),
            )
            .line("path sessions/"),
        );
    let server = rig.start(&conf).await?;
    let mut maker = past();
    let audit = maker.audit(20);
    let sessions: Vec<AuditEvent> = maker.recording(20).events;
    let mut client = rig.client(&server)?;
    let (mut of_audit, mut of_sessions) = (Tally::default(), Tally::default());
    deliver(&mut client, &audit, &mut of_audit).await?;
    deliver(&mut client, &sessions, &mut of_sessions).await?;

    let patience = Duration::from_secs(20);
    rig.store
        .wait_for_objects(patience, |objects| {
            forebay_testbed::rig::records(objects) >= 40
        })
        .await?;
    server.terminate().await?;
    for (prefix, tally) in [("audit/", of_audit), ("sessions/", of_sessions)] {
        let objects = rig.store.objects()?;
        let texts = objects
            .iter()
            .filter(|object| object.key.starts_with(prefix))
            .map(|object| object.text())
            .collect::<Result<Vec<_>, _>>()?;
        let report = tally.check(texts);
        assert!(report.is_exact(), "{prefix}: {report}");
    }
    Ok(())
}

#[tokio::test]
async fn every_form_of_storage_holds_the_same_records() -> TestResult {
    for (store_as, extension, content_type) in [
        ("gzip", ".gz", "application/x-gzip"),
        ("text", ".txt", "text/plain"),
        ("json", ".json", "application/json"),
        ("zstd", ".zst", "application/x-zst"),
    ] {
        let rig = Rig::new(FOREBAY).await?;
        let output = rig
            .s3("**", rig.buffer(1))
            .line(format!("store_as {store_as}"));
        let server = rig.start(&rig.conf_with(output)).await?;
        let mut tally = Tally::default();
        deliver(&mut rig.client(&server)?, &past().audit(10), &mut tally).await?;
        let report = rig.finish(server, &tally).await?;
        assert!(report.is_exact(), "{store_as}: {report}");
        for object in rig.store.objects()? {
            assert!(object.key.ends_with(extension), "{}", object.key);
            assert_eq!(object.content_type.as_deref(), Some(content_type));
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_form_teleport_generates_runs_and_warns_that_the_time_is_removed() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    // Teleport puts a buffer section into the source, where it means nothing.
    let source = rig
        .source()
        .time(TimeField::Removed)
        .line("<buffer>\n    @type file\n    flush_interval 1s\n  </buffer>");
    let conf = Conf::new()
        .source(&source)
        .output(&Match::stdout("test.log"))
        .output(&Match::stdout("session.*.log"));
    let mut server = rig.start(&conf).await?;
    server
        .wait_for_log("keep_time_key", Duration::from_secs(2))
        .await?;
    let mut maker = past();
    let mut events = maker.audit(5);
    events.extend(maker.recording(5).events);
    let mut tally = Tally::new(TimeField::Removed);
    deliver(&mut rig.client(&server)?, &events, &mut tally).await?;
    let exit = server.terminate().await?;
    let report = tally.check([exit.stdout]);
    assert!(report.is_exact(), "{report}");
    Ok(())
}
