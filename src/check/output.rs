//! `<match>`.

use fluent_compat::format::Formatter;
use fluent_compat::retry::{Backoff, RetryLimit, RetryPolicy};
use fluent_compat::tag::MatchPatterns;
use fluent_compat::time::EventTime;

use super::page::Page;
use super::{object, units};
use crate::buffer::{self, Backup, Compression, Durability, OverflowAction, Place};
use crate::route;
use crate::schedule::{self, AtShutdown, FlushMode, FlushRule};
use crate::settings::{BufferedOutput, OutputKind, OutputSettings, SinkSettings};

/// `subject` is the section and what it takes, as in `match test.log`.
pub(super) fn describe(
    subject: &str,
    patterns: &MatchPatterns,
    output: &OutputSettings,
    now: EventTime,
    page: &mut Page,
) {
    let route = &output.route;
    let buffered = match &output.kind {
        OutputKind::Direct => {
            heading(subject, output, "standard output, before each answer", page);
            page.row("format", &written(route));
            return;
        }
        OutputKind::Buffered(buffered) => buffered,
    };
    match &buffered.sink {
        SinkSettings::File(config) => {
            heading(subject, output, "files", page);
            page.row("format", &written(route));
            page.row("file", &object::file(config, route, patterns, now));
            page.row("", &object::file_packing(config));
        }
        SinkSettings::Stdout => {
            heading(subject, output, "standard output", page);
            page.row("format", &written(route));
        }
        SinkSettings::S3(config) => {
            heading(subject, output, &format!("s3://{}", config.bucket), page);
            page.row("format", &written(route));
            page.row("object", &object::example(config, route, patterns, now));
            page.row("", &object::packing(config));
            page.row("store", &object::store(config));
            page.row("credentials", object::credentials(&config.credentials));
        }
    }
    if let Some(secondary) = &buffered.secondary {
        page.row("secondary", &place(secondary, route, patterns, now));
    }
    if let Some(digest) = &buffered.digest {
        let (every, ledger) = (units::duration(digest.interval), digest.directory.display());
        let (path, covers) = (&digest.path, &digest.covers);
        page.row(
            "digests",
            &format!("every {every} below {path}, of all that is below {covers}"),
        );
        page.row("", &format!("what is to be listed is in {ledger}"));
    }
    buffer(&buffered.buffer, page);
    page.row("chunks", &chunks(buffered, route));
    page.row("flush", &flush(&buffered.schedule, now));
    page.row(
        "retry",
        &retry(&buffered.schedule.retry, &buffered.buffer.backup),
    );
}

/// Where `<secondary>` puts a chunk.
fn place(
    sink: &SinkSettings,
    route: &route::Config,
    patterns: &MatchPatterns,
    now: EventTime,
) -> String {
    match sink {
        SinkSettings::File(config) => object::file(config, route, patterns, now),
        SinkSettings::Stdout => "standard output".to_owned(),
        SinkSettings::S3(config) => {
            let key = object::example(config, route, patterns, now);
            format!("s3://{}/{key}", config.bucket)
        }
    }
}

fn heading(subject: &str, output: &OutputSettings, to: &str, page: &mut Page) {
    let name = match subject.ends_with(&output.name) {
        true => String::new(),
        false => format!(" ({})", output.name),
    };
    page.heading(subject, &format!("──► {to}{name}"));
}

fn written(route: &route::Config) -> String {
    let format = match &route.formatter {
        Formatter::Json(_) => "json",
        Formatter::OutFile(_) => "out_file: time, tag and JSON",
        Formatter::Csv(_) => "csv",
        Formatter::Tsv(_) => "tsv",
        Formatter::Ltsv(_) => "ltsv",
        Formatter::SingleValue(_) => "single_value",
        Formatter::Msgpack => "msgpack",
        Formatter::Hash(_) => "hash",
        Formatter::Stdout(_) => "stdout: time, tag and record",
    };
    let Some(inject) = &route.inject else {
        return format.to_owned();
    };
    let time_key = inject.time.as_ref().map(|(key, _)| key);
    let keys = [
        inject.hostname_key.as_ref(),
        inject.worker_id_key.as_ref(),
        inject.tag_key.as_ref(),
        time_key,
    ];
    let keys: Vec<_> = keys.into_iter().flatten().map(String::as_str).collect();
    format!("{format}, with {} injected", keys.join(", "))
}

