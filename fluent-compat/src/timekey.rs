//! Timekeys: the slots of time by which `<buffer time>` cuts chunks.

use std::fmt;
use std::num::NonZeroU64;

use crate::time::{EventTime, Zone};

/// A slot's name: the unix second at which it begins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timekey(i64);

impl Timekey {
    /// The slot that begins at this unix second.
    pub const fn new(unix_seconds: i64) -> Timekey {
        Timekey(unix_seconds)
    }

    /// The unix second at which the slot begins.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// The slot's beginning as a time, for `strftime`.
    pub const fn start(self) -> EventTime {
        EventTime::new(self.0, 0)
    }
}

impl fmt::Display for Timekey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How time is cut into slots: `timekey`, `timekey_use_utc`, `timekey_zone`.
///
/// Slots lie on the wall clock of the zone: `timekey 1d` in Asia/Tokyo cuts at
/// midnight there. Where the zone's offset changes within a slot (summer time), the
/// slot is an hour longer or shorter, so that a day is one slot and bears its own
/// date. Fluentd tears such a day in two and names the later part after the day
/// before; on all other days the slots are Fluentd's.
///
/// The slots cover time without gap or overlap: `slot(t) <= t < end(slot(t))`.
#[derive(Clone, Debug)]
pub struct TimekeySlots {
    /// The slot's length on the wall clock, in seconds; at least 1.
    seconds: i64,
    zone: Zone,
}

impl TimekeySlots {
    /// Slots of so many seconds in a zone: [`Zone::Utc`] for `timekey_use_utc true`,
    /// else `timekey_zone`, else the host's.
    pub fn new(seconds: NonZeroU64, zone: Zone) -> TimekeySlots {
        // A longer slot than there are seconds would hold everything all the same.
        let seconds = i64::try_from(seconds.get())
            .unwrap_or(i64::MAX)
            .min(LONGEST);
        TimekeySlots { seconds, zone }
    }

    /// The zone in which the slots lie, and in which placeholders render them.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// A slot's length on the wall clock, in seconds: `timekey`.
    pub fn length(&self) -> u64 {
        self.seconds.unsigned_abs()
    }

    /// The slot to which an event belongs.
    pub fn slot(&self, time: EventTime) -> Timekey {
        Timekey(self.start_of(time.seconds()))
    }

    /// The unix second at which the slot ends, exclusive: the next slot's beginning.
    pub fn end(&self, key: Timekey) -> i64 {
        self.end_of(key.0)
    }

    /// The format of `%{time_slice}` in `out_s3` when `time_slice_format` is not set:
    /// as fine as the slots are.
    pub fn default_time_slice_format(&self) -> &'static str {
        match self.seconds {
            ..60 => "%Y%m%d%H%M%S",
            60..3600 => "%Y%m%d%H%M",
            3600..86_400 => "%Y%m%d%H",
            _ => "%Y%m%d",
        }
    }

    fn start_of(&self, time: i64) -> i64 {
        let block = self.block(time);
        let start = self
            .wall_start(block)
            .saturating_sub(self.zone.offset_at(time).into());
        match self.zone.last_change_in(start, time) {
            None => start,
            // The change happened within the slot: it began under the old offset.
            Some(change) if self.block(change - 1) == block => self.start_of(change - 1),
            // The clock jumped over a boundary: the slot begins with the jump.
            Some(change) => change,
        }
    }

    fn end_of(&self, time: i64) -> i64 {
        let block = self.block(time);
        let next = self.wall_start(block.saturating_add(1));
        let end = next.saturating_sub(self.zone.offset_at(time).into());
        match self.zone.first_change_in(time, end) {
            None => end,
            Some(change) if self.start_of(change) == change => change,
            Some(change) => self.end_of(change),
        }
    }

    /// Which slot of the wall clock this moment falls into, counted from 1970.
    fn block(&self, time: i64) -> i64 {
        time.saturating_add(self.zone.offset_at(time).into())
            .div_euclid(self.seconds)
    }

    fn wall_start(&self, block: i64) -> i64 {
        block.saturating_mul(self.seconds)
    }
}

/// 10,000 years: keeps the arithmetic far from overflow.
const LONGEST: i64 = 10_000 * 366 * 86_400;

#[cfg(test)]
mod tests;
