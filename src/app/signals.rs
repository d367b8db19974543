//! What an operator tells a running server.

use std::io;

use tokio::signal::unix::{self, SignalKind};

/// A signal's meaning.
pub(super) enum Signal {
    /// SIGUSR1: deliver what is buffered, now.
    Flush,
    /// SIGHUP or SIGUSR2, by name: read the configuration again.
    Reload(&'static str),
    /// SIGTERM or SIGINT, by name: finish and end.
    Stop(&'static str),
}

/// The signals the server listens to.
pub(super) struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
    flush: unix::Signal,
    hang_up: unix::Signal,
    reload: unix::Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: unix::signal(SignalKind::terminate())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
            flush: unix::signal(SignalKind::user_defined1())?,
            hang_up: unix::signal(SignalKind::hangup())?,
            reload: unix::signal(SignalKind::user_defined2())?,
        })
    }

    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Signal::Stop("SIGINT"),
            _ = self.flush.recv() => Signal::Flush,
            _ = self.hang_up.recv() => Signal::Reload("SIGHUP"),
            _ = self.reload.recv() => Signal::Reload("SIGUSR2"),
        }
    }

    /// The name of the next signal that says stop; others are passed over.
    pub(super) async fn next_stop(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
