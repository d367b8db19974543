//! One connection, from the handshake to its end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::activity::{Activity, InFlight, Missed};
use super::seldom::Seldom;
use super::terms::Terms;
use super::tls::Protocol;
use super::watched::Watched;
use super::{Limits, Transport};
use crate::host::throttle::Throttle;

/// What all connections of a listener share.
pub(super) struct Connections<F> {
    terms: Terms,
    answer: F,
    /// Finish what is under way, take nothing new.
    stop: CancellationToken,
    failed_handshakes: Throttle,
}

impl<F> Connections<F> {
    const BETWEEN_WARNINGS: Duration = Duration::from_secs(10);

    pub(super) fn new(terms: Terms, answer: F, stop: CancellationToken) -> Self {
        Self {
            terms,
            answer,
            stop,
            failed_handshakes: Throttle::new(Self::BETWEEN_WARNINGS),
        }
    }

    pub(super) fn limits(&self) -> Limits {
        self.terms.current().limits
    }

    pub(super) fn stop(&self) -> &CancellationToken {
        &self.stop
    }
}

impl<F, A, B> Connections<F>
where
    F: Fn(SocketAddr, Request<Incoming>) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Serves one connection to its end.
    pub(super) async fn serve<T>(&self, stream: T, peer: SocketAddr)
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let terms = self.terms.current();
        let limits = &terms.limits;
        let tls = match &terms.transport {
            Transport::Plain => return self.http(&terms.sniffing, limits, stream, peer).await,
            Transport::Tls(tls) => tls,
        };
        let outcome = tokio::select! {
            biased;
            () = self.stop.cancelled() => return,
            outcome = tls.accept(stream, limits.handshake) => outcome,
        };
        match outcome {
            Ok((stream, Protocol::Http1)) => self.http(&terms.http1, limits, stream, peer).await,
            Ok((stream, Protocol::Http2)) => self.http(&terms.http2, limits, stream, peer).await,
            Err(reason) if reason.is_hang_up() => {
                debug!(%peer, %reason, "a client hung up in the TLS handshake");
            }
            Err(reason) => {
                self.terms.failed_handshakes().count();
                match self.failed_handshakes.pass() {
                    Some(held_back) => warn!(%peer, %reason, held_back, "a TLS handshake failed"),
                    None => debug!(%peer, %reason, "a TLS handshake failed"),
                }
            }
        }
    }

    async fn http<T>(
        &self,
        builder: &Builder<TokioExecutor>,
        limits: &Limits,
        stream: T,
        peer: SocketAddr,
    ) where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let activity = Activity::new();
        let service = service_fn(|request: Request<Incoming>| Answering {
            in_flight: activity.request(request.version()),
            answer: (self.answer)(peer, request),
        });
        let io = TokioIo::new(Watched::new(stream, Arc::clone(&activity)));
        let mut connection = std::pin::pin!(builder.serve_connection(io, service));
        let mut overdue = std::pin::pin!(activity.overdue(limits));
        let interruption = Seldom::new(async {
            tokio::select! {
                missed = overdue.as_mut() => Interruption::Missed(missed),
                () = self.stop.cancelled() => Interruption::Stop,
            }
        });
        let interruption = tokio::select! {
            biased;
            outcome = connection.as_mut() => return report(peer, outcome),
            interruption = interruption => interruption,
        };
        let missed = match interruption {
            Interruption::Missed(missed) => missed,
            Interruption::Stop => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    biased;
                    outcome = connection.as_mut() => return report(peer, outcome),
                    missed = overdue => missed,
                }
            }
        };

        debug!(%peer, ?missed, "closing a connection that missed its deadline");
        connection.as_mut().graceful_shutdown();
        match timeout(GOODBYE, connection).await {
            Ok(outcome) => report(peer, outcome),
            Err(_elapsed) => debug!(%peer, "the peer did not let the connection end"),
        }
    }
}

/// What ends a connection that its peer would go on with.
enum Interruption {
    Missed(Missed),
    Stop,
}

pin_project! {
    /// An answer in the making. An async block would hold its future twice.
    struct Answering<A> {
        #[pin]
        answer: A,
        in_flight: InFlight,
    }
}

impl<A: Future> Future for Answering<A> {
    type Output = A::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<A::Output> {
        self.project().answer.poll(context)
    }
}

/// For a GOAWAY and its answer, or TLS's last word, on a connection that is given up.
const GOODBYE: Duration = Duration::from_secs(2);

/// A connection that ends badly is the client's affair: what was answered was answered.
fn report<E: std::fmt::Display>(peer: SocketAddr, outcome: Result<(), E>) {
    if let Err(error) = outcome {
        debug!(%peer, %error, "a connection ended early");
    }
}

pub(super) fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    // One event has a MiB at most: windows that let a few through without waiting.
    const STREAM_WINDOW: u32 = 1 << 20;
    const CONNECTION_WINDOW: u32 = 4 << 20;
    const LARGEST_HEAD: u32 = 16 << 10;
    const PING_EVERY: Duration = Duration::from_secs(20);
    const PING_ANSWERED_WITHIN: Duration = Duration::from_secs(20);

    let mut builder = Builder::new(TokioExecutor::new());
    // Activity has the header deadline: hyper's would count idle time as well.
    builder.http1().header_read_timeout(None);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(LARGEST_HEAD)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_ANSWERED_WITHIN);
    builder
}

#[cfg(test)]
mod tests;
