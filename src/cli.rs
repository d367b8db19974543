//! The command line: forebay's own, and the flags of `fluentd` that people use.

use std::path::PathBuf;

use clap::{ArgAction, Parser};

/// Takes Fluentd's place between Teleport's event handler and S3.
///
/// Reads a fluent.conf, takes events over HTTP or mTLS, answers 200 once they are on disk,
/// and puts them into S3 on their timekey's schedule.
#[derive(Debug, Parser)]
#[command(name = "forebay", version, about, long_about)]
pub(crate) struct Arguments {
    /// The configuration
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "FLUENT_CONF",
        default_value = "/etc/fluent/fluent.conf"
    )]
    pub(crate) config: PathBuf,

    /// Check the configuration, say what is wrong with it, and end
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Write the log to this file instead of the standard error output
    #[arg(short = 'o', long = "log", value_name = "FILE")]
    pub(crate) log_file: Option<PathBuf>,

    /// Log more: debug, or trace when given twice
    #[arg(short, long, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Log less: warnings only, or errors only when given twice
    #[arg(short, long, action = ArgAction::Count)]
    pub(crate) quiet: u8,

    /// Accepted for fluentd's sake: forebay has its plugins built in
    #[arg(short = 'p', long = "plugin", value_name = "DIR")]
    pub(crate) plugin_directories: Vec<PathBuf>,
}
