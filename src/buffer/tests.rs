//! The buffer's promises, asked of it over a disk that crashes and fails.

mod acknowledged;
mod compressed;
mod exchange;
mod faults;
mod model;
mod parameters;
mod recovery;
mod sizes;

use std::collections::BTreeMap;
use std::io::Read;

use fluent_compat::tag::Tag;

use super::commit::tell;
use super::*;
use crate::host::clock::PausedClock;
use crate::host::fs::crashing::CrashingFs;

/// A synced file buffer of small chunks.
pub(crate) fn config() -> Config {
    Config {
        name: "test".to_owned(),
        place: Place::File {
            path: PathBuf::from("/buffer"),
            durability: Durability::Synced,
        },
        modes: Modes::default(),
        compression: Compression::Text,
        decompression_size_limit: 1 << 20,
        chunk_limit_size: 1000,
        chunk_limit_records: None,
        chunk_full_threshold: 0.95,
        total_limit_size: 100_000,
        overflow_action: OverflowAction::ThrowException,
        sealing: Sealing::WhenFull,
        queued_chunks_limit: None,
        backup: Backup::InBuffer,
        read_at_start: READ_AT_START,
    }
}

pub(in crate::buffer) fn open(fs: &CrashingFs) -> Buffer {
    open_with(fs, &config())
}

fn open_with(fs: &CrashingFs, config: &Config) -> Buffer {
    let clock = Arc::new(PausedClock::starting_at(1_700_000_000));
    Buffer::open_on(Arc::new(fs.clone()), config, clock).unwrap()
}

fn keyed(tag: &str) -> Metadata {
    Metadata {
        timekey: None,
        tag: Some(Tag::new(tag)),
        variables: Vec::new(),
    }
}

pub(in crate::buffer) fn portion(tag: &str, text: &str) -> Portion {
    Portion {
        metadata: keyed(tag),
        events: text.as_bytes().into(),
        records: 1,
    }
}

/// An append of portions as they are.
fn append_of(portions: Vec<Portion>) -> (Append, Answer) {
    Append::new(payload::pack(portions, Compression::Text).unwrap())
}

type Answer = tokio::sync::oneshot::Receiver<Result<(), AppendError>>;

/// Seals everything and reads it: tag → the chunks' texts, oldest first.
async fn drain(buffer: &Buffer) -> BTreeMap<String, Vec<String>> {
    buffer.seal(|_| true).await;
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    while let Some(mut chunk) = buffer.take(Instant::now()) {
        if buffer.verify(&mut chunk).unwrap() == Verified::Nothing {
            continue;
        }
        let tag = chunk.header.metadata.tag.clone().unwrap();
        let of_tag = texts.entry(tag.as_str().to_owned()).or_default();
        of_tag.push(text_of(buffer, &chunk));
    }
    texts
}

/// The oldest queued chunk, verified. An append is answered before full chunks are queued, so
/// whoever looks must first let the commit come to its end.
async fn take(buffer: &Buffer) -> Option<SealedChunk> {
    buffer.seal(|_| false).await;
    let mut chunk = buffer.take(Instant::now())?;
    buffer.verify(&mut chunk).unwrap();
    Some(chunk)
}

fn text_of(buffer: &Buffer, chunk: &SealedChunk) -> String {
    let mut text = String::new();
    let mut reader = buffer.body(chunk).open().unwrap();
    reader.read_to_string(&mut text).unwrap();
    text
}

/// What a restart after a power cut finds.
async fn after_a_crash(fs: &CrashingFs) -> BTreeMap<String, Vec<String>> {
    fs.crash_hard();
    drain(&open(fs)).await
}

fn texts(pairs: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let pairs = pairs
        .iter()
        .map(|(tag, texts)| ((*tag).to_owned(), owned(texts)));
    pairs.collect()
}
