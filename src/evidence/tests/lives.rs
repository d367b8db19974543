//! A ledger that is ended at each of its steps: every write, sync, rename, removal and sync of a
//! directory. The whole server is asked in `schedule::tests`.

use std::collections::BTreeMap;

use super::*;
use crate::host::fs::crashing::dice;

/// What the bucket has of one life: objects by name, and digests.
#[derive(Default)]
struct Bucket {
    objects: BTreeMap<String, ChunkId>,
    digests: Vec<ReadDigest>,
}

/// Chunks that are still in the buffer.
type Alive = HashSet<ChunkId>;

/// Puts eight objects and makes a digest after every third, until the disk is dead.
fn live(fs: &CrashingFs, bucket: &mut Bucket, alive: &mut Alive) {
    let now = |n: u8| EventTime::new(START + i64::from(n) * HOUR, 0);
    let opened = Evidence::open_on(Arc::new(fs.clone()), config(), now(0));
    let Ok(evidence) = opened else { return };
    for n in 0..8 {
        let (id, key) = (chunk(n), format!("object {n}"));
        if alive.contains(&id) {
            evidence.about_to_put(entry(n, &key, "text"));
            if fs.step().is_err() {
                return;
            }
            let certainty = match bucket.objects.insert(key.clone(), id) {
                None => Certainty::ByThisAttempt,
                Some(_) => Certainty::ByAnyAttempt,
            };
            evidence.stored(id, &key, certainty);
            // The chunk is removed, if anything is done any more.
            if fs.step().is_err() {
                return;
            }
            alive.remove(&id);
        }
        if n % 3 == 2 {
            evidence.seal(Occasion::Interval, now(n), alive);
            put(fs, &evidence, bucket);
        }
    }
    evidence.seal(Occasion::Stop, now(9), alive);
    put(fs, &evidence, bucket);
}

fn put(fs: &CrashingFs, evidence: &Evidence, bucket: &mut Bucket) {
    while let Ok(Some(waiting)) = evidence.next() {
        if fs.step().is_err() {
            return;
        }
        let read = Digest::read(&waiting.bytes).unwrap();
        let is_there = |known: &ReadDigest| known.link.key == waiting.key;
        match bucket.digests.iter().find(|known| is_there(known)) {
            Some(known) => assert_eq!(known.link, read.link, "other bytes under one name"),
            None => bucket.digests.push(read),
        }
        evidence.delivered(waiting.place);
    }
}

fn check(bucket: &Bucket, what: &str) {
    let mut listed: BTreeMap<&str, u32> = BTreeMap::new();
    let mut before = None;
    for (read, number) in bucket.digests.iter().zip(1..) {
        let head = &read.digest.head;
        assert_eq!(head.sequence, number, "{what}");
        assert_eq!(head.previous, before, "{what}: number {number}");
        before = Some(read.link.clone());
        for entry in &read.digest.objects {
            *listed.entry(&entry.key).or_default() += 1;
        }
    }
    let expected: BTreeMap<_, _> = bucket.objects.keys().map(|key| (key.as_str(), 1)).collect();
    assert_eq!(listed, expected, "{what}");
}

#[test]
fn an_end_at_any_step_lists_each_object_once_in_an_unbroken_chain() {
    let mut steps = 0;
    loop {
        for seed in [None, Some(0), Some(7), Some(1_000_003)] {
            let fs = CrashingFs::default();
            let (mut bucket, mut alive) = (Bucket::default(), (0..8).map(chunk).collect());
            fs.kill_after(steps);
            live(&fs, &mut bucket, &mut alive);
            if !fs.is_killed() {
                assert!(steps > 50, "{steps} steps");
                println!("a ledger was ended at each of {steps} steps");
                return;
            }
            match seed {
                None => fs.heal(),
                Some(0) => fs.crash_hard(),
                Some(seed) => fs.crash(dice(seed)),
            }
            live(&fs, &mut bucket, &mut alive);
            check(&bucket, &format!("ended at {steps}, {seed:?}"));
        }
        steps += 1;
    }
}

#[test]
fn a_second_end_at_any_step_of_the_restart_lists_each_object_once_too() {
    let mut ends = 0;
    for steps in 0.. {
        let mut later = 0;
        loop {
            let fs = CrashingFs::default();
            let (mut bucket, mut alive) = (Bucket::default(), (0..8).map(chunk).collect());
            fs.kill_after(steps);
            live(&fs, &mut bucket, &mut alive);
            if !fs.is_killed() {
                println!("a ledger was ended twice in {ends} ways");
                assert!(ends > 1000, "{ends} ways");
                return;
            }
            fs.crash(dice(u64::from(steps * 1000 + later)));
            fs.kill_after(later);
            live(&fs, &mut bucket, &mut alive);
            if !fs.is_killed() {
                break;
            }
            fs.crash(dice(u64::from(later * 1000 + steps)));
            live(&fs, &mut bucket, &mut alive);
            check(&bucket, &format!("ended at {steps}, again at {later}"));
            later += 1;
            ends += 1;
        }
    }
}

#[test]
fn a_failure_of_any_step_lists_each_object_once_in_an_unbroken_chain() {
    let count = |fs: &CrashingFs| {
        let (mut bucket, mut alive) = (Bucket::default(), (0..8).map(chunk).collect());
        live(fs, &mut bucket, &mut alive);
        (bucket, alive)
    };
    let whole = CrashingFs::default();
    count(&whole);
    for failing in 0..whole.operations() {
        let fs = CrashingFs::default();
        let mut before = Some(failing);
        fs.fault(move |_, _| {
            let fails = before == Some(0);
            before = before.and_then(|left| left.checked_sub(1));
            fails.then(|| io::Error::other("told to fail"))
        });
        let (mut bucket, mut alive) = count(&fs);
        fs.heal();
        live(&fs, &mut bucket, &mut alive);
        check(&bucket, &format!("step {failing} failed"));
    }
}
