//! What is counted: requests from a client to the listener and through all stages up to the
//! acknowledgement, on one thread (but for the file buffer's own, and the one that large bodies
//! are decoded on), over a loopback socket without TLS. The client writes bytes that were made
//! once, and looks at the first line of the answer.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::bail;
use forebay::buffer;
use forebay::decode::Ingress;
use forebay::host::clock::SystemClock;
use forebay::host::fs::MemoryFs;
use forebay::listener::{Config, Limits, Listener, Transport};
use forebay::route::Router;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::case::{Buffer, Case};
use crate::fixture;

/// The size of an event that stands for all.
const USUAL_BYTES: usize = 600;

/// Posts so many requests, one after the other.
pub(crate) fn drive(case: Case, requests: u64) -> anyhow::Result<()> {
    let request = request(&body(case));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let listener = listen()?;
        let address = listener.address();
        let ingress = ingress(case);
        let answer = move |peer, request| ingress.answer(peer, request);
        let serving = tokio::spawn(listener.serve(answer, stop.clone()));
        post(address, &request, requests).await?;
        stop.cancel();
        serving.await?;
        Ok(())
    })
}

async fn post(address: SocketAddr, request: &[u8], requests: u64) -> anyhow::Result<()> {
    let mut connection = TcpStream::connect(address).await?;
    let mut answer = [0; 1024];
    for _ in 0..requests {
        connection.write_all(request).await?;
        // Short enough to come in one piece.
        let length = connection.read(&mut answer).await?;
        let answer = answer.get(..length).unwrap_or_default();
        if !answer.starts_with(b"HTTP/1.1 200 ") || !answer.ends_with(b"\r\n\r\n") {
            bail!("not taken: {}", String::from_utf8_lossy(answer));
        }
    }
    Ok(())
}

fn listen() -> anyhow::Result<Listener> {
    Ok(Listener::bind(Config {
        bind: "127.0.0.1".to_owned(),
        port: 0,
        backlog: 1,
        transport: Transport::Plain,
        limits: Limits::default(),
    })?)
}

fn ingress(case: Case) -> Ingress<Router> {
    let place = match case.buffer() {
        Buffer::Memory => "@type memory",
        // Of the file system in memory.
        Buffer::File => "@type file\npath /buffer",
    };
    let settings = fixture::settings(&fixture::configuration(place));
    let stages = fixture::stages(settings, |config| {
        let clock = Arc::new(SystemClock);
        buffer::Buffer::open_on(Arc::new(MemoryFs::default()), config, clock)
    });
    Ingress::new(stages.decode, stages.router, Arc::new(SystemClock))
}

fn body(case: Case) -> String {
    let mut events = fixture::events(1000);
    match case.events() {
        1 => {
            events.sort_by_key(|event| event.len().abs_diff(USUAL_BYTES));
            events.swap_remove(0)
        }
        _ => format!("[{}]", events.join(",")),
    }
}

/// With the headers of Teleport's client.
fn request(body: &str) -> Vec<u8> {
    let length = body.len();
    let request = format!(
        "POST /test.log HTTP/1.1\r\nHost: localhost:8888\r\nUser-Agent: Go-http-client/1.1\r\n\
         Content-Length: {length}\r\nContent-Type: application/json\r\n\
         Accept-Encoding: gzip\r\n\r\n{body}"
    );
    request.into_bytes()
}
