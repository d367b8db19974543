//! The command line: forebay's own, and the flags of `fluentd` that people use.

mod certs;
mod top;
mod verify;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgAction, Parser, Subcommand};

pub(crate) use certs::{CertsCommand, KeyKind, Passphrases};
pub(crate) use top::TopCommand;
pub(crate) use verify::VerifyCommand;

/// Where the images of Fluentd have the file that `FLUENTD_CONF` names.
const IMAGE_CONFIGS: &str = "/fluentd/etc";

/// What `--help` shows last.
const EXAMPLES: &str = "\
Examples:
  forebay check fluent.conf        what is wrong with it, and what it would run
  forebay --config fluent.conf     run it, until SIGTERM or Ctrl-C
  kill -HUP $(pgrep -o forebay)    read the configuration again, without a pause
  kill -USR1 $(pgrep -o forebay)   deliver now what the buffers hold
  forebay chunk ls DIR             what lies in a buffer's directory
  forebay drain fluent.conf        deliver what the buffers hold, and end
  forebay certs keys               issue what both sides of mTLS need
  forebay top                      what a running server does, live
  forebay verify s3://BUCKET/logs/ --public-key digest.pub    is anything missing?

Environment:
  FLUENT_CONF    the configuration, unless --config says it
  FLUENTD_CONF   the same below /fluentd/etc, as in Fluentd's images
  FLUENTD_OPT    options before those of the command line, split at white space

It exits with 0 after an orderly stop, 78 when the configuration is wrong, 2 when the
command line is, and 1 when it cannot start or cannot drain.";

