//! The accept loop: backs off when the system has no more to give, and drains at the end.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::connection::Connections;
use crate::host::throttle::Throttle;

/// How the last connections ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still open at the deadline and were cut off.
    pub cut_off: usize,
}

/// What connections come from.
pub(super) trait Accept: Send {
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = TcpListener::accept(self).await?;
        // Answers are small, and a client waits for each: none is held for the next packet.
        stream.set_nodelay(true)?;
        Ok((stream, peer))
    }
}

/// Serves each connection in a task of its own until told to stop, then drains.
pub(super) async fn run<S, F, A, B>(source: S, connections: Connections<F>) -> Drained
where
    S: Accept,
    F: Fn(SocketAddr, Request<Incoming>) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let connections = Arc::new(connections);
    let stop = connections.stop().clone();
    let mut tasks = JoinSet::new();
    let mut acceptor = Acceptor::new(source, connections.limits().connections.get());
    loop {
        let (stream, peer, slot) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = acceptor.next() => accepted,
            Some(_ended) = tasks.join_next() => continue,
        };
        let connections = Arc::clone(&connections);
        tasks.spawn(async move {
            connections.serve(stream, peer).await;
            drop(slot);
        });
    }
    // The socket closes here: clients are refused at once instead of waiting in the backlog.
    drop(acceptor);

    let drained = async { while tasks.join_next().await.is_some() {} };
    let cut_off = match timeout(connections.limits().drain, drained).await {
        Ok(()) => 0,
        Err(_elapsed) => tasks.len(),
    };
    tasks.shutdown().await;
    Drained { cut_off }
}

/// Accepts one connection after the other, whatever the system says in between.
struct Acceptor<A> {
    source: A,
    slots: Arc<Semaphore>,
    limit: usize,
    /// The pause after the next failure that is not a single connection's.
    pause: Duration,
    warnings: Throttle,
}

impl<A: Accept> Acceptor<A> {
    const FIRST_PAUSE: Duration = Duration::from_millis(10);
    const LONGEST_PAUSE: Duration = Duration::from_secs(1);
    const BETWEEN_WARNINGS: Duration = Duration::from_secs(10);

    fn new(source: A, limit: usize) -> Self {
        Self {
            source,
            slots: Arc::new(Semaphore::new(limit)),
            limit,
            pause: Self::FIRST_PAUSE,
            warnings: Throttle::new(Self::BETWEEN_WARNINGS),
        }
    }

    /// May be dropped at any point: no connection is lost by it.
    async fn next(&mut self) -> (A::Stream, SocketAddr, OwnedSemaphorePermit) {
        let slot = self.slot().await;
        loop {
            match self.source.accept().await {
                Ok((stream, peer)) => {
                    self.pause = Self::FIRST_PAUSE;
                    return (stream, peer, slot);
                }
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => self.back_off(&error).await,
            }
        }
    }

    /// A connection's place among the [`super::Limits::connections`].
    async fn slot(&self) -> OwnedSemaphorePermit {
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            return slot;
        }
        if let Some(held_back) = self.warnings.pass() {
            let limit = self.limit;
            warn!(limit, held_back, "all connections are taken; new ones wait");
        }
        Arc::clone(&self.slots)
            .acquire_owned()
            .await
            .expect("invariant: this semaphore is never closed")
    }

    /// Out of descriptors or memory: connections that end give some back.
    async fn back_off(&mut self, error: &io::Error) {
        if let Some(held_back) = self.warnings.pass() {
            warn!(%error, held_back, "cannot accept connections; trying again");
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Self::LONGEST_PAUSE);
    }
}

/// The client went away before it was accepted; the next one may be well.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted, InvalidInput,
        NotConnected,
    };
    // InvalidInput: setting an option on a socket whose peer has reset it, on some systems.
    matches!(
        error.kind(),
        ConnectionAborted
            | ConnectionRefused
            | ConnectionReset
            | Interrupted
            | InvalidInput
            | NotConnected
    )
}

#[cfg(test)]
mod tests;
