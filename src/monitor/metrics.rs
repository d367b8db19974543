//! Every metric there is: ours, and those of fluent-plugin-prometheus behind them.

mod fluentd;

use super::exposition::{Exposition, Labels};
use super::report::{Report, SourceReport};

/// The whole page.
pub(super) fn page(report: &Report) -> String {
    let mut page = Exposition::default();
    server(report, &mut page);
    sources(report, &mut page);
    buffers(report, &mut page);
    deliveries(report, &mut page);
    fluentd::write(report, &mut page);
    page.finish()
}

fn server(report: &Report, page: &mut Exposition) {
    let version = labels(&[("version", env!("CARGO_PKG_VERSION"))]);
    let build = "Always 1; its label says which version runs.";
    page.gauge("forebay_build_info", build, [(version, 1)]);
    let started = "When the process was started, in unix seconds.";
    let samples = [(Labels::new(), report.started)];
    page.gauge("forebay_start_timestamp_seconds", started, samples);
    let ready = "1 if requests are taken, 0 if /readyz says why not.";
    let is_ready = u8::from(report.shortcomings().is_empty());
    page.gauge("forebay_ready", ready, [(Labels::new(), is_ready)]);
}

fn sources(report: &Report, page: &mut Exposition) {
    let of = |source: &SourceReport| labels(&[("source", &source.id)]);
    let each = || report.sources.iter();
    page.counter(
        "forebay_acks_total",
        "Requests that were answered with success, their events being stored.",
        each().map(|source| (of(source), source.traffic.ack_latency.lengths().count)),
    );
    page.counter(
        "forebay_events_total",
        "Events of acknowledged requests.",
        each().map(|source| (of(source), source.traffic.events.value())),
    );
    page.counter(
        "forebay_request_bytes_total",
        "Bytes of the bodies of acknowledged requests, as they came.",
        each().map(|source| (of(source), source.traffic.bytes.value())),
    );
    page.histogram(
        "forebay_ack_latency_seconds",
        "From the end of a request's headers to its success.",
        each().map(|source| (of(source), source.traffic.ack_latency.lengths())),
    );
    page.counter(
        "forebay_refused_total",
        "Requests that were refused, by reason; nothing of them is stored.",
        each().flat_map(|source| {
            let refused = source.traffic.refused();
            refused.map(|(cause, count)| {
                let names = [("source", source.id.as_str()), ("reason", cause.name())];
                (labels(&names), count)
            })
        }),
    );
    page.counter(
        "forebay_failed_handshakes_total",
        "TLS handshakes that have failed: no certificate, another CA's, an expired one.",
        each().map(|source| (of(source), source.failed_handshakes.value())),
    );
    page.gauge(
        "forebay_unacknowledged_requests",
        "Requests with events that are not answered yet.",
        each().map(|source| (of(source), source.traffic.unanswered.count())),
    );
    page.gauge(
        "forebay_oldest_unacknowledged_age_seconds",
        "Seconds since the oldest request was begun that is not answered yet; 0 if all are.",
        each().map(|source| {
            let age = source.traffic.unanswered.oldest_age();
            (of(source), age.unwrap_or(0))
        }),
    );
    let expiries = each().flat_map(|source| {
        let both = [
            ("server", source.expiry.server),
            ("client_ca", source.expiry.client_ca),
        ];
        both.into_iter().filter_map(|(certificate, last_second)| {
            let names = [("source", source.id.as_str()), ("certificate", certificate)];
            Some((labels(&names), last_second?))
        })
    });
    page.gauge(
        "forebay_certificate_expiry_timestamp_seconds",
        "The last unix second in which a certificate is valid.",
        expiries,
    );
}

