//! Idle connections: what each takes of the server's memory, and whether it is given back.

use std::io::Write;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::time::Instant;

use crate::bodies::Bodies;
use crate::floor;
use crate::forebay::{Buffer, Configuration, Executable};
use crate::hold::Held;
use crate::keys;
use crate::process::{descriptors, usage};
use crate::running::Running;
use crate::spread::Spread;

/// How many connections.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    executable: Executable,
    /// How many connections are held at a time.
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// How often all of it is done.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// What one server did in one round.
struct Measurement {
    before: f64,
    held: f64,
    each: f64,
    /// Descriptors that were there before, and are there after.
    descriptors: (usize, usize),
}

/// Measures the floor and forebay in turns, and prints a table.
pub(crate) fn run(options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    let executable = options.executable.path()?;
    let scratch = crate::scratch(None)?;
    let keys = scratch.path().join("keys");
    keys::issue(&keys)?;
    let bodies = Bodies::write(scratch.path())?;
    let measure = |forebay: bool| -> anyhow::Result<Measurement> {
        let directory = tempfile::tempdir_in(scratch.path())?;
        let server = match forebay {
            false => floor::start(directory.path(), &keys)?,
            true => Configuration::unflushed(Buffer::Synced, directory.path(), &keys)
                .start(&executable)?,
        };
        hold(&server, &keys, bodies.of(1), options.connections)
    };
    let (mut floor, mut forebay) = (Vec::new(), Vec::new());
    for round in 0..options.rounds {
        let order = match round % 2 {
            0 => [false, true],
            _ => [true, false],
        };
        for ours in order {
            let measured = measure(ours)?;
            match ours {
                true => forebay.push(measured),
                false => floor.push(measured),
            }
        }
    }
    let connections = options.connections;
    writeln!(
        out,
        "{connections} connections; medians (least–greatest) of {} rounds\n\n\
         | server | RSS MiB before | RSS MiB with them | KiB a connection | descriptors before → after |\n\
         | --- | --- | --- | --- | --- |",
        options.rounds
    )?;
    for (name, all) in [("floor", &floor), ("forebay", &forebay)] {
        let of = |figure: fn(&Measurement) -> f64| {
            Spread::of(all.iter().map(figure)).context("there are no rounds")
        };
        let (before, held) = (of(|m| m.before)?, of(|m| m.held)?);
        let each = of(|m| m.each)?;
        let left: Vec<String> = all
            .iter()
            .map(|m| format!("{} → {}", m.descriptors.0, m.descriptors.1))
            .collect();
        let left = left.join(", ");
        writeln!(out, "| {name} | {before} | {held} | {each} | {left} |")?;
    }
    Ok(())
}

fn hold(
    server: &Running,
    keys: &Path,
    body: &Path,
    connections: usize,
) -> anyhow::Result<Measurement> {
    // One to warm up what the first one does.
    drop(Held::open(server.url(), keys, body, 1)?);
    let open = || descriptors(server.id());
    let before = settled(open)?;
    let resident_before = kibibytes(server)?;
    let held = Held::open(server.url(), keys, body, connections)?;
    let resident = kibibytes(server)?;
    let open_now = open()?;
    if open_now < before + connections {
        bail!("only {open_now} descriptors with {connections} connections: some were closed");
    }
    drop(held);
    Ok(Measurement {
        before: resident_before / 1024.0,
        held: resident / 1024.0,
        each: (resident - resident_before) / connections as f64,
        descriptors: (before, wait_for(before, open)?),
    })
}

fn kibibytes(server: &Running) -> std::io::Result<f64> {
    Ok(usage(server.id())?.resident as f64 / 1024.0)
}

/// The number once it does not change any more.
fn settled(number: impl Fn() -> std::io::Result<usize>) -> std::io::Result<usize> {
    let mut last = number()?;
    loop {
        sleep(Duration::from_millis(200));
        let now = number()?;
        if now == last {
            return Ok(now);
        }
        last = now;
    }
}

/// What is left open after a while, at best as many as before.
fn wait_for(before: usize, number: impl Fn() -> std::io::Result<usize>) -> std::io::Result<usize> {
    const PATIENCE: Duration = Duration::from_secs(20);

    let begun = Instant::now();
    loop {
        let now = number()?;
        if now <= before || begun.elapsed() > PATIENCE {
            return Ok(now);
        }
        sleep(Duration::from_millis(50));
    }
}
