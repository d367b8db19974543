//! The outputs that run, and how others take their place.
//!
//! An output is known by its buffer: that of a directory goes on, whatever else about it
//! changes. What a 200 has promised does not end with a `<match>`: an output that is gone
//! from the configuration goes on as it was until its buffer is empty.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{error, info, warn};

use super::board::OutputView;
use crate::buffer::{self, Basin, Buffer, Place};
use crate::evidence::{self, Evidence};
use crate::host::clock::Clock;
use crate::schedule::{self, Chain, Schedule, Sinks};

/// Deliveries under way have this long when their buffer is opened anew. What is cut off is
/// put again under the same name.
const HAND_OVER: Duration = Duration::from_secs(10);

/// What still blocks a thread when all else has stopped has this long.
const LAST_WRITES: Duration = Duration::from_secs(1);

/// An output that is to run from now on.
pub(super) struct PreparedOutput {
    pub(super) name: String,
    /// Its `@type`.
    pub(super) kind: &'static str,
    /// Format and chunk keys as text: two of the same text write the same.
    pub(super) formatting: String,
    pub(super) buffer: buffer::Config,
    pub(super) schedule: schedule::Config,
    pub(super) sinks: Sinks,
    /// What the evidence among the sinks follows from now on.
    pub(super) digest: Option<evidence::Config>,
    /// A new one, or that of an output that runs.
    pub(super) basin: Basin,
}

/// The stages behind an output.
struct RunningOutput {
    name: String,
    kind: &'static str,
    formatting: String,
    config: buffer::Config,
    evidence: Option<Arc<Evidence>>,
    basin: Basin,
    schedule: Schedule,
    staged: Staged,
}

/// What the staged chunks of an output may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Staged {
    /// Events in the output's format.
    InItsFormat,
    /// Events in the format from before a reload.
    InAnother,
}

/// All outputs.
#[derive(Default)]
pub(super) struct Running {
    outputs: Vec<RunningOutput>,
    /// Those that are gone from the configuration and still have chunks.
    retired: Vec<RunningOutput>,
}

impl Running {
    /// The basin of the output that has the buffer, unless it is taken. A buffer in memory is
    /// only the same if all about it is: it has no files by which it could be opened anew.
    pub(super) fn find(
        &self,
        config: &buffer::Config,
        taken: impl Fn(&Basin) -> bool,
    ) -> Option<Basin> {
        let same = |running: &&RunningOutput| match (&running.config.place, &config.place) {
            (Place::File { path, .. }, Place::File { path: other, .. }) => path == other,
            (Place::Memory, Place::Memory) => running.config == *config,
            _ => false,
        };
        let all = self.outputs.iter().chain(&self.retired);
        let mut free = all.filter(same).filter(|running| !taken(&running.basin));
        free.next().map(|running| running.basin.clone())
    }

    /// The evidence that has its ledger in this directory.
    pub(super) fn evidence(&self, directory: &Path) -> Option<Arc<Evidence>> {
        let mut all = self.all().filter_map(|running| running.evidence.as_ref());
        all.find(|evidence| evidence.directory() == directory)
            .cloned()
    }

    /// Runs these outputs from now on. Those that run and are none of these are retired.
    pub(super) async fn switch(&mut self, outputs: Vec<PreparedOutput>, clock: &Arc<dyn Clock>) {
        let mut before = std::mem::take(&mut self.outputs);
        before.append(&mut self.retired);
        // Together: each may have to wait for deliveries that are under way.
        let mut switching = JoinSet::new();
        for output in outputs {
            let place = before.iter().position(|old| old.basin.is(&output.basin));
            let old = place.map(|place| before.swap_remove(place));
            let clock = Arc::clone(clock);
            switching.spawn(async move {
                match old {
                    None => output.start(clock),
                    Some(old) => old.become_other(output, clock).await,
                }
            });
        }
        self.outputs = switching.join_all().await.into_iter().flatten().collect();
        for old in before {
            let (output, bytes) = (old.name.as_str(), old.held());
            info!(
                output,
                bytes,
                "an output is gone from the configuration; what its buffer holds is delivered as before"
            );
            self.retired.push(old);
        }
    }

    /// Seals what is staged in a format from before, so that a chunk's events are in one
    /// format. To be called once no request is formatted as before any more; those that are
    /// under way even then may still add some.
    pub(super) async fn seal_other_formats(&mut self) {
        let stale = |output: &&mut RunningOutput| output.staged == Staged::InAnother;
        for output in self.outputs.iter_mut().filter(stale) {
            output.schedule.flush().await;
            output.staged = Staged::InItsFormat;
        }
    }

    pub(super) fn any_retired(&self) -> bool {
        !self.retired.is_empty()
    }

    /// Ends the retired outputs that have delivered everything, and pushes the others.
    pub(super) async fn reap(&mut self) {
        for output in std::mem::take(&mut self.retired) {
            // Requests that came before the reload may still append.
            if output.basin.is_alone() && output.held() == 0 {
                let name = output.name.clone();
                output.end(Instant::now()).await;
                info!(output = name, "a former output has delivered everything");
            } else {
                output.schedule.flush().await;
                self.retired.push(output);
            }
        }
    }

