//! Parameters of `<buffer>` that have no better place.

use super::*;

async fn append_each(buffer: &Buffer, tags: &[&str]) {
    for tag in tags {
        let portion = portion(tag, &format!("{tag}\n"));
        buffer.append(vec![portion]).await.unwrap();
    }
}

/// The tags of the queued chunks, which are taken.
fn queued(buffer: &Buffer) -> Vec<String> {
    let next = || buffer.take(Instant::now());
    let tag = |chunk: SealedChunk| chunk.header.metadata.tag.unwrap().as_str().to_owned();
    std::iter::from_fn(next).map(tag).collect()
}

#[tokio::test(start_paused = true)]
async fn no_more_chunks_are_queued_than_queued_chunks_limit_size_says() {
    let mut config = config();
    config.queued_chunks_limit = NonZeroUsize::new(2);
    let clock = Arc::new(PausedClock::starting_at(1_700_000_000));
    let fs = Arc::new(CrashingFs::default());
    let buffer = Buffer::open_on(fs, &config, clock.clone()).unwrap();
    for tag in ["a", "b", "c"] {
        append_each(&buffer, &[tag]).await;
        clock.jump(1);
    }
    buffer.seal_due(|_| true).await;
    assert_eq!(queued(&buffer), ["a", "b"]);
    append_each(&buffer, &["c"]).await;
    buffer.seal_due(|_| true).await;
    assert_eq!(drain(&buffer).await, texts(&[("c", &["c\nc\n"])]));
}

#[tokio::test(start_paused = true)]
async fn a_flush_that_is_asked_for_and_a_full_chunk_go_beyond_queued_chunks_limit_size() {
    let mut config = config();
    config.queued_chunks_limit = NonZeroUsize::new(1);
    let buffer = open_with(&CrashingFs::default(), &config);
    append_each(&buffer, &["a", "b"]).await;
    buffer.seal(|_| true).await;
    let full = portion("c", &"x".repeat(990));
    buffer.append(vec![full]).await.unwrap();
    buffer.seal_due(|_| false).await;
    assert_eq!(queued(&buffer).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_without_a_backup_is_gone() {
    let fs = CrashingFs::default();
    let mut config = config();
    config.backup = Backup::Deleted;
    let buffer = open_with(&fs, &config);
    append_each(&buffer, &["a"]).await;
    buffer.seal(|_| true).await;
    let chunk = take(&buffer).await.unwrap();
    assert_eq!(buffer.set_aside(chunk).unwrap(), GivenUp::Deleted);
    assert_eq!(fs.paths(), Vec::<PathBuf>::new());
    assert_eq!(buffer.shared.limits.held(), 0);
}

#[tokio::test]
async fn a_directory_belongs_to_one_buffer_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| {
        let mut config = config();
        config.place = Place::File {
            path: directory.path().join(name),
            durability: Durability::Synced,
        };
        Buffer::open(&config, Arc::new(PausedClock::starting_at(0)))
    };
    let _first = at("one.*").unwrap();
    let refused = at("one.*.log").err().unwrap().to_string();
    assert!(refused.contains("another process has it"), "{refused}");
    assert!(refused.contains("one.lock"), "{refused}");
    let _other = at("two.*").unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_memory_buffer_gives_up_is_written_to_a_file_as_it_would_have_been_sent() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = config();
    config.place = Place::Memory;
    config.compression = Compression::Gzip;
    config.backup = Backup::In(directory.path().join("backup"));
    let buffer = Buffer::open(&config, Arc::new(PausedClock::starting_at(0))).unwrap();
    let events = "session.start\n".repeat(20);
    buffer.append(vec![portion("a", &events)]).await.unwrap();
    buffer.seal(|_| true).await;
    let chunk = take(&buffer).await.unwrap();
    let name = format!("{}.log", chunk.header.id);
    let GivenUp::KeptIn(path) = buffer.set_aside(chunk).unwrap() else {
        panic!("deleted");
    };
    assert_eq!(path, directory.path().join("backup").join(name));
    assert_eq!(std::fs::read_to_string(path).unwrap(), events);
    assert_eq!(buffer.shared.limits.held(), 0);
}
