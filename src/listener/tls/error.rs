//! What can be wrong with a TLS configuration, and with a handshake.

use std::io;
use std::time::Duration;

use tokio_rustls::rustls;
use tokio_rustls::rustls::server::VerifierBuilderError;

/// Why a TLS configuration cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate among the client CAs is none that could be trusted.
    #[error("certificate {position} of the client CA cannot be trusted: {source}")]
    ClientCa {
        /// Counted from 1, in the order of the file.
        position: usize,
        /// rustls's reason.
        source: rustls::Error,
    },
    /// Clients are to be certified, and nobody can certify them.
    #[error("client certificates are asked for, and there is no client CA to check them with")]
    NoClientCa,
    /// The system gives no random numbers for the session tickets' key.
    #[error("cannot make a key for session tickets: {source}")]
    Tickets {
        /// rustls's reason.
        source: rustls::Error,
    },
    /// The server's own certificate or key cannot be used.
    #[error("the certificate and key cannot be used: {source}")]
    UnusableIdentity {
        /// rustls's reason.
        source: rustls::Error,
    },
    /// The client CAs as a whole cannot be used.
    #[error("the client CA cannot be used: {source}")]
    Verifier {
        /// rustls's reason.
        source: VerifierBuilderError,
    },
}

/// Why a client got no further than the handshake.
#[derive(Debug, thiserror::Error)]
pub(in crate::listener) enum HandshakeError {
    /// The client, or its certificate, was refused, or it went away.
    #[error("{0}")]
    Failed(#[from] io::Error),
    /// A resumed session whose certificate is no longer good.
    #[error("the certificate of a resumed session is refused: {0}")]
    NoLongerTrusted(#[from] rustls::Error),
    /// The client took too long.
    #[error("it took longer than {} s", deadline.as_secs())]
    Slow {
        /// What it had.
        deadline: Duration,
    },
}

impl HandshakeError {
    /// Whether the client went away without a word of why, as those do who only want to know
    /// whether the port is open. Whoever refuses a certificate says so first.
    pub(in crate::listener) fn is_hang_up(&self) -> bool {
        matches!(self, Self::Failed(error) if error.kind() == io::ErrorKind::UnexpectedEof)
    }
}