fn buffer(buffer: &buffer::Config, page: &mut Page) {
    let place = match &buffer.place {
        Place::Memory => "in memory: a crash loses what is in it".to_owned(),
        Place::File { path, durability } => {
            let path = path.display();
            match durability {
                Durability::Synced => format!("{path}, synced before each answer"),
                Durability::Unsynced => format!("{path}, not synced: a power cut loses events"),
            }
        }
    };
    page.row("buffer", &place);
    let full = match buffer.overflow_action {
        OverflowAction::ThrowException => "then 503 until there is room",
        OverflowAction::Block => "then requests wait for room",
        OverflowAction::DropOldestChunk => "then the OLDEST CHUNK IS DROPPED",
    };
    let total = units::size(buffer.total_limit_size);
    let packed = match buffer.compression {
        Compression::Text => "",
        Compression::Gzip => " of gzip",
        Compression::Zstd => " of zstd",
    };
    let queued = buffer.queued_chunks_limit.map_or_else(String::new, |most| {
        format!("; {most} due chunks queued at most")
    });
    page.row("", &format!("{total}{packed} at most, {full}{queued}"));
}

fn chunks(buffered: &BufferedOutput, route: &route::Config) -> String {
    let buffer = &buffered.buffer;
    let keys = &route.chunk_keys;
    let mut parts = Vec::new();
    if keys.has_tag() {
        parts.push("tag".to_owned());
    }
    if let Some(slots) = route.slots.as_ref().filter(|_| keys.has_time()) {
        parts.push(format!("{} of event time", units::seconds(slots.length())));
    }
    parts.extend(keys.fields().map(|field| format!("`{field}`")));
    let keys = match parts.is_empty() {
        true => "one for all events".to_owned(),
        false => format!("one for each {}", parts.join(", ")),
    };
    let size = units::size(buffer.chunk_limit_size);
    let most = match buffer.chunk_limit_records {
        None => format!("{size} at most"),
        Some(records) => format!("{size} and {records} events at most"),
    };
    match buffered.schedule.object_size {
        None => format!("{keys}; {most}"),
        Some(object) => {
            let object = units::size(object.bytes);
            format!("{keys}; enough for an object of {object}, as far as that can be told; {most}")
        }
    }
}

fn flush(schedule: &schedule::Config, now: EventTime) -> String {
    let when = due(&schedule.rule, now);
    let shutdown = match schedule.at_shutdown {
        AtShutdown::Flush => "and at shutdown",
        AtShutdown::Keep => "not at shutdown",
    };
    let threads = schedule.threads;
    format!("{when}, {shutdown}; {threads} at a time")
}

fn due(rule: &FlushRule, now: EventTime) -> String {
    let wait = |seconds: i64| units::seconds(seconds.unsigned_abs());
    let slots = rule.time.as_ref().map(|time| {
        let slots = &time.slots;
        let length = units::seconds(slots.length());
        let zone = units::zone(slots.zone(), now.seconds());
        format!("{} after each {length} ({zone})", wait(time.wait))
    });
    match (rule.mode, slots) {
        (FlushMode::Immediate, _) => "after every request".to_owned(),
        (FlushMode::Interval { seconds }, None) => {
            format!("{} after a chunk was begun", wait(seconds))
        }
        (FlushMode::Interval { seconds }, Some(slots)) => {
            format!("{} after a chunk was begun, or {slots}", wait(seconds))
        }
        (FlushMode::Lazy, Some(slots)) => slots,
        (FlushMode::Lazy, None) => "when a chunk is full".to_owned(),
    }
}

fn retry(retry: &RetryPolicy, backup: &Backup) -> String {
    let wait = units::duration(retry.wait);
    let pace = match &retry.backoff {
        Backoff::Periodic => format!("every {wait}"),
        Backoff::Exponential { base, max_interval } => {
            let grown = match base.get() {
                2.0 => "doubling".to_owned(),
                base => format!("{base} times as long each time"),
            };
            let up_to = max_interval.map_or_else(String::new, |most| {
                format!(" up to {}", units::duration(most))
            });
            format!("after {wait}, then {grown}{up_to}")
        }
    };
    let end = match retry.limit {
        RetryLimit::Forever => "for ever".to_owned(),
        RetryLimit::Until { timeout, max_times } => {
            let times = max_times.map_or_else(String::new, |times| format!(" or {times} times"));
            let timeout = units::duration(timeout);
            let given_up = match backup {
                Backup::InBuffer | Backup::In(_) => "set aside",
                Backup::Deleted => "DELETED",
            };
            format!("for {timeout}{times}, then it is {given_up}")
        }
    };
    format!("{pace}, {end}")
}
