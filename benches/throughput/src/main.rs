//! What a server costs: a load to put on it, a floor to compare it with, and the comparison.

mod compare;
mod floor;
mod keys;
mod load;
mod process;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
}

fn main() -> ExitCode {
    let out = &mut std::io::stdout();
    let outcome = match Arguments::parse().command {
        Command::Load(options) => load::run_and_print(&options, out),
        Command::Floor(options) => floor::run(&options),
        Command::Compare(options) => compare::run(&options, out),
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
