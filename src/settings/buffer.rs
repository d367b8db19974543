//! `<buffer>`.

mod limits;
mod object_size;
pub(super) mod place;

#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::time::Duration;

use fluent_compat::chunk::ChunkKeys;
use fluent_compat::config::Params;
use fluent_compat::retry::{Backoff, BackoffBase, RetryLimit, RetryPolicy, SecondaryThreshold};
use fluent_compat::time::Zone;
use fluent_compat::timekey::TimekeySlots;

use super::context::Context;
use super::remark::{no_effect, reported};
use crate::buffer::{self, Backup, Place, Sealing};
use crate::schedule::{self, AtShutdown, FlushMode, FlushRule, TimeSlots};
pub(super) use object_size::ObjectSize;

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

/// The output that a `<buffer>` belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner<'a> {
    /// In log lines: its `@id` or its pattern.
    pub(super) name: &'a str,
    /// `@id`.
    pub(super) id: Option<&'a str>,
    /// `object_size`, where the output makes objects and says how large.
    pub(super) objects: Option<ObjectSize>,
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
    owner: Owner<'_>,
    defaults: BufferDefaults,
    context: &Context<'_>,
) -> Option<BufferSettings> {
    let chunk_keys = chunk_keys(&section, defaults);
    let time = chunk_keys
        .as_ref()
        .and_then(|keys| time_slots(&section, keys, defaults, context));
    let place = place::place(&section, owner, context);
    let modes = place::modes(&section, context);
    let mode = flush_mode(&section, time.is_some());
    let retry = retry(&section);
    let (compression, decompression_size_limit) = limits::compression(&section);
    let limits = limits::limits(&section, place.as_ref(), defaults, owner.objects);
    object_size::refuse_here(&section);
    object_size::warn_if_out_of_reach(&section, owner.objects, compression, &limits);
    let threads = section
        .integer_in("flush_thread_count", 1..=1024)
        .unwrap_or(1);
    let at_shutdown = at_shutdown(&section, place.as_ref(), defaults);
    let backup = backup(&section, place.as_ref(), owner, context);
    let reason = "a free flush thread takes the next chunk at once";
    no_effect(&section, &["flush_thread_burst_interval"], reason);
    let reason = "no output here commits later than it has written";
    no_effect(&section, &["delayed_commit_timeout"], reason);
    let interval = section.float("flush_thread_interval").unwrap_or(1.0);
    let interval = Duration::try_from_secs_f64(interval).unwrap_or(Duration::from_secs(1));
    let overflow_action = limits::overflow_action(&section);
    section.finish();
    let (chunk_keys, mode) = (chunk_keys?, mode?);
    if chunk_keys.has_time() && time.is_none() {
        return None;
    }
    let slots = time.as_ref().map(|time| time.slots.clone());
    let config = buffer::Config {
        name: owner.name.to_owned(),
        place: place?,
        modes,
        compression,
        decompression_size_limit,
        chunk_limit_size: limits.chunk,
        chunk_limit_records: limits.records,
        chunk_full_threshold: limits.threshold,
        total_limit_size: limits.total,
        overflow_action,
        sealing: match mode {
            FlushMode::Immediate => Sealing::AfterEveryAppend,
            FlushMode::Lazy | FlushMode::Interval { .. } => Sealing::WhenFull,
        },
        queued_chunks_limit: limits.queued_chunks,
        backup,
        read_at_start: buffer::READ_AT_START,
    };
    let schedule = schedule::Config {
        name: owner.name.to_owned(),
        rule: FlushRule { mode, time },
        threads: NonZeroUsize::new(threads)?,
        interval: interval.max(Duration::from_millis(10)),
        retry: retry?,
        at_shutdown,
        // The output itself may say otherwise.
        slow: SLOW_FLUSH,
        object_size: owner
            .objects
            .map(|objects| objects.for_schedule(compression)),
    };
    Some(BufferSettings {
        chunk_keys,
        slots,
        buffer: config,
        schedule,
    })
}

/// Fluentd's `slow_flush_log_threshold`.
const SLOW_FLUSH: Duration = Duration::from_secs(20);

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

/// `disable_chunk_backup`.
fn backup(
    section: &Params<'_>,
    place: Option<&Place>,
    owner: Owner<'_>,
    context: &Context<'_>,
) -> Backup {
    if !section.bool("disable_chunk_backup").unwrap_or(false) {
        return match place {
            Some(Place::Memory) => Backup::In(place::backups_of_memory(owner, context)),
            Some(Place::File { .. }) | None => Backup::InBuffer,
        };
    }
    let span = section.span_of("disable_chunk_backup");
    let message = "a chunk that is given up on is deleted, and its events are lost";
    let help = "without it such chunks are kept";
    section.diagnostics().warning_with_help(span, message, help);
    Backup::Deleted
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
    let base = reported(section, "retry_exponential_backoff_base", base);
    let max_interval = section.time("retry_max_interval");
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
    let wait = section.time("retry_wait").unwrap_or(Duration::from_secs(1));
    let randomize = section.bool("retry_randomize").unwrap_or(true);
    let base = base?;
    Some(RetryPolicy {
        wait,
        backoff: match kind {
            Type::Periodic => Backoff::Periodic,
            Type::Exponential => Backoff::Exponential { base, max_interval },
        },
        limit,
        randomize,
        secondary,
    })
}
