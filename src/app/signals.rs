//! What an operator tells a running server.

use std::io;

use tokio::signal::unix::{self, SignalKind};

/// A signal's meaning.
pub(super) enum Signal {
    /// SIGUSR1: deliver what is buffered, now.
    Flush,
    /// SIGTERM or SIGINT, by name: finish and end.
    Stop(&'static str),
}

/// The signals the server listens to.
pub(super) struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
    flush: unix::Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: unix::signal(SignalKind::terminate())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
            flush: unix::signal(SignalKind::user_defined1())?,
        })
    }

    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Signal::Stop("SIGINT"),
            _ = self.flush.recv() => Signal::Flush,
        }
    }
}
