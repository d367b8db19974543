//! The whole way of an audit event on one machine: certificates, an S3 store, the server, a
//! thousand events over mTLS, and a count of what arrived.
//!
//! ```text
//! cargo run --release --example local_demo [-- --keep]
//! ```

mod ledger;
mod screen;
mod stage;
mod traffic;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use forebay_testbed::tally::Report;

use crate::screen::Screen;
use crate::stage::Stage;
use crate::traffic::Traffic;

/// The first argument under which this executable is the server itself.
const SERVER: &str = "server";

/// Sends 1,180 made-up audit events through forebay into an S3 store on this machine, and
/// counts what arrived. Needs no network, no account, no container. Takes under a minute.
#[derive(Parser)]
#[command(name = "local_demo")]
struct Arguments {
    /// Leave the server and the store running afterwards, to try them by hand.
    #[arg(long)]
    keep: bool,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let program = arguments
        .next()
        .unwrap_or_else(|| OsString::from("forebay"));
    let mut arguments = arguments.peekable();
    if arguments.next_if(|first| first == SERVER).is_some() {
        return forebay::run_from_args(std::iter::once(program).chain(arguments));
    }
    let keep = Arguments::parse().keep;
    let screen = Screen::new();
    match run(&screen, keep) {
        Ok(report) if report.is_exact() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            screen.failure(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(screen: &Screen, keep: bool) -> anyhow::Result<Report> {
    let runtime = tokio::runtime::Runtime::new().context("no async runtime")?;
    runtime.block_on(perform(screen, keep))
}

async fn perform(screen: &Screen, keep: bool) -> anyhow::Result<Report> {
    let stage = Stage::set(screen).await?;
    let traffic = Traffic::compose();
    let tally = traffic.send(screen, &stage).await?;
    ledger::wait(screen, &stage, &tally).await?;
    if keep {
        let report = ledger::close(screen, &stage.store, &tally)?;
        stage.stay(screen).await?;
        return Ok(report);
    }
    // The server goes first: what it might still write would be counted.
    let store = stage.end(screen).await?;
    ledger::close(screen, &store, &tally)
}

/// How long the demonstration waits for anything that is due.
const PATIENCE: Duration = Duration::from_secs(30);