fn buffers(report: &Report, page: &mut Exposition) {
    let each = || {
        let outputs = report.outputs.iter();
        outputs.filter_map(|output| {
            let buffer = output.buffer.as_ref()?;
            Some((labels(&[("output", &output.id)]), output, buffer))
        })
    };
    page.gauge(
        "forebay_buffer_chunks",
        "Chunks in the buffer: staged ones take events, queued ones wait for their delivery.",
        each().flat_map(|(_, output, buffer)| {
            let contents = &buffer.contents;
            let states = [
                ("staged", contents.staged.count),
                ("queued", contents.queued.count),
                ("delivering", output.deliveries.deliveries().count),
            ];
            states
                .map(|(state, count)| (labels(&[("output", &output.id), ("state", state)]), count))
        }),
    );
    page.gauge(
        "forebay_buffer_bytes",
        "Bytes that the buffer holds.",
        each().map(|(labels, _, buffer)| (labels, buffer.contents.held)),
    );
    page.gauge(
        "forebay_buffer_limit_bytes",
        "Bytes that the buffer may hold: total_limit_size.",
        each().map(|(labels, _, buffer)| (labels, buffer.contents.limit)),
    );
    page.gauge(
        "forebay_oldest_undelivered_age_seconds",
        "Seconds since the oldest chunk was begun that is not delivered; 0 if all is.",
        each().map(|(labels, output, _)| (labels, output.oldest_age(report.now).unwrap_or(0))),
    );
    page.histogram(
        "forebay_sync_seconds",
        "How long the disk takes to sync what one commit has written.",
        each().map(|(labels, _, buffer)| (labels, buffer.meters.sync.lengths())),
    );
    page.counter(
        "forebay_storage_failures_total",
        "Commits of which a write or a sync has failed.",
        each().map(|(labels, _, buffer)| (labels, buffer.meters.failures.value())),
    );
    page.gauge(
        "forebay_storage_failing",
        "1 if the last commit has failed.",
        each().map(|(labels, _, buffer)| (labels, u8::from(buffer.meters.is_failing()))),
    );
    page.counter(
        "forebay_dropped_chunks_total",
        "Chunks that overflow_action drop_oldest_chunk has dropped.",
        each().map(|(labels, _, buffer)| (labels, buffer.meters.dropped_chunks.value())),
    );
}

fn deliveries(report: &Report, page: &mut Exposition) {
    let each = || {
        let outputs = report.outputs.iter();
        outputs.map(|output| (labels(&[("output", &output.id)]), &output.deliveries))
    };
    page.counter(
        "forebay_objects_total",
        "Chunks that were delivered; each is one object.",
        each().map(|(labels, meters)| (labels, meters.objects.value())),
    );
    page.counter(
        "forebay_object_events_total",
        "Events in delivered chunks.",
        each().map(|(labels, meters)| (labels, meters.records.value())),
    );
    page.counter(
        "forebay_object_bytes_total",
        "Bytes in delivered chunks, before store_as packs them.",
        each().map(|(labels, meters)| (labels, meters.bytes.value())),
    );
    page.counter(
        "forebay_stored_bytes_total",
        "Bytes of the objects of delivered chunks, as store_as packs them.",
        each().map(|(labels, meters)| (labels, meters.stored_bytes.value())),
    );
    page.counter(
        "forebay_delivery_attempts_total",
        "Deliveries that were begun.",
        each().map(|(labels, meters)| (labels, meters.attempts.value())),
    );
    page.counter(
        "forebay_delivery_failures_total",
        "Deliveries that have failed; most are tried again.",
        each().map(|(labels, meters)| (labels, meters.failures.value())),
    );
    page.counter(
        "forebay_given_up_chunks_total",
        "Chunks that were given up and set aside.",
        each().map(|(labels, meters)| (labels, meters.given_up.value())),
    );
    digests(report, page);
    page.histogram(
        "forebay_delivery_seconds",
        "How long deliveries take, those that fail too.",
        each().map(|(labels, meters)| (labels, meters.flush_time.lengths())),
    );
    page.gauge(
        "forebay_last_success_timestamp_seconds",
        "When a chunk was last delivered, in unix seconds; absent before the first.",
        each().filter_map(|(labels, meters)| Some((labels, meters.last_success()?))),
    );
}

/// Of outputs with a `<digest>`.
fn digests(report: &Report, page: &mut Exposition) {
    let each = || {
        let outputs = report.outputs.iter();
        outputs.filter_map(|output| {
            let digests = &output.deliveries.digests;
            Some((
                labels(&[("output", &output.id)]),
                digests,
                digests.waiting()?,
            ))
        })
    };
    page.counter(
        "forebay_digests_total",
        "Digests of what was put that are in the bucket.",
        each().map(|(labels, digests, _)| (labels, digests.delivered.value())),
    );
    page.counter(
        "forebay_digest_failures_total",
        "Attempts to put a digest that have failed; each is tried again.",
        each().map(|(labels, digests, _)| (labels, digests.failures.value())),
    );
    page.gauge(
        "forebay_digests_waiting",
        "Digests that are signed and not in the bucket yet.",
        each().map(|(labels, _, waiting)| (labels, waiting)),
    );
    page.gauge(
        "forebay_last_digest_timestamp_seconds",
        "When a digest was last put, in unix seconds; absent before the first.",
        each().filter_map(|(labels, digests, _)| Some((labels, digests.last()?))),
    );
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

#[cfg(test)]
mod tests;
