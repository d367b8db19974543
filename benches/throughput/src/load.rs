//! A load: so many connections, each posting the same body again and again, over mTLS.
//!
//! It must not be what limits the server, so a request is a write of bytes that were made once,
//! and an answer a look at its head. [`Report::load_busy`] tells whether it was: a load whose
//! threads are busy all the time would have sent more if it could.

mod http1;
mod http2;
mod report;
mod tally;
mod target;
mod window;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::ValueEnum;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

pub(crate) use self::http1::Http1;
use self::http2::Http2;
pub(crate) use self::report::{Report, ServerUse};
use self::tally::Tally;
use self::target::Failure;
pub(crate) use self::target::Target;
use self::window::Window;
use crate::process::usage;
use crate::running::Running;

/// Whom to send what, and for how long.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// Where to post, such as https://127.0.0.1:8888/test.log.
    #[arg(long)]
    pub(crate) url: http::Uri,
    /// A directory with ca.crt, client.crt and client.key.
    #[arg(long)]
    pub(crate) keys: PathBuf,
    /// A file whose content is every request's body.
    #[arg(long)]
    pub(crate) body: PathBuf,
    /// How many events the body has: counted, not looked at.
    #[arg(long, default_value_t = 1)]
    pub(crate) events: u64,
    /// Which HTTP is spoken.
    #[arg(long, value_enum, default_value_t = Protocol::Http1)]
    pub(crate) protocol: Protocol,
    /// Whether a connection carries more than one request.
    #[arg(long, value_enum, default_value_t = Reuse::KeepAlive)]
    pub(crate) reuse: Reuse,
    /// Connections at once.
    #[arg(long, default_value_t = 64)]
    pub(crate) connections: usize,
    /// Requests at once on each HTTP/2 connection.
    #[arg(long, default_value_t = 1)]
    pub(crate) streams: usize,
    /// Threads that share the connections.
    #[arg(long, default_value_t = 1)]
    pub(crate) threads: usize,
    /// Requests a second, all together; 0 is as many as are answered.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) rate: f64,
    /// How long is measured.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) seconds: f64,
    /// How long requests are sent before that.
    #[arg(long, default_value_t = 0.5)]
    pub(crate) warm_up: f64,
    /// The server's process, if its use of CPU and memory is to be measured as well.
    #[arg(long)]
    pub(crate) server_pid: Option<u32>,
    /// Print the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which HTTP is spoken.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Protocol {
    /// HTTP/1.1, without ALPN.
    Http1,
    /// HTTP/2, by ALPN.
    Http2,
}

/// Whether a connection carries more than one request; only of HTTP/1.1.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// As many as there is time for.
    KeepAlive,
    /// One, and the next connection shakes hands in full.
    FullHandshake,
    /// One, and the next connection resumes the session.
    ResumedHandshake,
}

/// A load on the server for so long, as a process of its own that prints its report as JSON.
pub(crate) fn process(
    server: &Running,
    keys: &Path,
    body: &Path,
    seconds: f64,
) -> io::Result<Command> {
    let mut load = Command::new(std::env::current_exe()?);
    load.args(["load", "--json"]);
    load.arg("--url").arg(server.url().to_string());
    load.arg("--keys").arg(keys);
    load.arg("--body").arg(body);
    load.arg("--seconds").arg(seconds.to_string());
    Ok(load)
}

/// Puts the load on the server and prints the report.
pub(crate) fn run_and_print(options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    let report = run(options)?;
    match options.json {
        true => writeln!(out, "{}", serde_json::to_string(&report)?)?,
        false => write!(out, "{report}")?,
    }
    Ok(())
}

fn run(options: &Options) -> anyhow::Result<Report> {
    let target = Arc::new(Target::new(options)?);
    let (target, connected) = (&target, &Barrier::new(options.threads + 1));
    thread::scope(|scope| {
        let workers: Vec<_> = shares(options.connections, options.threads)
            .map(|share| scope.spawn(move || work(target, share, options, connected)))
            .collect();
        connected.wait();
        let uses = watch(Window::opening(options), options.server_pid)?;
        let mut tally = Tally::new();
        for worker in workers {
            let worked = worker
                .join()
                .map_err(|_panic| anyhow!("a thread of the load failed"))?;
            tally.add(&worked?);
        }
        Ok(Report::new(options, &tally, uses))
    })
}

/// What was used while the window was open.
pub(crate) struct Uses {
    /// By the load itself.
    load_cpu: Duration,
    server: Option<ServerUse>,
}

