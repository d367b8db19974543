//! What a server costs: a load to put on it, a floor to compare it with, and the comparison; and
//! what goes on behind the answer: flushes, starts, memory, idle connections.

mod bodies;
mod chunks;
mod compare;
mod floor;
mod flush;
mod forebay;
mod hold;
mod idle;
mod keys;
mod load;
mod process;
mod running;
mod soak;
mod spread;
mod start;
mod store;
mod train;
mod work;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tempfile::TempDir;

/// Measures forebay, a server that stores nothing, and others, side by side.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Posts events over mTLS for a while, and says how that went.
    Load(load::Options),
    /// Serves like forebay, but reads bodies and stores nothing.
    Floor(floor::Options),
    /// Runs floor, forebay and others in turns, several rounds, and compares.
    Compare(compare::Options),
    /// Flushes chunks into an S3 store, beside the gzip library alone.
    Flush(flush::Options),
    /// Starts forebay with an empty buffer and a full one, until it listens.
    Start(start::Options),
    /// Watches forebay's memory under a steady load, and while a large chunk is flushed.
    Soak(soak::Options),
    /// Has an instrumented forebay do each kind of work, so that it writes what it ran how often.
    Train(train::Options),
    /// Holds idle connections to floor and forebay, and says what each takes.
    Idle(idle::Options),
    /// Opens connections, posts one event on each, and holds them until the input ends.
    Hold(hold::Options),
    /// Serves as an S3 store until the input ends.
    Store(store::Options),
}

fn main() -> ExitCode {
    let out = &mut std::io::stdout();
    let outcome = match Arguments::parse().command {
        Command::Load(options) => load::run_and_print(&options, out),
        Command::Floor(options) => floor::run(&options),
        Command::Compare(options) => compare::run(&options, out),
        Command::Flush(options) => flush::run(&options, out),
        Command::Start(options) => start::run(&options, out),
        Command::Soak(options) => soak::run(&options, out),
        Command::Train(options) => train::run(&options, out),
        Command::Idle(options) => idle::run(&options, out),
        Command::Hold(options) => hold::run(&options, out),
        Command::Store(options) => store::run(&options, out),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing can be done about a closed terminal.
            let _ = writeln!(std::io::stderr(), "throughput: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A directory for all that a measurement needs, gone when it is dropped; in the given one, or
/// where the system has temporary files.
fn scratch(directory: Option<&Path>) -> std::io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix("throughput-");
    match directory {
        Some(directory) => builder.tempdir_in(directory),
        None => builder.tempdir(),
    }
}
