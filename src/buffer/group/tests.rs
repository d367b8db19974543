use std::pin::pin;
use std::task::Poll;

use tokio::sync::MutexGuard;

use super::super::payload::Payloads;
use super::super::tests::{config, portion};
use super::super::{Buffer, Committing};
use super::*;
use crate::host::clock::PausedClock;
use crate::host::fs::crashing::{CrashingFs, Op};

/// A process has one right to keep a worker, so tests that look at it wait for each other.
async fn alone_with_the_right() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    ONE_AT_A_TIME.lock().await
}

/// A buffer whose group has no thread, as while a disk hangs: nobody reads its letters.
fn without_thread(fs: &CrashingFs) -> Buffer {
    let clock = Arc::new(PausedClock::starting_at(1_700_000_000));
    Buffer::assemble(
        Arc::new(fs.clone()),
        &config(),
        clock,
        |committer, limits| Ok(Committing::Group(Group::without_thread(committer, limits))),
    )
    .unwrap()
}

fn group(buffer: &Buffer) -> &Group {
    match &buffer.shared.committing {
        Committing::Group(group) => group,
        Committing::Inline(_) => unreachable!(),
    }
}

/// Whether an append of so many bytes is stored without anybody's help.
async fn is_committed(buffer: &Buffer, length: usize) -> bool {
    let text = "x".repeat(length);
    let mut append = pin!(buffer.append(vec![portion("a", &text)]));
    // Once more for each time that it lets others have their turn.
    for _ in 0..10 {
        let looked_at = std::future::poll_fn(|context| Poll::Ready(append.as_mut().poll(context)));
        if let Poll::Ready(stored) = looked_at.await {
            stored.unwrap();
            return true;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_alone_is_synced_without_the_thread() {
    let _right = alone_with_the_right().await;
    let fs = CrashingFs::default();
    let buffer = without_thread(&fs);
    for count in 1..=3 {
        assert!(is_committed(&buffer, 10).await);
        assert_eq!(buffer.meters().sync.lengths().count, count);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_only_worker_is_not_kept() {
    let _right = alone_with_the_right().await;
    let buffer = without_thread(&CrashingFs::default());
    assert!(!is_committed(&buffer, 10).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_worker_is_kept_where_that_might_take_long() {
    let _right = alone_with_the_right().await;
    let hindrances: [fn(&Group) -> Option<KeptWorker>; 3] = [
        |_| Some(KeptWorker::permit().expect("nobody else has it")),
        |group| {
            lock(&group.writer).last = Writer::QUICK;
            None
        },
        |group| {
            group.mailbox.say_crowded(true);
            lock(&group.writer).last = Writer::AS_A_CHANGE_OF_THREAD;
            None
        },
    ];
    for (number, hinder) in hindrances.into_iter().enumerate() {
        let buffer = without_thread(&CrashingFs::default());
        let _kept = hinder(group(&buffer));
        assert!(!is_committed(&buffer, 10).await, "{number}");
    }
    let mut config = config();
    config.chunk_limit_size = 1 << 20;
    let fs = Arc::new(CrashingFs::default());
    let clock = Arc::new(PausedClock::starting_at(1_700_000_000));
    let large = Buffer::assemble(fs, &config, clock, |committer, limits| {
        Ok(Committing::Group(Group::without_thread(committer, limits)))
    });
    assert!(!is_committed(&large.unwrap(), 65 << 10).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_get_the_right_leaves_it_to_the_one_who_has_it() {
    let _right = alone_with_the_right().await;
    let kept = KeptWorker::permit();
    assert!(kept.is_some());
    for _ in 0..2 {
        assert!(KeptWorker::permit().is_none());
    }
    drop(kept);
    assert!(KeptWorker::permit().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_finds_a_commit_under_way_hands_over_and_so_do_the_next() {
    let _right = alone_with_the_right().await;
    let buffer = without_thread(&CrashingFs::default());
    let writer = Arc::clone(&group(&buffer).writer);
    let committing = lock(&writer);
    let payloads = Payloads::from([payload_of("a")]);
    assert!(group(&buffer).commit_alone(payloads).is_err());
    drop(committing);
    assert!(group(&buffer).mailbox.is_crowded());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_of_those_who_come_together_commits_for_all_if_that_is_quick() {
    let _right = alone_with_the_right().await;
    let buffer = without_thread(&CrashingFs::default());
    group(&buffer).mailbox.say_crowded(true);
    let append = |text| buffer.append(vec![portion("a", text)]);
    let (first, second, third) = tokio::join!(append("1\n"), append("2\n"), append("3\n"));
    assert_eq!((first, second, third), (Ok(()), Ok(()), Ok(())));
    assert_eq!(buffer.meters().sync.lengths().count, 1);
    assert!(group(&buffer).mailbox.is_crowded());
    lock(&group(&buffer).writer).last = std::time::Duration::ZERO;
    assert!(is_committed(&buffer, 10).await);
    assert!(!group(&buffer).mailbox.is_crowded());
}

fn payload_of(text: &str) -> payload::Payload {
    let compression = super::super::Compression::Text;
    let packed = payload::pack(vec![portion("a", text)], compression);
    packed.unwrap().pop().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_alone_goes_by_the_intake_too() {
    let _right = alone_with_the_right().await;
    let buffer = without_thread(&CrashingFs::default());
    lock(&group(&buffer).mailbox.letters).intake = Intake::Closed;
    let refused = buffer.append(vec![portion("a", "late\n")]).await;
    assert_eq!(refused, Err(AppendError::Closed));
    assert_eq!(buffer.held(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_own_commit_panics_leaves_nobody_waiting() {
    let _right = alone_with_the_right().await;
    let fs = CrashingFs::default();
    let clock = Arc::new(PausedClock::starting_at(1_700_000_000));
    let buffer = Buffer::open_on(Arc::new(fs.clone()), &config(), clock).unwrap();
    fs.fault(|op, _| match op {
        Op::Write => panic!("told to panic"),
        _ => None,
    });
    let first = {
        let buffer = buffer.clone();
        tokio::spawn(async move { buffer.append(vec![portion("a", "one\n")]).await })
    };
    assert!(first.await.unwrap_err().is_panic());
    let refused = buffer.append(vec![portion("a", "two\n")]).await;
    assert!(matches!(refused, Err(AppendError::Storage { .. })));
    buffer.seal(|_| true).await;
    buffer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_hangs_keeps_one_worker_and_leaves_the_other() {
    let _right = alone_with_the_right().await;
    let fs = CrashingFs::default();
    let clock = Arc::new(PausedClock::starting_at(1_700_000_000));
    let buffer = Buffer::open_on(Arc::new(fs.clone()), &config(), clock).unwrap();
    let (hangs, is_hanging) = oneshot::channel();
    let (released, until_released) = std::sync::mpsc::channel::<()>();
    let mut hangs = Some(hangs);
    fs.fault(move |op, _| {
        if op == Op::SyncData
            && let Some(hangs) = hangs.take()
        {
            hangs.send(()).unwrap();
            // An error says that it is released, too.
            let _ = until_released.recv();
        }
        None
    });
    let append = |text: &'static str| {
        let buffer = buffer.clone();
        tokio::spawn(async move { buffer.append(vec![portion("a", text)]).await })
    };
    let first = append("1\n");
    is_hanging.await.unwrap();
    let others = ["2\n", "3\n", "4\n"].map(append);
    for _ in 0..100 {
        tokio::spawn(tokio::task::yield_now()).await.unwrap();
    }
    drop(released);
    first.await.unwrap().unwrap();
    for other in others {
        other.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn appends_that_nobody_waits_for_do_not_pile_up() {
    let buffer = without_thread(&CrashingFs::default());
    let group = group(&buffer);
    let mut waited_for = Vec::new();
    for n in 0..1000 {
        let (append, answer) = Append::new(Payloads::new());
        group.post(append).unwrap();
        if n % 100 == 0 {
            waited_for.push(answer);
        }
    }
    let waiting = lock(&group.mailbox.letters).gathered.len();
    assert!((10..32).contains(&waiting), "{waiting}");
}
