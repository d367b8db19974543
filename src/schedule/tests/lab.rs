//! A server that can be killed at any step, the disk and the bucket that outlive it, and
//! the ledger of what it has promised.
//!
//! Each life of the server is a runtime of its own: when that is gone, nothing of the dead
//! server does anything any more.

mod bucket;
mod digests;
mod ledger;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fluent_compat::chunk::Metadata;
use fluent_compat::retry::{Backoff, BackoffBase, RetryLimit};
use fluent_compat::time::EventTime;
use fluent_compat::timekey::Timekey;
use tokio::runtime::Runtime;
use tokio::time::Instant;

pub(crate) use bucket::{Answer, Bucket};
pub(crate) use digests::Expected;
pub(crate) use ledger::{Ledger, Promise};

use super::START;
use crate::buffer::{self, Buffer, Portion};
use crate::evidence::{self, Evidence};
use crate::host::clock::{Clock, PausedClock};
use crate::host::fs::crashing::CrashingFs;
use crate::schedule::{AtShutdown, Config, Schedule, Sinks};

const HOUR: i64 = 3600;

/// What outlives a server, and the server.
pub(super) struct Lab {
    pub(super) disk: CrashingFs,
    pub(super) bucket: Arc<Bucket>,
    pub(super) ledger: Ledger,
    /// A disk that fails and then loses its power may cost evidence, though no events.
    pub(super) evidence: Expected,
    wall: i64,
    /// How often a server was started here.
    starts: usize,
    life: Option<Life>,
}

struct Life {
    clock: Arc<PausedClock>,
    buffer: Buffer,
    schedule: Schedule,
    runtime: Runtime,
}

impl Lab {
    pub(super) fn new() -> Self {
        Self::with(Expected::Certain)
    }

    pub(super) fn with(evidence: Expected) -> Self {
        let disk = CrashingFs::default();
        let mut lab = Self {
            bucket: Arc::new(Bucket::beside(disk.clone())),
            disk,
            ledger: Ledger::default(),
            evidence,
            wall: START,
            starts: 0,
            life: None,
        };
        lab.start();
        lab
    }

    /// Posts a request with an event for each of these hours, and notes its answer.
    pub(super) fn accept(&mut self, hours: &[u8]) {
        let (numbers, portions): (Vec<u32>, Vec<Portion>) = hours
            .iter()
            .map(|hour| {
                let number = self.ledger.next();
                let timekey = START + i64::from(*hour) * HOUR;
                (number, portion(timekey, number))
            })
            .unzip();
        let life = self.living();
        let answer = life.runtime.block_on(life.buffer.append(portions));
        let promise = match answer {
            Ok(()) => Promise::Acknowledged,
            // A dead server answers nobody.
            Err(_) if self.disk.is_killed() => Promise::None,
            Err(_) => Promise::Refused,
        };
        self.ledger.note(&numbers, promise);
    }

    pub(super) fn pass(&mut self, minutes: u64) {
        let time = Duration::from_secs(minutes * 60);
        let passing = async { tokio::time::sleep(time).await };
        self.living().runtime.block_on(passing);
    }

    /// Sets the clock on the wall.
    pub(super) fn jump(&mut self, minutes: i64) {
        self.living().clock.jump(minutes * 60);
    }

    pub(super) fn flush(&mut self) {
        let life = self.living();
        life.runtime.block_on(async {
            life.schedule.flush().await;
            // The flush threads begin.
            tokio::time::sleep(Duration::from_millis(1)).await;
        });
    }

    /// SIGTERM.
    pub(super) fn stop(&mut self) {
        let life = self.end();
        life.runtime.block_on(async {
            life.buffer.close().await;
            let deadline = Instant::now() + Duration::from_secs(45);
            life.schedule.stop(deadline).await;
        });
    }

    /// SIGKILL: what the kernel has been told is done.
    pub(super) fn kill(&mut self) {
        drop(self.end());
        self.disk.heal();
    }

    /// Takes the server's power away; `survives` as for [`CrashingFs::crash`].
    pub(super) fn cut_the_power(&mut self, survives: impl FnMut(usize) -> usize) {
        drop(self.end());
        self.disk.crash(survives);
    }

