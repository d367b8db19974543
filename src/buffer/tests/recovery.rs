use std::path::Path;

use fluent_compat::retry::Target;

use super::*;
use crate::host::fs::crashing::Op;

async fn two_events(fs: &CrashingFs) -> PathBuf {
    let buffer = open(fs);
    buffer.append(vec![portion("a", "one\n")]).await.unwrap();
    buffer.append(vec![portion("a", "two\n")]).await.unwrap();
    buffer.close().await;
    fs.paths().remove(0)
}

fn backups(fs: &CrashingFs) -> Vec<PathBuf> {
    let in_backup = |path: &PathBuf| path.parent() == Some(Path::new("/buffer/backup"));
    fs.paths().into_iter().filter(in_backup).collect()
}

fn position(content: &[u8], text: &str) -> usize {
    memchr::memmem::find(content, text.as_bytes()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_torn_tail_is_cut() {
    let fs = CrashingFs::default();
    let path = two_events(&fs).await;
    fs.corrupt(&path, |content| content.truncate(content.len() - 3));
    let buffer = open(&fs);
    buffer.append(vec![portion("a", "three\n")]).await.unwrap();
    assert_eq!(drain(&buffer).await, texts(&[("a", &["one\nthree\n"])]));
    assert_eq!(backups(&fs), Vec::<PathBuf>::new());
}

#[tokio::test(start_paused = true)]
async fn a_damaged_frame_in_the_middle_is_set_aside_and_the_rest_is_kept() {
    let fs = CrashingFs::default();
    let path = two_events(&fs).await;
    fs.corrupt(&path, |content| {
        let at = position(content, "one\n");
        content[at] = b'X';
    });
    assert_eq!(drain(&open(&fs)).await, texts(&[("a", &["two\n"])]));
    let kept = fs.read(&backups(&fs)[0]).unwrap();
    assert!(kept.ends_with(b"Xne\n"), "{kept:?}");
}

#[tokio::test(start_paused = true)]
async fn a_damaged_last_frame_is_set_aside_because_it_may_have_been_acknowledged() {
    let fs = CrashingFs::default();
    let path = two_events(&fs).await;
    fs.corrupt(&path, |content| {
        let at = position(content, "two\n");
        content[at] = b'X';
    });
    assert_eq!(drain(&open(&fs)).await, texts(&[("a", &["one\n"])]));
    let kept = fs.read(&backups(&fs)[0]).unwrap();
    assert!(kept.ends_with(b"Xwo\n"), "{kept:?}");
}

#[tokio::test(start_paused = true)]
async fn a_file_without_a_readable_header_is_set_aside_whole() {
    let fs = CrashingFs::default();
    let path = two_events(&fs).await;
    fs.corrupt(&path, |content| content[20] ^= 0xFF);
    let whole = fs.read(&path).unwrap();
    assert_eq!(drain(&open(&fs)).await, texts(&[]));
    assert_eq!(fs.read(&backups(&fs)[0]).unwrap(), whole);
}

#[tokio::test(start_paused = true)]
async fn files_of_others_are_left_alone() {
    let fs = CrashingFs::default();
    let others = [
        "buffer.b60.log",
        "notes.txt",
        "buffer.qzz.chunk",
        "buffer.notes.tmp",
    ];
    for name in others {
        fs.create_new(&Path::new("/buffer").join(name)).unwrap();
    }
    assert_eq!(drain(&open(&fs)).await, texts(&[]));
    assert_eq!(fs.paths().len(), others.len());
}

#[tokio::test(start_paused = true)]
async fn a_named_chunk_is_queued_under_the_same_name_after_a_crash() {
    let fs = CrashingFs::default();
    let buffer = open(&fs);
    buffer.append(vec![portion("a", "one\n")]).await.unwrap();
    buffer.seal(|_| true).await;
    let mut chunk = take(&buffer).await.unwrap();
    for index in 0..2 {
        let name = format!("logs/{index}.gz");
        let target = match index {
            0 => Target::Primary,
            _ => Target::Secondary,
        };
        let object = ObjectName {
            name,
            index,
            target,
        };
        buffer.write_name(&mut chunk, object).unwrap();
    }
    fs.crash_hard();
    let object = take(&open(&fs)).await.unwrap().name.unwrap();
    assert_eq!(object.name, "logs/1.gz");
    assert_eq!(object.target, Target::Secondary);
}

#[tokio::test(start_paused = true)]
async fn a_purged_chunk_does_not_come_back() {
    let fs = CrashingFs::default();
    let buffer = open(&fs);
    buffer.append(vec![portion("a", "one\n")]).await.unwrap();
    buffer.seal(|_| true).await;
    buffer.purge(take(&buffer).await.unwrap()).unwrap();
    assert_eq!(after_a_crash(&fs).await, texts(&[]));
}

#[tokio::test(start_paused = true)]
async fn a_chunk_given_up_is_kept_in_the_backup_directory() {
    let fs = CrashingFs::default();
    let buffer = open(&fs);
    buffer.append(vec![portion("a", "one\n")]).await.unwrap();
    buffer.seal(|_| true).await;
    let kept = buffer.set_aside(take(&buffer).await.unwrap()).unwrap();
    fs.crash_hard();
    let [path] = &backups(&fs)[..] else {
        panic!("{:?}", fs.paths());
    };
    assert_eq!(kept, GivenUp::KeptIn(path.clone()));
    assert_eq!(drain(&open(&fs)).await, texts(&[]));
}

#[tokio::test(start_paused = true)]
async fn a_chunk_that_was_cut_short_while_it_waited_is_not_taken_for_whole() {
    let fs = CrashingFs::default();
    let buffer = open(&fs);
    buffer.append(vec![portion("a", "one\n")]).await.unwrap();
    buffer.append(vec![portion("a", "two\n")]).await.unwrap();
    buffer.seal(|_| true).await;
    let chunk = take(&buffer).await.unwrap();
    // Ends between two frames.
    fs.corrupt(&fs.paths()[0], |content| {
        content.truncate(content.len() - 20)
    });
    let mut text = String::new();
    let mut reader = buffer.body(&chunk).open().unwrap();
    assert!(reader.read_to_string(&mut text).is_err(), "{text:?}");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_a_copy_has_replaced_does_not_come_back_when_it_cannot_be_removed() {
    let fs = CrashingFs::default();
    let path = two_events(&fs).await;
    let copy = PathBuf::from(path.to_str().unwrap().replace("buffer.b", "buffer.q"));
    let content = fs.read(&path).unwrap();
    let file = fs.create_new(&copy).unwrap();
    file.write_all_at(&content, 0).unwrap();
    fs.fault(|op, _| (op == Op::Remove).then(|| io::ErrorKind::PermissionDenied.into()));
    let buffer = open(&fs);
    fs.heal();
    let mut delivered = drain(&buffer).await.into_values().flatten().count();
    for path in fs.paths() {
        let is_copy = path == copy;
        if is_copy && delivered == 1 {
            fs.remove(&path).unwrap();
        }
    }
    delivered += drain(&open(&fs)).await.into_values().flatten().count();
    assert_eq!(delivered, 1);
}

#[tokio::test(start_paused = true)]
async fn a_chunk_of_a_killed_server_is_on_the_disk_before_it_goes_on() {
    let fs = CrashingFs::default();
    let buffer = open(&fs);
    buffer.append(vec![portion("a", "one\n")]).await.unwrap();
    // Killed between write and sync: nobody was answered.
    let path = fs.paths().remove(0);
    let file = fs.open(&path).unwrap();
    let whole = fs.read(&path).unwrap();
    let frame = whole[whole.len() - 20..].to_vec();
    file.write_all_at(&frame, whole.len() as u64).unwrap();
    drop(buffer);
    let restarted = open(&fs);
    fs.crash_hard();
    assert_eq!(drain(&restarted).await, texts(&[("a", &["one\none\n"])]));
}

/// Two events in a queued chunk.
async fn two_queued_events(fs: &CrashingFs) -> PathBuf {
    let buffer = open(fs);
    buffer.append(vec![portion("a", "one\n")]).await.unwrap();
    buffer.append(vec![portion("a", "two\n")]).await.unwrap();
    buffer.seal(|_| true).await;
    fs.paths().remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_queued_chunk_is_read_and_mended_when_it_is_verified_and_not_at_the_start() {
    let fs = CrashingFs::default();
    let path = two_queued_events(&fs).await;
    fs.corrupt(&path, |content| {
        let at = position(content, "one\n");
        content[at] = b'X';
    });
    let buffer = open(&fs);
    assert_eq!(backups(&fs), Vec::<PathBuf>::new());
    let mut chunk = buffer.take(Instant::now()).unwrap();
    assert!(!chunk.is_verified());
    assert!(buffer.held() > 4);
    assert_eq!(buffer.verify(&mut chunk).unwrap(), Verified::Events);
    assert_eq!(text_of(&buffer, &chunk), "two\n");
    assert_eq!((chunk.records, buffer.held()), (1, 4));
    assert_eq!(backups(&fs).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_torn_tail_of_a_queued_chunk_is_cut_before_its_name_is_written() {
    let fs = CrashingFs::default();
    let path = two_queued_events(&fs).await;
    fs.corrupt(&path, |content| content.truncate(content.len() - 3));
    let buffer = open(&fs);
    let mut chunk = buffer.take(Instant::now()).unwrap();
    let object = ObjectName {
        name: "logs/0.gz".to_owned(),
        index: 0,
        target: Target::Primary,
    };
    // Behind a torn frame nobody would find it.
    buffer.write_name(&mut chunk, object.clone()).unwrap_err();
    buffer.verify(&mut chunk).unwrap();
    buffer.write_name(&mut chunk, object.clone()).unwrap();
    fs.crash_hard();
    let buffer = open(&fs);
    let chunk = take(&buffer).await.unwrap();
    assert_eq!(chunk.name.as_ref(), Some(&object));
    assert_eq!(text_of(&buffer, &chunk), "one\n");
}

#[tokio::test(start_paused = true)]
async fn a_queued_chunk_without_events_is_gone_once_it_is_verified() {
    let fs = CrashingFs::default();
    let path = two_queued_events(&fs).await;
    fs.corrupt(&path, |content| {
        let first_frame = position(content, "one\n") - 16;
        content.truncate(first_frame + 17);
    });
    let buffer = open(&fs);
    let mut chunk = buffer.take(Instant::now()).unwrap();
    assert_eq!(buffer.verify(&mut chunk).unwrap(), Verified::Nothing);
    assert_eq!(fs.paths(), Vec::<PathBuf>::new());
    assert_eq!(buffer.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn staged_chunks_beyond_what_is_read_at_the_start_take_no_more_events() {
    let fs = CrashingFs::default();
    let buffer = open(&fs);
    let long = format!("{}\n", "x".repeat(400));
    buffer.append(vec![portion("long", &long)]).await.unwrap();
    buffer.append(vec![portion("a", "one\n")]).await.unwrap();
    buffer.close().await;
    let mut config = config();
    config.read_at_start = 400;
    let buffer = open_with(&fs, &config);
    buffer.append(vec![portion("long", "two\n")]).await.unwrap();
    buffer.append(vec![portion("a", "two\n")]).await.unwrap();
    let wanted = [
        ("a", &["one\ntwo\n"][..]),
        ("long", &[long.as_str(), "two\n"]),
    ];
    assert_eq!(drain(&buffer).await, texts(&wanted));
}

#[tokio::test(start_paused = true)]
async fn a_chunk_that_could_not_be_mended_is_mended_when_it_is_tried_again() {
    let fs = CrashingFs::default();
    let path = two_queued_events(&fs).await;
    fs.corrupt(&path, |content| {
        let at = position(content, "one\n");
        content[at] = b'X';
    });
    let buffer = open(&fs);
    let mut chunk = buffer.take(Instant::now()).unwrap();
    fs.fault(|op, _| (op == Op::Rename).then(|| io::ErrorKind::StorageFull.into()));
    buffer.verify(&mut chunk).unwrap_err();
    fs.heal();
    assert_eq!(buffer.verify(&mut chunk).unwrap(), Verified::Events);
    assert_eq!(text_of(&buffer, &chunk), "two\n");
}

#[tokio::test(start_paused = true)]
async fn a_chunk_whose_sync_fails_when_it_is_verified_is_copied() {
    let fs = CrashingFs::default();
    let path = two_queued_events(&fs).await;
    fs.corrupt(&path, |content| content.truncate(content.len() - 3));
    let buffer = open(&fs);
    let mut chunk = buffer.take(Instant::now()).unwrap();
    let mut fails = true;
    fs.fault(move |op, _| {
        let fails = op == Op::SyncData && std::mem::take(&mut fails);
        fails.then(|| io::ErrorKind::StorageFull.into())
    });
    assert_eq!(buffer.verify(&mut chunk).unwrap(), Verified::Events);
    fs.crash_hard();
    let buffer = open(&fs);
    let chunk = take(&buffer).await.unwrap();
    assert_eq!(text_of(&buffer, &chunk), "one\n");
}
