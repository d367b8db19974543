//! Chunks on their way, over a sink that does as it is told and a clock that tests move.

pub(crate) mod lab;
mod model;
mod secondary;
mod steps;

use std::collections::VecDeque;
use std::io::Read;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Mutex;

use fluent_compat::chunk::Metadata;
use fluent_compat::object_key::NameError;
use fluent_compat::retry::{Backoff, BackoffBase, RetryLimit, SecondaryThreshold};
use fluent_compat::time::Zone;
use fluent_compat::timekey::{Timekey, TimekeySlots};

use super::*;
use crate::buffer::{self, Portion};
use crate::host::clock::PausedClock;
use crate::host::fs::crashing::CrashingFs;
use crate::sink::{Attempt, Body, BoxFuture, ChunkInfo, Put, PutError, Remedy};

/// 2023-11-14 22:00:00 UTC, a whole hour.
const START: i64 = 1_699_999_200;

/// What the store does with the next put.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Store,
    /// Stored, but the answer was lost.
    StoreSilently,
    Refuse,
    RefuseForGood,
    Taken,
    Panic,
}

/// A store that remembers what it was told, and answers as the test says.
#[derive(Default)]
struct FakeStore {
    answers: Mutex<VecDeque<Answer>>,
    objects: Mutex<Vec<(String, String)>>,
    attempts: Mutex<Vec<(String, Earlier, Instant)>>,
}

impl FakeStore {
    fn answering(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        let answers = Mutex::new(answers.into_iter().collect());
        Arc::new(Self {
            answers,
            ..Self::default()
        })
    }

    fn objects(&self) -> Vec<(String, String)> {
        self.objects.lock().unwrap().clone()
    }

    fn attempts(&self) -> Vec<(String, Earlier)> {
        let attempts = self.attempts.lock().unwrap();
        attempts
            .iter()
            .map(|(name, earlier, _)| (name.clone(), *earlier))
            .collect()
    }

    /// Whole seconds from the first attempt to each.
    fn seconds(&self) -> Vec<u64> {
        let attempts = self.attempts.lock().unwrap();
        let first = attempts[0].2;
        attempts
            .iter()
            .map(|(_, _, at)| at.duration_since(first).as_secs())
            .collect()
    }

    fn take(&self, name: &str, earlier: Earlier, body: &dyn Body) -> Result<Put, PutError> {
        self.attempts
            .lock()
            .unwrap()
            .push((name.to_owned(), earlier, Instant::now()));
        let answer = self
            .answers
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or(Answer::Store);
        if matches!(answer, Answer::Panic) {
            panic!("told to panic");
        }
        let mut objects = self.objects.lock().unwrap();
        let is_there = objects.iter().any(|(key, _)| key == name);
        match answer {
            Answer::Refuse => Err(refused(Remedy::Retry)),
            Answer::RefuseForGood => Err(refused(Remedy::None)),
            Answer::Taken => Ok(Put::NameTaken),
            Answer::Panic => unreachable!(),
            Answer::Store if is_there && earlier == Earlier::MaybeStored => Ok(Put::AlreadyThere),
            Answer::Store if is_there => Ok(Put::NameTaken),
            Answer::Store | Answer::StoreSilently => {
                let mut text = String::new();
                body.open().unwrap().read_to_string(&mut text).unwrap();
                objects.push((name.to_owned(), text));
                match answer {
                    Answer::StoreSilently => Err(PutError::Unknown {
                        target: name.to_owned(),
                        operation: "PutObject",
                        reason: "connection reset".to_owned(),
                    }),
                    _ => Ok(Put::Stored),
                }
            }
        }
    }
}

fn refused(remedy: Remedy) -> PutError {
    PutError::Refused {
        target: "s3://b".to_owned(),
        operation: "PutObject",
        status: 503,
        detail: "SlowDown".to_owned(),
        remedy,
        leaves: Earlier::None,
    }
}