    pub(super) fn start(&mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let buffer = small_chunks(self.starts);
        self.starts += 1;
        let (clock, buffer, schedule) = runtime.block_on(async {
            let clock = Arc::new(PausedClock::starting_at(self.wall));
            let fs = Arc::new(self.disk.clone());
            let buffer = Buffer::open_without_thread(fs, &buffer, clock.clone()).unwrap();
            let sinks = Sinks {
                primary: self.bucket.clone(),
                secondary: None,
                evidence: self.open_evidence(clock.now()),
            };
            let schedule = Schedule::start(config(), buffer.clone(), sinks, clock.clone());
            (clock, buffer, schedule)
        });
        self.life = Some(Life {
            clock,
            buffer,
            schedule,
            runtime,
        });
    }

    /// A server whose ledger does not open does not start, and is started again; one that is
    /// killed already makes no difference.
    fn open_evidence(&self, now: EventTime) -> Option<Arc<Evidence>> {
        if self.evidence == Expected::Nothing {
            return None;
        }
        let fs = Arc::new(self.disk.clone());
        let open = || Evidence::open_on(fs.clone(), evidence::tests::config(), now);
        match open() {
            Ok(evidence) => Some(Arc::new(evidence)),
            Err(_) if self.disk.is_killed() => None,
            Err(_) => Some(Arc::new(self.disk.without_faults(open).unwrap())),
        }
    }

    /// Lets the server, from a new start on, deliver all it has to a bucket that is well,
    /// and compares what is there with what was promised.
    pub(super) fn settle(mut self) -> Result<Ledger, String> {
        self.kill();
        self.bucket.recover();
        self.start();
        self.flush();
        for _ in 0..100 {
            if self.chunks_left().is_empty() {
                break;
            }
            self.pass(60);
        }
        let left = self.chunks_left();
        if !left.is_empty() {
            return Err(format!("never delivered: {left:?}"));
        }
        self.ledger.compare(&self.bucket.delivered()?)?;
        self.stop();
        digests::check(&self.bucket, self.evidence)?;
        Ok(self.ledger)
    }

    fn chunks_left(&self) -> Vec<PathBuf> {
        let mut paths = self.disk.paths();
        let is_a_chunk = |path: &PathBuf| {
            !path.starts_with("/buffer/backup") && !path.starts_with("/buffer/digest")
        };
        paths.retain(is_a_chunk);
        paths
    }

    fn living(&self) -> &Life {
        self.life.as_ref().expect("the server is started")
    }

    /// Time goes on where this life leaves it.
    fn end(&mut self) -> Life {
        let life = self.life.take().expect("the server is started");
        self.wall = life.runtime.block_on(async { life.clock.now().seconds() });
        life
    }
}

/// A line that says its number and its hour.
fn portion(timekey: i64, number: u32) -> Portion {
    Portion {
        metadata: Metadata {
            timekey: Some(Timekey::new(timekey)),
            tag: None,
            variables: Vec::new(),
        },
        events: format!("{number} {timekey}\n").as_bytes().into(),
        records: 1,
    }
}

/// A chunk is full after five events. What is found at a start is read then or later, and now
/// and then a part of it then and the others later.
fn small_chunks(starts: usize) -> buffer::Config {
    let read_at_start = match starts % 3 {
        0 => buffer::READ_AT_START,
        1 => 0,
        _ => 300,
    };
    buffer::Config {
        read_at_start,
        chunk_limit_size: 80,
        ..buffer::tests::config()
    }
}

/// Two flush threads, and retries without end.
fn config() -> Config {
    let mut config = super::config();
    config.threads = NonZeroUsize::new(2).unwrap();
    config.interval = Duration::from_secs(60);
    config.retry.backoff = Backoff::Exponential {
        base: BackoffBase::default(),
        max_interval: Some(Duration::from_secs(600)),
    };
    config.retry.limit = RetryLimit::Forever;
    config.at_shutdown = AtShutdown::Flush;
    config
}
