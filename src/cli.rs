//! The command line: forebay's own, and the flags of `fluentd` that people use.

use std::path::{Path, PathBuf};

use clap::{ArgAction, Parser, Subcommand};

/// What `--help` shows last.
const EXAMPLES: &str = "\
Examples:
  forebay check fluent.conf        what is wrong with it, and what it would run
  forebay --config fluent.conf     run it, until SIGTERM or Ctrl-C
  kill -HUP $(pgrep -o forebay)    read the configuration again, without a pause
  kill -USR1 $(pgrep -o forebay)   deliver now what the buffers hold
  forebay chunk ls DIR             what lies in a buffer's directory

It exits with 0 after an orderly stop, 78 when the configuration is wrong, 2 when the
command line is, and 1 when it cannot start.";

/// Takes Fluentd's place between Teleport's event handler and S3.
///
/// Reads a fluent.conf, takes events over HTTP or mTLS, answers 200 once they are on disk,
/// and puts them into S3 on their timekey's schedule.
#[derive(Debug, Parser)]
#[command(name = "forebay", version, about, long_about, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// The configuration
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        env = "FLUENT_CONF",
        default_value = "/etc/fluent/fluent.conf"
    )]
    config: PathBuf,

    /// The same as `forebay check`
    #[arg(long)]
    dry_run: bool,

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

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what is wrong with a configuration and what it would run, and end
    Check {
        /// The configuration, unless `--config` says it
        file: Option<PathBuf>,
    },
    /// Look at the chunks in a buffer's directory, beside a running server too
    Chunk {
        #[command(subcommand)]
        command: ChunkCommand,
    },
}

/// What `forebay chunk` can do; it changes nothing.
#[derive(Debug, Subcommand)]
pub(crate) enum ChunkCommand {
    /// List chunks: state, key, size, age, and the object each is put under
    Ls {
        /// The `path` of a <buffer>
        dir: PathBuf,
        /// A JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Write the events of a chunk's file to the standard output, up to the first damage
    Cat {
        /// A file of forebay's, or of Fluentd's
        file: PathBuf,
    },
    /// Check every frame of every file, and name those that are damaged
    Verify {
        /// The `path` of a <buffer>
        dir: PathBuf,
        /// A JSON object a file
        #[arg(long)]
        json: bool,
    },
}

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mode<'a> {
    /// The configuration is read and explained; nothing is opened, bound or created.
    Check,
    /// No configuration is read.
    Chunk(&'a ChunkCommand),
    /// The configuration is run.
    Run,
}

impl Arguments {
    pub(crate) fn mode(&self) -> Mode<'_> {
        match &self.command {
            Some(Command::Check { .. }) => Mode::Check,
            Some(Command::Chunk { command }) => Mode::Chunk(command),
            None if self.dry_run => Mode::Check,
            None => Mode::Run,
        }
    }

    /// The path of the configuration.
    pub(crate) fn config(&self) -> &Path {
        match &self.command {
            Some(Command::Check { file: Some(file) }) => file,
            _ => &self.config,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Arguments {
        Arguments::try_parse_from(line.split(' ')).unwrap()
    }

    #[test]
    fn check_takes_the_file_it_is_given() {
        for line in [
            "forebay check a.conf",
            "forebay check --config a.conf",
            "forebay --config a.conf check",
            "forebay --dry-run -c a.conf",
        ] {
            let arguments = read(line);
            assert!(matches!(arguments.mode(), Mode::Check), "{line}");
            assert_eq!(arguments.config(), Path::new("a.conf"), "{line}");
        }
        let arguments = read("forebay -c a.conf -vq -p plugins");
        assert!(matches!(arguments.mode(), Mode::Run));
    }
}
