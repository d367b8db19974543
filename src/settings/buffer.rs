//! `<buffer>`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use fluent_compat::chunk::ChunkKeys;
use fluent_compat::config::Params;
use fluent_compat::retry::{Backoff, BackoffBase, RetryLimit, RetryPolicy, SecondaryThreshold};
use fluent_compat::time::Zone;
use fluent_compat::timekey::TimekeySlots;

use super::context::Context;
use super::plugins::plugin_type;
use super::remark::reported;
use crate::buffer::{self, Durability, OverflowAction, Place, Sealing};
use crate::schedule::{self, AtShutdown, FlushMode, FlushRule, TimeSlots};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// What a plugin changes about Fluentd's defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BufferDefaults {
    /// Keyed by time, with a timekey of a day.
    S3,
    /// Keyed by tag, small chunks, flushed at shutdown.
    Stdout,
}

/// What `<buffer>` says to the stages that it concerns.
pub(super) struct BufferSettings {
    pub(super) chunk_keys: ChunkKeys,
    pub(super) slots: Option<TimekeySlots>,
    pub(super) buffer: buffer::Config,
    pub(super) schedule: schedule::Config,
}

pub(super) fn buffer(
    section: Params<'_>,
    name: &str,
    defaults: BufferDefaults,
    context: &Context<'_>,
) -> Option<BufferSettings> {
    let chunk_keys = chunk_keys(&section, defaults);
    let time = chunk_keys
        .as_ref()
        .and_then(|keys| time_slots(&section, keys, defaults, context));
    let place = place(&section);
    let mode = flush_mode(&section, time.is_some());
    let retry = retry(&section);
    let limits = limits(&section, place.as_ref(), defaults);
    let threads = section
        .integer_in("flush_thread_count", 1..=1024)
        .unwrap_or(1);
    let at_shutdown = at_shutdown(&section, place.as_ref(), defaults);
    section.known_but_ignored(&[
        "queued_chunks_limit_size",
        "flush_thread_burst_interval",
        "delayed_commit_timeout",
        "disable_chunk_backup",
        "compress",
        "path_suffix",
        "file_permission",
        "dir_permission",
    ]);
    let interval = section.float("flush_thread_interval").unwrap_or(1.0);
    let interval = Duration::try_from_secs_f64(interval).unwrap_or(Duration::from_secs(1));
    let overflow_action = overflow_action(&section);
    section.finish();
    let (chunk_keys, mode) = (chunk_keys?, mode?);
    if chunk_keys.has_time() && time.is_none() {
        return None;
    }
    let slots = time.as_ref().map(|time| time.slots.clone());
    let config = buffer::Config {
        name: name.to_owned(),
        place: place?,
        chunk_limit_size: limits.chunk,
        chunk_limit_records: limits.records,
        chunk_full_threshold: limits.threshold,
        total_limit_size: limits.total,
        overflow_action,
        sealing: match mode {
            FlushMode::Immediate => Sealing::AfterEveryAppend,
            FlushMode::Lazy | FlushMode::Interval { .. } => Sealing::WhenFull,
        },
    };
    let schedule = schedule::Config {
        name: name.to_owned(),
        rule: FlushRule { mode, time },
        threads: NonZeroUsize::new(threads)?,
        interval: interval.max(Duration::from_millis(10)),
        retry: retry?,
        at_shutdown,
    };
    Some(BufferSettings {
        chunk_keys,
        slots,
        buffer: config,
        schedule,
    })
}

fn chunk_keys(section: &Params<'_>, defaults: BufferDefaults) -> Option<ChunkKeys> {
    let argument = match (section.argument(), defaults) {
        ("", BufferDefaults::S3) => "time",
        ("", BufferDefaults::Stdout) => "tag",
        (argument, _) => argument,
    };
    ChunkKeys::parse(argument)
        .map_err(|error| {
            section
                .diagnostics()
                .error(section.argument_span(), error.to_string())
        })
        .ok()
}

