//! Stores that honour `If-None-Match`, and those that do not.

use super::*;
use forebay_testbed::store::{Conditions, Reads};

#[tokio::test]
async fn a_store_is_proven_once_and_then_not_asked_any_more() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut server = rig.start(&rig.conf()).await?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &past().audit(EVENTS), &mut tally).await?;
    server
        .wait_for_log("honours If-None-Match", PATIENCE)
        .await?;
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    let requests = rig.store.requests();
    let count = |status: u16| {
        let with = requests.iter().filter_map(|request| request.status());
        with.filter(|found| found.as_u16() == status).count()
    };
    assert_eq!(count(404), 1, "looked for once");
    assert_eq!(count(412), 1, "proven once");
    assert_eq!(count(200), rig.store.objects()?.len());
    Ok(())
}

#[tokio::test]
async fn a_store_that_refuses_conditions_is_written_without_them() -> TestResult {
    stays_exact(Conditions::Refused, Reads::Allowed).await
}

#[tokio::test]
async fn a_store_that_ignores_conditions_is_not_overwritten() -> TestResult {
    stays_exact(Conditions::Ignored, Reads::Allowed).await
}

#[tokio::test]
async fn a_store_that_refuses_conditions_and_reads_gets_names_with_the_chunk_id() -> TestResult {
    stays_exact(Conditions::Refused, Reads::Denied).await
}

#[tokio::test]
async fn a_store_that_ignores_conditions_and_refuses_reads_gets_names_with_the_chunk_id()
-> TestResult {
    stays_exact(Conditions::Ignored, Reads::Denied).await
}

/// Two starts, and in each several chunks that want the same names.
async fn stays_exact(conditions: Conditions, reads: Reads) -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    rig.store.faults().conditions(conditions);
    rig.store.faults().reads(reads);
    let output = rig.s3("**", rig.buffer(1)).line("time_slice_format %Y%m%d");
    let mut tally = Tally::default();
    let mut maker = past();
    for _ in 0..2 {
        let mut server = rig.start(&rig.conf_with(output.clone())).await?;
        deliver(&mut rig.client(&server)?, &maker.audit(5), &mut tally).await?;
        let verb = match conditions {
            Conditions::Refused => "the store refuses If-None-Match",
            _ => "the store ignores If-None-Match",
        };
        server.wait_for_log(verb, PATIENCE).await?;
        deliver(&mut rig.client(&server)?, &maker.audit(5), &mut tally).await?;
        let report = rig.finish(server, &tally).await?;
        assert!(report.is_exact(), "{report}");
    }
    if reads == Reads::Denied {
        for object in rig.store.objects()? {
            let id = object.metadata.get("forebay-chunk").ok_or("no chunk id")?;
            assert!(object.key.contains(id), "{}", object.key);
        }
    }
    Ok(())
}
