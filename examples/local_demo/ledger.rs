//! What arrived: waited for, listed, counted.

use forebay_testbed::rig::records;
use forebay_testbed::store::{Store, StoreError};
use forebay_testbed::tally::{Report, Tally};

use crate::PATIENCE;
use crate::screen::Screen;
use crate::stage::Stage;

/// Waits until the objects hold as many records as were acknowledged.
pub(crate) async fn wait(screen: &Screen, stage: &Stage, tally: &Tally) -> anyhow::Result<()> {
    let due = stage.due();
    screen.step(format_args!("The chunks are due at {due}"));
    let spinner = screen.spinner("waiting for the timekey".to_owned())?;
    let wanted = tally.acknowledged_count();
    let arrived = stage
        .store
        .wait_for_objects(PATIENCE, |objects| records(objects) >= wanted)
        .await;
    spinner.finish_and_clear();
    match arrived {
        // What is missing is told by the count, with all that came listed before it.
        Ok(_) | Err(StoreError::Late { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Lists the objects and counts what is in them.
pub(crate) fn close(screen: &Screen, store: &Store, tally: &Tally) -> anyhow::Result<Report> {
    let objects = store.objects()?;
    screen.step(format_args!("{} objects in S3", objects.len()));
    let mut texts = Vec::new();
    for object in &objects {
        let text = object.text()?;
        let records = text.lines().count();
        screen.detail(format_args!(
            "s3://{}/{}  {} bytes, {records} records",
            object.bucket, object.key, object.size
        ));
        screen.listing(&screen.cut(text.lines().next().unwrap_or_default()));
        texts.push(text);
    }
    let report = tally.check(&texts);
    if report.is_exact() {
        screen.success(&report);
    } else {
        screen.failure(&report);
    }
    Ok(report)
}
