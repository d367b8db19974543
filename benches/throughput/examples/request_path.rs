//! So many requests through HTTP, decoding, routing and the memory buffer, on one thread and
//! without a socket: the same instructions each time, for a count that noise does not touch.
//! `benches/throughput/instructions` runs it under callgrind.

#[path = "../fixture/mod.rs"]
mod fixture;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use forebay::decode;
use forebay::host::clock::SystemClock;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tower::Service;

/// Whom requests come from.
const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
/// The answer's end.
const BLANK_LINE: &[u8] = b"\r\n\r\n";

fn main() -> anyhow::Result<()> {
    let count: usize = std::env::args()
        .nth(1)
        .context("how many requests?")?
        .parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(count))
}

async fn run(count: usize) -> anyhow::Result<()> {
    let stages = fixture::stages(fixture::settings(&fixture::configuration("@type memory")));
    let service = decode::service(stages.decode, stages.router, Arc::new(SystemClock));
    let (mut client, server) = duplex(64 << 10);
    tokio::spawn(async move {
        let service = service_fn(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(PEER);
            service.clone().call(request)
        });
        // It ends with the client.
        let _ = http1::Builder::new()
            .serve_connection(TokioIo::new(server), service)
            .await;
    });
    let event = fixture::events(1).concat();
    let length = event.len();
    let request = format!(
        "POST /test.log HTTP/1.1\r\nHost: localhost:8888\r\nUser-Agent: Go-http-client/1.1\r\n\
         Content-Length: {length}\r\nContent-Type: application/json\r\n\
         Accept-Encoding: gzip\r\n\r\n{event}"
    );
    let mut answer = Vec::with_capacity(1024);
    for _ in 0..count {
        client.write_all(request.as_bytes()).await?;
        answer.clear();
        while !answer.ends_with(BLANK_LINE) {
            anyhow::ensure!(client.read_buf(&mut answer).await? > 0, "no answer");
        }
        anyhow::ensure!(answer.starts_with(b"HTTP/1.1 200 "), "not taken");
    }
    Ok(())
}
