//! A listener whose connections are pipes in memory, and clients for it.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::accept::{self, Accept, Drained};
use super::connection::Connections;
use super::terms::Terms;
use super::{Limits, Transport};

/// Whom the pipes claim to come from.
pub(super) const PEER: &str = "192.0.2.7:40000";

/// One whole request of HTTP/1.1.
pub(super) const REQUEST: &[u8] = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}";

/// A running listener.
pub(super) struct TestListener {
    connections: mpsc::UnboundedSender<io::Result<DuplexStream>>,
    terms: Terms,
    stop: CancellationToken,
    running: JoinHandle<Drained>,
}

impl TestListener {
    /// Answers every request with what `answer` makes of it; its peer is an extension.
    pub(super) fn start<F, A>(transport: Transport, limits: Limits, answer: F) -> Self
    where
        F: Fn(Request<Incoming>) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response<Empty<Bytes>>> + Send + 'static,
    {
        let (connections, source) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let terms = Terms::new(transport, limits);
        let answer = move |peer: SocketAddr, mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            let answer = answer(request);
            async move { Ok::<_, Infallible>(answer.await) }
        };
        let shared = Connections::new(terms.clone(), answer, stop.clone());
        let running = tokio::spawn(accept::run(Pipes(source), shared));
        Self {
            connections,
            terms,
            stop,
            running,
        }
    }

    /// Plain HTTP with default limits, answered with 200 at once.
    pub(super) fn plain() -> Self {
        Self::start(Transport::Plain, Limits::default(), ok)
    }

    /// Opens a connection; nothing is sent.
    pub(super) fn connect(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        self.connections.send(Ok(theirs)).unwrap();
        ours
    }

    /// Lets the next accept fail.
    pub(super) fn fail(&self, error: io::Error) {
        self.connections.send(Err(error)).unwrap();
    }

    /// Serves new connections over this transport.
    pub(super) fn switch(&self, transport: Transport) {
        self.terms.switch_transport(transport);
    }

    /// Tells it to stop, without waiting.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until it has stopped.
    pub(super) async fn stopped(self) -> Drained {
        self.running.await.unwrap()
    }
}

/// Accepts what a test puts in.
struct Pipes(mpsc::UnboundedReceiver<io::Result<DuplexStream>>);

impl Accept for Pipes {
    type Stream = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, SocketAddr)> {
        match self.0.recv().await {
            Some(accepted) => Ok((accepted?, PEER.parse().unwrap())),
            None => pending().await,
        }
    }
}

/// 200 with an empty body.
pub(super) async fn ok(_request: Request<Incoming>) -> Response<Empty<Bytes>> {
    Response::new(Empty::new())
}

/// 200 after a second.
pub(super) async fn ok_after_a_second(request: Request<Incoming>) -> Response<Empty<Bytes>> {
    tokio::time::sleep(Duration::from_secs(1)).await;
    ok(request).await
}

/// Sends [`REQUEST`] and reads the answer's head.
pub(super) async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> String {
    stream.write_all(REQUEST).await.unwrap();
    read_head(stream).await
}

/// Reads up to the empty line that ends a head, or to the end of the stream.
pub(super) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// Waits until the other side closes, and counts the seconds.
pub(super) async fn seconds_until_closed(stream: &mut (impl AsyncRead + Unpin)) -> u64 {
    let start = tokio::time::Instant::now();
    let mut rest = Vec::new();
    // However it ends, it has ended.
    let _ = stream.read_to_end(&mut rest).await;
    start.elapsed().as_secs()
}

/// An HTTP/2 client whose connection runs in a task; the task ends when the connection does.
pub(super) async fn http2_client(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> (
    http2::SendRequest<Full<Bytes>>,
    JoinHandle<hyper::Result<()>>,
) {
    let io = TokioIo::new(stream);
    let (client, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    (client, tokio::spawn(connection))
}

/// One request for [`http2_client`].
pub(super) fn post() -> Request<Full<Bytes>> {
    let body = Full::new(Bytes::from_static(b"{}"));
    Request::post("https://localhost/").body(body).unwrap()
}
