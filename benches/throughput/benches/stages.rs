//! What each stage costs by itself: `cargo bench -p throughput`.

#[path = "../fixture/mod.rs"]
mod fixture;

use std::io::{self, Write};
use std::sync::Arc;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use fluent_compat::events::Events;
use fluent_compat::format::Formatter;
use fluent_compat::parse::Parser;
use fluent_compat::tag::Tag;
use fluent_compat::time::EventTime;
use forebay::buffer::Buffer;
use forebay::decode::{self, Parsing};
use forebay::host::clock::SystemClock;
use forebay::route::Emit;
use forebay::settings::OutputSettings;
use tokio::runtime::Runtime;

const NOW: EventTime = EventTime::new(1_767_225_600, 0);
/// Events in a request.
const EVENTS: [usize; 2] = [1, 1000];

fn main() {
    divan::main();
}

/// From a body to the bytes of a chunk.
#[divan::bench(args = EVENTS)]
fn decode_and_format(bencher: Bencher, count: usize) {
    let settings = fixture::settings(&fixture::configuration("@type memory"));
    let source = settings.sources.first();
    let parser = parser(&source.expect("invariant: there is a source").decode).clone();
    let formatter = settings
        .outputs()
        .first()
        .map(|output: &&OutputSettings| output.route.formatter.clone());
    let formatter = formatter.expect("invariant: there is an output");
    let body = body(count);
    bencher
        .counter(ItemsCount::new(count))
        .counter(BytesCount::of_slice(body.as_bytes()))
        .bench_local(|| format(&formatter, &parse(&parser, black_box(&body))));
}

/// From events to an acknowledgement: the memory buffer.
#[divan::bench(args = EVENTS)]
fn commit_to_memory(bencher: Bencher, count: usize) {
    commit(bencher, count, "@type memory");
}

/// The same with an fdatasync each: nobody is there to share it.
#[divan::bench(args = EVENTS)]
fn commit_to_disk(bencher: Bencher, count: usize) {
    let directory = directory();
    let path = directory.path().display();
    commit(bencher, count, &format!("@type file\npath {path}"));
}

/// The same without.
#[divan::bench(args = EVENTS)]
fn commit_unsynced(bencher: Bencher, count: usize) {
    let directory = directory();
    let path = directory.path().display();
    commit(
        bencher,
        count,
        &format!("@type file\npath {path}\nsync none"),
    );
}

fn commit(bencher: Bencher, count: usize, buffer: &str) {
    let runtime = Runtime::new().expect("invariant: a runtime can be started");
    let settings = fixture::settings(&fixture::configuration(buffer));
    let stages = fixture::stages(settings, |config| {
        Buffer::open(config, Arc::new(SystemClock))
    });
    let body = body(count);
    let events = parse(parser(&stages.decode), &body);
    let tag = Tag::new("test.log");
    bencher
        .counter(ItemsCount::new(count))
        // Not for longer than the chunk lasts.
        .with_inputs(|| (tag.clone(), events.clone()))
        .bench_local_values(|(tag, events)| {
            let stored = runtime.block_on(stages.router.emit(tag, events));
            stored.expect("invariant: the buffer has room");
        });
}

/// The libraries that pack chunks, on 8 MiB of lines.
#[divan::bench(args = ["gzip 1", "gzip 6", "zstd 3"], sample_count = 5, sample_size = 1)]
fn compression(bencher: Bencher, how: &str) {
    let lines = fixture::events(14_000).join("\n").into_bytes();
    bencher
        .counter(BytesCount::of_slice(&lines))
        .bench_local(|| {
            let packed = match how {
                "gzip 1" => gzip(&lines, flate2::Compression::new(1)),
                "gzip 6" => gzip(&lines, flate2::Compression::new(6)),
                _ => zstd(&lines),
            };
            packed.expect("invariant: writing to memory does not fail")
        });
}

/// From the text of a configuration to settings.
#[divan::bench]
fn read_configuration(bencher: Bencher) {
    let configuration = fixture::configuration("@type memory");
    bencher.bench_local(|| fixture::settings(black_box(&configuration)));
}

/// From the text of a configuration to stages that take requests, with a file buffer that has
/// nothing in it; the sockets and the keys are not there.
#[divan::bench]
fn start_up(bencher: Bencher) {
    bencher
        .with_inputs(directory)
        .bench_local_refs(|directory| {
            let path = directory.path().display();
            let configuration = fixture::configuration(&format!("@type file\npath {path}"));
            fixture::stages(fixture::settings(&configuration), |config| {
                Buffer::open(config, Arc::new(SystemClock))
            })
        });
}

fn gzip(lines: &[u8], level: flate2::Compression) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
    encoder.write_all(lines)?;
    encoder.finish()
}

fn zstd(lines: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3)?;
    encoder.write_all(lines)?;
    encoder.finish()
}

fn parser(decode: &decode::Config) -> &Parser {
    match &decode.parsing {
        Parsing::Configured(parser) => parser,
        Parsing::ByContentType(_) => unreachable!("the fixture has a <parse> with a type"),
    }
}

fn parse(parser: &Parser, body: &str) -> Events {
    let events = parser.parse(body.as_bytes(), NOW);
    events.expect("invariant: the testbed's events are JSON")
}

fn format(formatter: &Formatter, events: &Events) -> Vec<u8> {
    let mut out = Vec::with_capacity(events.text_len() + events.len());
    for event in events.iter() {
        let formatted = formatter.format("test.log", &event, &mut out);
        formatted.expect("invariant: every record can be JSON");
    }
    out
}

fn body(count: usize) -> String {
    let events = fixture::events(count);
    match count {
        1 => events.concat(),
        _ => format!("[{}]", events.join(",")),
    }
}

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("invariant: there is a temporary directory")
}
