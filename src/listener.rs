//! Takes connections: TCP, TLS, HTTP/1.1 and HTTP/2, and hands each request to a function.
//!
//! Invariants:
//!
//! * No client can hold up another: handshake and requests run in a task a connection, each
//!   under a deadline, and the number of connections is bounded.
//! * A client that fails the TLS handshake never reaches that function.
//! * Draining answers every request that was taken, unless the deadline cuts it off.
//!
//! The deadline for a request's body is the function's own, because only it knows when it
//! wants the body.

mod accept;
mod activity;
mod bind;
mod connection;
mod seldom;
mod terms;
#[cfg(test)]
mod testing;
pub mod tls;
mod watched;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use self::accept::Drained;
pub use self::bind::BindError;
use self::connection::Connections;
pub use self::terms::Terms;
pub use self::tls::TlsHandle;

/// Where and how a listener listens.
#[derive(Clone, Debug)]
pub struct Config {
    /// An address, or a name that is looked up once. Fluentd's `bind`.
    pub bind: String,
    /// Fluentd's `port`; 0 takes a free one.
    pub port: u16,
    /// How many connections may wait in the kernel to be accepted. Fluentd's `backlog`.
    pub backlog: u32,
    /// Fluentd's `<transport>`.
    pub transport: Transport,
    /// What a client may take.
    pub limits: Limits,
}

/// What lies between TCP and HTTP.
#[derive(Clone, Debug)]
pub enum Transport {
    /// Nothing: HTTP/1.1, or HTTP/2 if the client starts with its preface.
    Plain,
    /// TLS: HTTP/1.1 or HTTP/2, whichever was agreed on in the handshake.
    Tls(TlsHandle),
}

/// What a client may take before it is cut off.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once. Beyond it, new ones wait in the kernel's backlog. `app` lowers it
    /// to what the system has descriptors for.
    pub connections: NonZeroUsize,
    /// Requests at once on one HTTP/2 connection.
    pub streams: u32,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// From the first byte of a request to the end of its headers, in HTTP/1.1. HTTP/2 has
    /// pings for the same end.
    pub header: Duration,
    /// Between two requests. Fluentd's `keepalive_timeout`.
    pub keepalive: Duration,
    /// For the requests in flight to end when the listener stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: NonZeroUsize::new(10_000).expect("invariant: 10000 is not zero"),
            // Teleport's event handler has ten requests under way at most.
            streams: 250,
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(30),
            // Above the 30 s for which Teleport's client keeps an idle connection: a POST that
            // meets a closing connection costs it a back-off.
            keepalive: Duration::from_secs(75),
            // The client gives a request up after 30 s.
            drain: Duration::from_secs(30),
        }
    }
}

/// A bound socket that accepts nothing yet.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    terms: Terms,
}

impl Listener {
    /// Binds the socket. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`BindError`] with the address and the system's reason.
    pub fn bind(config: Config) -> Result<Self, BindError> {
        let (socket, address) = bind::bind(&config)?;
        Ok(Self {
            socket,
            address,
            terms: Terms::new(config.transport, config.limits),
        })
    }

    /// What it serves new connections under; they can be changed while it runs.
    pub fn terms(&self) -> Terms {
        self.terms.clone()
    }

    /// The address it is bound to, with the port that was found if 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is cancelled, then drains: the socket is closed, HTTP/2 clients get
    /// GOAWAY, idle connections end, and requests in flight have [`Limits::drain`] to end.
    ///
    /// `answer` gets each request, and whose it is. It is a plain function, so that its future
    /// lies in the connection and needs no box.
    pub async fn serve<F, A, B>(self, answer: F, stop: CancellationToken) -> Drained
    where
        F: Fn(SocketAddr, Request<Incoming>) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let connections = Connections::new(self.terms, answer, stop);
        accept::run(self.socket, connections).await
    }
}
