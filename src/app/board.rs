//! What monitors are shown: the stages that run at the moment.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;

use crate::buffer::{BasinView, Buffer};
use crate::decode::Traffic;
use crate::host::clock::Clock;
use crate::host::meter::Counter;
use crate::listener::tls::Expiry;
use crate::monitor::{BufferReport, Observe, OutputReport, Report, SourceReport, State};
use crate::schedule;

/// Knows what runs. It is told after each switch, and asks the stages when it is asked.
pub(super) struct Board {
    clock: Arc<dyn Clock>,
    conf: PathBuf,
    /// In unix seconds.
    started: i64,
    stopping: AtomicBool,
    stages: ArcSwap<Stages>,
}

/// What runs, without keeping it running.
#[derive(Default)]
pub(super) struct Stages {
    pub(super) labels: Vec<(String, String)>,
    pub(super) sources: Vec<SourceView>,
    pub(super) outputs: Vec<OutputView>,
}

/// A source that runs.
pub(super) struct SourceView {
    pub(super) id: String,
    pub(super) address: String,
    pub(super) traffic: Arc<Traffic>,
    pub(super) failed_handshakes: Arc<Counter>,
    pub(super) expiry: Expiry,
}

/// An output that runs.
pub(super) struct OutputView {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) basin: BasinView,
    pub(super) deliveries: Arc<schedule::Meters>,
}

impl Board {
    pub(super) fn new(clock: Arc<dyn Clock>, conf: PathBuf) -> Self {
        Self {
            started: clock.now().seconds(),
            clock,
            conf,
            stopping: AtomicBool::new(false),
            stages: ArcSwap::default(),
        }
    }

    /// From now on these are shown.
    pub(super) fn show(&self, mut stages: Stages) {
        make_distinct(stages.sources.iter_mut().map(|source| &mut source.id));
        make_distinct(stages.outputs.iter_mut().map(|output| &mut output.id));
        self.stages.store(Arc::new(stages));
    }

    /// From now on the server is not ready.
    pub(super) fn stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

impl Observe for Board {
    fn report(&self) -> Report {
        let stages = self.stages.load();
        Report {
            now: self.clock.now(),
            started: self.started,
            conf: self.conf.clone(),
            state: match self.stopping.load(Ordering::Relaxed) {
                false => State::Running,
                true => State::Stopping,
            },
            labels: stages.labels.clone(),
            sources: stages.sources.iter().map(SourceView::report).collect(),
            outputs: stages.outputs.iter().map(OutputView::report).collect(),
        }
    }
}

impl SourceView {
    fn report(&self) -> SourceReport {
        SourceReport {
            id: self.id.clone(),
            address: self.address.clone(),
            traffic: Arc::clone(&self.traffic),
            failed_handshakes: Arc::clone(&self.failed_handshakes),
            expiry: self.expiry,
        }
    }
}

impl OutputView {
    fn report(&self) -> OutputReport {
        let report = |buffer: Buffer| BufferReport {
            contents: buffer.contents(),
            staged: buffer.oldest_staged(),
            queued: buffer.oldest_queued(),
            meters: Arc::clone(buffer.meters()),
        };
        OutputReport {
            id: self.id.clone(),
            kind: self.kind,
            // NOTE: before what is under way is looked at: a chunk that is taken in between is
            // shown twice then, which is put right, and not missed.
            buffer: self.basin.buffer().map(report),
            deliveries: Arc::clone(&self.deliveries),
        }
    }
}

/// Numbers names that come again: outputs of two labels may have the same pattern, and
/// Prometheus takes no sample twice.
fn make_distinct<'a>(names: impl Iterator<Item = &'a mut String>) {
    let mut taken = BTreeSet::new();
    for name in names {
        let mut number = 2;
        let original = name.clone();
        while !taken.insert(name.clone()) {
            *name = format!("{original} ({number})");
            number += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_comes_again_is_numbered() {
        let mut names = ["**", "a", "**", "** (2)", "**"].map(str::to_owned);
        make_distinct(names.iter_mut());
        assert_eq!(names, ["**", "a", "** (2)", "** (2) (2)", "** (3)"]);
    }
}
