//! `forebay drain`: outputs without sources, until their buffers are empty.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use fluent_compat::retry::RetryLimit;
use tokio::time::{Instant, interval, sleep_until};
use tracing::{info, warn};

use super::outputs::{Preparation, Prepared};
use super::running::Running;
use super::signals::{Signal, Signals};
use crate::buffer::{Basin, Place};
use crate::host::clock::Clock;
use crate::host::fs::DiskFs;
use crate::settings::LabelSettings;
use crate::sink::{self, stdout::StdoutSink};

/// How often the buffers are looked at.
const GLANCE: Duration = Duration::from_millis(100);

/// How often it is said how much is left.
const REPORT: Duration = Duration::from_secs(10);

/// Deliveries under way have this long when the time is over.
const LAST_DELIVERIES: Duration = Duration::from_secs(2);

/// Delivers all that the outputs' buffers hold.
///
/// # Errors
/// A buffer cannot be opened, because a server has it; one is not empty after `limit` or when
/// a signal says stop; a chunk was given up.
pub(super) async fn drain(
    labels: Vec<LabelSettings>,
    limit: Duration,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<()> {
    let mut signals = Signals::listen().context("signals cannot be received")?;
    let mut running = Running::default();
    let stdout = Arc::new(StdoutSink::new(io::stdout()));
    let files = sink::file::Files::new(Arc::new(DiskFs::default()));
    let preparation = Preparation::new(Arc::clone(&clock), stdout, files, &running);
    let mut prepared = preparation.labels(labels).await.context(
        "nothing was drained; a server that runs with these buffers has to be stopped first",
    )?;
    try_until_the_end(&mut prepared);
    let before = aside(prepared.outputs.iter().map(|output| &output.basin));
    running.switch(prepared.outputs, &clock).await;
    running.flush().await;

    let basins = running.basins();
    let deadline = Instant::now() + limit;
    let outcome = wait(&basins, deadline, &mut signals).await;
    let left = left(&basins);
    let given_up = &aside(basins.iter().map(|(_, _, basin)| basin)) - &before;
    running.stop(Instant::now() + LAST_DELIVERIES).await;
    judge(outcome, &left, &given_up)
}

/// Chunks are tried again for as long as there is time: to give one up would empty the buffer,
/// too. Where there is a `<secondary>` its threshold counts, so there all stays as it is.
fn try_until_the_end(prepared: &mut Prepared) {
    for output in &mut prepared.outputs {
        if output.sinks.secondary.is_none() {
            output.schedule.retry.limit = RetryLimit::Forever;
        }
    }
}

/// Why the waiting has ended.
#[derive(Clone, Copy)]
enum Outcome {
    Empty,
    TimeOver,
    /// A signal's name.
    ToldToStop(&'static str),
}

async fn wait(
    basins: &[(String, Place, Basin)],
    deadline: Instant,
    signals: &mut Signals,
) -> Outcome {
    let (mut glance, mut report) = (interval(GLANCE), interval(REPORT));
    loop {
        tokio::select! {
            _ = glance.tick() => {
                if left(basins).is_empty() {
                    return Outcome::Empty;
                }
            }
            _ = report.tick() => {
                for (output, place, bytes) in left(basins) {
                    info!(output, bytes, "draining {place}");
                }
            }
            () = sleep_until(deadline) => return Outcome::TimeOver,
            signal = signals.next() => match signal {
                Signal::Stop(name) => return Outcome::ToldToStop(name),
                // All is being flushed, and there is nothing to reload.
                Signal::Flush | Signal::Reload(_) => {}
            },
        }
    }
}

/// Outputs whose buffers hold something, with the place and the bytes.
fn left(basins: &[(String, Place, Basin)]) -> Vec<(&str, &Place, u64)> {
    let all = basins.iter();
    let all = all.map(|(output, place, basin)| (output.as_str(), place, basin.held()));
    all.filter(|(_, _, bytes)| *bytes > 0).collect()
}

/// What lies in the backup directories.
fn aside<'a>(basins: impl Iterator<Item = &'a Basin>) -> BTreeSet<PathBuf> {
    let buffers = basins.filter_map(Basin::buffer);
    buffers
        .flat_map(|buffer| buffer.set_aside_files())
        .collect()
}

fn judge(
    outcome: Outcome,
    left: &[(&str, &Place, u64)],
    given_up: &BTreeSet<PathBuf>,
) -> anyhow::Result<()> {
    for path in given_up {
        warn!(kept_in = %path.display(), "set aside, and not delivered");
    }
    let mut told = String::new();
    for (output, place, bytes) in left {
        // Writing to a String does not fail.
        let _ = write!(
            told,
            "\n  {place} of <match {output}> still holds {bytes} bytes"
        );
    }
    for path in given_up {
        let _ = write!(
            told,
            "\n  {} was set aside, and is not delivered",
            path.display()
        );
    }
    match outcome {
        Outcome::TimeOver if !left.is_empty() => {
            bail!("not drained in time; --timeout gives it more:{told}")
        }
        Outcome::ToldToStop(signal) if !left.is_empty() => {
            bail!("not drained: {signal} came first:{told}")
        }
        _ if !given_up.is_empty() => bail!("drained, but not all of it was delivered:{told}"),
        _ => {
            info!("drained: all buffers are empty");
            Ok(())
        }
    }
}
