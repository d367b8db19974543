//! Where the keys to the bucket come from.

use std::error::Error;

use forebay_testbed::rig::{Rig, deliver, past};
use forebay_testbed::store::{ACCESS_KEY, SECRET_KEY};
use forebay_testbed::tally::Tally;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn without_keys_in_the_file_they_come_from_the_environment() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let without_keys: String = rig
        .conf()
        .to_string()
        .lines()
        .filter(|line| !line.contains("aws_key_id") && !line.contains("aws_sec_key"))
        .map(|line| format!("{line}\n"))
        .collect();
    let launch = rig
        .launch()
        .variable("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .variable("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    let server = launch.start(&without_keys).await?;

    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &past().audit(5), &mut tally).await?;

    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}
