//! Starts: how long until a server listens, with nothing in its buffer and with a lot.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use tokio::time::Instant;

use crate::bodies::Bodies;
use crate::chunks::Frames;
use crate::forebay::{Buffer, Configuration, Executable};
use crate::keys;
use crate::load::{Http1, Reuse, Target};
use crate::running::Running;
use crate::spread::Spread;

/// What is there when the server starts.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    executable: Executable,
    /// How many queued chunks there are, beside the start without any.
    #[arg(long, default_value_t = 40)]
    chunks: u32,
    /// The size of each, in MiB of events.
    #[arg(long, default_value_t = 256)]
    mebibytes: usize,
    /// How often each start is done.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Where the buffer is: there must be room. Else the system's temporary directory.
    #[arg(long)]
    directory: Option<PathBuf>,
}

/// Starts servers, and prints a table.
pub(crate) fn run(options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    let executable = options.executable.path()?;
    let scratch = crate::scratch(options.directory.as_deref())?;
    let keys = scratch.path().join("keys");
    keys::issue(&keys)?;
    let bodies = Bodies::write(scratch.path())?;
    let (empty, full) = (scratch.path().join("empty"), scratch.path().join("full"));
    let buffer = Configuration::buffer_directory(&full);
    std::fs::create_dir_all(&empty)?;
    std::fs::create_dir_all(&buffer)?;
    let frames = Frames::make(options.mebibytes << 20);
    for number in 0..options.chunks {
        frames.write(&buffer, number)?;
    }
    drop(frames);
    rustix::fs::sync();

    let rounds = options.rounds;
    writeln!(
        out,
        "| start: median (least–greatest) of {rounds} | ms until it listens | ms until the first 200 |\n\
         | --- | --- | --- |"
    )?;
    let times = |directory: &Path, cache: Cache| {
        let body = bodies.of(1);
        let starts = (0..rounds).map(|_| start(&executable, directory, &keys, body, cache));
        starts.collect::<anyhow::Result<Vec<Times>>>()
    };
    let mut row = |what: &str, times: Vec<Times>| -> anyhow::Result<()> {
        let listens = Spread::of(times.iter().map(|times| times.listens));
        let stored = Spread::of(times.iter().map(|times| times.stored));
        let (listens, stored) = listens.zip(stored).context("there are no rounds")?;
        Ok(writeln!(out, "| {what} | {listens} | {stored} |")?)
    };
    row("nothing in the buffer", times(&empty, Cache::Warm)?)?;
    let gibibytes = f64::from(options.chunks) * options.mebibytes as f64 / 1024.0;
    let chunks = options.chunks;
    let what = format!("{chunks} chunks of {gibibytes:.1} GiB together");
    row(
        &format!("{what}, in the kernel's cache"),
        times(&full, Cache::Warm)?,
    )?;
    match times(&full, Cache::Cold) {
        Ok(times) => row(&format!("{what}, on the disk alone"), times)?,
        Err(error) => writeln!(out, "\nNot with a cold cache: {error:#}")?,
    }
    Ok(())
}

/// Whether the kernel has the files in memory.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cache {
    /// As far as they fit.
    Warm,
    Cold,
}

/// Milliseconds from the start of the process.
struct Times {
    /// To the first connection that it takes.
    listens: f64,
    /// To the answer to the first event, with its handshake.
    stored: f64,
}

fn start(
    executable: &Path,
    directory: &Path,
    keys: &Path,
    body: &Path,
    cache: Cache,
) -> anyhow::Result<Times> {
    if cache == Cache::Cold {
        let everything = std::fs::write("/proc/sys/vm/drop_caches", "3");
        everything.context("/proc/sys/vm/drop_caches, which takes root")?;
    }
    let configuration =
        Configuration::unflushed(Buffer::Synced, directory, keys).line("retry_forever true");
    let begun = Instant::now();
    let server = configuration.start(executable)?;
    let listens = begun.elapsed();
    post_one(&server, keys, body)?;
    Ok(Times {
        listens: listens.as_secs_f64() * 1e3,
        stored: begun.elapsed().as_secs_f64() * 1e3,
    })
}

fn post_one(server: &Running, keys: &Path, body: &Path) -> anyhow::Result<()> {
    let target = Arc::new(Target::of(server.url(), keys, body)?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut connection = Http1::connect(&target, Reuse::KeepAlive).await?;
        connection.exchange().await?;
        Ok(())
    })
}
