use std::io::Read;

use fluent_compat::chunk::Metadata;
use fluent_compat::tag::Tag;
use fluent_compat::timekey::Timekey;
use tokio::time::Instant;

use super::*;
use crate::buffer::tests::config;
use crate::buffer::{Buffer, Portion};
use crate::host::clock::PausedClock;
use crate::host::fs::crashing::{CrashingFs, Op};

/// One chunk as a killed Fluentd left it: name without suffix, body, metadata.
macro_rules! recorded {
    ($path:literal) => {
        (
            $path.rsplit('/').next().unwrap(),
            include_bytes!(concat!(
                "../../../fluent-compat/vectors/leftover/",
                $path,
                ".log"
            ))
            .as_slice(),
            include_bytes!(concat!(
                "../../../fluent-compat/vectors/leftover/",
                $path,
                ".log.meta"
            ))
            .as_slice(),
        )
    };
}

/// What is wrong, the body, and the metadata.
type Case<'a> = (&'a str, &'a [u8], Option<&'a [u8]>);
type Recorded = (&'static str, &'static [u8], &'static [u8]);

fn plain() -> Recorded {
    recorded!("staged/test/buffer.b660c0216cd1d8b791a6474bb58f5f8f8")
}

fn plain_queued() -> Recorded {
    recorded!("queued/test/buffer.q660c02335af2a25a54dc2822cbfab03c")
}

fn gzipped() -> Recorded {
    recorded!("staged/session/buffer.b660c0216d0227413d8e6fd20aa68e2e3")
}

const PLAIN_EVENTS: &str = "\
{\"ei\":6,\"uid\":\"u-6\",\"event\":\"user.login\"}
{\"ei\":7,\"uid\":\"u-7\",\"event\":\"user.login\"}
";
const GZIPPED_EVENTS: &str = "\
{\"ei\":1,\"sid\":\"4a1b\",\"kind\":{\"name\":\"ssh\"}}
{\"ei\":2,\"sid\":\"4a1b\",\"kind\":{\"name\":\"ssh\"}}
";

/// A file that is safe on the disk.
fn put(fs: &CrashingFs, path: &str, content: &[u8]) {
    let path = Path::new(path);
    let file = fs.create_new(path).unwrap();
    file.write_all_at(content, 0).unwrap();
    file.sync_data().unwrap();
    fs.sync_dir(path.parent().unwrap()).unwrap();
}

fn put_chunk(fs: &CrashingFs, (name, body, meta): Recorded) {
    put(fs, &format!("/buffer/{name}.log"), body);
    put(fs, &format!("/buffer/{name}.log.meta"), meta);
}

fn try_open(fs: &CrashingFs) -> io::Result<Buffer> {
    let clock = Arc::new(PausedClock::starting_at(1_700_000_000));
    Buffer::open_without_thread(Arc::new(fs.clone()), &config(), clock)
}

fn open(fs: &CrashingFs) -> Buffer {
    try_open(fs).unwrap()
}

/// What a sink gets, all of it, in its order.
async fn deliver(buffer: &Buffer) -> Vec<(ChunkId, String)> {
    buffer.seal(|_| true).await;
    let mut delivered = Vec::new();
    while let Some(chunk) = buffer.take(Instant::now()) {
        let mut text = String::new();
        let mut body = buffer.body(&chunk).open().unwrap();
        body.read_to_string(&mut text).unwrap();
        delivered.push((chunk.header.id, text));
        buffer.purge(chunk).unwrap();
    }
    delivered
}

async fn texts(buffer: &Buffer) -> Vec<String> {
    let delivered = deliver(buffer).await.into_iter();
    delivered.map(|(_, text)| text).collect()
}

fn names(fs: &CrashingFs) -> Vec<String> {
    let paths = fs.paths().into_iter();
    paths
        .map(|path| path.to_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_staged_chunk_is_taken_over_with_its_key_its_id_and_its_events() {
    let fs = CrashingFs::default();
    put_chunk(&fs, gzipped());
    let buffer = open(&fs);
    assert!(buffer.take(Instant::now()).is_none(), "it is staged");
    buffer.seal(|_| true).await;
    let chunk = buffer.take(Instant::now()).unwrap();
    assert_eq!(
        chunk.header.id.to_string(),
        "660c0216d0227413d8e6fd20aa68e2e3"
    );
    assert_eq!(chunk.header.created, EventTime::new(0x6b01_020b, 0));
    let variables = vec![("$.kind.name".to_owned(), Some("ssh".to_owned()))];
    let metadata = Metadata {
        timekey: Some(Timekey::new(0x6b00_fb20)),
        tag: Some(Tag::new("session.4a1b.log")),
        variables,
    };
    assert_eq!(chunk.header.metadata, metadata);
    assert_eq!(
        (chunk.records, chunk.bytes),
        (2, GZIPPED_EVENTS.len() as u64)
    );
    let mut text = String::new();
    buffer
        .body(&chunk)
        .open()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, GZIPPED_EVENTS);
}

#[tokio::test(start_paused = true)]
async fn new_events_of_its_key_join_a_staged_chunk() {
    let fs = CrashingFs::default();
    put_chunk(&fs, plain());
    let buffer = open(&fs);
    let metadata = Metadata {
        timekey: Some(Timekey::new(0x65cd_d290)),
        ..Metadata::default()
    };
    let events = b"new\n"[..].into();
    buffer
        .append(vec![Portion {
            metadata,
            events,
            records: 1,
        }])
        .await
        .unwrap();
    assert_eq!(texts(&buffer).await, [format!("{PLAIN_EVENTS}new\n")]);
}

#[tokio::test(start_paused = true)]
async fn queued_chunks_are_queued_at_once_the_oldest_first() {
    let fs = CrashingFs::default();
    put_chunk(&fs, plain_queued());
    put_chunk(
        &fs,
        recorded!("queued/session/buffer.q660c02335df878888f7648f12ffb41f9"),
    );
    let buffer = open(&fs);
    let first = buffer.take(Instant::now()).unwrap();
    assert_eq!(
        first.header.id.to_string(),
        "660c02335af2a25a54dc2822cbfab03c"
    );
    assert!(buffer.take(Instant::now()).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_power_cut_at_any_step_neither_loses_nor_repeats() {
    for (leftover, events) in [
        (plain(), PLAIN_EVENTS),
        (plain_queued(), PLAIN_EVENTS),
        (gzipped(), GZIPPED_EVENTS),
    ] {
        for dir in ["/buffer", "/buffer/worker0"] {
            cut_at_every_step(leftover, dir, events, |_| 0).await;
            cut_at_every_step(leftover, dir, events, |all| all).await;
            cut_at_every_step(leftover, dir, events, |all| all / 2).await;
        }
    }
}

/// Of what is not synced at the cut, `survives` says how much does.
async fn cut_at_every_step(
    (name, body, meta): Recorded,
    dir: &str,
    events: &str,
    survives: fn(usize) -> usize,
) {
    for steps in 0.. {
        let fs = CrashingFs::default();
        put(&fs, &format!("{dir}/{name}.log"), body);
        put(&fs, &format!("{dir}/{name}.log.meta"), meta);
        fs.kill_after(steps);
        let was_killed = try_open(&fs).is_err() || fs.is_killed();
        fs.crash(survives);
        let mut delivered = texts(&open(&fs)).await;
        fs.crash_hard();
        delivered.extend(texts(&open(&fs)).await);
        let place = format!("{dir}, cut after {steps} operations");
        assert_eq!(delivered, [events], "{place}");
        assert_eq!(names(&fs), Vec::<String>::new(), "{place}");
        if !was_killed {
            assert!(steps > 8, "{steps} steps are not a takeover");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_fails_neither_loses_nor_repeats() {
    for failing in 0.. {
        let fs = CrashingFs::default();
        put_chunk(&fs, plain());
        let mut operations = 0;
        fs.fault(move |_, _| {
            operations += 1;
            (operations > failing).then(|| io::ErrorKind::PermissionDenied.into())
        });
        let opened = try_open(&fs);
        fs.heal();
        let mut delivered = Vec::new();
        // The server goes on with what it could take up, and delivers it.
        if let Ok(buffer) = opened {
            delivered.extend(texts(&buffer).await);
        }
        let in_first_run = delivered.len();
        fs.crash_hard();
        delivered.extend(texts(&open(&fs)).await);
        assert_eq!(delivered, [PLAIN_EVENTS], "from operation {failing} on");
        if in_first_run == 1 {
            assert!(failing > 8, "{failing} operations are not a takeover");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_operation_that_fails_neither_loses_nor_repeats() {
    for op in [
        Op::Create,
        Op::Open,
        Op::Rename,
        Op::Remove,
        Op::SyncDir,
        Op::Write,
        Op::SyncData,
    ] {
        let fs = CrashingFs::default();
        put_chunk(&fs, plain());
        let mut failed = false;
        fs.fault(move |found, _| {
            let fails = found == op && !std::mem::replace(&mut failed, found == op);
            fails.then(|| io::ErrorKind::Interrupted.into())
        });
        let mut delivered = match try_open(&fs) {
            Ok(buffer) => {
                fs.heal();
                texts(&buffer).await
            }
            Err(_) => Vec::new(),
        };
        fs.crash(|all| all);
        delivered.extend(texts(&open(&fs)).await);
        assert_eq!(delivered, [PLAIN_EVENTS], "{op:?} fails once");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_broken_goes_to_the_backup_directory_as_it_is() {
    let (name, body, meta) = gzipped();
    let (_, lines, plain_meta) = plain();
    let newer = [&[0xc1, 1], &meta[2..]].concat();
    let cases: [Case<'_>; 8] = [
        ("no metadata", body, None),
        ("empty metadata", body, Some(b"")),
        ("metadata of another version", body, Some(&newer)),
        ("metadata cut", body, Some(&meta[..40])),
        ("no events", b"", Some(meta)),
        ("gzip cut", &body[..body.len() - 5], Some(meta)),
        (
            "gzip with zeros behind it",
            &[body, &[0; 64]].concat(),
            Some(meta),
        ),
        ("lines cut", &lines[..lines.len() - 5], Some(plain_meta)),
    ];
    for (case, body, meta) in cases {
        let fs = CrashingFs::default();
        put(&fs, &format!("/buffer/{name}.log"), body);
        if let Some(meta) = meta {
            put(&fs, &format!("/buffer/{name}.log.meta"), meta);
        }
        put_chunk(&fs, plain_queued());
        assert_eq!(texts(&open(&fs)).await, [PLAIN_EVENTS], "{case}");
        fs.crash_hard();
        assert_eq!(
            fs.read(Path::new(&format!("/buffer/backup/{name}.log")))
                .unwrap(),
            body,
            "{case}"
        );
        let kept = meta.map(|_| format!("/buffer/backup/{name}.log.meta"));
        let expected: Vec<_> = [Some(format!("/buffer/backup/{name}.log")), kept]
            .into_iter()
            .flatten()
            .collect();
        assert_eq!(names(&fs), expected, "{case}");
        assert_eq!(texts(&open(&fs)).await, Vec::<String>::new(), "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_under_another_name_is_delivered_once_and_other_events_are_kept() {
    let fs = CrashingFs::default();
    let (name, body, meta) = plain();
    put_chunk(&fs, plain());
    let queued = name.replace("buffer.b", "buffer.q");
    put(&fs, &format!("/buffer/{queued}.log"), body);
    put(&fs, &format!("/buffer/{queued}.log.meta"), meta);
    put(&fs, &format!("/buffer/worker0/{name}.log"), b"others\n");
    put(&fs, &format!("/buffer/worker0/{name}.log.meta"), meta);
    assert_eq!(texts(&open(&fs)).await, [PLAIN_EVENTS]);
    let kept = fs
        .read(Path::new(&format!("/buffer/backup/{name}.log")))
        .unwrap();
    assert_eq!(kept, b"others\n");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_was_renamed_before_its_metadata_finds_them() {
    let fs = CrashingFs::default();
    let (name, body, meta) = plain();
    put(
        &fs,
        &format!("/buffer/{}.log", name.replace("buffer.b", "buffer.q")),
        body,
    );
    put(&fs, &format!("/buffer/{name}.log.meta"), meta);
    assert_eq!(texts(&open(&fs)).await, [PLAIN_EVENTS]);
    assert_eq!(names(&fs), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn chunks_of_workers_are_found_in_their_directories() {
    let fs = CrashingFs::default();
    let (name, body, meta) = plain();
    put(&fs, &format!("/buffer/worker1/{name}.log"), body);
    put(&fs, &format!("/buffer/worker1/{name}.log.meta"), meta);
    assert_eq!(texts(&open(&fs)).await, [PLAIN_EVENTS]);
    assert_eq!(names(&fs), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_large_body_becomes_frames_that_end_with_lines() {
    let fs = CrashingFs::default();
    let (name, _, meta) = plain();
    let line = format!("{}\n", "x".repeat(999));
    let body = line.repeat(3_000);
    put(
        &fs,
        &format!("/buffer/{name}.log"),
        zstd::encode_all(body.as_bytes(), 1).unwrap().as_slice(),
    );
    put(&fs, &format!("/buffer/{name}.log.meta"), meta);
    drop(open(&fs));
    let chunk = fs.paths().into_iter().next().unwrap();
    // A damaged frame costs whole lines.
    fs.corrupt(&chunk, |content| content[FRAME_SIZE + 5_000] ^= 1);
    let rest = texts(&open(&fs)).await.concat();
    assert!(rest.len() < body.len() && rest.lines().all(|found| found.len() == 999));
}

#[test]
fn bodies_without_lines_are_believed() {
    for (body, whole) in [
        (b"\x82\xa2ei\x01\x0a\x0b".as_slice(), true),
        (b"one text behind another", true),
        (b"{\"ei\":1}{\"ei\":2}", true),
        (b"{\"ei\":1}\n", true),
        (b"{\"ei\":1}\n{\"ei\"", false),
        (b"{\"ei\":1", false),
        (b"2026-11-21\ttag\t{}\n2026", false),
        (b"", false),
    ] {
        let mut shape = Shape::default();
        shape.add(body);
        assert_eq!(shape.check().is_ok(), whole, "{body:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_chunk_survives_a_power_cut_at_any_step() {
    let (name, body, meta) = gzipped();
    let cut = &body[..body.len() - 5];
    for steps in 0..40 {
        let fs = CrashingFs::default();
        put(&fs, &format!("/buffer/{name}.log"), cut);
        put(&fs, &format!("/buffer/{name}.log.meta"), meta);
        fs.kill_after(steps);
        let _ = try_open(&fs);
        fs.crash_hard();
        assert_eq!(texts(&open(&fs)).await, Vec::<String>::new());
        let kept = |name: &str| fs.read(&Path::new("/buffer/backup").join(name)).unwrap();
        assert_eq!(kept(&format!("{name}.log")), cut, "cut after {steps}");
        assert_eq!(kept(&format!("{name}.log.meta")), meta, "cut after {steps}");
    }
}
