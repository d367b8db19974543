//! What Fluentd's `monitor_agent` answers: `/api/plugins.json` and `/api/config.json`, and
//! both as LTSV without the ending.

use serde_json::{Map, Value, json};

use super::report::{OutputReport, Report, SourceReport};
use super::{Config, RetryInfo};

/// Sources and outputs, those that the query asks for by `@type` and `@id`.
pub(super) fn plugins(report: &Report, config: &Config, query: Option<&str>) -> Vec<Value> {
    let sources = report.sources.iter().map(source);
    let outputs = report.outputs.iter();
    let outputs = outputs.map(|output| self::output(output, config.retry));
    let asked = Asked::of(query.unwrap_or_default());
    sources
        .chain(outputs)
        .filter(|plugin| asked.takes(plugin))
        .collect()
}

/// The process, and what it was started with.
pub(super) fn config(report: &Report) -> Value {
    json!({
        "pid": std::process::id(),
        "version": env!("CARGO_PKG_VERSION"),
        "config_path": report.conf,
        "daemonize": null,
        "pid_file": null,
        "plugin_dirs": [],
        "log_path": null,
    })
}

/// Objects a line, as LTSV: arrays with commas, objects left out.
pub(super) fn ltsv(objects: &[Value]) -> String {
    let mut text = String::new();
    for object in objects.iter().filter_map(Value::as_object) {
        let fields: Vec<_> = object.iter().filter_map(field).collect();
        text.push_str(&fields.join("\t"));
        text.push('\n');
    }
    text
}

fn field((name, value): (&String, &Value)) -> Option<String> {
    let plain = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.replace(['\t', '\n'], " "),
        other => other.to_string(),
    };
    let text = match value {
        Value::Object(_) => return None,
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(","),
        value => plain(value),
    };
    Some(format!("{name}:{text}"))
}

fn source(source: &SourceReport) -> Value {
    json!({
        "plugin_id": source.id,
        "plugin_category": "input",
        "type": "http",
        "output_plugin": false,
        "retry_count": null,
        "emit_records": source.traffic.events.value(),
        "emit_size": source.traffic.bytes.value(),
    })
}

fn output(output: &OutputReport, retry: RetryInfo) -> Value {
    let deliveries = &output.deliveries;
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    set("plugin_id", json!(output.id));
    set("plugin_category", json!("output"));
    set("type", json!(output.kind));
    set("output_plugin", json!(true));
    if let Some(buffer) = &output.buffer {
        let contents = &buffer.contents;
        set("buffer_queue_length", json!(contents.queued.count));
        set("buffer_total_queued_size", json!(contents.held));
        set("emit_records", json!(buffer.meters.records.value()));
        set("emit_size", json!(buffer.meters.bytes.value()));
        set("emit_count", json!(buffer.meters.appends.value()));
        let dropped = buffer.meters.dropped_chunks.value();
        set("drop_oldest_chunk_count", json!(dropped));
        set("buffer_stage_length", json!(contents.staged.count));
        set("buffer_stage_byte_size", json!(output.staged_bytes()));
        set("buffer_queue_byte_size", json!(contents.queued.bytes));
        let ratio = buffer.space_ratio();
        set("buffer_available_buffer_space_ratios", json!(ratio));
        if let Some((oldest, newest)) = buffer.timekeys() {
            set("buffer_oldest_timekey", json!(oldest));
            set("buffer_newest_timekey", json!(newest));
        }
    }
    let failures = deliveries.failures.value();
    set("retry_count", json!(failures));
    set("rollback_count", json!(failures));
    set("write_count", json!(deliveries.attempts.value()));
    let flush_time = deliveries.flush_time.lengths().total.as_millis();
    set(
        "flush_time_count",
        json!(u64::try_from(flush_time).unwrap_or(u64::MAX)),
    );
    set("slow_flush_count", json!(deliveries.slow.value()));
    if retry == RetryInfo::Included {
        set("retry", last_failure(output));
    }
    Value::Object(fields)
}

/// Here each chunk has retries of its own; told is the last that has failed.
fn last_failure(output: &OutputReport) -> Value {
    let waiting = output.deliveries.retry_wait();
    match (output.deliveries.last_failure(), waiting) {
        (Some(failure), Some(wait)) => json!({
            "start": failure.at.seconds(),
            "next_time": failure.at.seconds().saturating_add_unsigned(wait.as_secs()),
        }),
        _ => json!({}),
    }
}

/// Which plugins a query asks for.
#[derive(Default)]
struct Asked {
    id: Option<String>,
    kind: Option<String>,
}

impl Asked {
    fn of(query: &str) -> Self {
        let mut asked = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_encoding::percent_decode_str(value);
            let value = Some(value.decode_utf8_lossy().into_owned());
            match name {
                "@id" | "%40id" | "id" => asked.id = value,
                "@type" | "%40type" | "type" => asked.kind = value,
                _ => {}
            }
        }
        asked
    }

    /// As in Fluentd the id goes before the type.
    fn takes(&self, plugin: &Value) -> bool {
        let is =
            |field: &str, wanted: &str| plugin.get(field).and_then(Value::as_str) == Some(wanted);
        match (&self.id, &self.kind) {
            (Some(id), _) => is("plugin_id", id),
            (None, Some(kind)) => is("type", kind),
            (None, None) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::testing::report;

    #[test]
    fn plugins_are_found_by_id_and_by_type() {
        let ids = |query| {
            let found = plugins(&report(), &Config::default(), query);
            let ids = found.iter().map(|plugin| plugin["plugin_id"].to_string());
            ids.collect::<Vec<_>>()
        };
        assert_eq!(ids(None), ["\"http:9880\"", "\"audit\""]);
        assert_eq!(ids(Some("@type=s3")), ["\"audit\""]);
        assert_eq!(ids(Some("@id=http%3A9880")), ["\"http:9880\""]);
        assert!(ids(Some("@id=nobody")).is_empty());
    }

    #[test]
    fn a_line_of_ltsv_has_no_objects_and_no_tabs_of_its_own() {
        let line = ltsv(&[json!({"a": "x\ty", "b": [1, 2], "c": {}, "d": null})]);
        assert_eq!(line, "a:x y\tb:1,2\td:\n");
    }
}
