//! Memory over time: a steady load while chunks are flushed, and while one large chunk is.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::time::Instant;

use crate::bodies::Bodies;
use crate::chunks::{self, Frames};
use crate::forebay::{Buffer, Configuration, Executable};
use crate::keys;
use crate::load::{self, Report};
use crate::process::{peak_resident, usage};
use crate::running::Running;
use crate::store::RunningStore;

/// How long, and how hard.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    executable: Executable,
    /// How long the steady load lasts.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Requests a second on all connections together; 0 is as many as there can be.
    #[arg(long, default_value_t = 2000.0)]
    rate: f64,
    /// Connections at once.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// `chunk_limit_size` of the steady load, in MiB: a full chunk is flushed.
    #[arg(long, default_value_t = 8)]
    chunk_mebibytes: u32,
    /// The size of the one large chunk, in MiB of events.
    #[arg(long, default_value_t = 1024)]
    large_mebibytes: usize,
    /// Where buffers and objects are. Else the system's temporary directory.
    #[arg(long)]
    directory: Option<PathBuf>,
}

/// Runs both, and prints a table.
pub(crate) fn run(options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    let bench = Bench::new(options)?;
    writeln!(
        out,
        "| while | requests/s | RSS MiB: idle | first | median | last | greatest | peak (VmHWM) |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |"
    )?;
    let chunk = options.chunk_mebibytes;
    let steady = bench.steady()?;
    let minutes = options.minutes;
    writeln!(
        out,
        "| {minutes} minutes of load, a chunk each {chunk} MiB | {steady} |"
    )?;
    let large = bench.large()?;
    let size = options.large_mebibytes;
    writeln!(
        out,
        "| one chunk of {size} MiB is flushed, under load | {large} |"
    )?;
    Ok(())
}

struct Bench<'a> {
    options: &'a Options,
    executable: PathBuf,
    scratch: tempfile::TempDir,
    keys: PathBuf,
    bodies: Bodies,
}

impl<'a> Bench<'a> {
    fn new(options: &'a Options) -> anyhow::Result<Self> {
        let scratch = crate::scratch(options.directory.as_deref())?;
        let keys = scratch.path().join("keys");
        keys::issue(&keys)?;
        Ok(Self {
            executable: options.executable.path()?,
            bodies: Bodies::write(scratch.path())?,
            keys,
            scratch,
            options,
        })
    }

    fn steady(&self) -> anyhow::Result<String> {
        let directory = tempfile::tempdir_in(self.scratch.path())?;
        let limit = self.options.chunk_mebibytes;
        let lines = [format!("chunk_limit_size {limit}m")];
        let (server, _store) = self.start(directory.path(), &lines)?;
        let idle = resident(&server)?;
        let seconds = 60.0 * self.options.minutes;
        let load = self.load(&server, seconds)?;
        let samples = samples(&server, |begun| Ok(begun.elapsed().as_secs_f64() < seconds))?;
        row(&server, idle, samples, load)
    }

    fn large(&self) -> anyhow::Result<String> {
        let directory = tempfile::tempdir_in(self.scratch.path())?;
        let buffer = Configuration::buffer_directory(directory.path());
        std::fs::create_dir_all(&buffer)?;
        Frames::make(self.options.large_mebibytes << 20).write(&buffer, 0)?;
        let lines = ["chunk_limit_size 64g".to_owned()];
        let (server, _store) = self.start(directory.path(), &lines)?;
        let idle = resident(&server)?;
        // Longer than it takes; ended when the chunk is gone.
        let mut load = self.load(&server, 600.0)?;
        // Beside it lies the chunk that takes the load's events.
        let samples = samples(&server, |_| Ok(large_is_there(&buffer)?));
        load.kill()?;
        load.wait()?;
        row_of(&server, idle, samples?, "–".to_owned())
    }

    fn start(&self, directory: &Path, lines: &[String]) -> anyhow::Result<(Running, RunningStore)> {
        let store = RunningStore::start(&directory.join("objects"))?;
        let mut configuration =
            Configuration::flushed(Buffer::Synced, directory, &self.keys, store.endpoint())
                .line("timekey 1d");
        for line in lines {
            configuration = configuration.line(line);
        }
        let server = configuration.start(&self.executable)?;
        Ok((server, store))
    }

    fn load(&self, server: &Running, seconds: f64) -> anyhow::Result<Child> {
        let load = load::process(server, &self.keys, self.bodies.of(1), seconds)?
            .arg("--connections")
            .arg(self.options.connections.to_string())
            .arg("--rate")
            .arg(self.options.rate.to_string())
            .stdout(Stdio::piped())
            .spawn()?;
        Ok(load)
    }
}

/// Resident MiB, each second while it goes on.
fn samples(
    server: &Running,
    goes_on: impl Fn(Instant) -> anyhow::Result<bool>,
) -> anyhow::Result<Vec<f64>> {
    const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
    const PATIENCE: Duration = Duration::from_secs(3600);

    let begun = Instant::now();
    let mut samples = Vec::new();
    while goes_on(begun)? {
        sleep(BETWEEN_LOOKS);
        samples.push(resident(server)?);
        if begun.elapsed() > PATIENCE {
            bail!("it does not come to its end: {}", server.log());
        }
    }
    Ok(samples)
}

fn large_is_there(buffer: &Path) -> std::io::Result<bool> {
    Ok(chunks::queued(buffer)? > 0)
}

fn resident(server: &Running) -> anyhow::Result<f64> {
    Ok(usage(server.id())?.resident as f64 / f64::from(1 << 20))
}

fn row(server: &Running, idle: f64, samples: Vec<f64>, load: Child) -> anyhow::Result<String> {
    let output = load.wait_with_output()?;
    let report: Report = serde_json::from_slice(&output.stdout).context("the load failed")?;
    if !report.failures.is_empty() {
        bail!("requests failed: {:?}", report.failures);
    }
    let rate = format!("{:.0}", report.requests_per_second());
    row_of(server, idle, samples, rate)
}

fn row_of(server: &Running, idle: f64, samples: Vec<f64>, rate: String) -> anyhow::Result<String> {
    // The first second is when the connections are made.
    let first = samples.get(1).or(samples.first());
    let first = first.context("it was over too soon")?;
    let last = samples.last().context("it was over too soon")?;
    let mut sorted = samples.clone();
    sorted.sort_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).unwrap_or(last);
    let greatest = sorted.last().unwrap_or(last);
    let peak = peak_resident(server.id())? as f64 / f64::from(1 << 20);
    Ok(format!(
        "{rate} | {idle:.1} | {first:.1} | {median:.1} | {last:.1} | {greatest:.1} | {peak:.1}"
    ))
}
