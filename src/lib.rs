//! forebay: takes audit events over mTLS HTTP, holds them safely, and puts them into S3 on time.
//!
//! The way of an event, and of the modules here:
//!
//! ```text
//! listener ──► decode ──► route ──► buffer ──► schedule ──► sink
//! TLS, h1/h2   body →     tag →     chunk,     timekey,     S3 object
//! peer name    events     output    fsync,     retry        (or stdout)
//!                                   then 200
//! ```
//!
//! `settings` turns a `fluent.conf` into each stage's configuration, `check` explains it,
//! `app` wires the stages together, `monitor` shows what they count, and `host` is what belongs to the machine.

mod app;
pub mod buffer;
mod certs_tool;
mod check;
mod chunk_tool;
mod cli;
pub mod decode;
pub mod evidence;
pub mod host;
pub mod listener;
pub mod monitor;
pub mod route;
pub mod schedule;
pub mod settings;
pub mod sink;
pub mod telemetry;
mod top;
mod verify;

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use fluent_compat::config::Ink;
use fluent_compat::time::EventTime;
use host::clock::{Clock, SystemClock};

/// The configuration is wrong: `EX_CONFIG` of sysexits.h.
const EXIT_CONFIG: u8 = 78;

/// Runs the server as its command line says, until it is told to stop.
///
/// Returns 0 after an orderly stop or `--help`, 78 when the configuration is wrong, 2 when
/// the command line is, and 1 when the server cannot start.
pub fn run_from_args<I>(arguments: I) -> ExitCode
where
    I: IntoIterator<Item = OsString>,
{
    let options = host::environment::variable("FLUENTD_OPT");
    let arguments = cli::Arguments::with_environment(arguments, options);
    let arguments = match cli::Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(answer) => {
            // Nothing can be done about a closed terminal.
            let _ = answer.print();
            return ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(2));
        }
    };
    let clock = Arc::new(SystemClock);
    match arguments.mode() {
        cli::Mode::Certs(command) => return issue_certificates(command, clock.now()),
        cli::Mode::Chunk(command) => return look_at_chunks(command, clock.now()),
        cli::Mode::Top(command) => {
            return top::run(command, &mut std::io::stdout(), &mut std::io::stderr());
        }
        cli::Mode::Verify(command) => return verify_evidence(command, clock.now()),
        cli::Mode::Check | cli::Mode::Drain(_) | cli::Mode::Run => {}
    }
    let loaded = settings::load(arguments.config(), clock.clone());
    let ink = ink_for(&std::io::stderr());
    // Nothing can be done about a closed terminal here either.
    let _ = std::io::stderr().write_all(loaded.remarks(ink).as_bytes());
    if matches!(arguments.mode(), cli::Mode::Check) {
        return explain(&loaded, clock.now());
    }
    let Some(settings) = loaded.settings else {
        return ExitCode::from(EXIT_CONFIG);
    };
    let ended = match arguments.mode() {
        cli::Mode::Drain(timeout) => app::drain(settings, &arguments, timeout, clock),
        _ => app::run(settings, loaded.files, &arguments, clock),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "forebay: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// `forebay certs`: no configuration is read.
fn issue_certificates(command: &cli::CertsCommand, now: EventTime) -> ExitCode {
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    certs_tool::run(command, now.seconds(), &mut out, &mut err)
}

/// `forebay chunk`: no configuration is read, and nothing is changed.
fn look_at_chunks(command: &cli::ChunkCommand, now: EventTime) -> ExitCode {
    let outputs = &mut chunk_tool::Outputs {
        out: &mut std::io::stdout().lock(),
        err: &mut std::io::stderr().lock(),
    };
    let form = |json: bool| match json {
        true => chunk_tool::Form::Json,
        false => chunk_tool::Form::Text,
    };
    match command {
        cli::ChunkCommand::Ls { dir, json } => chunk_tool::ls(dir, form(*json), now, outputs),
        cli::ChunkCommand::Cat { file } => chunk_tool::cat(file, outputs),
        cli::ChunkCommand::Verify { dir, json } => chunk_tool::verify(dir, form(*json), outputs),
    }
}

/// `forebay verify`: no configuration is read, and nothing is changed.
fn verify_evidence(command: &cli::VerifyCommand, now: EventTime) -> ExitCode {
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    verify::run(command, now.seconds(), &mut out, &mut err)
}

/// `forebay check`: what would run goes to the standard output, and the verdict with it; a
/// bad verdict goes where the mistakes went.
fn explain(loaded: &settings::Loaded, now: EventTime) -> ExitCode {
    let (errors, warnings) = (loaded.errors(), loaded.warnings());
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    match &loaded.settings {
        Some(settings) => {
            if warnings > 0 {
                let _ = err.write_all(b"\n");
            }
            let ink = ink_for(&out);
            let mut page = check::plan(settings, now, ink);
            page.push_str(&check::verdict(errors, warnings, ink));
            let _ = out.write_all(page.as_bytes());
            ExitCode::SUCCESS
        }
        None => {
            let verdict = check::verdict(errors, warnings, ink_for(&err));
            let _ = write!(err, "\n{verdict}");
            ExitCode::from(EXIT_CONFIG)
        }
    }
}

/// Colours for a terminal, unless `NO_COLOR` is set.
fn ink_for(output: &impl IsTerminal) -> Ink {
    match output.is_terminal() && host::environment::wants_color() {
        true => Ink::Colored,
        false => Ink::Plain,
    }
}
