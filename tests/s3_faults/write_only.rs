//! A user who may put objects, and nothing else.

use super::*;
use forebay_testbed::store::Reads;

const WITH_CHUNK_ID: &str =
    "s3_object_key_format %{path}%{time_slice}_${chunk_id}.%{file_extension}";

/// What may happen without the object being stored.
const REFUSED: [Fault; 5] = [
    Fault::Cut,
    Fault::Refuse(Refusal::BadGateway),
    Fault::Refuse(Refusal::Conflict),
    Fault::Refuse(Refusal::Portal),
    Fault::Refuse(Refusal::SlowDown),
];

/// What may happen with the object being stored.
const STORED: [Fault; 4] = [
    Fault::StoreThenCut,
    Fault::StoreThenFail,
    Fault::StoreThenRefuse(Refusal::BadGateway),
    Fault::StoreThenRefuse(Refusal::Portal),
];

#[tokio::test]
async fn write_only_credentials_are_enough() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    rig.store.faults().reads(Reads::Denied);
    let report = deliver_all(&rig).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn what_was_not_stored_is_put_again_under_the_same_name() -> TestResult {
    let report = meet(&REFUSED, None).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn what_may_have_been_stored_is_put_again_and_never_lost() -> TestResult {
    let report = meet(&STORED, None).await?;
    assert!(report.missing.is_empty(), "{report}");
    assert!(report.altered.is_empty(), "{report}");
    assert_eq!(report.twice.len(), STORED.len(), "as the documents say");
    Ok(())
}

#[tokio::test]
async fn with_the_chunk_id_in_the_key_even_that_is_exact() -> TestResult {
    for faults in [&REFUSED[..], &STORED[..]] {
        let report = meet(faults, Some(WITH_CHUNK_ID)).await?;
        assert!(report.is_exact(), "{report}");
    }
    Ok(())
}

/// One chunk without a fault, by which the store is proven, and one after another for each.
async fn meet(faults: &[Fault], line: Option<&str>) -> Result<Report, Box<dyn Error>> {
    let rig = Rig::new(FOREBAY).await?;
    rig.store.faults().reads(Reads::Denied);
    let mut output = rig.s3("**", rig.buffer(1));
    if let Some(line) = line {
        output = output.line(line);
    }
    let mut server = rig.start(&rig.conf_with(output)).await?;
    let mut client = rig.client(&server)?;
    let mut maker = past();
    let mut tally = Tally::default();
    deliver(&mut client, &maker.audit(1), &mut tally).await?;
    server.wait_for_logs("chunk delivered", 1, PATIENCE).await?;
    for (fault, delivered) in faults.iter().zip(1..) {
        rig.store.faults().next(1, *fault);
        deliver(&mut client, &maker.audit(1), &mut tally).await?;
        server
            .wait_for_logs("chunk delivered", delivered + 1, PATIENCE)
            .await?;
    }
    Ok(rig.finish(server, &tally).await?)
}