/// `timekey`, `timekey_wait`, `timekey_use_utc` and `timekey_zone`; only for chunks keyed
/// by time.
fn time_slots(
    section: &Params<'_>,
    keys: &ChunkKeys,
    defaults: BufferDefaults,
    context: &Context<'_>,
) -> Option<TimeSlots> {
    let timekey = section.time("timekey");
    let wait = section
        .time("timekey_wait")
        .unwrap_or(Duration::from_secs(600));
    let utc = section.bool("timekey_use_utc").unwrap_or(false);
    let zone = section.parsed("timekey_zone", Zone::parse);
    if !keys.has_time() {
        return None;
    }
    let day = Duration::from_secs(24 * 60 * 60);
    let timekey = match (timekey, defaults) {
        (Some(timekey), _) => timekey,
        (None, BufferDefaults::S3) => day,
        (None, BufferDefaults::Stdout) => {
            let message = "chunks are keyed by time, and `timekey` is missing";
            context.diagnostics.error(section.span(), message);
            return None;
        }
    };
    let Some(seconds) = std::num::NonZeroU64::new(timekey.as_secs()) else {
        let message = "`timekey` must be one second at least";
        context
            .diagnostics
            .error(section.span_of("timekey"), message);
        return None;
    };
    let zone = match utc {
        true => Zone::Utc,
        false => zone.unwrap_or_else(|| context.local_zone.clone()),
    };
    Some(TimeSlots {
        slots: TimekeySlots::new(seconds, zone),
        wait: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
    })
}

fn place(section: &Params<'_>) -> Option<Place> {
    let sync = [("data", Durability::Synced), ("none", Durability::Unsynced)];
    let durability = section
        .enumeration("sync", &sync)
        .unwrap_or(Durability::Synced);
    let path = section.string("path").map(PathBuf::from);
    if section.plugin_type().is_none() {
        return Some(Place::Memory);
    }
    match plugin_type(section, &["file", "memory"])? {
        "memory" => Some(Place::Memory),
        _ => match path {
            Some(path) => Some(Place::File { path, durability }),
            None => {
                let message = "a file buffer needs a `path`: the directory its chunks lie in";
                section
                    .diagnostics()
                    .error(section.span_of("@type"), message);
                None
            }
        },
    }
}

/// `flush_mode` and `flush_interval`, with Fluentd's rules of which goes with which.
fn flush_mode(section: &Params<'_>, has_time: bool) -> Option<FlushMode> {
    #[derive(Clone, Copy)]
    enum Named {
        Default,
        Lazy,
        Interval,
        Immediate,
    }
    let names = [
        ("default", Named::Default),
        ("lazy", Named::Lazy),
        ("interval", Named::Interval),
        ("immediate", Named::Immediate),
    ];
    let named = section
        .enumeration("flush_mode", &names)
        .unwrap_or(Named::Default);
    let interval = section.time("flush_interval");
    let seconds = interval.unwrap_or(Duration::from_secs(60)).as_secs();
    let by_interval = FlushMode::Interval {
        seconds: i64::try_from(seconds).unwrap_or(i64::MAX),
    };
    let mode = match named {
        Named::Interval => by_interval,
        Named::Default if !has_time => by_interval,
        Named::Default | Named::Lazy => FlushMode::Lazy,
        Named::Immediate => FlushMode::Immediate,
    };
    if interval.is_some() && mode != by_interval {
        let span = section.span_of("flush_interval");
        if section.is_given("flush_mode") {
            let message = "`flush_interval` goes with `flush_mode interval` only";
            section.diagnostics().error(span, message);
            return None;
        }
        let message = "`flush_interval` has no effect: chunks keyed by time go out by `timekey`";
        let help = "add `flush_mode interval` to flush more often";
        section.diagnostics().warning_with_help(span, message, help);
    }
    Some(mode)
}

/// Sizes in bytes of formatted events.
struct Limits {
    chunk: u64,
    records: Option<u64>,
    threshold: f64,
    total: u64,
}

