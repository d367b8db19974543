//! What the server says of itself: its log.

mod line;

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fluent_compat::time::{Strftime, Zone};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, reload};

use self::line::Line;
use crate::host::clock::{Clock, SystemClock};
use crate::host::environment::wants_color;
use crate::host::fs::append_to;

/// How much is logged: `log_level`, or `-v` and `-q`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogLevel {
    /// Everything.
    Trace,
    /// What a developer wants to see.
    Debug,
    /// The default: what happens, and what goes wrong.
    #[default]
    Info,
    /// What goes wrong.
    Warn,
    /// What fails.
    Error,
    /// Only what ends the server: nothing, once it runs.
    Fatal,
}

impl LogLevel {
    const FROM_LOUD_TO_QUIET: [Self; 6] = [
        Self::Trace,
        Self::Debug,
        Self::Info,
        Self::Warn,
        Self::Error,
        Self::Fatal,
    ];

    /// The level after `-v` and `-q` have been given so many times, as in fluentd.
    #[must_use]
    pub fn turned(self, verbose: u8, quiet: u8) -> Self {
        let levels = Self::FROM_LOUD_TO_QUIET;
        let place = levels.iter().position(|level| *level == self).unwrap_or(2);
        let place = (place + usize::from(quiet)).saturating_sub(usize::from(verbose));
        levels.get(place).copied().unwrap_or(Self::Fatal)
    }

    const fn filter(self) -> LevelFilter {
        match self {
            Self::Trace => LevelFilter::TRACE,
            Self::Debug => LevelFilter::DEBUG,
            Self::Info => LevelFilter::INFO,
            Self::Warn => LevelFilter::WARN,
            Self::Error => LevelFilter::ERROR,
            Self::Fatal => LevelFilter::OFF,
        }
    }
}

/// What `<system>` says about the log.
#[derive(Clone, Debug, Default)]
pub struct LogSettings {
    /// `log_level`.
    pub level: LogLevel,
    /// `format` of `<log>`.
    pub format: LogFormat,
    /// `time_format` of `<log>`. If there is none, text has Fluentd's in UTC, and JSON has
    /// RFC 3339.
    pub time: Option<LogTime>,
    /// `path` of `<log>`: the standard error output if there is none.
    pub file: Option<PathBuf>,
}

/// `format` of `<log>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// A line of text, as Fluentd's.
    #[default]
    Text,
    /// A JSON object with `timestamp`, `level`, `message` and what else there is to say.
    Json,
}

/// How a line's time is written.
#[derive(Clone, Debug)]
pub struct LogTime {
    /// `time_format`.
    pub format: Strftime,
    /// The host's.
    pub zone: Zone,
}

impl LogTime {
    /// As Fluentd writes it: `2026-11-21 03:00:00 +0000`.
    pub fn fluentds(zone: Zone) -> Self {
        let format = Strftime::new("%Y-%m-%d %H:%M:%S %z");
        Self { format, zone }
    }
}

impl FormatTime for LogTime {
    fn format_time(&self, out: &mut Writer<'_>) -> fmt::Result {
        out.write_str(&self.format.format(SystemClock.now(), &self.zone))
    }
}

/// The running log, whose level can change.
pub struct LogHandle {
    filter: reload::Handle<EnvFilter, Registry>,
    file: Option<LogFile>,
}

/// A log that is a file.
struct LogFile {
    path: PathBuf,
    open: OpenFile,
}

impl LogFile {
    fn reopen(&self) -> io::Result<()> {
        let file = Box::new(append_to(&self.path)?);
        *self.open.lock() = file;
        Ok(())
    }
}

/// The file that lines go to at the moment. Its lock is held while one is written.
#[derive(Clone)]
struct OpenFile(Arc<Mutex<Box<dyn Write + Send>>>);

impl OpenFile {
    fn at(path: &Path) -> io::Result<Self> {
        let file: Box<dyn Write + Send> = Box::new(append_to(path)?);
        Ok(Self(Arc::new(Mutex::new(file))))
    }

    fn lock(&self) -> MutexGuard<'_, Box<dyn Write + Send>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for OpenFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lock().write(line)
    }

    /// Overridden so that no other line comes between the parts of one.
    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        self.lock().write_all(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lock().flush()
    }
}

impl LogHandle {
    /// Logs from this level on.
    pub fn set_level(&self, level: LogLevel) {
        // It fails once the process has no log any more.
        let _ = self.filter.reload(filter(level));
    }

    /// Opens the file anew, if the log is one: logrotate may have moved it away.
    ///
    /// # Errors
    /// The file cannot be opened; the log goes on where it was.
    pub fn reopen(&self) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), LogFile::reopen)
    }
}

/// Starts logging for the process, to a file or to the standard error output.
///
/// # Errors
/// The file cannot be opened for appending.
pub fn start_logging(log: LogSettings) -> io::Result<LogHandle> {
    let (writer, file) = match log.file {
        Some(path) => {
            let open = OpenFile::at(&path)?;
            let writer = {
                let open = open.clone();
                BoxMakeWriter::new(move || open.clone())
            };
            (writer, Some(LogFile { path, open }))
        }
        None => (BoxMakeWriter::new(io::stderr), None),
    };
    let is_terminal = file.is_none() && io::stderr().is_terminal() && wants_color();
    let lines = tracing_subscriber::fmt::layer()
        .with_target(false)
        .with_ansi(is_terminal)
        .with_writer(writer);
    let lines = match (log.format, log.time) {
        (LogFormat::Text, time) => {
            let time = time.unwrap_or_else(|| LogTime::fluentds(Zone::Utc));
            lines.event_format(Line { time }).boxed()
        }
        (LogFormat::Json, None) => lines.json().flatten_event(true).boxed(),
        (LogFormat::Json, Some(time)) => lines.json().flatten_event(true).with_timer(time).boxed(),
    };
    let (filter, handle) = reload::Layer::new(filter(log.level));
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .init();
    Ok(LogHandle {
        filter: handle,
        file,
    })
}

/// Crates we use log from warnings on, whatever the level: their details are about bytes on
/// the wire, where secrets travel. `RUST_LOG` overrides all of it.
fn filter(level: LogLevel) -> EnvFilter {
    let ours = level.filter();
    let others = ours.min(LevelFilter::WARN);
    let default = format!("{others},forebay={ours},fluent_compat={ours},forebay_certs={ours}");
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_moved_away_is_opened_anew() {
        let directory = tempfile::tempdir().unwrap();
        let (path, moved) = (directory.path().join("log"), directory.path().join("log.1"));
        let open = OpenFile::at(&path).unwrap();
        let mut lines = open.clone();
        let file = LogFile {
            path: path.clone(),
            open,
        };
        lines.write_all(b"before\n").unwrap();
        std::fs::rename(&path, &moved).unwrap();
        lines.write_all(b"meanwhile\n").unwrap();
        file.reopen().unwrap();
        lines.write_all(b"after\n").unwrap();
        let read = |path| std::fs::read_to_string(path).unwrap();
        assert_eq!(read(moved), "before\nmeanwhile\n");
        assert_eq!(read(path), "after\n");
    }

    #[test]
    fn v_and_q_move_the_level_as_in_fluentd() {
        assert_eq!(LogLevel::Info.turned(1, 0), LogLevel::Debug);
        assert_eq!(LogLevel::Info.turned(9, 0), LogLevel::Trace);
        assert_eq!(LogLevel::Info.turned(0, 1), LogLevel::Warn);
        assert_eq!(LogLevel::Warn.turned(0, 9), LogLevel::Fatal);
    }
}
