//! When chunks are sealed, and how they get to their sink: the only joint between the
//! buffer and a sink.
//!
//! One task an output decides, `flush_thread_count` tasks deliver. Each chunk has its own
//! retries, so one that cannot go does not hold back the others.
//!
//! # Exactly one object a chunk
//! A chunk's name is written into it and synced before the first put under that name. A
//! chunk is put under the same name again until the sink says that it is there, or that
//! the name is somebody else's; only then it gets the next name. So a crash or a lost
//! answer at any point leads to the same object, not to a second one.
//!
//! `<secondary>` takes a chunk over by giving it a name of its own: once that is written
//! into the chunk, the primary is not asked again, not after a restart either.

mod deliver;
mod flush_rule;
mod indexes;
mod meters;
mod retries;

#[cfg(test)]
pub(crate) mod tests;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use fluent_compat::chunk::ChunkId;
use fluent_compat::retry::RetryPolicy;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, Interval};
use tracing::{error, warn};

use crate::buffer::{Buffer, GivenUp, SealedChunk};
use crate::host::clock::Clock;
use crate::sink::{Earlier, Sink};
use deliver::{Courier, Delivery};
pub use flush_rule::{FlushMode, FlushRule, TimeSlots};
pub use meters::{Deliveries, Failure, Meters};
use retries::{Next, Retries};

/// What a `<buffer>` section says about flushing.
#[derive(Clone, Debug)]
pub struct Config {
    /// The output's name in log lines.
    pub name: String,
    /// When staged chunks are due.
    pub rule: FlushRule,
    /// `flush_thread_count`: chunks delivered at a time.
    pub threads: NonZeroUsize,
    /// `flush_thread_interval`: how often staged chunks are looked at.
    pub interval: Duration,
    /// `retry_*`.
    pub retry: RetryPolicy,
    /// `flush_at_shutdown`.
    pub at_shutdown: AtShutdown,
}

/// `flush_at_shutdown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtShutdown {
    /// Staged and queued chunks are delivered, as far as the deadline allows.
    Flush,
    /// Chunks stay where they are and are taken up at the next start.
    Keep,
}

/// Where an output's chunks go.
#[derive(Clone)]
pub struct Sinks {
    /// The `<match>` itself.
    pub primary: Arc<dyn Sink>,
    /// `<secondary>`: takes what the primary has refused for good, or for longer than
    /// `retry_secondary_threshold` says.
    pub secondary: Option<Arc<dyn Sink>>,
}

/// A running schedule.
pub struct Schedule {
    commands: mpsc::Sender<Command>,
    meters: Arc<Meters>,
    task: JoinHandle<()>,
}

enum Command {
    Flush(oneshot::Sender<()>),
    HandOver { deadline: Instant },
    Stop { deadline: Instant },
    Switch(Box<(Config, Sinks)>),
}

impl Schedule {
    /// Starts sealing and delivering the buffer's chunks.
    pub fn start(config: Config, buffer: Buffer, sinks: Sinks, clock: Arc<dyn Clock>) -> Self {
        let (commands, inbox) = mpsc::channel(4);
        let meters = Arc::<Meters>::default();
        let flusher = Flusher {
            courier: Arc::new(Courier::new(buffer.clone(), sinks)),
            retries: Retries::new(config.retry.clone()),
            running: JoinSet::new(),
            meters: Arc::clone(&meters),
            config,
            buffer,
            clock,
        };
        let task = tokio::spawn(flusher.run(inbox));
        Self {
            commands,
            meters,
            task,
        }
    }

    /// What it has counted since it was started.
    pub fn meters(&self) -> &Arc<Meters> {
        &self.meters
    }

    /// Seals all staged chunks, as SIGUSR1 asks for; their delivery follows at once.
    pub async fn flush(&self) {
        let (done, answer) = oneshot::channel();
        if self.commands.send(Command::Flush(done)).await.is_ok() {
            // An error says that the schedule is stopping; it flushes by its own rule.
            let _ = answer.await;
        }
    }

    /// Goes on by another configuration, to other sinks. Deliveries under way end as they
    /// began, and what is known of failed ones stays known.
    pub async fn switch(&self, config: Config, sinks: Sinks) {
        // An error says that the task has ended; whoever stops it learns why.
        let _ = self
            .commands
            .send(Command::Switch(Box::new((config, sinks))))
            .await;
    }

    /// Leaves the buffer to another schedule: deliveries under way have until the deadline,
    /// no others begin, and all chunks stay where they are.
    pub async fn hand_over(self, deadline: Instant) {
        self.end(Command::HandOver { deadline }).await;
    }

    /// Delivers what `flush_at_shutdown` says and returns, at the deadline at the latest.
    pub async fn stop(self, deadline: Instant) {
        self.end(Command::Stop { deadline }).await;
    }

    async fn end(self, command: Command) {
        // An error says that the task has ended already.
        let _ = self.commands.send(command).await;
        if let Err(error) = self.task.await {
            error!(%error, "the flush task failed");
        }
    }
}

struct Flusher {
    config: Config,
    buffer: Buffer,
    clock: Arc<dyn Clock>,
    courier: Arc<Courier>,
    retries: Retries,
    running: JoinSet<Delivery>,
    meters: Arc<Meters>,
}

