use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::host::fs::crashing::Op;
use fluent_compat::retry::Target;

fn no_space() -> io::Error {
    io::Error::from(io::ErrorKind::StorageFull)
}

/// Fails an operation on the second file that is created from now on.
fn fail_on_second_file(fs: &CrashingFs, failing: Op) {
    let mut created: Vec<PathBuf> = Vec::new();
    fs.fault(move |op, path: &Path| {
        if op == Op::Create {
            created.push(path.to_owned());
        }
        let second = created.get(1).is_some_and(|second| second == path);
        (second && op == failing).then(no_space)
    });
}

#[tokio::test(start_paused = true)]
async fn a_failed_write_refuses_the_append_and_leaves_the_chunk_usable() {
    let fs = CrashingFs::default();
    let buffer = open(&fs);
    buffer.append(vec![portion("a", "one\n")]).await.unwrap();
    fs.fault(|op, _| (op == Op::Write).then(no_space));
    let refused = buffer.append(vec![portion("a", "lost\n")]).await;
    assert!(
        matches!(refused, Err(AppendError::Storage { .. })),
        "{refused:?}"
    );
    fs.heal();
    buffer.append(vec![portion("a", "two\n")]).await.unwrap();
    assert_eq!(after_a_crash(&fs).await, texts(&[("a", &["one\ntwo\n"])]));
}

