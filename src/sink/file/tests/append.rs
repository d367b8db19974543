use super::*;

const PATH: &str = "/out/a.log";

fn appending(fs: &CrashingFs) -> FileSink {
    sink(fs, FileMode::Append, Packing::Text)
}

#[tokio::test]
async fn chunks_share_a_file_even_with_the_same_bytes() {
    let fs = CrashingFs::default();
    let sink = appending(&fs);
    for id in 1..=2 {
        let put = Chunk::new(id, "same\n").deliver(&sink).await.unwrap();
        assert_eq!(put, Put::Stored);
    }
    fs.crash_hard();
    assert_eq!(visible(&fs), [file(PATH, "same\nsame\n")]);
}

#[tokio::test]
async fn a_chunk_that_was_added_before_is_recognised_behind_others_too() {
    let fs = CrashingFs::default();
    let mut first = Chunk::new(1, "same\n");
    first.deliver(&appending(&fs)).await.unwrap();
    Chunk::new(2, "same\n")
        .deliver(&appending(&fs))
        .await
        .unwrap();
    fs.crash_hard();
    let put = first.deliver(&appending(&fs)).await.unwrap();
    assert_eq!(put, Put::AlreadyThere);
    assert_eq!(read(&fs, PATH), "same\nsame\n");
}

#[tokio::test]
async fn after_a_failed_write_or_sync_the_chunk_is_cut_off_and_added_anew() {
    for failing in [Op::Write, Op::SyncData] {
        let fs = CrashingFs::default();
        let sink = appending(&fs);
        Chunk::new(1, "one\n").deliver(&sink).await.unwrap();
        let mut second = Chunk::new(2, "two\n");
        fs.fault(move |op, path| {
            let is_it = op == failing && path == Path::new(PATH);
            is_it.then(|| io::ErrorKind::StorageFull.into())
        });
        assert!(second.deliver(&sink).await.unwrap_err().is_retryable());
        assert_eq!(read(&fs, PATH), "one\n");
        fs.heal();
        Chunk::new(3, "three\n").deliver(&sink).await.unwrap();
        assert_eq!(second.deliver(&sink).await.unwrap(), Put::Stored);
        fs.crash(|most| most);
        assert_eq!(read(&fs, PATH), "one\nthree\ntwo\n", "{failing:?}");
    }
}

#[tokio::test]
async fn what_a_failed_sync_left_is_not_believed_where_it_could_not_be_cut() {
    let fs = CrashingFs::default();
    let sink = appending(&fs);
    let mut chunk = Chunk::new(1, "one\n");
    fs.fault(|op, path| {
        let is_it = matches!(op, Op::SyncData | Op::SetLen) && path == Path::new(PATH);
        is_it.then(|| io::ErrorKind::Other.into())
    });
    chunk.deliver(&sink).await.unwrap_err();
    fs.heal();
    assert_eq!(chunk.deliver(&sink).await.unwrap(), Put::Stored);
    fs.crash_hard();
    assert_eq!(read(&fs, PATH), "one\n");
}

#[tokio::test]
async fn wherever_the_power_is_cut_each_chunk_is_in_it_once_and_whole() {
    for part in [0, 1, 2] {
        for operations in 0..60 {
            let fs = CrashingFs::default();
            let mut chunks = [1, 2, 3].map(|id| Chunk::new(id, "same bytes\n"));
            fs.kill_after(operations);
            let before = appending(&fs);
            for chunk in &mut chunks {
                let _ = chunk.deliver(&before).await;
            }
            fs.crash(|most| most * part / 2);
            let after = appending(&fs);
            // The last one first: what the others left must not be in its way.
            for chunk in chunks.iter_mut().rev() {
                chunk.deliver(&after).await.unwrap();
            }
            let found = read(&fs, PATH);
            assert_eq!(found, "same bytes\n".repeat(3), "cut after {operations}");
        }
    }
}

#[tokio::test]
async fn a_chunk_of_the_right_length_with_a_hole_in_it_is_added_anew() {
    const SECTOR: usize = 64;
    const SECTORS: usize = 8 * 1024;
    let lines: &str = "0123456789abcde\n".repeat(SECTORS * SECTOR / 16).leak();
    let fs = CrashingFs::default();
    let mut chunk = Chunk::new(1, lines);
    let mut is_dead = false;
    fs.fault(move |op, path| {
        is_dead |= op == Op::SyncData && path == Path::new(PATH);
        is_dead.then(|| io::ErrorKind::Other.into())
    });
    chunk.deliver(&appending(&fs)).await.unwrap_err();
    let mut whole_sectors = 0;
    fs.crash(|most| {
        whole_sectors += usize::from(most == SECTOR);
        if whole_sectors == SECTORS / 2 {
            0
        } else {
            most
        }
    });
    assert!(whole_sectors >= SECTORS, "{whole_sectors}");
    let put = chunk.deliver(&appending(&fs)).await.unwrap();
    assert_eq!(put, Put::Stored);
    assert!(read(&fs, PATH) == lines);
}

#[tokio::test]
async fn what_others_have_written_is_not_cut() {
    let fs = CrashingFs::default();
    let sink = appending(&fs);
    Chunk::new(1, "one\n").deliver(&sink).await.unwrap();
    let theirs = fs.open(Path::new(PATH)).unwrap();
    theirs.write_all_at(b"theirs\n", 4).unwrap();
    Chunk::new(2, "two\n").deliver(&sink).await.unwrap();
    assert_eq!(read(&fs, PATH), "one\ntheirs\ntwo\n");
}

#[tokio::test]
async fn the_ledger_forgets_what_is_long_gone() {
    let fs = CrashingFs::default();
    let sink = appending(&fs);
    for number in 0..300_u16 {
        let mut chunk = Chunk::new(0, "x");
        let [high, low] = number.to_be_bytes();
        let mut id = [0; 16];
        (id[0], id[1]) = (high, low);
        chunk.info.id = ChunkId::from_bytes(id);
        chunk.deliver(&sink).await.unwrap();
    }
    assert_eq!(read(&fs, PATH).len(), 300);
    assert!(read(&fs, "/out/.a.log.appended").len() < 10_000);
}
