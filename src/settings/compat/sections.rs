//! Which old parameters make up which section.

use fluent_compat::config::literal;
use serde_json::{Map, Value as Json};

use super::{Conversion, Draft};

pub(super) const BUFFER: Conversion = Conversion {
    section: "buffer",
    moved: &[
        ("buffer_type", "@type"),
        ("buffer_path", "path"),
        ("num_threads", "flush_thread_count"),
        ("flush_interval", "flush_interval"),
        ("try_flush_interval", "flush_thread_interval"),
        ("queued_chunk_flush_interval", "flush_thread_burst_interval"),
        ("disable_retry_limit", "retry_forever"),
        ("retry_limit", "retry_max_times"),
        ("max_retry_wait", "retry_max_interval"),
        ("buffer_chunk_limit", "chunk_limit_size"),
        ("buffer_queue_limit", "queue_limit_length"),
        ("buffer_queue_full_action", "overflow_action"),
        ("flush_at_shutdown", "flush_at_shutdown"),
        ("time_slice_wait", "timekey_wait"),
        ("timezone", "timekey_zone"),
    ],
    translated: &["time_slice_format"],
    translate: buffer,
};

pub(super) const FORMAT: Conversion = Conversion {
    section: "format",
    moved: &[
        ("format", "@type"),
        ("delimiter", "delimiter"),
        ("force_quotes", "force_quotes"),
        ("keys", "keys"),
        ("fields", "fields"),
        ("json_parser", "json_parser"),
        ("label_delimiter", "label_delimiter"),
        ("output_time", "output_time"),
        ("output_tag", "output_tag"),
        ("localtime", "localtime"),
        ("utc", "utc"),
        ("timezone", "timezone"),
        ("message_key", "message_key"),
        ("add_newline", "add_newline"),
        ("output_type", "output_type"),
    ],
    translated: &["time_as_epoch"],
    translate: format,
};

pub(super) const INJECT: Conversion = Conversion {
    section: "inject",
    moved: &[
        ("time_key", "time_key"),
        ("time_format", "time_format"),
        ("timezone", "timezone"),
        ("tag_key", "tag_key"),
        ("localtime", "localtime"),
        ("utc", "utc"),
    ],
    translated: &["include_time_key", "include_tag_key", "time_as_epoch"],
    translate: inject,
};

pub(super) const PARSE: Conversion = Conversion {
    section: "parse",
    moved: &[
        ("keys", "keys"),
        ("time_key", "time_key"),
        ("time_format", "time_format"),
        ("localtime", "localtime"),
        ("utc", "utc"),
        ("delimiter", "delimiter"),
        ("keep_time_key", "keep_time_key"),
        ("null_empty_string", "null_empty_string"),
        ("null_value_pattern", "null_value_pattern"),
        ("json_parser", "json_parser"),
        ("label_delimiter", "label_delimiter"),
        ("message_key", "message_key"),
    ],
    translated: &[
        "format",
        "types",
        "types_delimiter",
        "types_label_delimiter",
    ],
    translate: parse,
};

/// The finest part of `time_slice_format` is the length of a slot.
fn buffer(draft: &mut Draft<'_>) {
    if draft.old("buffer_queue_full_action") == Some("exception") {
        draft.set(
            "overflow_action",
            "throw_exception",
            "buffer_queue_full_action",
        );
    }
    let Some(format) = draft.old("time_slice_format") else {
        return;
    };
    let lengths = [("%S", "1"), ("%M", "60"), ("%H", "3600"), ("%d", "86400")];
    match lengths
        .iter()
        .find(|(directive, _)| format.contains(directive))
    {
        Some((_, seconds)) => draft.set("timekey", seconds, "time_slice_format"),
        None => {
            let message =
                format!("`{format}` has no slots of a day or less: expected one of %d, %H, %M, %S");
            draft.report("time_slice_format", message);
        }
    }
    draft.section.arg = "time".to_owned();
    for (name, utc) in [("localtime", false), ("utc", true)] {
        // A mistake in it is told by the sections that it moves to.
        let answer = draft.old(name).map(literal::boolean);
        if let Some(Ok(answer)) = answer {
            let use_utc = (answer == utc).to_string();
            draft.set_default("timekey_use_utc", &use_utc, name);
        }
    }
}

/// Formats without a time have no use for its zone.
fn format(draft: &mut Draft<'_>) {
    if !matches!(draft.old("format"), None | Some("out_file" | "stdout")) {
        let zone = ["localtime", "utc", "timezone"];
        let attributes = &mut draft.section.attributes;
        attributes.retain(|attribute| !zone.contains(&attribute.name.as_str()));
    } else if draft.says_yes("time_as_epoch") {
        draft.set("time_type", "unixtime", "time_as_epoch");
    }
}

fn inject(draft: &mut Draft<'_>) {
    if draft.says_yes("include_time_key") {
        draft.set_default("time_key", "time", "include_time_key");
        draft.set("time_type", "string", "include_time_key");
    }
    if draft.says_yes("time_as_epoch") {
        draft.set_default("time_key", "time", "time_as_epoch");
        draft.set("time_type", "unixtime", "time_as_epoch");
    }
    if draft.says_yes("include_tag_key") {
        draft.set_default("tag_key", "tag", "include_tag_key");
    }
}

/// A `format` between slashes is a regular expression.
fn parse(draft: &mut Draft<'_>) {
    if let Some(format) = draft.old("format") {
        let expression = format
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix('/'));
        draft.set("@type", expression.map_or(format, |_| "regexp"), "format");
        if let Some(expression) = expression {
            draft.set("expression", expression, "format");
        }
    }
    if let Some(types) = draft.old("types") {
        let delimiter = draft.old("types_delimiter").unwrap_or(",");
        let label_delimiter = draft.old("types_label_delimiter").unwrap_or(":");
        let types: Map<String, Json> = types
            .split(delimiter)
            .map(|pair| match pair.split_once(label_delimiter) {
                Some((field, definition)) => (field.to_owned(), Json::from(definition)),
                None => (pair.to_owned(), Json::Null),
            })
            .collect();
        draft.set("types", &Json::Object(types).to_string(), "types");
    }
}
