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
mod notary;
mod retries;
mod sizing;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use fluent_compat::chunk::ChunkId;
use fluent_compat::retry::RetryPolicy;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, Interval};
use tracing::{debug, error, warn};

use crate::buffer::{Buffer, GivenUp, SealedChunk};
use crate::evidence::{Evidence, Occasion};
use crate::host::clock::Clock;
use crate::sink::{Earlier, Sink};
use deliver::{Courier, Delivery, Removal};
pub use flush_rule::{FlushMode, FlushRule, TimeSlots};
pub use meters::{Deliveries, Digests, Failure, Meters};
use notary::Notary;
use retries::{Next, Retries};
pub use sizing::ObjectSize;
use sizing::Sizing;

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
    /// `slow_flush_log_threshold`: a delivery that takes longer is told of.
    pub slow: Duration,
    /// `object_size`: how large objects are to become. It decides before the rule
    /// does when a chunk is full.
    pub object_size: Option<ObjectSize>,
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
    /// `<digest>`: is told of all that the primary gets.
    pub evidence: Option<Arc<Evidence>>,
}

/// What becomes of an output's chain of digests when its schedule is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// The next schedule does not have it.
    Ends,
    /// The next schedule keeps it.
    GoesOn,
}

/// A running schedule.
pub struct Schedule {
    commands: mpsc::Sender<Command>,
    meters: Arc<Meters>,
    task: JoinHandle<()>,
}

enum Command {
    Flush(oneshot::Sender<()>),
    HandOver { deadline: Instant, chain: Chain },
    Stop { deadline: Instant },
    Switch(Box<(Config, Sinks)>),
}

