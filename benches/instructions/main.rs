//! How many instructions an event costs between a request's bytes and its answer, counted by
//! callgrind and compared with what was accepted before.
//!
//! ```text
//! cargo run --release --example instructions [-- --accept]
//! ```
//!
//! A count does not depend on what else a machine does, so a change of a few percent shows, also
//! on a machine that is shared. What it does not show is waiting: of the kernel nothing is counted,
//! nor what a cache miss costs. It is an example of the server's package, so that it is built of
//! the same crates with the same features as the demo, and nothing is compiled twice.

mod accepted;
mod case;
mod count;
mod drive;
#[path = "../throughput/fixture/mod.rs"]
mod fixture;
mod verdict;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::accepted::Accepted;
use crate::case::Case;
use crate::verdict::Verdict;

/// Counts the instructions of an event on its way through the server, and compares.
#[derive(Parser)]
#[command(name = "instructions")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Take what is counted now for what is to be from here on.
    #[arg(long)]
    accept: bool,
}

#[derive(Subcommand)]
enum Command {
    /// What is counted: posts so many requests to the server's own stages, in this process.
    Drive {
        /// The kind of request, and of buffer.
        #[arg(value_enum)]
        case: Case,
        /// How many.
        requests: u64,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let out = &mut std::io::stdout();
    let outcome = match arguments.command {
        Some(Command::Drive { case, requests }) => drive::drive(case, requests),
        None if arguments.accept => accept(out),
        None => compare(out),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing can be done about a closed terminal.
            let _ = writeln!(std::io::stderr(), "instructions: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn compare(out: &mut impl Write) -> anyhow::Result<()> {
    let accepted = Accepted::read()?;
    let rustc = count::compiler()?;
    let mut verdict = Verdict::default();
    for case in Case::ALL {
        let found = count::instructions_an_event(*case)?;
        writeln!(out, "{}", verdict.note(*case, accepted.of(*case)?, found))?;
    }
    if accepted.rustc != rustc {
        let before = &accepted.rustc;
        writeln!(out, "accepted with {before}; this is {rustc}")?;
    }
    if let Some(remark) = verdict.into_result()? {
        writeln!(out, "{remark}")?;
    }
    Ok(())
}

fn accept(out: &mut impl Write) -> anyhow::Result<()> {
    let mut accepted = Accepted::by(count::compiler()?);
    for case in Case::ALL {
        let found = count::instructions_an_event(*case)?;
        writeln!(out, "{case}: {found:.0} instructions an event")?;
        accepted.put(*case, found);
    }
    accepted.write()
}
