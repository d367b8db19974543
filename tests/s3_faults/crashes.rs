//! SIGKILL between the PUT and what comes of it.

use super::*;
use forebay_testbed::store::Reads;

#[tokio::test]
async fn a_crash_before_the_object_is_stored_leads_to_one_object() -> TestResult {
    let report = crash_in(Fault::Stall, Reads::Allowed).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_crash_after_the_object_is_stored_leads_to_one_object() -> TestResult {
    let report = crash_in(Fault::StoreThenStall, Reads::Allowed).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_crash_before_the_object_is_stored_is_exact_without_reading() -> TestResult {
    let report = crash_in(Fault::Stall, Reads::Denied).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_crash_after_the_object_is_stored_loses_nothing_without_reading() -> TestResult {
    let report = crash_in(Fault::StoreThenStall, Reads::Denied).await?;
    assert!(report.missing.is_empty(), "{report}");
    assert!(report.altered.is_empty(), "{report}");
    Ok(())
}

/// The first chunk goes without a fault, so that the second has an ordinary name.
async fn crash_in(fault: Fault, reads: Reads) -> Result<Report, Box<dyn Error>> {
    let rig = Rig::new(FOREBAY).await?;
    rig.store.faults().reads(reads);
    let mut server = rig.start(&rig.conf()).await?;
    let mut client = rig.client(&server)?;
    let mut maker = past();
    let mut tally = Tally::default();
    deliver(&mut client, &maker.audit(1), &mut tally).await?;
    server.wait_for_log("chunk delivered", PATIENCE).await?;

    rig.store.faults().next(1, fault);
    deliver(&mut client, &maker.audit(1), &mut tally).await?;
    tokio::time::timeout(PATIENCE, rig.store.faults().wait_for_stalled(1)).await?;
    server.kill().await?;
    rig.store.faults().clear();
    rig.store.faults().reads(reads);

    let server = rig.start(&rig.conf()).await?;
    Ok(rig.finish(server, &tally).await?)
}