impl Sink for FakeStore {
    fn object_name(&self, chunk: &ChunkInfo, index: u64) -> Result<Option<String>, NameError> {
        let key = chunk.metadata.timekey.map_or(0, Timekey::seconds);
        Ok(Some(format!("{key}_{index}")))
    }

    fn put<'a>(
        &'a self,
        _chunk: &'a ChunkInfo,
        attempt: Attempt<'a>,
        body: Arc<dyn Body>,
    ) -> BoxFuture<'a, Result<Put, PutError>> {
        let name = attempt.name.unwrap();
        Box::pin(async move { self.take(name, attempt.earlier, &*body) })
    }
}

/// A buffer and its schedule, with everything they stand on.
struct Rig {
    fs: CrashingFs,
    clock: Arc<PausedClock>,
    buffer: Buffer,
    schedule: Schedule,
}

impl Rig {
    fn start(store: &Arc<FakeStore>) -> Self {
        Self::start_on(CrashingFs::default(), store, config())
    }

    fn start_on(fs: CrashingFs, store: &Arc<FakeStore>, config: Config) -> Self {
        Self::start_with(fs, store, None, config)
    }

    fn start_with(
        fs: CrashingFs,
        store: &Arc<FakeStore>,
        secondary: Option<Arc<dyn Sink>>,
        config: Config,
    ) -> Self {
        let clock = Arc::new(PausedClock::starting_at(START));
        let buffer = Buffer::open_without_thread(
            Arc::new(fs.clone()),
            &buffer::tests::config(),
            clock.clone(),
        );
        let buffer = buffer.unwrap();
        let sinks = Sinks {
            primary: store.clone(),
            secondary,
            evidence: None,
        };
        let schedule = Schedule::start(config, buffer.clone(), sinks, clock.clone());
        Self {
            fs,
            clock,
            buffer,
            schedule,
        }
    }

    async fn append(&self, timekey: i64, text: &str) {
        let portion = Portion {
            metadata: Metadata {
                timekey: Some(Timekey::new(timekey)),
                tag: None,
                variables: Vec::new(),
            },
            events: text.as_bytes().into(),
            records: 1,
        };
        self.buffer.append(vec![portion]).await.unwrap();
    }

