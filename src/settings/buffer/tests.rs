use std::path::{Path, PathBuf};

use super::super::system::FileDefaults;
use super::super::testing::Bench;
use super::*;
use crate::buffer::{Compression, Durability, OverflowAction};
use crate::host::fs::Modes;

const OWNER: Owner<'_> = Owner {
    name: "audit",
    id: Some("audit"),
    objects: None,
};

/// A buffer with these lines, and the remarks on them; the first is in line 2.
fn read_on(
    bench: &Bench,
    lines: &str,
    owner: Owner<'_>,
    defaults: BufferDefaults,
) -> (Option<BufferSettings>, Vec<String>) {
    let conf = format!("<buffer time>\n{lines}\n</buffer>\n");
    bench.read(&conf, |section, context| {
        buffer(section, owner, defaults, context)
    })
}

fn read(lines: &str) -> (Option<BufferSettings>, Vec<String>) {
    read_on(&Bench::new(), lines, OWNER, BufferDefaults::S3)
}

fn config(lines: &str) -> buffer::Config {
    let (settings, remarks) = read(lines);
    assert!(remarks.is_empty(), "{remarks:?}");
    settings.unwrap().buffer
}

fn remark(lines: &str) -> String {
    let (_, mut remarks) = read(lines);
    assert_eq!(remarks.len(), 1, "{lines}: {remarks:?}");
    remarks.remove(0)
}

fn path_of(settings: Option<BufferSettings>) -> PathBuf {
    match settings.unwrap().buffer.place {
        Place::File { path, .. } => path,
        Place::Memory => panic!("in memory"),
    }
}

#[test]
fn the_defaults_are_fluentds() {
    let memory = config("");
    assert_eq!(memory.place, Place::Memory);
    assert_eq!(memory.chunk_limit_size, 8 * MIB);
    assert_eq!(memory.total_limit_size, 512 * MIB);
    let file = config("@type file\npath /b");
    let (path, durability) = (PathBuf::from("/b"), Durability::Synced);
    assert_eq!(file.place, Place::File { path, durability });
    assert_eq!(file.chunk_limit_size, 256 * MIB);
    assert_eq!(file.total_limit_size, 64 * GIB);
    assert_eq!(file.chunk_limit_records, None);
    assert_eq!(file.overflow_action, OverflowAction::ThrowException);
    assert_eq!(file.compression, Compression::Text);
    assert_eq!(file.decompression_size_limit, 256 * MIB);
    assert_eq!(file.backup, Backup::InBuffer);
    assert_eq!(file.modes, Modes::default());
}

#[test]
fn a_file_buffer_keeps_its_chunks_at_shutdown_and_a_memory_buffer_flushes_them() {
    let at_shutdown = |lines: &str| read(lines).0.unwrap().schedule.at_shutdown;
    assert_eq!(at_shutdown("@type file\npath /b"), AtShutdown::Keep);
    assert_eq!(at_shutdown(""), AtShutdown::Flush);
    let (stdout, _) = read_on(
        &Bench::new(),
        "@type file\npath /b\ntimekey 60",
        OWNER,
        BufferDefaults::Stdout,
    );
    assert_eq!(stdout.unwrap().schedule.at_shutdown, AtShutdown::Flush);
}

#[test]
fn what_is_packed_is_as_the_file_says() {
    let gzip = config("compress gzip\ndecompression_size_limit 1m");
    assert_eq!(gzip.compression, Compression::Gzip);
    assert_eq!(gzip.decompression_size_limit, MIB);
    assert_eq!(config("compress zstd").compression, Compression::Zstd);
    assert!(remark("compress lzo").starts_with("2:10 error"));
    assert!(remark("decompression_size_limit 1m").contains("compress gzip"));
}

#[test]
fn queue_limit_length_takes_the_place_of_total_limit_size() {
    let limits = "chunk_limit_size 8m\nqueue_limit_length 100";
    assert_eq!(config(limits).total_limit_size, 800 * MIB);
    let both = format!("{limits}\ntotal_limit_size 1m");
    assert_eq!(config(&both).total_limit_size, 800 * MIB);
}

#[test]
fn queued_chunks_are_unlimited_unless_their_number_is_given() {
    assert_eq!(config("").queued_chunks_limit, None);
    let limited = config("queued_chunks_limit_size 4");
    assert_eq!(limited.queued_chunks_limit, NonZeroUsize::new(4));
    assert!(remark("queued_chunks_limit_size 0").contains("error"));
}

#[test]
fn to_delete_what_is_given_up_is_warned_of() {
    let (settings, remarks) = read("disable_chunk_backup true");
    assert_eq!(settings.unwrap().buffer.backup, Backup::Deleted);
    assert!(remarks[0].contains("lost"), "{remarks:?}");
    let file = config("@type file\npath /b\ndisable_chunk_backup false");
    assert_eq!(file.backup, Backup::InBuffer);
}

