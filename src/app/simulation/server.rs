//! One life of the simulated server, and its only client.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fluent_compat::config::{Environment, Ink, Texts};
use fluent_compat::time::Zone;
use http::Request;
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::time::Instant;

use super::store::{Store, Way};
use crate::buffer::{Basin, Buffer};
use crate::decode;
use crate::host::clock::{Clock, PausedClock};
use crate::host::fs::crashing::CrashingFs;
use crate::route::{Destination, Label, Output, Router, Step, Target};
use crate::schedule::{Schedule, Sinks};
use crate::settings::{self, OutputKind, Settings, SinkSettings, StepSettings, TargetSettings};

pub(super) struct Server {
    /// The one on the server's wall, and one that is right.
    clock: Arc<PausedClock>,
    right_clock: Arc<PausedClock>,
    buffer: Buffer,
    schedule: Schedule,
    client: SendRequest<String>,
}

impl Server {
    /// Starts at a unix second, with a clock that is wrong by `skew` seconds.
    pub(super) async fn start(
        conf: &str,
        now: i64,
        skew: i64,
        disk: &CrashingFs,
        store: &Arc<Store>,
    ) -> Self {
        let clock = Arc::new(PausedClock::starting_at(now + skew));
        let right_clock = Arc::new(PausedClock::starting_at(now));
        let mut settings = read(conf, clock.clone());
        let source = settings.sources.remove(0);
        let step = settings.labels.remove(0).steps.remove(0);
        let StepSettings::Match(patterns, TargetSettings::Output(output)) = step else {
            panic!("the configuration has one <match>")
        };
        let OutputKind::Buffered(buffered) = output.kind else {
            panic!("it has a buffer")
        };
        let SinkSettings::S3(s3) = buffered.sink else {
            panic!("it is of S3")
        };
        let fs = Arc::new(disk.clone());
        let buffer = Buffer::open_without_thread(fs, &buffered.buffer, clock.clone()).unwrap();
        let way = Way {
            store: store.clone(),
            keys: s3.keys,
            clock: right_clock.clone(),
        };
        let sinks = Sinks {
            primary: Arc::new(way),
            secondary: None,
            evidence: None,
        };
        let schedule = Schedule::start(buffered.schedule, buffer.clone(), sinks, clock.clone());
        let destination = Destination::Buffered(Basin::new(buffer.clone()));
        let target = Target::Output(Box::new(Output::new(output.route, destination)));
        let router = Router::new(vec![Label {
            name: None,
            steps: vec![Step::Match(patterns, target)],
        }]);
        Self {
            client: connect(source.decode, router, clock.clone()).await,
            clock,
            right_clock,
            buffer,
            schedule,
        }
    }

    /// Posts an event, which has to be taken.
    pub(super) async fn post(&mut self, number: usize, time: i64) {
        let time = Timestamp::from_second(time).unwrap();
        let body = format!(r#"{{"event":"session.start","n":{number},"time":"{time}"}}"#);
        let request = Request::post("/test.log")
            .header("host", "forebay")
            .header("content-type", "application/json");
        self.client.ready().await.unwrap();
        let request = request.body(body).unwrap();
        let answer = self.client.send_request(request).await.unwrap();
        assert_eq!(answer.status(), 200, "event {number}");
    }

    pub(super) async fn pass_to(&self, right_time: i64) {
        let seconds = right_time - self.right_clock.now().seconds();
        let time = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        tokio::time::sleep(time).await;
    }

    pub(super) fn set_the_clock(&self, seconds: i64) {
        self.clock.jump(seconds);
    }

    /// As SIGTERM does.
    pub(super) async fn stop(self) {
        drop(self.client);
        self.buffer.close().await;
        let deadline = Instant::now() + super::super::FLUSH_DEADLINE;
        self.schedule.stop(deadline).await;
    }
}

fn read(conf: &str, clock: Arc<dyn Clock>) -> Settings {
    let path = Path::new("fluent.conf");
    let host = settings::Host {
        loader: &Texts::one(path, conf),
        environment: Environment::new("box"),
        local_zone: Zone::Utc,
        hostname: "box".to_owned(),
        clock,
    };
    let loaded = settings::load_on(path, &host);
    let remarks = loaded.remarks(Ink::Plain);
    loaded.settings.unwrap_or_else(|| panic!("{remarks}"))
}

/// HTTP/1.1 through a pipe in memory.
async fn connect(
    config: decode::Config,
    router: Router,
    clock: Arc<dyn Clock>,
) -> SendRequest<String> {
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    let service = decode::Ingress::new(config, router, clock);
    let peer: SocketAddr = "192.0.2.7:40000".parse().unwrap();
    let service = service_fn(move |request: Request<Incoming>| service.answer(peer, request));
    let server = hyper::server::conn::http1::Builder::new();
    tokio::spawn(server.serve_connection(TokioIo::new(theirs), service));
    let shake_hands = hyper::client::conn::http1::handshake(TokioIo::new(ours));
    let (client, connection) = shake_hands.await.unwrap();
    tokio::spawn(connection);
    client
}