/// Takes Fluentd's place between Teleport's event handler and S3.
///
/// Reads a fluent.conf, takes events over HTTP or mTLS, answers 200 once they are on disk,
/// and puts them into S3 on their timekey's schedule.
#[derive(Debug, Parser)]
#[command(name = "forebay", version, about, long_about, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// The configuration [default: /etc/fluent/fluent.conf]
    #[arg(
        short,
        long,
        global = true,
        overrides_with = "config",
        value_name = "FILE",
        default_value_os_t = default_config(),
        hide_default_value = true
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
    /// Issue the keys and certificates that `teleport-event-handler configure` writes
    Certs(CertsCommand),
    /// Deliver all that the buffers of a configuration hold, and end
    ///
    /// No source is opened. It needs the buffers to itself, so the server must have ended. It
    /// ends with 0 when all of them are empty, so that Fluentd can take over.
    Drain {
        /// The configuration, unless `--config` says it
        file: Option<PathBuf>,
        /// How long it may take, in Fluentd's way: 90s, 10m, 2h
        #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
        timeout: Duration,
    },
    /// Show what a running server does, live in the terminal
    ///
    /// It asks the server's monitor port, `<source> @type monitor_agent` or `@type prometheus`,
    /// and changes nothing. `q` ends it. Where the output is no terminal it ends by itself, as
    /// with `--once`.
    Top(TopCommand),
    /// Hold a bucket, or a copy of it, against the signed digests in it
    ///
    /// Nothing is changed. It ends with 0 when all that was put is there as it was put and
    /// nothing else is, with 1 when something is missing, altered or added, each told by its
    /// name, and with 69 when it could not look.
    Verify(VerifyCommand),
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
    Certs(&'a CertsCommand),
    /// No configuration is read.
    Chunk(&'a ChunkCommand),
    /// Outputs run without sources until all buffers are empty, or for so long.
    Drain(Duration),
    /// The configuration is run.
    Run,
    /// No configuration is read.
    Top(&'a TopCommand),
    Verify(&'a VerifyCommand),
}

impl Arguments {
    /// The arguments with those of `FLUENTD_OPT` before them: of two `--config` the last
    /// counts, so the command line has the last word.
    pub(crate) fn with_environment(
        arguments: impl IntoIterator<Item = OsString>,
        options: Option<String>,
    ) -> impl Iterator<Item = OsString> {
        let mut arguments = arguments.into_iter().peekable();
        let name = arguments.next();
        // To the entry point of Fluentd's images the name of the program is an argument.
        let _program = arguments.next_if(|first| first == "fluentd" || first == "forebay");
        let options = options.unwrap_or_default();
        // As a shell splits `$FLUENTD_OPT`: quotes mean nothing.
        let options: Vec<_> = options.split_whitespace().map(OsString::from).collect();
        name.into_iter().chain(options).chain(arguments)
    }

    pub(crate) fn mode(&self) -> Mode<'_> {
        match &self.command {
            Some(Command::Check { .. }) => Mode::Check,
            Some(Command::Chunk { command }) => Mode::Chunk(command),
            Some(Command::Certs(command)) => Mode::Certs(command),
            Some(Command::Drain { timeout, .. }) => Mode::Drain(*timeout),
            Some(Command::Top(command)) => Mode::Top(command),
            Some(Command::Verify(command)) => Mode::Verify(command),
            None if self.dry_run => Mode::Check,
            None => Mode::Run,
        }
    }

    /// The path of the configuration.
    pub(crate) fn config(&self) -> &Path {
        match &self.command {
            Some(
                Command::Check { file: Some(file) }
                | Command::Drain {
                    file: Some(file), ..
                },
            ) => file,
            _ => &self.config,
        }
    }
}

/// What the environment says, else where Fluentd's packages have it.
fn default_config() -> PathBuf {
    let of_fluentd = std::env::var_os("FLUENT_CONF").map(PathBuf::from);
    let of_image = || std::env::var_os("FLUENTD_CONF").map(in_image);
    let set = of_fluentd.or_else(of_image);
    set.unwrap_or_else(|| "/etc/fluent/fluent.conf".into())
}

/// A name is one in the image's directory; an absolute path is itself.
fn in_image(name: impl AsRef<Path>) -> PathBuf {
    Path::new(IMAGE_CONFIGS).join(name)
}

/// A time as Fluentd writes it: digits and one of s, m, h, d; seconds if there is none.
fn duration(text: &str) -> Result<Duration, String> {
    let wanted = || format!("found `{text}`, not digits and one of s, m, h, d");
    let digits = text.trim_end_matches(|last: char| last.is_ascii_alphabetic());
    let unit = text.strip_prefix(digits).unwrap_or_default();
    let seconds = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wanted()),
    };
    let count: u32 = digits.parse().map_err(|_| wanted())?;
    Ok(Duration::from_secs(u64::from(count) * seconds))
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

    #[test]
    fn options_of_the_environment_stand_before_those_of_the_command_line() {
        let arguments = ["fluentd", "-c", "b.conf"].map(OsString::from);
        let options = Some(" -v  -c a.conf ".to_owned());
        let all = Arguments::with_environment(arguments, options);
        let read = Arguments::try_parse_from(all).unwrap();
        assert_eq!(read.config(), Path::new("b.conf"));
        assert_eq!(read.verbose, 1);
    }

    #[test]
    fn the_name_of_the_program_may_be_the_first_argument() {
        let arguments = ["/usr/local/bin/forebay", "fluentd", "-c", "a.conf"].map(OsString::from);
        let all = Arguments::with_environment(arguments, None);
        let read = Arguments::try_parse_from(all).unwrap();
        assert_eq!(read.config(), Path::new("a.conf"));
    }

    #[test]
    fn a_configuration_is_found_where_the_images_of_fluentd_have_it() {
        for (name, path) in [
            ("fluent.conf", "/fluentd/etc/fluent.conf"),
            ("/etc/other.conf", "/etc/other.conf"),
        ] {
            assert_eq!(in_image(name), Path::new(path));
        }
    }

    #[test]
    fn times_are_read_as_fluentd_writes_them() {
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("10m", 600),
            ("2h", 7200),
            ("1d", 86_400),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "m", "1.5h", "-1", "10 minutes", "1w"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
