//! The metrics of fluent-plugin-prometheus, by its names and with its words. They are gauges,
//! as there, unless `gauge_all false` is said.

use crate::monitor::exposition::{Exposition, Labels};
use crate::monitor::report::{BufferReport, OutputReport, Report};

/// All of them.
pub(super) fn write(report: &Report, page: &mut Exposition) {
    inputs(report, page);
    buffers(report, page);
    outputs(report, page);
    status(report, page);
}

/// What its documentation counts with a filter. Not by tag: each session of Teleport's has one
/// of its own.
fn inputs(report: &Report, page: &mut Exposition) {
    page.counter(
        "fluentd_input_status_num_records_total",
        "The total number of incoming records.",
        report.sources.iter().map(|source| {
            let labels = plugin(report, &source.id, "http");
            (labels, source.traffic.events.value())
        }),
    );
}

/// `prometheus_output_monitor`, what it says of buffers.
fn buffers(report: &Report, page: &mut Exposition) {
    type Value = fn(&OutputReport, &BufferReport) -> Option<f64>;
    let all: [(&str, &str, Value); 10] = [
        (
            "buffer_total_bytes",
            "Current total size of stage and queue buffers.",
            |_, buffer| Some(buffer.contents.held as f64),
        ),
        (
            "buffer_stage_length",
            "Current length of stage buffers.",
            |_, buffer| Some(buffer.contents.staged.count as f64),
        ),
        (
            "buffer_stage_byte_size",
            "Current total size of stage buffers.",
            |output, _| Some(output.staged_bytes() as f64),
        ),
        (
            "buffer_queue_length",
            "Current length of queue buffers.",
            |_, buffer| Some(buffer.contents.queued.count as f64),
        ),
        (
            "buffer_queue_byte_size",
            "Current total size of queue buffers.",
            |_, buffer| Some(buffer.contents.queued.bytes as f64),
        ),
        (
            "buffer_available_space_ratio",
            "Ratio of available space in buffer.",
            |_, buffer| Some(buffer.space_ratio()),
        ),
        (
            "buffer_newest_timekey",
            "Newest timekey in buffer.",
            |_, buffer| buffer.timekeys().map(|(_, newest)| newest as f64),
        ),
        (
            "buffer_oldest_timekey",
            "Oldest timekey in buffer.",
            |_, buffer| buffer.timekeys().map(|(oldest, _)| oldest as f64),
        ),
        ("emit_count", "Current emit counts.", |_, buffer| {
            Some(buffer.meters.appends.value() as f64)
        }),
        ("emit_records", "Current emit records.", |_, buffer| {
            Some(buffer.meters.records.value() as f64)
        }),
    ];
    for (name, help, value) in all {
        let outputs = report.outputs.iter();
        let samples = outputs.filter_map(|output| {
            let value = value(output, output.buffer.as_ref()?)?;
            Some((plugin_of(report, output), value))
        });
        page.gauge(&format!("fluentd_output_status_{name}"), help, samples);
    }
}

/// `prometheus_output_monitor`, what it says of flushes.
fn outputs(report: &Report, page: &mut Exposition) {
    let mut gauge = |name: &str, help: &str, value: fn(&OutputReport) -> f64| {
        let outputs = report.outputs.iter();
        let samples = outputs.map(|output| (plugin_of(report, output), value(output)));
        page.gauge(&format!("fluentd_output_status_{name}"), help, samples);
    };
    let failures = |output: &OutputReport| output.deliveries.failures.value() as f64;
    gauge("retry_count", "Current retry counts.", failures);
    gauge("num_errors", "Current number of errors.", failures);
    gauge("rollback_count", "Current rollback counts.", failures);
    gauge("write_count", "Current write counts.", |output| {
        output.deliveries.attempts.value() as f64
    });
    gauge("flush_time_count", "Total flush time.", |output| {
        output.deliveries.flush_time.lengths().total.as_millis() as f64
    });
    gauge(
        "slow_flush_count",
        "Total number of slow flushes.",
        |output| output.deliveries.slow.value() as f64,
    );
    gauge("retry_wait", "Current retry wait", |output| {
        let wait = output.deliveries.retry_wait();
        wait.map_or(0.0, |wait| wait.as_secs_f64())
    });
}

/// `prometheus_monitor`.
fn status(report: &Report, page: &mut Exposition) {
    let mut gauge = |name: &str, help: &str, value: fn(&OutputReport) -> Option<i64>| {
        let outputs = report.outputs.iter();
        let samples = outputs.filter_map(|output| {
            let mut labels = plugin_of(report, output);
            labels.push(("plugin_category".to_owned(), "output".to_owned()));
            Some((labels, value(output)?))
        });
        page.gauge(&format!("fluentd_status_{name}"), help, samples);
    };
    gauge(
        "buffer_queue_length",
        "Current buffer queue length.",
        |output| {
            let buffer = output.buffer.as_ref();
            Some(buffer.map_or(0, |buffer| whole(buffer.contents.queued.count)))
        },
    );
    gauge(
        "buffer_total_bytes",
        "Current total size of queued buffers.",
        |output| {
            let buffer = output.buffer.as_ref();
            Some(buffer.map_or(0, |buffer| whole(buffer.contents.held)))
        },
    );
    gauge(
        "buffer_newest_timekey",
        "Newest timekey in buffer.",
        |output| Some(output.buffer.as_ref()?.timekeys()?.1),
    );
    gauge(
        "buffer_oldest_timekey",
        "Oldest timekey in buffer.",
        |output| Some(output.buffer.as_ref()?.timekeys()?.0),
    );
    gauge("retry_count", "Current retry counts.", |output| {
        Some(whole(output.deliveries.failures.value()))
    });
}

/// Fluentd's numbers have a sign.
fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn plugin_of(report: &Report, output: &OutputReport) -> Labels {
    plugin(report, &output.id, output.kind)
}

fn plugin(report: &Report, id: &str, kind: &str) -> Labels {
    let mut labels = report.labels.clone();
    labels.push(("plugin_id".to_owned(), id.to_owned()));
    labels.push(("type".to_owned(), kind.to_owned()));
    labels
}