impl Flusher {
    async fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        let mut tick = self.ticks();
        loop {
            self.start_deliveries();
            let due = self.next_retry();
            tokio::select! {
                _ = tick.tick() => {
                    self.seal_due().await;
                    self.retries.forget_dropped(|| self.buffer.waiting());
                }
                () = self.buffer.queued() => {}
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
                Some(done) = self.running.join_next() => self.finished(done),
                command = inbox.recv() => match command {
                    Some(Command::Flush(done)) => {
                        self.buffer.seal(|_| true).await;
                        // Whoever asked may have gone.
                        let _ = done.send(());
                    }
                    Some(Command::HandOver { deadline }) => {
                        return self.finish_until(deadline, Begin::Nothing).await;
                    }
                    Some(Command::Stop { deadline }) => return self.stop(deadline).await,
                    Some(Command::Switch(next)) => {
                        self.switch(*next);
                        tick = self.ticks();
                    }
                    None => return self.stop(Instant::now()).await,
                },
            }
        }
    }

    fn ticks(&self) -> Interval {
        let mut ticks = tokio::time::interval(self.config.interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks
    }

    fn switch(&mut self, (config, sinks): (Config, Sinks)) {
        self.courier = Arc::new(self.courier.with_sinks(sinks));
        self.retries.follow(config.retry.clone());
        self.config = config;
    }

    fn start_deliveries(&mut self) {
        while self.running.len() < self.config.threads.get() {
            let Some(chunk) = self.buffer.take(Instant::now()) else {
                return;
            };
            self.meters.begin(&chunk);
            let courier = Arc::clone(&self.courier);
            let id = chunk.header.id;
            let earlier = self.retries.begin(id);
            let target = self.retries.target(id, Instant::now());
            self.running
                .spawn(async move { courier.deliver(chunk, earlier, target).await });
        }
    }

    /// When a chunk may be tried again; `None` while all flush threads are busy.
    fn next_retry(&self) -> Option<Instant> {
        let free = self.running.len() < self.config.threads.get();
        free.then(|| self.buffer.next_due()).flatten()
    }

    async fn seal_due(&self) {
        let now = self.clock.now();
        let rule = self.config.rule.clone();
        self.buffer
            .seal_due(move |header| rule.is_due(header, now))
            .await;
    }

    fn finished(&mut self, done: Result<Delivery, tokio::task::JoinError>) {
        let delivery = match done {
            Ok(delivery) => delivery,
            Err(error) => {
                error!(output = self.config.name, %error, "a delivery failed unexpectedly; its chunk is taken up at the next start");
                return;
            }
        };
        match delivery {
            Delivery::Done { id, records, bytes } => {
                self.meters.delivered(id, records, bytes, self.clock.now());
                self.retries.forget(id);
            }
            Delivery::Empty { id } => {
                self.meters.was_empty(id);
                self.retries.forget(id);
            }
            Delivery::Failed {
                chunk,
                earlier,
                reason,
            } => self.try_again(chunk, earlier, &reason),
            Delivery::Hopeless { chunk, reason } => self.give_up(chunk, &reason),
        }
    }

    fn try_again(&mut self, chunk: SealedChunk, earlier: Earlier, reason: &str) {
        let id = chunk.header.id;
        match self.retries.failed(id, earlier, Instant::now()) {
            Next::At { when, failures } => {
                let wait = when.saturating_duration_since(Instant::now());
                self.note_failure(id, reason, Some(wait));
                warn!(output = self.config.name, chunk = %id, failures, retry_in = ?wait, "chunk could not be delivered: {reason}");
                self.buffer.give_back(chunk, when);
            }
            Next::GiveUp => self.give_up(chunk, reason),
        }
    }

    fn give_up(&mut self, chunk: SealedChunk, reason: &str) {
        let id = chunk.header.id;
        let records = chunk.records;
        self.note_failure(id, reason, None);
        self.retries.forget(id);
        match self.buffer.set_aside(chunk) {
            Ok(GivenUp::KeptIn(path)) => {
                error!(output = self.config.name, chunk = %id, records, kept_in = %path.display(), "chunk given up: {reason}");
            }
            Ok(GivenUp::Deleted) => {
                error!(output = self.config.name, chunk = %id, records, "chunk given up and DELETED (disable_chunk_backup true): {reason}");
            }
            Err(error) => {
                error!(output = self.config.name, chunk = %id, records, %error, "chunk given up and left where it is: {reason}");
            }
        }
    }

    fn note_failure(&self, chunk: ChunkId, reason: &str, retry_in: Option<Duration>) {
        self.meters.failed(Failure {
            at: self.clock.now(),
            chunk,
            reason: reason.to_owned(),
            retry_in,
        });
    }

    /// Lets running deliveries end, after sealing and starting all if so configured. Those
    /// that wait for a retry are tried at once.
    async fn stop(self, deadline: Instant) {
        let begin = match self.config.at_shutdown {
            AtShutdown::Flush => Begin::All,
            AtShutdown::Keep => Begin::Nothing,
        };
        if begin == Begin::All {
            self.buffer.seal(|_| true).await;
            self.buffer.hurry();
        }
        self.finish_until(deadline, begin).await;
    }

    async fn finish_until(mut self, deadline: Instant, begin: Begin) {
        let finished = tokio::time::timeout_at(deadline, self.finish(begin)).await;
        if finished.is_err() {
            warn!(
                output = self.config.name,
                "deadline reached with chunks undelivered; they stay in the buffer and are taken up again"
            );
        }
    }

    async fn finish(&mut self, begin: Begin) {
        loop {
            if begin == Begin::All {
                self.start_deliveries();
            }
            let due = self.next_retry().filter(|_| begin == Begin::All);
            tokio::select! {
                Some(done) = self.running.join_next() => self.finished(done),
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
                else => return,
            }
        }
    }
}

/// Which deliveries begin while a schedule ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begin {
    All,
    Nothing,
}
