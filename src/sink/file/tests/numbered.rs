use super::*;

fn numbered(fs: &CrashingFs) -> FileSink {
    sink(fs, FileMode::Numbered, Packing::Text)
}

#[tokio::test]
async fn each_chunk_has_a_file_of_its_own_that_outlasts_a_power_cut() {
    let fs = CrashingFs::default();
    let sink = numbered(&fs);
    for id in 1..=2 {
        let put = Chunk::new(id, "one\n").deliver(&sink).await.unwrap();
        assert_eq!(put, Put::Stored);
    }
    fs.crash_hard();
    let expected = [file("/out/a_0.log", "one\n"), file("/out/a_1.log", "one\n")];
    assert_eq!(visible(&fs), expected);
    assert_eq!(fs.paths().len(), 2, "{:?}", fs.paths());
}

#[tokio::test]
async fn a_file_of_somebody_else_with_the_same_bytes_is_never_taken_for_ours() {
    for operations in 0..20 {
        let fs = CrashingFs::default();
        let mut chunk = Chunk::new(1, "one\n");
        chunk.get_name(&numbered(&fs), 0).await.unwrap();
        let other = fs.create_new(Path::new("/out/a_0.log")).unwrap();
        other.write_all_at(b"one\n", 0).unwrap();
        other.sync_data().unwrap();
        fs.sync_dir(Path::new("/out")).unwrap();
        fs.kill_after(operations);
        let _ = chunk.deliver(&numbered(&fs)).await;
        // Killed, and the power is not cut: all that was done is there.
        fs.crash(|most| most);
        chunk.deliver(&numbered(&fs)).await.unwrap();
        let expected = [file("/out/a_0.log", "one\n"), file("/out/a_1.log", "one\n")];
        assert_eq!(visible(&fs), expected, "cut after {operations}");
    }
}

#[tokio::test]
async fn a_chunk_that_was_stored_before_a_crash_is_recognised() {
    let fs = CrashingFs::default();
    let mut chunk = Chunk::new(1, "one\n");
    chunk.deliver(&numbered(&fs)).await.unwrap();
    fs.crash_hard();
    let put = chunk.deliver(&numbered(&fs)).await.unwrap();
    assert_eq!(put, Put::AlreadyThere);
    assert_eq!(visible(&fs), [file("/out/a_0.log", "one\n")]);
}

#[tokio::test]
async fn wherever_the_power_is_cut_each_chunk_is_there_once_and_whole() {
    for survives in [false, true] {
        for operations in 0..40 {
            let fs = CrashingFs::default();
            let mut chunks = [Chunk::new(1, "same\n"), Chunk::new(2, "same\n")];
            fs.kill_after(operations);
            let before = numbered(&fs);
            for chunk in &mut chunks {
                let _ = chunk.deliver(&before).await;
            }
            fs.crash(|most| if survives { most } else { 0 });
            for chunk in &mut chunks {
                chunk.deliver(&numbered(&fs)).await.unwrap();
            }
            let expected = [
                file("/out/a_0.log", "same\n"),
                file("/out/a_1.log", "same\n"),
            ];
            assert_eq!(visible(&fs), expected, "cut after {operations}");
            assert_eq!(fs.paths().len(), 2, "{:?}", fs.paths());
        }
    }
}

#[tokio::test]
async fn what_could_not_be_written_leaves_nothing_behind() {
    let fs = CrashingFs::default();
    let sink = numbered(&fs);
    let mut chunk = Chunk::new(1, "one\n");
    for failing in [Op::Write, Op::SyncData] {
        fs.fault(move |op, _| (op == failing).then(|| io::ErrorKind::StorageFull.into()));
        let error = chunk.deliver(&sink).await.unwrap_err();
        assert!(error.is_retryable());
        assert_eq!(fs.paths(), Vec::<PathBuf>::new());
    }
    fs.heal();
    assert_eq!(chunk.deliver(&sink).await.unwrap(), Put::Stored);
    fs.crash_hard();
    assert_eq!(visible(&fs), [file("/out/a_0.log", "one\n")]);
}

#[tokio::test]
async fn packed_files_read_back_and_end_in_what_fluentd_has() {
    use std::io::Read;
    let fs = CrashingFs::default();
    let gzip = sink(&fs, FileMode::Numbered, Packing::Gzip);
    Chunk::new(1, "one\n").deliver(&gzip).await.unwrap();
    let zstd = sink(&fs, FileMode::Numbered, Packing::Zstd);
    Chunk::new(1, "one\n").deliver(&zstd).await.unwrap();
    let packed = fs.read(Path::new("/out/a_0.log.gz")).unwrap();
    let mut text = String::new();
    let mut gzip = flate2::read::GzDecoder::new(&*packed);
    gzip.read_to_string(&mut text).unwrap();
    assert_eq!(text, "one\n");
    let packed = fs.read(Path::new("/out/a_0.log.zstd")).unwrap();
    assert_eq!(zstd::decode_all(&*packed).unwrap(), b"one\n");
}
