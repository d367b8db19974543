//! What the server says of itself: its log.

use std::io;
use std::path::Path;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

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

/// Starts logging for the process, to a file or to the standard error output.
///
/// Crates we use log from warnings on, whatever the level: their details are about bytes
/// on the wire, where secrets travel. `RUST_LOG` overrides all of it.
///
/// # Errors
/// The file cannot be opened for appending.
pub fn start_logging(level: LogLevel, file: Option<&Path>) -> io::Result<()> {
    let ours = level.filter();
    let others = ours.min(LevelFilter::WARN);
    let default = format!("{others},forebay={ours},fluent_compat={ours},forebay_certs={ours}");
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false);
    match file {
        Some(path) => {
            let file = crate::host::fs::append_to(path)?;
            log.with_ansi(false)
                .with_writer(std::sync::Mutex::new(file))
                .init();
        }
        None => {
            let terminal = io::IsTerminal::is_terminal(&io::stderr());
            log.with_ansi(terminal).with_writer(io::stderr).init();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v_and_q_move_the_level_as_in_fluentd() {
        assert_eq!(LogLevel::Info.turned(1, 0), LogLevel::Debug);
        assert_eq!(LogLevel::Info.turned(9, 0), LogLevel::Trace);
        assert_eq!(LogLevel::Info.turned(0, 1), LogLevel::Warn);
        assert_eq!(LogLevel::Warn.turned(0, 9), LogLevel::Fatal);
    }
}