#[test]
fn permissions_are_the_buffers_own_or_those_of_system() {
    let modes = |file: &str, dir: &str| Modes {
        file: Some(file.parse().unwrap()),
        dir: Some(dir.parse().unwrap()),
    };
    let bench = Bench::new().with_defaults(FileDefaults {
        root_dir: None,
        modes: modes("0640", "0750"),
    });
    let lines = "@type file\npath /b\nfile_permission 0600";
    let (settings, remarks) = read_on(&bench, lines, OWNER, BufferDefaults::S3);
    assert!(remarks.is_empty(), "{remarks:?}");
    assert_eq!(settings.unwrap().buffer.modes, modes("0600", "0750"));
    let unusable = remark("@type file\npath /b\ndir_permission 0600");
    assert!(unusable.contains("needs 0700"), "{unusable}");
    let unreadable = remark("@type file\npath /b\nfile_permission rw");
    assert!(unreadable.contains("octal"), "{unreadable}");
}

#[test]
fn a_file_buffer_without_a_path_lies_below_root_dir() {
    let bench = Bench::new().with_defaults(FileDefaults {
        root_dir: Some(PathBuf::from("/var/lib/forebay")),
        modes: Modes::default(),
    });
    let (settings, _) = read_on(&bench, "@type file", OWNER, BufferDefaults::S3);
    let expected = Path::new("/var/lib/forebay/worker0/audit/buffer");
    assert_eq!(path_of(settings), expected);
    let (settings, _) = read_on(&bench, "@type file\npath /b", OWNER, BufferDefaults::S3);
    assert_eq!(path_of(settings), Path::new("/b"));
    let nameless = Owner { id: None, ..OWNER };
    let (settings, remarks) = read_on(&bench, "@type file", nameless, BufferDefaults::S3);
    assert!(settings.is_none());
    assert!(remarks[0].contains("`@id`"), "{remarks:?}");
    assert!(remark("@type file").contains("root_dir"));
}

#[test]
fn a_star_in_a_path_stands_where_fluentd_looks_for_it() {
    for path in ["/b", "/b/audit.*", "/b/audit.*.log", "/b.d/c"] {
        assert_eq!(
            path_of(read(&format!("@type file\npath {path}")).0),
            Path::new(path)
        );
    }
    for path in ["/b/audit.*log", "/b/a.*.*", "/b.*/c"] {
        let remark = remark(&format!("@type file\npath {path}"));
        assert!(remark.contains("error"), "{path}: {remark}");
    }
    for path in ["/b/*", "/b/audit*.log", "/*/b"] {
        let remark = remark(&format!("@type file\npath {path}"));
        assert!(remark.contains("part of the name"), "{path}: {remark}");
    }
}

#[test]
fn a_path_without_type_file_is_warned_of() {
    let (settings, remarks) = read("path /b");
    assert_eq!(settings.unwrap().buffer.place, Place::Memory);
    assert!(remarks[0].contains("`@type file`"), "{remarks:?}");
}

#[test]
fn what_changes_nothing_says_why() {
    for (line, reason) in [
        ("flush_thread_burst_interval 0.1", "at once"),
        ("delayed_commit_timeout 60", "commits"),
        ("path_suffix .buf", ".chunk"),
    ] {
        let remark = remark(line);
        assert!(remark.contains("has no effect"), "{remark}");
        assert!(remark.contains(reason), "{remark}");
    }
}

#[test]
fn the_small_chunks_of_a_buffered_stdout_are_warned_of() {
    let stdout = |lines| read_on(&Bench::new(), lines, OWNER, BufferDefaults::Stdout);
    let (settings, remarks) = stdout("timekey 60");
    assert_eq!(settings.unwrap().buffer.chunk_limit_size, 10 * 1024);
    assert!(remarks[0].contains("10240 bytes"), "{remarks:?}");
    let (_, remarks) = stdout("timekey 60\nchunk_limit_size 1m");
    assert!(remarks.is_empty(), "{remarks:?}");
}

#[test]
fn what_a_memory_buffer_gives_up_goes_where_fluentd_writes_it() {
    let in_tmp = Path::new("/tmp/fluent/backup/worker0/audit").to_owned();
    assert_eq!(config("").backup, Backup::In(in_tmp));
    let bench = Bench::new().with_defaults(FileDefaults {
        root_dir: Some(PathBuf::from("/var/lib/forebay")),
        modes: Modes::default(),
    });
    let (name, id) = ("test.* a/b", None);
    let owner = Owner { name, id, ..OWNER };
    let (settings, _) = read_on(&bench, "", owner, BufferDefaults::S3);
    let below_root = Path::new("/var/lib/forebay/backup/worker0/test.__a_b").to_owned();
    assert_eq!(settings.unwrap().buffer.backup, Backup::In(below_root));
}