    /// Lets the paused time run.
    async fn pass(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
}

/// Hourly slots with a wait of ten seconds, and retries after 1, 2, 4 … seconds.
fn config() -> Config {
    let slots = TimekeySlots::new(NonZeroU64::new(3600).unwrap(), Zone::Utc);
    Config {
        name: "test".to_owned(),
        rule: FlushRule {
            mode: FlushMode::Lazy,
            time: Some(TimeSlots { slots, wait: 10 }),
        },
        threads: NonZeroUsize::MIN,
        interval: Duration::from_secs(1),
        retry: RetryPolicy {
            wait: Duration::from_secs(1),
            backoff: Backoff::Exponential {
                base: BackoffBase::default(),
                max_interval: None,
            },
            limit: RetryLimit::Until {
                timeout: Duration::from_secs(100),
                max_times: Some(3),
            },
            randomize: false,
            secondary: None,
        },
        at_shutdown: AtShutdown::Keep,
        slow: Duration::from_secs(20),
        object_size: None,
    }
}

fn object(name: String, text: &str) -> (String, String) {
    (name, text.to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_chunk_goes_out_when_its_hour_and_the_wait_are_over_and_not_before() {
    let store = FakeStore::answering([]);
    let rig = Rig::start(&store);
    rig.append(START, "one\n").await;
    rig.pass(3608).await;
    assert_eq!(store.objects(), []);
    rig.pass(4).await;
    assert_eq!(store.objects(), [object(format!("{START}_0"), "one\n")]);
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_forward_delivers_once_and_set_back_delivers_no_second_time() {
    let store = FakeStore::answering([]);
    let rig = Rig::start(&store);
    rig.append(START, "one\n").await;
    rig.clock.jump(2 * 3600);
    rig.pass(3).await;
    rig.clock.jump(-3 * 3600);
    rig.pass(3).await;
    rig.append(START, "two\n").await;
    rig.clock.jump(3 * 3600);
    rig.pass(3).await;
    let expected = [
        object(format!("{START}_0"), "one\n"),
        object(format!("{START}_1"), "two\n"),
    ];
    assert_eq!(store.objects(), expected);
}

#[tokio::test(start_paused = true)]
async fn refused_chunks_are_tried_again_after_growing_waits() {
    let store = FakeStore::answering([Answer::Refuse, Answer::Refuse, Answer::Refuse]);
    let rig = Rig::start(&store);
    rig.append(0, "one\n").await;
    rig.pass(30).await;
    assert_eq!(store.seconds(), [0, 1, 3, 7]);
    assert_eq!(store.objects(), [object("0_0".to_owned(), "one\n")]);
}

#[tokio::test(start_paused = true)]
async fn a_chunk_that_was_stored_without_an_answer_is_not_stored_twice() {
    let store = FakeStore::answering([Answer::StoreSilently]);
    let rig = Rig::start(&store);
    rig.append(0, "one\n").await;
    rig.pass(10).await;
    let name = "0_0".to_owned();
    let attempts = [
        (name.clone(), Earlier::None),
        (name.clone(), Earlier::MaybeStored),
    ];
    assert_eq!(store.attempts(), attempts);
    assert_eq!(store.objects(), [object(name, "one\n")]);
    assert_eq!(rig.fs.paths(), Vec::<PathBuf>::new());
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_the_put_leads_to_the_same_object() {
    let store = FakeStore::answering([Answer::StoreSilently]);
    let rig = Rig::start(&store);
    rig.append(0, "one\n").await;
    rig.pass(2).await;
    rig.fs.crash_hard();
    let restarted = Rig::start_on(rig.fs.clone(), &store, config());
    drop(rig);
    restarted.pass(5).await;
    let (name, earlier) = store.attempts().pop().unwrap();
    assert_eq!((name.as_str(), earlier), ("0_0", Earlier::MaybeStored));
    assert_eq!(store.objects(), [object("0_0".to_owned(), "one\n")]);
}

#[tokio::test(start_paused = true)]
async fn a_chunk_from_before_that_cannot_be_read_is_tried_again_as_one_that_may_be_stored() {
    use crate::host::fs::crashing::Op;
    let store = FakeStore::answering([Answer::StoreSilently]);
    let rig = Rig::start(&store);
    rig.append(START, "one\n").await;
    rig.schedule.flush().await;
    // The put is under way, and has not been tried again.
    tokio::time::sleep(Duration::from_millis(1)).await;
    rig.fs.crash_hard();
    let restarted = Rig::start_on(rig.fs.clone(), &store, config());
    drop(rig);
    let fails = |op, _: &std::path::Path| {
        (op == Op::Open).then(|| std::io::ErrorKind::PermissionDenied.into())
    };
    restarted.fs.fault(fails);
    restarted.pass(2).await;
    let name = format!("{START}_0");
    assert_eq!(store.attempts(), [(name.clone(), Earlier::None)]);
    restarted.fs.heal();
    restarted.pass(10).await;
    let last = store.attempts().pop().unwrap();
    assert_eq!(last, (name.clone(), Earlier::MaybeStored));
    assert_eq!(store.objects(), [object(name, "one\n")]);
    assert_eq!(restarted.fs.paths(), Vec::<PathBuf>::new());
}

#[tokio::test(start_paused = true)]
async fn a_taken_name_leads_to_the_next_index() {
    let store = FakeStore::answering([Answer::Taken, Answer::Taken]);
    let rig = Rig::start(&store);
    rig.append(0, "one\n").await;
    rig.pass(3).await;
    rig.append(0, "two\n").await;
    rig.pass(3).await;
    let expected = [
        object("0_2".to_owned(), "one\n"),
        object("0_3".to_owned(), "two\n"),
    ];
    assert_eq!(store.objects(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_chunk_that_cannot_go_does_not_hold_back_the_others() {
    let store = FakeStore::answering([Answer::Refuse]);
    let rig = Rig::start(&store);
    rig.append(0, "first\n").await;
    rig.pass(1).await;
    rig.append(3600, "second\n").await;
    rig.pass(10).await;
    assert_eq!(store.objects().len(), 2, "{:?}", store.objects());
}

#[tokio::test(start_paused = true)]
async fn a_chunk_is_kept_aside_after_its_last_retry() {
    let store = FakeStore::answering([Answer::Refuse; 10]);
    let rig = Rig::start(&store);
    rig.append(0, "one\n").await;
    rig.pass(60).await;
    assert_eq!(store.attempts().len(), 4);
    let paths = rig.fs.paths();
    assert_eq!(paths.len(), 1, "{paths:?}");
    assert!(paths[0].starts_with("/buffer/backup"), "{paths:?}");
}

#[tokio::test(start_paused = true)]
async fn a_chunk_refused_for_good_is_kept_aside_at_once() {
    let store = FakeStore::answering([Answer::RefuseForGood]);
    let rig = Rig::start(&store);
    rig.append(0, "one\n").await;
    rig.pass(5).await;
    assert_eq!(store.attempts().len(), 1);
    assert!(rig.fs.paths()[0].starts_with("/buffer/backup"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_put_under_a_name_that_could_not_be_synced() {
    use crate::host::fs::crashing::Op;
    let store = FakeStore::answering([]);
    let rig = Rig::start(&store);
    rig.append(0, "one\n").await;
    rig.fs
        .fault(|op, _| (op == Op::SyncData).then(|| std::io::ErrorKind::StorageFull.into()));
    rig.pass(2).await;
    assert_eq!(store.attempts(), []);
    rig.fs.heal();
    rig.pass(10).await;
    assert_eq!(store.objects(), [object("0_0".to_owned(), "one\n")]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_delivers_what_is_staged_if_so_configured() {
    for (at_shutdown, objects) in [(AtShutdown::Flush, 1), (AtShutdown::Keep, 0)] {
        let store = FakeStore::answering([]);
        let config = Config {
            at_shutdown,
            ..config()
        };
        let rig = Rig::start_on(CrashingFs::default(), &store, config);
        rig.append(START, "one\n").await;
        rig.buffer.close().await;
        rig.schedule
            .stop(Instant::now() + Duration::from_secs(10))
            .await;
        assert_eq!(store.objects().len(), objects, "{at_shutdown:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_at_its_deadline_when_the_store_is_away() {
    let store = FakeStore::answering([Answer::Refuse; 100]);
    let config = Config {
        at_shutdown: AtShutdown::Flush,
        ..config()
    };
    let rig = Rig::start_on(CrashingFs::default(), &store, config);
    rig.append(START, "one\n").await;
    rig.buffer.close().await;
    let before = Instant::now();
    rig.schedule.stop(before + Duration::from_secs(5)).await;
    assert_eq!(before.elapsed().as_secs(), 5);
    assert_eq!(rig.fs.paths().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_flush_delivers_what_is_not_due_yet() {
    let store = FakeStore::answering([]);
    let rig = Rig::start(&store);
    rig.append(START, "one\n").await;
    rig.schedule.flush().await;
    rig.pass(1).await;
    assert_eq!(store.objects().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_chunk_whose_sink_panics_is_tried_again() {
    let store = FakeStore::answering([Answer::Panic]);
    let rig = Rig::start(&store);
    rig.append(0, "one\n").await;
    rig.pass(10).await;
    let name = "0_0".to_owned();
    let attempts = [
        (name.clone(), Earlier::None),
        (name.clone(), Earlier::MaybeStored),
    ];
    assert_eq!(store.attempts(), attempts);
    assert_eq!(store.objects(), [object(name, "one\n")]);
}
