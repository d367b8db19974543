//! Flushes: chunks on the disk become gzipped objects in an S3 store, beside the gzip library
//! alone with the same bytes.
//!
//! Both are run in each round, and a ratio is made of two figures of one round. The store is a
//! process of its own, but it shares the machine: what it takes is told, too.

mod table;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use tokio::time::Instant;

use crate::chunks::{self, Frames};
use crate::forebay::{Buffer, Configuration, Executable};
use crate::keys;
use crate::process::usage;
use crate::store::RunningStore;

/// What is flushed.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    executable: Executable,
    /// How many chunks there are.
    #[arg(long, default_value_t = 4)]
    chunks: u32,
    /// The size of each, in MiB of events.
    #[arg(long, default_value_t = 64)]
    mebibytes: usize,
    /// How often all of it is done. One round is measured, but nothing is concluded from it.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Where chunks and objects are. Else the system's temporary directory.
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Where all figures are written, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Who packs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
enum Packer {
    /// The library, from memory to memory, in one thread.
    Gzip,
    /// forebay with `flush_thread_count 1`.
    OneThread,
    /// forebay with `flush_thread_count 2`.
    TwoThreads,
}

/// What one of them did in one round.
#[derive(Clone, Debug, Serialize)]
struct Measurement {
    packer: Packer,
    round: usize,
    /// Bytes of events.
    bytes: u64,
    seconds: f64,
    /// CPU of the packing process.
    cpu_seconds: f64,
    /// CPU of the store.
    store_cpu_seconds: f64,
}

/// Measures, and prints a table.
pub(crate) fn run(options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    let executable = options.executable.path()?;
    let scratch = crate::scratch(options.directory.as_deref())?;
    let keys = scratch.path().join("keys");
    keys::issue(&keys)?;
    let frames = Frames::make(options.mebibytes << 20);
    let bench = Bench {
        executable: &executable,
        keys: &keys,
        frames: &frames,
        chunks: options.chunks,
    };
    let mut all = Vec::new();
    for round in 1..=options.rounds {
        // A machine that becomes slower while it is measured does so to each in turn.
        let mut packers = [Packer::Gzip, Packer::OneThread, Packer::TwoThreads];
        if round % 2 == 0 {
            packers.reverse();
        }
        for packer in packers {
            let directory = tempfile::tempdir_in(scratch.path())?;
            let measured = bench.measure(packer, round, directory.path());
            let measured = measured.with_context(|| format!("{packer}, round {round}"))?;
            // Nothing can be done about a closed terminal.
            let _ = writeln!(
                std::io::stderr(),
                "{round}/{} {packer}: {:.0} MB/s",
                options.rounds,
                measured.speed()
            );
            all.push(measured);
        }
    }
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&all)?;
        std::fs::write(path, text).with_context(|| path.display().to_string())?;
    }
    table::write(out, &all)?;
    Ok(())
}

struct Bench<'a> {
    executable: &'a Path,
    keys: &'a Path,
    frames: &'a Frames,
    chunks: u32,
}

impl Bench<'_> {
    fn measure(
        &self,
        packer: Packer,
        round: usize,
        directory: &Path,
    ) -> anyhow::Result<Measurement> {
        let measured = Measurement {
            packer,
            round,
            bytes: self.frames.text.len() as u64 * u64::from(self.chunks),
            seconds: 0.0,
            cpu_seconds: 0.0,
            store_cpu_seconds: 0.0,
        };
        match packer {
            Packer::Gzip => self.gzip(measured),
            Packer::OneThread => self.flush(measured, 1, directory),
            Packer::TwoThreads => self.flush(measured, 2, directory),
        }
    }

    fn gzip(&self, measured: Measurement) -> anyhow::Result<Measurement> {
        let this = std::process::id();
        let (before, begun) = (usage(this)?, Instant::now());
        for _ in 0..self.chunks {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
            gzip.write_all(&self.frames.text)?;
            std::hint::black_box(gzip.finish()?);
        }
        let seconds = begun.elapsed().as_secs_f64();
        let cpu = usage(this)?.cpu.saturating_sub(before.cpu);
        Ok(Measurement {
            seconds,
            cpu_seconds: cpu.as_secs_f64(),
            ..measured
        })
    }

    /// From the moment the server listens, which is when its schedule finds all chunks queued,
    /// to the removal of the last one.
    fn flush(
        &self,
        measured: Measurement,
        threads: u32,
        directory: &Path,
    ) -> anyhow::Result<Measurement> {
        let buffer = Configuration::buffer_directory(directory);
        std::fs::create_dir_all(&buffer)?;
        for number in 0..self.chunks {
            self.frames.write(&buffer, number)?;
        }
        // What is written by and by would be counted to whoever runs then.
        rustix::fs::sync();
        let store = RunningStore::start(&directory.join("objects"))?;
        let configuration =
            Configuration::flushed(Buffer::Synced, directory, self.keys, store.endpoint())
                .line("timekey 1d")
                .line(&format!("flush_thread_count {threads}"));
        let server = configuration.start(self.executable)?;
        let (started, begun) = (usage(server.id())?.cpu, Instant::now());
        let seconds = wait_until_empty(&buffer, begun)
            .with_context(|| server.log())?
            .as_secs_f64();
        Ok(Measurement {
            seconds,
            cpu_seconds: (usage(server.id())?.cpu - started).as_secs_f64(),
            store_cpu_seconds: usage(store.id())?.cpu.as_secs_f64(),
            ..measured
        })
    }
}

fn wait_until_empty(buffer: &Path, begun: Instant) -> anyhow::Result<Duration> {
    const PATIENCE: Duration = Duration::from_secs(300);
    const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

    while chunks::queued(buffer)? > 0 {
        if begun.elapsed() > PATIENCE {
            bail!("there are chunks left after {} s", PATIENCE.as_secs());
        }
        sleep(BETWEEN_LOOKS);
    }
    Ok(begun.elapsed())
}

impl Measurement {
    /// In MB (not MiB) of events a second.
    fn speed(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.seconds
    }

    /// CPU of the packing process, in milliseconds for each MB.
    fn cost(&self) -> f64 {
        self.cpu_seconds * 1e3 / (self.bytes as f64 / 1e6)
    }
}

impl std::fmt::Display for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip library",
            Self::OneThread => "flush_thread_count 1",
            Self::TwoThreads => "flush_thread_count 2",
        })
    }
}