fn limits(section: &Params<'_>, place: Option<&Place>, defaults: BufferDefaults) -> Limits {
    let (default_chunk, default_total) = match (place, defaults) {
        (_, BufferDefaults::Stdout) => (10 * 1024, 512 * MIB),
        (Some(Place::File { .. }), _) => (256 * MIB, 64 * GIB),
        _ => (8 * MIB, 512 * MIB),
    };
    let chunk = section
        .size("chunk_limit_size")
        .unwrap_or(default_chunk)
        .max(1);
    let total = section.size("total_limit_size").unwrap_or(default_total);
    // Fluentd's old way to say the same.
    let by_length = section.integer_in("queue_limit_length", 1..=u64::MAX);
    let threshold = section.float("chunk_full_threshold").unwrap_or(0.95);
    Limits {
        chunk,
        records: section.integer_in("chunk_limit_records", 1..=u64::MAX),
        threshold: threshold.clamp(0.0, 1.0),
        total: by_length.map_or(total, |length| chunk.saturating_mul(length).min(total)),
    }
}

fn overflow_action(section: &Params<'_>) -> OverflowAction {
    let actions = [
        ("throw_exception", OverflowAction::ThrowException),
        ("block", OverflowAction::Block),
        ("drop_oldest_chunk", OverflowAction::DropOldestChunk),
    ];
    let action = section.enumeration("overflow_action", &actions);
    action.unwrap_or(OverflowAction::ThrowException)
}

fn at_shutdown(
    section: &Params<'_>,
    place: Option<&Place>,
    defaults: BufferDefaults,
) -> AtShutdown {
    let in_memory = place == Some(&Place::Memory);
    let by_default = in_memory || defaults == BufferDefaults::Stdout;
    let flush = section.bool("flush_at_shutdown").unwrap_or(by_default);
    if in_memory && !flush {
        let span = section.span_of("flush_at_shutdown");
        let message = "a memory buffer that is not flushed at shutdown loses its events then";
        section.diagnostics().warning(span, message);
    }
    match flush {
        true => AtShutdown::Flush,
        false => AtShutdown::Keep,
    }
}

fn retry(section: &Params<'_>) -> Option<RetryPolicy> {
    #[derive(Clone, Copy)]
    enum Type {
        Exponential,
        Periodic,
    }
    let types = [
        ("exponential_backoff", Type::Exponential),
        ("periodic", Type::Periodic),
    ];
    let kind = section
        .enumeration("retry_type", &types)
        .unwrap_or(Type::Exponential);
    let base = section
        .float("retry_exponential_backoff_base")
        .map_or(Ok(BackoffBase::default()), BackoffBase::new);
    let max_interval = section.time("retry_max_interval");
    let backoff = match (kind, base) {
        (Type::Periodic, _) => Some(Backoff::Periodic),
        (Type::Exponential, Ok(base)) => Some(Backoff::Exponential { base, max_interval }),
        (Type::Exponential, Err(error)) => {
            let span = section.span_of("retry_exponential_backoff_base");
            section.diagnostics().error(span, error.to_string());
            None
        }
    };
    let timeout = section
        .time("retry_timeout")
        .unwrap_or(Duration::from_secs(72 * 60 * 60));
    let max_times = section.integer_in("retry_max_times", 0..=u32::MAX);
    let limit = match section.bool("retry_forever").unwrap_or(false) {
        true => RetryLimit::Forever,
        false => RetryLimit::Until { timeout, max_times },
    };
    // Whoever reads <secondary> drops it where there is none.
    let threshold = section
        .float("retry_secondary_threshold")
        .map_or(Ok(SecondaryThreshold::default()), SecondaryThreshold::new);
    let secondary = reported(section, "retry_secondary_threshold", threshold);
    Some(RetryPolicy {
        wait: section.time("retry_wait").unwrap_or(Duration::from_secs(1)),
        backoff: backoff?,
        limit,
        randomize: section.bool("retry_randomize").unwrap_or(true),
        secondary,
    })
}
