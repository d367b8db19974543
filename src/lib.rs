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
//! `settings` turns a `fluent.conf` into each stage's configuration, `app` wires the
//! stages together, and `host` is what belongs to the machine.

mod app;
pub mod buffer;
mod cli;
pub mod decode;
pub mod host;
pub mod listener;
pub mod route;
pub mod schedule;
pub mod settings;
pub mod sink;
pub mod telemetry;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use host::clock::SystemClock;

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
    let arguments = match cli::Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(answer) => {
            // Nothing can be done about a closed terminal.
            let _ = answer.print();
            return ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(2));
        }
    };
    let loaded = settings::load(&arguments.config, Arc::new(SystemClock));
    let mut complaints = std::io::stderr().lock();
    let _ = complaints.write_all(loaded.remarks.as_bytes());
    drop(complaints);
    let Some(settings) = loaded.settings else {
        return ExitCode::from(EXIT_CONFIG);
    };
    if arguments.dry_run {
        return ExitCode::SUCCESS;
    }
    match app::run(settings, &arguments, Arc::new(SystemClock)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "forebay: {error:#}");
            ExitCode::FAILURE
        }
    }
}