    /// Delivers all that is buffered, without waiting for it.
    pub(super) async fn flush(&self) {
        for output in self.all() {
            output.schedule.flush().await;
        }
    }

    /// Each output's name, its buffer's place, and the buffer.
    pub(super) fn basins(&self) -> Vec<(String, Place, Basin)> {
        let basin = |output: &RunningOutput| {
            let place = output.config.place.clone();
            (output.name.clone(), place, output.basin.clone())
        };
        self.all().map(basin).collect()
    }

    /// What monitors are shown of them.
    pub(super) fn views(&self) -> Vec<OutputView> {
        let view = |output: &RunningOutput| OutputView {
            id: output.name.clone(),
            kind: output.kind,
            basin: output.basin.view(),
            deliveries: Arc::clone(output.schedule.meters()),
        };
        self.all().map(view).collect()
    }

    /// Closes all buffers and delivers what `flush_at_shutdown` says until the deadline.
    pub(super) async fn stop(self, deadline: Instant) {
        let mut stopping = JoinSet::new();
        for output in self.outputs.into_iter().chain(self.retired) {
            stopping.spawn(output.end(deadline));
        }
        while stopping.join_next().await.is_some() {}
    }

    fn all(&self) -> impl Iterator<Item = &RunningOutput> {
        self.outputs.iter().chain(&self.retired)
    }
}

impl PreparedOutput {
    fn start(self, clock: Arc<dyn Clock>) -> Option<RunningOutput> {
        let buffer = self.basin.buffer()?;
        self.follow();
        Some(RunningOutput {
            evidence: self.sinks.evidence.clone(),
            schedule: Schedule::start(self.schedule, buffer, self.sinks, clock),
            name: self.name,
            kind: self.kind,
            formatting: self.formatting,
            config: self.buffer,
            basin: self.basin,
            staged: Staged::InItsFormat,
        })
    }
}

impl PreparedOutput {
    /// Makes digests by the new configuration.
    fn follow(&self) {
        if let (Some(evidence), Some(config)) = (&self.sinks.evidence, &self.digest) {
            evidence.follow(config.clone());
        }
    }
}

impl RunningOutput {
    fn held(&self) -> u64 {
        self.basin.held()
    }

    /// Goes on by other settings; `None` if its buffer is lost to it, which is logged.
    async fn become_other(self, next: PreparedOutput, clock: Arc<dyn Clock>) -> Option<Self> {
        let staged = match self.formatting == next.formatting {
            true => self.staged,
            false => Staged::InAnother,
        };
        let chain = match same(self.evidence.as_ref(), next.sinks.evidence.as_ref()) {
            true => Chain::GoesOn,
            false => Chain::Ends,
        };
        // Another ledger must know of every delivery from its beginning on.
        if self.config == next.buffer && chain == Chain::GoesOn {
            next.follow();
            self.schedule.switch(next.schedule, next.sinks).await;
            return Some(Self {
                name: next.name,
                kind: next.kind,
                formatting: next.formatting,
                staged,
                ..self
            });
        }
        let deadline = Instant::now() + HAND_OVER;
        self.schedule.hand_over(deadline, chain).await;
        // Of the two the one it was opened with, so that the next reload tries again.
        let config = reopen(&next.basin, [&next.buffer, &self.config], &clock).await?;
        let next = next.start(clock)?;
        Some(Self {
            staged,
            config,
            ..next
        })
    }

    async fn end(self, deadline: Instant) {
        let buffer = self.basin.buffer();
        let stopping = async {
            if let Some(buffer) = buffer {
                buffer.close().await;
            }
            self.schedule.stop(deadline).await;
        };
        // The schedule keeps the deadline by itself, unless the disk hangs.
        if timeout_at(deadline + LAST_WRITES, stopping).await.is_err() {
            warn!(
                output = self.name,
                "a buffer did not close in time; what it has stored is taken up at the next start"
            );
        }
    }
}

/// Whether two outputs have one ledger, or both none.
fn same(one: Option<&Arc<Evidence>>, other: Option<&Arc<Evidence>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => true,
        _ => false,
    }
}

/// Opens the files of a buffer with other parameters, the first of which that works. Requests
/// wait meanwhile.
async fn reopen(
    basin: &Basin,
    [next, before]: [&buffer::Config; 2],
    clock: &Arc<dyn Clock>,
) -> Option<buffer::Config> {
    let output = next.name.as_str();
    let Ok(exchange) = timeout(HAND_OVER, basin.begin_exchange()).await else {
        error!(output, place = %next.place, "the buffer does not close; it refuses events until a restart");
        return None;
    };
    for config in [next, before] {
        match open(config.clone(), Arc::clone(clock)).await {
            Ok(buffer) => {
                exchange.finish(buffer);
                return Some(config.clone());
            }
            Err(error) => {
                error!(output, place = %config.place, %error, "the buffer cannot be opened again");
            }
        }
    }
    None
}

/// Reads all chunks, so it may take as long as a start.
async fn open(config: buffer::Config, clock: Arc<dyn Clock>) -> io::Result<Buffer> {
    let opening = tokio::task::spawn_blocking(move || Buffer::open(&config, clock));
    opening.await.map_err(io::Error::other)?
}
