//! `/api/status.json`: what the status page shows.

use serde_json::{Value, json};

use super::problems::{Problem, problems};
use super::report::{Held, OutputReport, Report, SourceReport, State, Whereabouts};

/// The report as JSON. Ages and times are in seconds, latencies in milliseconds; rates are
/// for the reader to make of two answers.
pub(super) fn status(report: &Report) -> Value {
    let shortcomings = report.shortcomings();
    let shortcomings: Vec<_> = shortcomings.iter().map(ToString::to_string).collect();
    let now = report.now.seconds();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "time": now as f64 + f64::from(report.now.nanoseconds()) / 1e9,
        "uptime": (now - report.started).max(0),
        "state": match report.state {
            State::Running => "running",
            State::Stopping => "stopping",
        },
        "shortcomings": shortcomings,
        "problems": problems(report).iter().map(problem).collect::<Vec<_>>(),
        "sources": report.sources.iter().map(source).collect::<Vec<_>>(),
        "outputs": report.outputs.iter().map(|o| output(o, report)).collect::<Vec<_>>(),
    })
}

fn problem(problem: &Problem) -> Value {
    json!({ "severity": problem.severity.name(), "text": problem.text })
}

fn source(source: &SourceReport) -> Value {
    let traffic = &source.traffic;
    let refused = traffic.refused().filter(|(_, count)| *count > 0);
    let refused: serde_json::Map<_, _> = refused
        .map(|(cause, count)| (cause.name().to_owned(), json!(count)))
        .collect();
    let latency = traffic.ack_latency.lengths();
    json!({
        "id": source.id,
        "address": source.address,
        "acks": latency.count,
        "events": traffic.events.value(),
        "bytes": traffic.bytes.value(),
        "unanswered": traffic.unanswered.count(),
        "oldest_unanswered": traffic.unanswered.oldest_age(),
        "failed_handshakes": source.failed_handshakes.value(),
        "latency": { "p50": millis(latency.quantile(0.5)), "p99": millis(latency.quantile(0.99)) },
        "refused": refused,
        "certificates": { "server": source.expiry.server, "client_ca": source.expiry.client_ca },
    })
}

fn output(output: &OutputReport, report: &Report) -> Value {
    let meters = &output.deliveries;
    let latency = meters.flush_time.lengths();
    let chunks = output.oldest_chunks();
    let buffer = output.buffer.as_ref().map(|buffer| {
        let contents = &buffer.contents;
        json!({
            "bytes": contents.held,
            "limit": contents.limit,
            "staged": contents.staged.count,
            "queued": contents.queued.count,
            "sync_p99": millis(buffer.meters.sync.lengths().quantile(0.99)),
            "failing": buffer.meters.is_failing(),
            "dropped": buffer.meters.dropped_chunks.value(),
        })
    });
    let digests = meters.digests.waiting().map(|waiting| {
        json!({
            "delivered": meters.digests.delivered.value(),
            "failures": meters.digests.failures.value(),
            "waiting": waiting,
            "last": meters.digests.last(),
        })
    });
    let failure = meters.last_failure().map(|failure| {
        json!({
            "time": failure.at.seconds(),
            "chunk": failure.chunk.to_string(),
            "reason": failure.reason,
            "retry_in": failure.retry_in.map(|wait| wait.as_secs_f64()),
        })
    });
    json!({
        "id": output.id,
        "type": output.kind,
        "buffer": buffer,
        "delivering": meters.deliveries().count,
        "oldest_age": output.oldest_age(report.now),
        "chunks": chunks.iter().map(|held| chunk(held, report)).collect::<Vec<_>>(),
        "latency": { "p50": millis(latency.quantile(0.5)), "p99": millis(latency.quantile(0.99)) },
        "objects": meters.objects.value(),
        "events": meters.records.value(),
        "bytes": meters.bytes.value(),
        "failures": meters.failures.value(),
        "given_up": meters.given_up.value(),
        "last_success": meters.last_success(),
        "last_failure": failure,
        "digests": digests,
    })
}

fn chunk(held: &Held, report: &Report) -> Value {
    let Held { chunk, place } = held;
    let header = &chunk.header;
    let age = report.now.seconds() - header.created.seconds();
    json!({
        "id": header.id.to_string(),
        "state": place.name(),
        "tag": header.metadata.tag_text(),
        "key": header.metadata.key_text(),
        "records": chunk.records,
        "bytes": chunk.bytes,
        "age": age.max(0),
        "retry_in": match place {
            Whereabouts::Retrying(wait) => Some(wait.as_secs_f64()),
            Whereabouts::Staged | Whereabouts::Queued | Whereabouts::Delivering => None,
        },
    })
}

fn millis(time: Option<std::time::Duration>) -> Option<f64> {
    time.map(|time| time.as_secs_f64() * 1000.0)
}
