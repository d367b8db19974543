//! Chunks that the primary does not take.

use fluent_compat::chunk::ChunkKeys;

use super::*;
use crate::host::fs::Fs;
use crate::sink::file::{FileConfig, FileMode, FilePath, FileSink, Files, Packing};

#[tokio::test(start_paused = true)]
async fn a_chunk_refused_for_good_goes_to_the_secondary_at_once() {
    let store = FakeStore::answering([Answer::RefuseForGood]);
    let second = FakeStore::answering([Answer::Taken]);
    let rig = Rig::start_with(
        CrashingFs::default(),
        &store,
        Some(second.clone()),
        config(),
    );
    rig.append(0, "one\n").await;
    rig.pass(5).await;
    assert_eq!(store.attempts().len(), 1);
    assert_eq!(second.objects(), [object("0_1".to_owned(), "one\n")]);
    assert_eq!(rig.fs.paths(), Vec::<PathBuf>::new());
}

#[tokio::test(start_paused = true)]
async fn a_chunk_that_both_refuse_for_good_is_kept_aside() {
    let store = FakeStore::answering([Answer::RefuseForGood]);
    let second = FakeStore::answering([Answer::RefuseForGood]);
    let rig = Rig::start_with(
        CrashingFs::default(),
        &store,
        Some(second.clone()),
        config(),
    );
    rig.append(0, "one\n").await;
    rig.pass(5).await;
    assert_eq!((store.attempts().len(), second.attempts().len()), (1, 1));
    assert!(rig.fs.paths()[0].starts_with("/buffer/backup"));
}

#[tokio::test(start_paused = true)]
async fn the_secondary_takes_over_past_its_share_of_the_retry_time() {
    let store = FakeStore::answering([Answer::Refuse; 20]);
    let second = FakeStore::answering([]);
    let mut config = config();
    config.retry.secondary = Some(SecondaryThreshold::new(0.5).unwrap());
    let rig = Rig::start_with(CrashingFs::default(), &store, Some(second.clone()), config);
    rig.append(0, "one\n").await;
    rig.pass(30).await;
    // Three retries take 1 + 2 + 4 seconds; half of that is over at the second 3.5.
    assert_eq!(store.seconds(), [0, 1, 3]);
    assert_eq!(second.objects(), [object("0_0".to_owned(), "one\n")]);
    assert_eq!(rig.fs.paths(), Vec::<PathBuf>::new());
}

#[tokio::test(start_paused = true)]
async fn what_the_secondary_cannot_take_is_tried_there_again_and_kept_aside_at_last() {
    let store = FakeStore::answering([Answer::RefuseForGood]);
    let second = FakeStore::answering([Answer::Refuse; 10]);
    let rig = Rig::start_with(
        CrashingFs::default(),
        &store,
        Some(second.clone()),
        config(),
    );
    rig.append(0, "one\n").await;
    rig.pass(60).await;
    assert_eq!(store.attempts().len(), 1);
    assert_eq!(second.seconds(), [0, 1, 3, 7]);
    assert!(rig.fs.paths()[0].starts_with("/buffer/backup"));
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_the_secondarys_put_leads_to_the_same_file_and_not_to_the_primary() {
    let store = FakeStore::answering([Answer::RefuseForGood]);
    let second = FakeStore::answering([Answer::StoreSilently]);
    let rig = Rig::start_with(
        CrashingFs::default(),
        &store,
        Some(second.clone()),
        config(),
    );
    rig.append(0, "one\n").await;
    rig.pass(2).await;
    assert_eq!(second.objects().len(), 1);
    rig.fs.crash_hard();
    let restarted = Rig::start_with(rig.fs.clone(), &store, Some(second.clone()), config());
    drop(rig);
    restarted.pass(5).await;
    assert_eq!(store.attempts().len(), 1);
    let (name, earlier) = second.attempts().pop().unwrap();
    assert_eq!((name.as_str(), earlier), ("0_0", Earlier::MaybeStored));
    assert_eq!(second.objects(), [object("0_0".to_owned(), "one\n")]);
    assert_eq!(restarted.fs.paths(), Vec::<PathBuf>::new());
}

#[tokio::test(start_paused = true)]
async fn a_chunk_of_a_secondary_that_is_gone_goes_to_the_primary_under_a_name_of_its_own() {
    let store = FakeStore::answering([Answer::RefuseForGood]);
    let second = FakeStore::answering([Answer::Refuse; 2]);
    let rig = Rig::start_with(
        CrashingFs::default(),
        &store,
        Some(second.clone()),
        config(),
    );
    rig.append(0, "one\n").await;
    rig.pass(2).await;
    rig.fs.crash_hard();
    let restarted = Rig::start_on(rig.fs.clone(), &store, config());
    drop(rig);
    restarted.pass(5).await;
    let last = store.attempts().pop().unwrap();
    assert_eq!(last, ("0_0".to_owned(), Earlier::None));
    assert_eq!(store.objects(), [object("0_0".to_owned(), "one\n")]);
}

#[tokio::test(start_paused = true)]
async fn wherever_the_power_is_cut_the_secondarys_file_has_the_chunk_once() {
    for (mode, path) in [
        (FileMode::Numbered, "/out/a_0.log"),
        (FileMode::Append, "/out/a.log"),
    ] {
        for operations in 0..40 {
            let store = FakeStore::answering([Answer::RefuseForGood; 20]);
            let fs = CrashingFs::default();
            let rig = Rig::start_with(fs.clone(), &store, Some(into_files(&fs, mode)), config());
            rig.append(0, "one\n").await;
            fs.kill_after(operations);
            rig.pass(2).await;
            rig.schedule.stop(Instant::now()).await;
            fs.crash_hard();
            let rig = Rig::start_with(fs.clone(), &store, Some(into_files(&fs, mode)), config());
            rig.pass(10).await;
            let found = fs.read(path.as_ref());
            assert_eq!(found.unwrap(), b"one\n", "{mode:?} cut after {operations}");
            let visible = |path: &PathBuf| !path.to_string_lossy().contains("/.");
            let paths: Vec<_> = fs.paths().into_iter().filter(visible).collect();
            assert_eq!(
                paths,
                [PathBuf::from(path)],
                "{mode:?} cut after {operations}"
            );
        }
    }
}

fn into_files(fs: &CrashingFs, mode: FileMode) -> Arc<dyn Sink> {
    let path = FilePath::parse("/out/a", '_', ".log", &ChunkKeys::default(), &Zone::Utc);
    let config = FileConfig {
        path,
        mode,
        packing: Packing::Text,
    };
    Arc::new(FileSink::new(config, Files::new(Arc::new(fs.clone()))))
}
