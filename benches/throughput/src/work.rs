//! The kinds of work.

use std::fmt;
use std::path::Path;

use anyhow::bail;
use clap::ValueEnum;
use serde::Serialize;

use crate::bodies::Bodies;
use crate::load::{self, Report};
use crate::running::Running;

/// A kind of work; what it is for is said in the table of bars in `docs/performance.md`.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Work {
    /// One event a POST, 64 connections.
    Many,
    /// One event a POST, one connection: the latency.
    One,
    /// One event a POST, HTTP/2, 16 streams on one connection.
    Streams,
    /// 1,000 events a POST, 8 connections.
    Batches,
    /// A full handshake for each event.
    Handshakes,
    /// A resumed handshake for each event.
    Resumptions,
}

/// What the load is told.
struct Plan {
    protocol: &'static str,
    reuse: &'static str,
    connections: usize,
    streams: usize,
    /// In a body.
    events: usize,
}

impl Work {
    pub(crate) const ALL: &[Work] = &[
        Work::Many,
        Work::One,
        Work::Streams,
        Work::Batches,
        Work::Handshakes,
        Work::Resumptions,
    ];

    fn plan(self) -> Plan {
        let usual = Plan {
            protocol: "http1",
            reuse: "keep-alive",
            connections: 64,
            streams: 1,
            events: 1,
        };
        match self {
            Self::Many => usual,
            Self::One => Plan {
                connections: 1,
                ..usual
            },
            Self::Streams => Plan {
                protocol: "http2",
                connections: 1,
                streams: 16,
                ..usual
            },
            Self::Batches => Plan {
                connections: 8,
                events: 1000,
                ..usual
            },
            Self::Handshakes => Plan {
                reuse: "full-handshake",
                connections: 16,
                ..usual
            },
            Self::Resumptions => Plan {
                reuse: "resumed-handshake",
                connections: 16,
                ..usual
            },
        }
    }

    /// Puts it on the server for so long, from a process of its own.
    pub(crate) fn put_on(
        self,
        server: &Running,
        keys: &Path,
        bodies: &Bodies,
        seconds: f64,
    ) -> anyhow::Result<Report> {
        let plan = self.plan();
        let output = load::process(server, keys, bodies.of(plan.events), seconds)?
            .args(plan.arguments())
            .arg("--server-pid")
            .arg(server.id().to_string())
            .output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            bail!("the load failed: {said}{}", server.log());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

impl Plan {
    fn arguments(&self) -> [String; 10] {
        [
            "--protocol".to_owned(),
            self.protocol.to_owned(),
            "--reuse".to_owned(),
            self.reuse.to_owned(),
            "--connections".to_owned(),
            self.connections.to_string(),
            "--streams".to_owned(),
            self.streams.to_string(),
            "--events".to_owned(),
            self.events.to_string(),
        ]
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Many => "one event a POST, 64 connections",
            Self::One => "one event a POST, one connection",
            Self::Streams => "one event a POST, HTTP/2, 16 streams on one connection",
            Self::Batches => "1,000 events a POST, 8 connections",
            Self::Handshakes => "a full handshake for each event",
            Self::Resumptions => "a resumed handshake for each event",
        })
    }
}
