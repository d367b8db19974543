//! What `/api/status.json` says, as far as it is shown.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Status {
    pub(super) version: String,
    /// Unix seconds.
    pub(super) time: f64,
    pub(super) uptime: i64,
    pub(super) problems: Vec<Problem>,
    pub(super) sources: Vec<Source>,
    pub(super) outputs: Vec<Output>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Problem {
    pub(super) severity: Severity,
    pub(super) text: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Severity {
    Bad,
    Warning,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Source {
    pub(super) id: String,
    pub(super) address: String,
    pub(super) events: u64,
    pub(super) unanswered: u64,
    pub(super) failed_handshakes: u64,
    pub(super) latency: Latency,
    pub(super) refused: BTreeMap<String, u64>,
    pub(super) certificates: Certificates,
}

/// In milliseconds.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Latency {
    pub(super) p50: Option<f64>,
    pub(super) p99: Option<f64>,
}

/// The last unix seconds in which they are valid.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Certificates {
    pub(super) server: Option<i64>,
    pub(super) client_ca: Option<i64>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Output {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) buffer: Option<Buffer>,
    pub(super) delivering: u64,
    pub(super) oldest_age: Option<i64>,
    pub(super) chunks: Vec<Chunk>,
    pub(super) objects: u64,
    pub(super) events: u64,
    pub(super) bytes: u64,
    pub(super) failures: u64,
    pub(super) given_up: u64,
    pub(super) last_success: Option<i64>,
    pub(super) last_failure: Option<Failure>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Buffer {
    pub(super) bytes: u64,
    pub(super) limit: u64,
    pub(super) staged: u64,
    pub(super) queued: u64,
    pub(super) failing: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Chunk {
    pub(super) id: String,
    pub(super) state: ChunkState,
    pub(super) tag: Option<String>,
    pub(super) key: Option<String>,
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) age: i64,
    pub(super) retry_in: Option<f64>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChunkState {
    Staged,
    Queued,
    Retrying,
    Delivering,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Failure {
    pub(super) time: i64,
    pub(super) chunk: String,
    pub(super) reason: String,
    pub(super) retry_in: Option<f64>,
}

impl Status {
    /// Events taken in since the start.
    pub(super) fn taken(&self) -> u64 {
        self.sources.iter().map(|source| source.events).sum()
    }

    /// Events delivered since the start.
    pub(super) fn delivered(&self) -> u64 {
        self.outputs.iter().map(|output| output.events).sum()
    }

    /// Objects put since the start.
    pub(super) fn objects(&self) -> u64 {
        self.outputs.iter().map(|output| output.objects).sum()
    }
}
