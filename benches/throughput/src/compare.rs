//! The comparison: every server under every kind of work, in turns, several rounds.
//!
//! A machine is never equally fast for long, so what is compared are figures of one round, and a
//! ratio is told with its spread. Each server is a fresh process with a fresh directory, and the
//! load is a process of its own, so that CPU is accounted to whom it belongs.

mod contender;
mod disk;
mod table;

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};
use serde::Serialize;
use tempfile::TempDir;

use self::contender::Contender;
use crate::bodies::Bodies;
use crate::forebay::Executable;
use crate::keys;
use crate::load::Report;
use crate::work::Work;

/// Whom to compare, and how long.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    executable: Executable,
    /// Another server: its name, the URL it listens on, and the command that starts it, which
    /// finds the keys in $KEYS and a directory to write to in $DIRECTORY.
    #[arg(long, num_args = 3, value_names = ["NAME", "URL", "COMMAND"], action = clap::ArgAction::Append)]
    other: Vec<String>,
    /// Only these servers: floor, synced, unsynced, memory, or a name of --other.
    #[arg(long)]
    only: Vec<String>,
    /// The kinds of work; else all.
    #[arg(long, value_enum)]
    work: Vec<Work>,
    /// How often all of it is done. One round is measured, but nothing is concluded from it.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long each server is measured in each round.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Where the buffers are: the disk that is measured. Else the system's temporary directory.
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Where all figures are written, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What a server did under one kind of work in one round.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measurement {
    work: Work,
    server: String,
    round: usize,
    report: Report,
}

/// All that was found.
#[derive(Debug, Serialize)]
struct Findings {
    /// p50 of an fdatasync after 600 bytes on this disk, in microseconds.
    sync_microseconds: f64,
    measurements: Vec<Measurement>,
}

/// What all runs share.
struct Bench {
    directory: TempDir,
    keys: PathBuf,
    bodies: Bodies,
    seconds: f64,
}

/// Measures, and prints a table for each kind of work.
pub(crate) fn run(options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    let bench = Bench::new(options)?;
    let contenders = contenders(options)?;
    let works = match options.work.as_slice() {
        [] => Work::ALL,
        chosen => chosen,
    };
    let mut findings = Findings {
        sync_microseconds: disk::sync_microseconds(bench.directory.path())?,
        measurements: Vec::new(),
    };
    for round in 1..=options.rounds {
        for work in works {
            // A machine that becomes slower meanwhile does so to each in turn.
            let mut turns: Vec<&Contender> = contenders.iter().collect();
            if round % 2 == 0 {
                turns.reverse();
            }
            for contender in turns {
                let name = &contender.name;
                let report = bench.measure(*work, contender);
                let report = report.with_context(|| format!("{name}, {work}, round {round}"))?;
                eprint(round, options.rounds, *work, name, &report);
                findings.measurements.push(Measurement {
                    work: *work,
                    server: name.clone(),
                    round,
                    report,
                });
            }
        }
    }
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&findings)?;
        std::fs::write(path, text).with_context(|| path.display().to_string())?;
    }
    table::write(out, &findings)?;
    Ok(())
}

/// A line while it goes on; the tables come at the end.
fn eprint(round: usize, rounds: usize, work: Work, server: &str, report: &Report) {
    let rate = report.events_per_second();
    let cpu = report.server_microseconds_an_event().unwrap_or_default();
    // Nothing can be done about a closed terminal.
    let _ = writeln!(
        std::io::stderr(),
        "{round}/{rounds} {work}: {server}: {rate:.0} events/s, {cpu:.2} µs CPU an event"
    );
}

fn contenders(options: &Options) -> anyhow::Result<Vec<Contender>> {
    let executable = options.executable.path()?;
    let mut contenders = Contender::ours(&executable);
    for other in options.other.chunks_exact(3) {
        if let [name, url, command] = other {
            let url = url.parse().with_context(|| url.clone())?;
            contenders.push(Contender::other(name, url, command));
        }
    }
    if let Some(unknown) = options
        .only
        .iter()
        .find(|name| contenders.iter().all(|c| c.name != **name))
    {
        let known: Vec<&str> = contenders.iter().map(|c| c.name.as_str()).collect();
        bail!(
            "no server is called {unknown}; there are {}",
            known.join(", ")
        );
    }
    if !options.only.is_empty() {
        contenders.retain(|contender| options.only.contains(&contender.name));
    }
    Ok(contenders)
}

impl Bench {
    fn new(options: &Options) -> anyhow::Result<Bench> {
        let directory = crate::scratch(options.directory.as_deref())?;
        let keys = directory.path().join("keys");
        keys::issue(&keys)?;
        Ok(Bench {
            bodies: Bodies::write(directory.path())?,
            keys,
            directory,
            seconds: options.seconds,
        })
    }

    /// Starts the server, puts the load on it, and ends it.
    fn measure(&self, work: Work, contender: &Contender) -> anyhow::Result<Report> {
        let directory = tempfile::tempdir_in(self.directory.path())?;
        let server = contender.start(directory.path(), &self.keys)?;
        work.put_on(&server, &self.keys, &self.bodies, self.seconds)
    }
}
