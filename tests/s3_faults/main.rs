//! Whatever S3 does, every event comes to it once.

mod conditions;
mod crashes;
mod parallel;
mod write_only;

use std::error::Error;
use std::time::Duration;

use forebay_testbed::conf::Match;
use forebay_testbed::rig::{BUCKET, Rig, deliver, past, records};
use forebay_testbed::store::{Answer, Fault, Refusal};
use forebay_testbed::tally::{Report, Tally};

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const PATIENCE: Duration = Duration::from_secs(20);
const EVENTS: usize = 20;

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn a_missing_bucket_is_told_and_filled_when_it_appears() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    rig.store.remove_bucket(BUCKET)?;
    let mut server = rig.start(&rig.conf()).await?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &past().audit(EVENTS), &mut tally).await?;
    let line = server.wait_for_log("NoSuchBucket", PATIENCE).await?;
    assert!(line.contains(BUCKET), "{line}");
    rig.store
        .wait_for_requests(PATIENCE, |all| {
            all.iter().filter(|r| r.is_put()).count() >= 2
        })
        .await?;

    rig.store.create_bucket(BUCKET)?;
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn slow_down_is_obeyed_and_the_chunk_tried_again() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    rig.store.faults().next(3, Fault::Refuse(Refusal::SlowDown));
    let report = deliver_all(&rig).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_403_is_tried_again_until_somebody_mends_the_permissions() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    rig.store
        .faults()
        .share(100, Fault::Refuse(Refusal::AccessDenied));
    let mut server = rig.start(&rig.conf()).await?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &past().audit(EVENTS), &mut tally).await?;
    server.wait_for_log("AccessDenied", PATIENCE).await?;
    rig.store.faults().clear();
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_409_is_tried_again() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    rig.store.faults().next(2, Fault::Refuse(Refusal::Conflict));
    let report = deliver_all(&rig).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn an_object_that_was_stored_under_a_500_is_not_stored_again() -> TestResult {
    stored_once_under(Fault::StoreThenFail).await
}

#[tokio::test]
async fn an_object_that_was_stored_before_a_cut_is_not_stored_again() -> TestResult {
    stored_once_under(Fault::StoreThenCut).await
}

#[tokio::test]
async fn an_object_that_was_stored_under_a_proxys_error_is_not_stored_again() -> TestResult {
    stored_once_under(Fault::StoreThenRefuse(Refusal::BadGateway)).await
}

#[tokio::test]
async fn an_object_that_a_proxy_put_twice_is_not_stored_again() -> TestResult {
    stored_once_under(Fault::StoreThenRefuse(Refusal::Taken)).await
}

#[tokio::test]
async fn a_portals_page_is_no_success() -> TestResult {
    stored_once_under(Fault::Refuse(Refusal::Portal)).await
}

#[tokio::test]
async fn a_cut_before_the_object_was_stored_is_tried_again() -> TestResult {
    stored_once_under(Fault::Cut).await
}

async fn stored_once_under(fault: Fault) -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    rig.store.faults().next(2, fault);
    let report = deliver_all(&rig).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn nothing_is_asked_before_a_put() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let report = deliver_all(&rig).await?;
    assert!(report.is_exact(), "{report}");
    let heads = rig
        .store
        .requests()
        .iter()
        .filter(|request| request.method == "HEAD")
        .count();
    let puts = rig
        .store
        .requests()
        .iter()
        .filter(|request| request.is_put())
        .count();
    // A look at the bucket at start is one; one for each object would grow with them.
    assert!(heads <= 1, "{heads} HEADs for {puts} PUTs");
    Ok(())
}

#[tokio::test]
async fn every_put_is_conditional_and_carries_the_chunk_id() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    deliver_all(&rig).await?;
    let requests = rig.store.requests();
    let objects = rig.store.objects()?;
    assert!(!objects.is_empty());
    for object in objects {
        let put = requests
            .iter()
            .find(|request| request.is_put() && request.path.ends_with(&object.key))
            .ok_or("an object without a PUT")?;
        assert_eq!(put.headers.get("if-none-match").ok_or("no condition")?, "*");
        let id = object.metadata.get("forebay-chunk").ok_or("no chunk id")?;
        assert_eq!(id.len(), 32, "{id}");
    }
    Ok(())
}

#[tokio::test]
async fn a_name_that_somebody_else_has_is_left_alone() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let output = rig.s3("**", rig.buffer(1)).line("time_slice_format %Y%m%d");
    let foreign = rig
        .store
        .directory()
        .join(BUCKET)
        .join("logs/20240229_0.gz");
    std::fs::create_dir_all(foreign.parent().ok_or("no parent")?)?;
    std::fs::write(&foreign, "somebody else's")?;
    let meta = rig
        .store
        .directory()
        .join(".store/meta")
        .join(BUCKET)
        .join("logs");
    std::fs::create_dir_all(&meta)?;
    std::fs::write(meta.join("20240229_0.gz"), r#"{"etag":"0","metadata":{}}"#)?;

    let server = rig.start(&rig.conf_with(output)).await?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &past().audit(EVENTS), &mut tally).await?;
    let objects = rig
        .store
        .wait_for_objects(PATIENCE, |objects| records(objects) > EVENTS)
        .await?;
    server.terminate().await?;
    assert_eq!(std::fs::read_to_string(&foreign)?, "somebody else's");
    let others = objects.iter().filter(|object| object.path != foreign);
    let texts = others
        .map(|object| object.text())
        .collect::<Result<Vec<_>, _>>()?;
    let report = tally.check(texts);
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn no_secret_goes_to_the_log_when_s3_refuses() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let wrong = "a-secret-key-nobody-may-see-in-a-log";
    let output = rig
        .s3("**", rig.buffer(1))
        .line(format!("aws_sec_key {wrong}"));
    let mut server = rig.start(&rig.conf_with(output)).await?;
    deliver(
        &mut rig.client(&server)?,
        &past().audit(1),
        &mut Tally::default(),
    )
    .await?;
    server
        .wait_for_log("SignatureDoesNotMatch", PATIENCE)
        .await?;
    let exit = server.terminate().await?;
    assert!(!exit.stderr.contains(wrong), "the secret is in the log");
    let refused = rig.store.requests();
    let put = refused
        .iter()
        .find(|request| request.is_put())
        .ok_or("no PUT")?;
    assert!(
        matches!(put.answer, Answer::Status(status) if status == 403),
        "{put:?}"
    );
    Ok(())
}

#[tokio::test]
async fn the_region_that_a_bucket_is_in_is_told() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    rig.store
        .faults()
        .share(100, Fault::Refuse(Refusal::WrongRegion));
    let mut server = rig.start(&rig.conf()).await?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &past().audit(1), &mut tally).await?;
    let line = server.wait_for_log("PermanentRedirect", PATIENCE).await?;
    assert!(line.contains("the bucket is in eu-west-1"), "{line}");
    rig.store.faults().clear();
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

async fn deliver_all(rig: &Rig) -> Result<Report, Box<dyn Error>> {
    deliver_through(rig, rig.s3("**", rig.buffer(1))).await
}

async fn deliver_through(rig: &Rig, output: Match) -> Result<Report, Box<dyn Error>> {
    let server = rig.start(&rig.conf_with(output)).await?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &past().audit(EVENTS), &mut tally).await?;
    Ok(rig.finish(server, &tally).await?)
}