#[tokio::test(start_paused = true)]
async fn a_failed_sync_seals_the_chunk_where_it_was_last_synced() {
    let fs = CrashingFs::default();
    let buffer = open(&fs);
    buffer.append(vec![portion("a", "one\n")]).await.unwrap();
    let mut failures = 1;
    fs.fault(move |op, _| {
        let fails = op == Op::SyncData && failures > 0;
        failures -= i32::from(fails);
        fails.then(|| io::Error::other("the disk is dying"))
    });
    let refused = buffer.append(vec![portion("a", "lost\n")]).await;
    assert!(
        matches!(refused, Err(AppendError::Storage { .. })),
        "{refused:?}"
    );
    buffer.append(vec![portion("a", "two\n")]).await.unwrap();
    let sealed = take(&buffer).await.unwrap();
    assert_eq!(text_of(&buffer, &sealed), "one\n");
    buffer.give_back(sealed, Instant::now());
    assert_eq!(
        after_a_crash(&fs).await,
        texts(&[("a", &["one\n", "two\n"])])
    );
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_copied_away_from_does_not_come_back_once_its_copy_is_delivered() {
    let fs = CrashingFs::default();
    let buffer = open_without_thread(&fs);
    buffer.append(vec![portion("a", "one\n")]).await.unwrap();
    fail_nth(&fs, Op::SyncData, 0);
    let refused = buffer.append(vec![portion("a", "lost\n")]).await;
    refused.unwrap_err();
    fs.heal();
    let mut copy = take(&buffer).await.unwrap();
    let name = ObjectName {
        name: "logs/0".to_owned(),
        index: 0,
        target: Target::Primary,
    };
    buffer.write_name(&mut copy, name).unwrap();
    // It is put here, and removed, and then the power fails.
    fs.kill_after(1);
    buffer.purge(copy).unwrap_err();
    // Of what is not synced yet only the last change survives.
    let mut changes = fs.unsynced_entries();
    fs.crash(|_| {
        changes = changes.saturating_sub(1);
        usize::from(changes == 0)
    });
    assert_eq!(drain(&open(&fs)).await, texts(&[]));
}

#[tokio::test(start_paused = true)]
async fn a_name_whose_sync_failed_is_safe_before_a_restarted_server_uses_it() {
    let fs = CrashingFs::default();
    let buffer = open_without_thread(&fs);
    buffer.append(vec![portion("a", "one\n")]).await.unwrap();
    buffer.seal(|_| true).await;
    let mut chunk = take(&buffer).await.unwrap();
    let name = ObjectName {
        name: "logs/0".to_owned(),
        index: 0,
        target: Target::Primary,
    };
    fail_nth(&fs, Op::SyncData, 0);
    buffer.write_name(&mut chunk, name.clone()).unwrap_err();
    fs.heal();
    drop((chunk, buffer));
    // The next server still reads the name, though no sync will ever write it of its own.
    let chunk = take(&open_without_thread(&fs)).await.unwrap();
    assert_eq!(chunk.name.as_ref(), Some(&name));
    fs.crash_hard();
    let chunk = take(&open_without_thread(&fs)).await.unwrap();
    assert_eq!(chunk.name, Some(name));
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_sync_refused_is_not_there_for_the_next_server() {
    let fs = CrashingFs::default();
    let buffer = open_without_thread(&fs);
    buffer.append(vec![portion("a", "one\n")]).await.unwrap();
    // The disk fails, and goes on failing whatever else is tried with new files.
    fs.fault(|op, _| matches!(op, Op::SyncData | Op::Create).then(no_space));
    let refused = buffer.append(vec![portion("a", "refused\n")]).await;
    refused.unwrap_err();
    fs.heal();
    drop(buffer);
    assert_eq!(drain(&open(&fs)).await, texts(&[("a", &["one\n"])]));
}

#[tokio::test(start_paused = true)]
async fn a_chunk_whose_first_sync_fails_leaves_no_file() {
    let fs = CrashingFs::default();
    let buffer = open(&fs);
    fs.fault(|op, _| (op == Op::SyncData).then(no_space));
    buffer
        .append(vec![portion("a", "lost\n")])
        .await
        .unwrap_err();
    fs.heal();
    assert_eq!(fs.paths(), Vec::<PathBuf>::new());
}

#[tokio::test(start_paused = true)]
async fn an_append_of_two_keys_is_refused_whole_when_one_of_them_cannot_be_written() {
    for failing in [Op::Create, Op::Write, Op::SyncData] {
        let fs = CrashingFs::default();
        let buffer = open(&fs);
        fail_on_second_file(&fs, failing);
        let both = vec![portion("a", "lost\n"), portion("b", "lost\n")];
        let refused = buffer.append(both).await;
        assert!(
            matches!(refused, Err(AppendError::Storage { .. })),
            "{failing:?}: {refused:?}"
        );
        fs.heal();
        buffer.append(vec![portion("a", "one\n")]).await.unwrap();
        let expected = texts(&[("a", &["one\n"])]);
        assert_eq!(after_a_crash(&fs).await, expected, "{failing:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_cannot_be_synced_refuses_new_chunks() {
    let fs = CrashingFs::default();
    let buffer = open(&fs);
    fs.fault(|op, _| (op == Op::SyncDir).then(no_space));
    buffer
        .append(vec![portion("a", "lost\n")])
        .await
        .unwrap_err();
    fs.heal();
    buffer.append(vec![portion("a", "one\n")]).await.unwrap();
    assert_eq!(after_a_crash(&fs).await, texts(&[("a", &["one\n"])]));
}

#[tokio::test(start_paused = true)]
async fn a_refused_append_gives_its_room_back() {
    let fs = CrashingFs::default();
    let mut config = config();
    config.total_limit_size = 1000;
    let buffer = open_with(&fs, &config);
    fs.fault(|op, _| (op == Op::Write).then(no_space));
    buffer
        .append(vec![portion("a", &"x".repeat(900))])
        .await
        .unwrap_err();
    fs.heal();
    buffer
        .append(vec![portion("a", &"x".repeat(900))])
        .await
        .unwrap();
}

/// Commits appends that have waited at the same time.
fn commit(buffer: &Buffer, requests: Vec<Vec<Portion>>) -> Vec<Result<(), AppendError>> {
    let (appends, answers): (Vec<_>, Vec<_>) = requests.into_iter().map(append_of).unzip();
    for append in &appends {
        buffer.shared.limits.reserve(append.bytes()).unwrap();
    }
    let Committing::Inline(committer) = &buffer.shared.committing else {
        unreachable!()
    };
    lock(committer).commit(appends, &[], tell);
    let answered = answers.into_iter().map(|mut answer| answer.try_recv());
    answered.map(Result::unwrap).collect()
}

fn open_without_thread(fs: &CrashingFs) -> Buffer {
    let clock = Arc::new(PausedClock::starting_at(1_700_000_000));
    Buffer::open_without_thread(Arc::new(fs.clone()), &config(), clock).unwrap()
}

/// Fails one operation of a kind, the n-th from now on, counted from 0.
fn fail_nth(fs: &CrashingFs, failing: Op, nth: usize) {
    let mut seen = 0;
    fs.fault(move |op, _| {
        seen += usize::from(op == failing);
        (op == failing && seen == nth + 1).then(no_space)
    });
}

#[tokio::test(start_paused = true)]
async fn a_power_cut_does_not_bring_back_what_a_failed_write_left() {
    let fs = CrashingFs::default();
    let buffer = open_without_thread(&fs);
    buffer.append(vec![portion("a", "one\n")]).await.unwrap();
    fail_nth(&fs, Op::Write, 0);
    let refused = commit(
        &buffer,
        vec![vec![portion("a", "lost\n")], vec![portion("a", "lost\n")]],
    );
    assert!(refused.iter().all(Result::is_err), "{refused:?}");
    // The writes survive, the cut does not.
    fs.crash(|most| if most == 1 { 0 } else { most });
    assert_eq!(drain(&open(&fs)).await, texts(&[("a", &["one\n"])]));
}

#[tokio::test(start_paused = true)]
async fn a_power_cut_does_not_bring_back_a_new_chunk_that_was_refused() {
    for failing in [Op::Write, Op::SyncDir, Op::SyncData] {
        let fs = CrashingFs::default();
        let buffer = open_without_thread(&fs);
        fail_nth(&fs, failing, 0);
        buffer
            .append(vec![portion("a", "lost\n")])
            .await
            .unwrap_err();
        // The file's creation survives with all its bytes, its removal does not.
        let mut creation = true;
        fs.crash(|most| match (std::mem::take(&mut creation), most) {
            (false, 1) => 0,
            _ => most,
        });
        assert_eq!(drain(&open(&fs)).await, texts(&[]), "{failing:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_sync_left_is_copied_away_from_before_the_refusal_is_sent() {
    let fs = CrashingFs::default();
    let buffer = open_without_thread(&fs);
    buffer.append(vec![portion("a", "one\n")]).await.unwrap();
    let (append, mut answer) = append_of(vec![portion("a", "lost\n")]);
    buffer.shared.limits.reserve(append.bytes()).unwrap();
    let answered_early = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&answered_early);
    let mut first = true;
    fs.fault(move |op, _| {
        let copying = op == Op::Create;
        told.fetch_or(copying && answer.try_recv().is_ok(), Ordering::SeqCst);
        (op == Op::SyncData && std::mem::take(&mut first)).then(no_space)
    });
    let Committing::Inline(committer) = &buffer.shared.committing else {
        unreachable!()
    };
    lock(committer).commit(vec![append], &[], tell);
    fs.heal();
    assert!(!answered_early.load(Ordering::SeqCst));
    assert!(fs.paths()[0].to_string_lossy().contains("buffer.q"));
}

#[tokio::test(start_paused = true)]
async fn a_chunk_that_cannot_be_rescued_yet_does_not_shut_the_one_that_follows_it() {
    let fs = CrashingFs::default();
    let buffer = open_without_thread(&fs);
    buffer.append(vec![portion("a", "one\n")]).await.unwrap();
    let is_copy = |path: &Path| path.extension().is_some_and(|extension| extension == "tmp");
    let mut first = true;
    fs.fault(move |op, path| {
        let fails = match op {
            Op::SyncData => std::mem::take(&mut first),
            Op::Create => is_copy(path),
            _ => false,
        };
        fails.then(no_space)
    });
    buffer
        .append(vec![portion("a", "lost\n")])
        .await
        .unwrap_err();
    buffer.append(vec![portion("a", "two\n")]).await.unwrap();
    buffer.seal(|_| false).await;
    buffer.append(vec![portion("a", "three\n")]).await.unwrap();
    fs.heal();
    let mut found = drain(&buffer).await.remove("a").unwrap();
    // Both were opened at the same moment.
    found.sort_unstable();
    assert_eq!(found, ["one\n", "two\nthree\n"]);
}

#[tokio::test(start_paused = true)]
async fn a_committer_that_panics_leaves_nobody_waiting() {
    let fs = CrashingFs::default();
    let buffer = open(&fs);
    fs.fault(|op, _| match op {
        Op::Write => panic!("told to panic"),
        _ => None,
    });
    for text in ["one\n", "two\n"] {
        let refused = buffer.append(vec![portion("a", text)]).await;
        let storage_failed = matches!(refused, Err(AppendError::Storage { .. }));
        assert!(storage_failed, "{refused:?}");
    }
    buffer.seal(|_| true).await;
    buffer.close().await;
    assert_eq!(buffer.shared.limits.held(), 0);
}