impl Schedule {
    /// Starts sealing and delivering the buffer's chunks.
    pub fn start(config: Config, buffer: Buffer, sinks: Sinks, clock: Arc<dyn Clock>) -> Self {
        let (commands, inbox) = mpsc::channel(4);
        let meters = Arc::<Meters>::default();
        let flusher = Flusher {
            notary: Notary::new(&config.name, sinks.evidence.clone()),
            courier: Arc::new(Courier::new(
                &config.name,
                buffer.clone(),
                sinks,
                config.rule.time.clone(),
            )),
            retries: Retries::new(config.retry.clone()),
            running: JoinSet::new(),
            sizing: Sizing::new(config.object_size),
            sampling: JoinSet::new(),
            meters: Arc::clone(&meters),
            config,
            buffer,
            clock,
        };
        flusher.fill_chunks();
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
    pub async fn hand_over(self, deadline: Instant, chain: Chain) {
        self.end(Command::HandOver { deadline, chain }).await;
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
    sizing: Sizing,
    /// One at a time.
    sampling: JoinSet<Option<Sampled>>,
    notary: Notary,
    meters: Arc<Meters>,
}

/// How the beginning of a chunk was packed, in bytes.
struct Sampled {
    chunk: u64,
    object: u64,
}

impl Flusher {
    async fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        let mut tick = self.ticks();
        loop {
            self.start_deliveries();
            self.notary.start_putting(self.courier.primary());
            let due = self.next_retry();
            let clock = Arc::clone(&self.clock);
            tokio::select! {
                _ = tick.tick() => {
                    self.seal_due().await;
                    self.make_digest().await;
                    self.retries.forget_dropped(|| self.buffer.waiting());
                    self.look_at_a_chunk();
                }
                () = self.buffer.queued() => {}
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
                Some(done) = self.running.join_next() => self.finished(done),
                Some(sampled) = self.sampling.join_next() => self.sampled(sampled),
                () = self.notary.progress(&self.meters.digests, || clock.now()) => {
                    self.notary.count(&self.meters.digests);
                }
                command = inbox.recv() => match command {
                    Some(Command::Flush(done)) => {
                        self.buffer.seal(|_| true).await;
                        // Whoever asked may have gone.
                        let _ = done.send(());
                    }
                    Some(Command::HandOver { deadline, chain }) => {
                        self.finish_until(deadline, Begin::Nothing).await;
                        if chain == Chain::Ends {
                            self.end_chain(deadline).await;
                        }
                        return;
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
        self.notary.follow(&config.name, sinks.evidence.clone());
        let time = config.rule.time.clone();
        self.courier = Arc::new(self.courier.with_sinks(&config.name, sinks, time));
        self.retries.follow(config.retry.clone());
        self.sizing.follow(config.object_size);
        self.fill_chunks();
        self.config = config;
    }

    /// Tells the buffer when a chunk is large enough.
    fn fill_chunks(&self) {
        self.buffer.fill_chunks_to(self.sizing.fill_to());
    }

    /// Begins to pack a sample, if something is to be learnt by it.
    fn look_at_a_chunk(&mut self) {
        let is_free = self.sampling.is_empty();
        let most = self.sizing.sample(self.buffer.held());
        if let Some(most) = most.filter(|_| is_free) {
            let (buffer, courier) = (self.buffer.clone(), Arc::clone(&self.courier));
            self.sampling
                .spawn(async move { deliver::sample(buffer, &courier, most).await });
        }
    }

    /// What has not worked was no more than a look: the next tick has another.
    fn sampled(&mut self, sampled: Result<Option<Sampled>, tokio::task::JoinError>) {
        if let Ok(Some(Sampled { chunk, object })) = sampled {
            debug!(
                output = self.config.name,
                chunk_bytes = chunk,
                object_bytes = object,
                "packed a sample for `object_size`"
            );
            self.sizing.learn(chunk, object);
            self.fill_chunks();
        }
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
            Delivery::Done {
                id,
                records,
                bytes,
                object,
                removal,
            } => {
                self.count_delivered(id, records, bytes);
                self.retries.forget(id);
                if removal == Removal::Failed {
                    self.notary.leave(id);
                }
                if let Some(object) = object {
                    self.meters.stored_bytes.add(object);
                    self.sizing.learn(bytes, object);
                    self.fill_chunks();
                }
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

    /// Counts a chunk that was delivered, and tells if that was slow.
    fn count_delivered(&self, id: ChunkId, records: u64, bytes: u64) {
        let delivered = self.meters.delivered(id, records, bytes, self.clock.now());
        if let Some((chunk, took)) = delivered.filter(|(_, took)| *took > self.config.slow) {
            self.meters.slow.count();
            let about = &chunk.header.metadata;
            warn!(output = self.config.name, chunk = %id, tag = about.tag_text(), key = about.key_text(), ?took, "a delivery took longer than slow_flush_log_threshold");
        }
    }

    fn try_again(&mut self, chunk: SealedChunk, earlier: Earlier, reason: &str) {
        let id = chunk.header.id;
        match self.retries.failed(id, earlier, Instant::now()) {
            Next::At { when, failures } => {
                let wait = when.saturating_duration_since(Instant::now());
                self.note_failure(id, reason, Some(wait));
                let about = &chunk.header.metadata;
                warn!(output = self.config.name, chunk = %id, tag = about.tag_text(), key = about.key_text(), failures, retry_in = ?wait, "chunk could not be delivered: {reason}");
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
        let about = chunk.header.metadata.clone();
        let (tag, key) = (about.tag_text(), about.key_text());
        match self.buffer.set_aside(chunk) {
            Ok(GivenUp::KeptIn(path)) => {
                error!(output = self.config.name, chunk = %id, tag, key, records, kept_in = %path.display(), "chunk given up: {reason}");
            }
            Ok(GivenUp::Deleted) => {
                error!(output = self.config.name, chunk = %id, tag, key, records, "chunk given up and DELETED (disable_chunk_backup true): {reason}");
            }
            Err(error) => {
                error!(output = self.config.name, chunk = %id, tag, key, records, %error, "chunk given up and left where it is: {reason}");
            }
        }
    }

    fn note_failure(&self, chunk: ChunkId, reason: &str, retry_in: Option<Duration>) {
        self.meters.note(Failure {
            at: self.clock.now(),
            chunk,
            reason: reason.to_owned(),
            retry_in,
        });
    }

    /// Makes a digest if one is due.
    async fn make_digest(&mut self) {
        let now = self.clock.now();
        if let Some(occasion) = self.notary.due(now) {
            let known = self.known_chunks();
            self.notary.seal(occasion, now, known).await;
        }
        self.notary.count(&self.meters.digests);
    }

    /// Makes the last digest, and puts it if it can be put.
    async fn end_chain(self, deadline: Instant) {
        let now = self.clock.now();
        let known = self.known_chunks();
        let mut notary = self.notary;
        notary.seal(Occasion::Stop, now, known).await;
        let (sink, clock) = (self.courier.primary(), self.clock);
        let (sink, digests) = (Arc::clone(sink), &self.meters.digests);
        notary.end(sink, deadline, digests, || clock.now()).await;
    }

    /// Chunks that may be put, or put again: those that wait, and those under way.
    fn known_chunks(&self) -> HashSet<ChunkId> {
        // NOTE: only this task moves a chunk from the one to the other.
        let mut known = self.buffer.waiting();
        known.extend(self.meters.under_way());
        known
    }

    /// Lets running deliveries end, after sealing and starting all if so configured. Those
    /// that wait for a retry are tried at once.
    async fn stop(mut self, deadline: Instant) {
        let begin = match self.config.at_shutdown {
            AtShutdown::Flush => Begin::All,
            AtShutdown::Keep => Begin::Nothing,
        };
        if begin == Begin::All {
            self.buffer.seal(|_| true).await;
            self.buffer.hurry();
        }
        self.finish_until(deadline, begin).await;
        self.end_chain(deadline).await;
    }

    async fn finish_until(&mut self, deadline: Instant, begin: Begin) {
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
