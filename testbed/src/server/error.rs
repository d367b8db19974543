//! What can go wrong with a process.

use std::path::PathBuf;
use std::time::Duration;

/// Why a server does not run, or does not end.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The configuration cannot be written.
    #[error("{path}: {source}")]
    Conf {
        /// Where to.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The process cannot be started.
    #[error("{executable} does not start: {source}")]
    Spawn {
        /// Which one.
        executable: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It ended instead of listening.
    #[error("the server ended before it listened:\n{output}")]
    EndedAtStart {
        /// All it said.
        output: String,
    },
    /// It never said that it listens.
    #[error("the server did not say within {limit:?} that it listens:\n{output}")]
    NotListening {
        /// How long was waited.
        limit: Duration,
        /// Its log.
        output: String,
    },
    /// It did not say what was waited for.
    #[error("the server did not say `{text}` within {limit:?}:\n{output}")]
    NotSaid {
        /// What was waited for.
        text: String,
        /// How long.
        limit: Duration,
        /// All it said.
        output: String,
    },
    /// It does not end.
    #[error("the server did not end within {limit:?}:\n{output}")]
    NotEnding {
        /// How long was waited.
        limit: Duration,
        /// Its log.
        output: String,
    },
    /// It is gone already.
    #[error("the server has ended already")]
    Gone,
    /// The signal was not taken.
    #[error("the signal did not go through: {0}")]
    Signal(std::io::Error),
    /// The system lost track of it.
    #[error("the server's end is unknown: {0}")]
    Wait(std::io::Error),
}