fn watch(window: Window, server: Option<u32>) -> anyhow::Result<Uses> {
    let load = std::process::id();
    let ask = |pid: u32| usage(pid).context("the server's process");
    thread::sleep(window.begin.duration_since(Instant::now()));
    let (load_before, server_before) = (usage(load)?, server.map(ask).transpose()?);
    thread::sleep(window.end.duration_since(Instant::now()));
    let (load_after, server_after) = (usage(load)?, server.map(ask).transpose()?);
    Ok(Uses {
        load_cpu: load_after.cpu.saturating_sub(load_before.cpu),
        server: server_before
            .zip(server_after)
            .map(|(before, after)| ServerUse {
                cpu_seconds: after.cpu.saturating_sub(before.cpu).as_secs_f64(),
                resident_bytes: after.resident,
            }),
    })
}

/// How many connections each thread has.
fn shares(connections: usize, threads: usize) -> impl Iterator<Item = usize> {
    (0..threads)
        .map(move |thread| connections / threads + usize::from(thread < connections % threads))
}

/// One thread: connects, waits for the others, and posts while the window is open.
fn work(
    target: &Arc<Target>,
    connections: usize,
    options: &Options,
    connected: &Barrier,
) -> anyhow::Result<Tally> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let lanes = runtime.block_on(lanes(target, connections, options));
    // Whether or not it went well: the others wait.
    connected.wait();
    let lanes = lanes?;
    let window = Window::opening(options);
    let pace = Pace::of(options);
    Ok(runtime.block_on(drive_all(lanes, window, pace)))
}

/// Something that posts, and posts again when it has the answer.
enum Lane {
    Http1(Box<Http1>),
    Http2(Http2),
}

impl Lane {
    async fn exchange(&mut self) -> Result<(), Failure> {
        match self {
            Self::Http1(lane) => lane.exchange().await,
            Self::Http2(lane) => lane.exchange().await,
        }
    }
}

async fn lanes(
    target: &Arc<Target>,
    connections: usize,
    options: &Options,
) -> Result<Vec<Lane>, Failure> {
    let mut lanes = Vec::new();
    for _ in 0..connections {
        match options.protocol {
            Protocol::Http1 => {
                let lane = Http1::connect(target, options.reuse).await?;
                lanes.push(Lane::Http1(Box::new(lane)));
            }
            Protocol::Http2 => {
                let first = Http2::connect(target).await?;
                lanes.extend((0..options.streams).map(|_| Lane::Http2(first.clone())));
            }
        }
    }
    Ok(lanes)
}

/// How long a lane takes from one request to the next, at least.
#[derive(Clone, Copy)]
struct Pace(Duration);

impl Pace {
    fn of(options: &Options) -> Pace {
        let lanes = (options.connections * options.streams) as f64;
        match options.rate > 0.0 {
            true => Pace(Duration::from_secs_f64(lanes / options.rate)),
            false => Pace(Duration::ZERO),
        }
    }
}

async fn drive_all(lanes: Vec<Lane>, window: Window, pace: Pace) -> Tally {
    /// For the answers that are under way when the window closes.
    const LAST_ANSWERS: Duration = Duration::from_secs(5);

    let mut driven = JoinSet::new();
    for lane in lanes {
        driven.spawn(drive(lane, window, pace));
    }
    let mut tally = Tally::new();
    let collect = async {
        while let Some(Ok(part)) = driven.join_next().await {
            tally.add(&part);
        }
    };
    let in_time = timeout_at(window.end + LAST_ANSWERS, collect).await;
    if in_time.is_err() {
        tally.unanswered(driven.len());
    }
    tally
}

async fn drive(mut lane: Lane, window: Window, pace: Pace) -> Tally {
    /// Before the next try, when the server does not take requests.
    const AFTER_FAILURE: Duration = Duration::from_millis(10);

    let mut tally = Tally::new();
    let mut begun = Instant::now();
    while begun < window.end {
        let outcome = lane.exchange().await;
        let mut ended = Instant::now();
        if window.contains(ended) {
            tally.note(&outcome, ended - begun);
        }
        if outcome.is_err() {
            sleep(AFTER_FAILURE).await;
            ended = Instant::now();
        }
        let Pace(pace) = pace;
        if ended - begun < pace {
            sleep_until(begun + pace).await;
            ended = Instant::now();
        }
        begun = ended;
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_shared_out_to_the_last() {
        let shares: Vec<usize> = shares(7, 3).collect();
        assert_eq!(shares, [3, 2, 2]);
    }
}
