//! How a load went, for people and as JSON.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::tally::Tally;
use super::{Options, Protocol, Uses};

/// How a load went, of the time that was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// What was spoken.
    pub(crate) protocol: Protocol,
    /// Connections at once.
    pub(crate) connections: usize,
    /// Streams on each.
    pub(crate) streams: usize,
    /// The time measured.
    pub(crate) seconds: f64,
    /// Requests that were answered with success.
    pub(crate) requests: u64,
    /// Events in them.
    pub(crate) events: u64,
    /// Of those requests.
    pub(crate) latency: Latency,
    /// Requests that were not, by kind.
    pub(crate) failures: BTreeMap<String, u64>,
    /// CPU of the load itself.
    pub(crate) load_cpu_seconds: f64,
    /// The part of its threads' time in which it worked. Near 1 it may be what limited the rate.
    pub(crate) load_busy: f64,
    /// The server's use, if its process was named.
    pub(crate) server: Option<ServerUse>,
}

/// Latencies in microseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Latency {
    /// Half of the requests were faster.
    pub(crate) p50: f64,
    /// Of a hundred one was slower.
    pub(crate) p99: f64,
    /// Of a thousand one was slower.
    pub(crate) p999: f64,
    /// None was slower.
    pub(crate) max: f64,
}

/// What the server used.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct ServerUse {
    /// CPU while it was measured, all threads.
    pub(crate) cpu_seconds: f64,
    /// Resident memory at the end.
    pub(crate) resident_bytes: u64,
}

impl Report {
    pub(super) fn new(options: &Options, tally: &Tally, uses: Uses) -> Report {
        let load_cpu_seconds = uses.load_cpu.as_secs_f64();
        Report {
            protocol: options.protocol,
            connections: options.connections,
            streams: options.streams,
            seconds: options.seconds,
            requests: tally.answered(),
            events: tally.answered() * options.events,
            latency: Latency {
                p50: tally.microseconds_at(0.5),
                p99: tally.microseconds_at(0.99),
                p999: tally.microseconds_at(0.999),
                max: tally.microseconds_at(1.0),
            },
            failures: tally.failures().clone(),
            load_cpu_seconds,
            load_busy: load_cpu_seconds / (options.seconds * options.threads as f64),
            server: uses.server,
        }
    }

    /// Requests answered in a second.
    pub(crate) fn requests_per_second(&self) -> f64 {
        self.requests as f64 / self.seconds
    }

    /// Events taken in a second.
    pub(crate) fn events_per_second(&self) -> f64 {
        self.events as f64 / self.seconds
    }

    /// The server's CPU for each event, in microseconds.
    pub(crate) fn server_microseconds_an_event(&self) -> Option<f64> {
        let server = self.server?;
        (self.events > 0).then(|| server.cpu_seconds * 1e6 / self.events as f64)
    }

    /// Its memory, in MiB.
    pub(crate) fn server_mebibytes(&self) -> Option<f64> {
        Some(self.server?.resident_bytes as f64 / f64::from(1 << 20))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (requests, events) = (self.requests_per_second(), self.events_per_second());
        writeln!(f, "requests   {requests:.0}/s")?;
        writeln!(f, "events     {events:.0}/s")?;
        let Latency {
            p50,
            p99,
            p999,
            max,
        } = self.latency;
        writeln!(
            f,
            "latency    p50 {p50:.0} µs, p99 {p99:.0} µs, p99.9 {p999:.0} µs, max {max:.0} µs"
        )?;
        let busy = 100.0 * self.load_busy;
        writeln!(f, "this load  busy {busy:.0} % of its threads' time")?;
        if let (Some(cpu), Some(memory)) =
            (self.server_microseconds_an_event(), self.server_mebibytes())
        {
            writeln!(
                f,
                "server     {cpu:.2} µs CPU an event, {memory:.0} MiB resident"
            )?;
        }
        for (kind, count) in &self.failures {
            writeln!(f, "failed     {count} × {kind}")?;
        }
        Ok(())
    }
}
