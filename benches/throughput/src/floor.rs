//! The floor: hyper and rustls alone. Bodies are read, nothing is stored, the answer is 200.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::keys;
use crate::process::raise_descriptors;
use crate::running::{Running, free_port, url_at};

/// Where the floor listens.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:8888")]
    address: SocketAddr,
    /// A directory with ca.crt, server.crt and server.key (not encrypted).
    #[arg(long)]
    keys: PathBuf,
}

/// Serves until it is killed.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let acceptor = TlsAcceptor::from(Arc::new(keys::server(&options.keys)?));
    raise_descriptors();
    // As forebay has it: one worker a core.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(options.address).await?;
        loop {
            let (stream, _peer) = listener.accept().await.context("accept")?;
            stream.set_nodelay(true)?;
            let acceptor = acceptor.clone();
            tokio::spawn(async move { serve(&acceptor, stream).await });
        }
    })
}

/// Starts a floor in a process of its own, and waits until it listens.
pub(crate) fn start(directory: &Path, keys: &Path) -> anyhow::Result<Running> {
    let port = free_port()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("floor").arg("--keys").arg(keys);
    command.arg("--address").arg(format!("127.0.0.1:{port}"));
    Running::start(command, url_at(port)?, directory)
}

/// How a connection ends is the load's affair.
async fn serve(acceptor: &TlsAcceptor, stream: TcpStream) {
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let io = TokioIo::new(stream);
    if http2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        // forebay's windows.
        builder.initial_stream_window_size(1 << 20);
        builder.initial_connection_window_size(4 << 20);
        let _ = builder.serve_connection(io, service_fn(answer)).await;
    } else {
        let _ = http1::Builder::new()
            .serve_connection(io, service_fn(answer))
            .await;
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let mut body = request.into_body();
    while let Some(Ok(_read)) = body.frame().await {}
    Ok(Response::new(Empty::new()))
}
