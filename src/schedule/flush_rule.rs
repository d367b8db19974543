//! `flush_mode`: when a staged chunk is due.

use fluent_compat::time::EventTime;
use fluent_compat::timekey::TimekeySlots;

use crate::buffer::Header;

/// `flush_mode`, with `default` already decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlushMode {
    /// Once its time slot is over, or when it is full.
    Lazy,
    /// As `Lazy`, and `flush_interval` seconds after it was opened.
    Interval {
        /// `flush_interval`, whole seconds.
        seconds: i64,
    },
    /// After every append; the buffer does that by itself.
    Immediate,
}

/// `timekey` and `timekey_wait`.
#[derive(Clone, Debug)]
pub struct TimeSlots {
    /// `timekey`, `timekey_use_utc`, `timekey_zone`.
    pub slots: TimekeySlots,
    /// `timekey_wait`, whole seconds.
    pub wait: i64,
}

/// When staged chunks are due.
#[derive(Clone, Debug)]
pub struct FlushRule {
    /// `flush_mode`.
    pub mode: FlushMode,
    /// For buffers keyed by time.
    pub time: Option<TimeSlots>,
}

impl FlushRule {
    /// Whether the chunk is due at this wall time. Whole seconds count, as in Fluentd: a
    /// chunk opened within a second is as old as that second.
    pub fn is_due(&self, header: &Header, now: EventTime) -> bool {
        self.interval_is_over(header, now) || self.slot_is_over(header, now)
    }

    fn interval_is_over(&self, header: &Header, now: EventTime) -> bool {
        match self.mode {
            FlushMode::Interval { seconds } => {
                header.created.seconds().saturating_add(seconds) <= now.seconds()
            }
            FlushMode::Lazy | FlushMode::Immediate => false,
        }
    }

    fn slot_is_over(&self, header: &Header, now: EventTime) -> bool {
        match (&self.time, header.metadata.timekey) {
            (Some(time), Some(key)) => {
                time.slots.end(key).saturating_add(time.wait) <= now.seconds()
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use fluent_compat::chunk::{ChunkId, Metadata};
    use fluent_compat::time::Zone;
    use fluent_compat::timekey::Timekey;

    use super::*;

    const HOUR: i64 = 3600;

    fn chunk(created: i64, timekey: Option<i64>) -> Header {
        let created = EventTime::new(created, 500_000_000);
        Header {
            id: ChunkId::from_parts(created, 1),
            created,
            metadata: Metadata {
                timekey: timekey.map(Timekey::new),
                tag: None,
                variables: Vec::new(),
            },
        }
    }

    fn hourly(mode: FlushMode, wait: i64) -> FlushRule {
        let slots = TimekeySlots::new(NonZeroU64::new(3600).unwrap(), Zone::Utc);
        let time = Some(TimeSlots { slots, wait });
        FlushRule { mode, time }
    }

    #[test]
    fn a_slot_is_due_when_it_has_ended_and_the_wait_is_over() {
        let rule = hourly(FlushMode::Lazy, 600);
        let chunk = chunk(HOUR, Some(HOUR));
        assert!(!rule.is_due(&chunk, EventTime::new(2 * HOUR + 599, 999_999_999)));
        assert!(rule.is_due(&chunk, EventTime::new(2 * HOUR + 600, 0)));
    }

    #[test]
    fn an_event_of_a_slot_long_past_is_due_at_once() {
        let rule = hourly(FlushMode::Lazy, 0);
        assert!(rule.is_due(&chunk(90 * HOUR, Some(HOUR)), EventTime::new(90 * HOUR, 0)));
    }

    #[test]
    fn an_event_from_the_end_of_time_is_not_due() {
        let rule = hourly(FlushMode::Interval { seconds: i64::MAX }, 600);
        assert!(!rule.is_due(
            &chunk(90 * HOUR, Some(i64::MAX)),
            EventTime::new(90 * HOUR, 0)
        ));
    }

    #[test]
    fn an_interval_counts_from_the_second_the_chunk_was_opened_in() {
        let rule = FlushRule {
            mode: FlushMode::Interval { seconds: 60 },
            time: None,
        };
        assert!(!rule.is_due(&chunk(100, None), EventTime::new(159, 999_999_999)));
        assert!(rule.is_due(&chunk(100, None), EventTime::new(160, 0)));
    }

    #[test]
    fn lazy_chunks_without_a_time_slot_wait_until_they_are_full() {
        let rule = FlushRule {
            mode: FlushMode::Lazy,
            time: None,
        };
        assert!(!rule.is_due(&chunk(0, None), EventTime::new(i64::MAX, 0)));
    }
}
