//! What a source counts of its requests.

use fluent_compat::parse::Reason as ParseReason;

use super::body::BodyError;
use super::coding::CodingError;
use super::events::EventsError;
use super::respond::Refusal;
use crate::host::meter::{Counter, Histogram, Pending};
use crate::route::EmitError;

/// Requests of one source since it was bound.
#[derive(Debug, Default)]
pub struct Traffic {
    /// From the end of a request's headers to its success, when what it held is stored.
    pub ack_latency: Histogram,
    /// Events of those requests.
    pub events: Counter,
    /// Bytes of their bodies, as they came.
    pub bytes: Counter,
    /// Requests that bring events and are not answered yet.
    pub unanswered: Pending,
    refused: [Counter; Cause::ALL.len()],
}

/// Why a request was refused, as coarse as a dashboard wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The body is no JSON, or whatever else was expected, or ended early.
    Body,
    /// A buffer is full.
    Full,
    /// The bodies that are held at the moment take all of `body_memory_limit`.
    Memory,
    /// Another method than those there are.
    Method,
    /// A page that may not send here.
    Origin,
    /// The body did not come in time.
    Slow,
    /// The server stops.
    Stopping,
    /// The buffer's disk has failed.
    Storage,
    /// A time that cannot be read as `<parse>` says.
    Time,
    /// The body or its events are larger than what is allowed.
    TooLarge,
    /// No `<match>` takes the tag.
    Unmatched,
    /// An event that a filter or format can make nothing of.
    Unusable,
}

impl Cause {
    /// All of them, in the order of their names.
    pub const ALL: [Self; 12] = [
        Self::Body,
        Self::Full,
        Self::Memory,
        Self::Method,
        Self::Origin,
        Self::Slow,
        Self::Stopping,
        Self::Storage,
        Self::Time,
        Self::TooLarge,
        Self::Unmatched,
        Self::Unusable,
    ];

    /// Its name as a label's value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Full => "buffer_full",
            Self::Memory => "memory",
            Self::Method => "method",
            Self::Origin => "origin",
            Self::Slow => "slow",
            Self::Stopping => "stopping",
            Self::Storage => "storage",
            Self::Time => "time",
            Self::TooLarge => "too_large",
            Self::Unmatched => "unmatched",
            Self::Unusable => "unusable",
        }
    }

    pub(super) fn of(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Body(BodyError::NoRoom(_)) | Refusal::NoRoom(_) => Self::Memory,
            Refusal::Body(BodyError::Slow { .. }) => Self::Slow,
            Refusal::Body(BodyError::TooLarge { .. })
            | Refusal::Coding(CodingError::TooLarge { .. })
            | Refusal::Emit(EmitError::TooLarge { .. } | EmitError::TooMuch { .. }) => {
                Self::TooLarge
            }
            Refusal::Emit(EmitError::BufferFull { .. }) => Self::Full,
            Refusal::Emit(EmitError::Stopping) => Self::Stopping,
            Refusal::Emit(EmitError::Storage { .. }) => Self::Storage,
            Refusal::Emit(EmitError::Unformattable { .. } | EmitError::Unfilterable { .. }) => {
                Self::Unusable
            }
            Refusal::Emit(EmitError::Unmatched { .. }) => Self::Unmatched,
            Refusal::Events(EventsError::Time(_)) => Self::Time,
            Refusal::Events(EventsError::Parse(error)) => match error.reason {
                ParseReason::Time { .. } => Self::Time,
                _ => Self::Body,
            },
            Refusal::Body(BodyError::Broken { .. })
            | Refusal::Coding(_)
            | Refusal::Events(EventsError::Form(_) | EventsError::Nothing) => Self::Body,
            Refusal::Method { .. } => Self::Method,
            Refusal::Origin => Self::Origin,
        }
    }
}

impl Traffic {
    /// Each cause, and how many requests were refused for it.
    pub fn refused(&self) -> impl Iterator<Item = (Cause, u64)> {
        let counts = self.refused.iter().map(Counter::value);
        Cause::ALL.into_iter().zip(counts)
    }

    pub(super) fn refuse(&self, refusal: &Refusal) {
        if let Some(counter) = self.refused.get(Cause::of(refusal) as usize) {
            counter.count();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_its_own_counter() {
        for (place, cause) in Cause::ALL.into_iter().enumerate() {
            assert_eq!(cause as usize, place, "{}", cause.name());
        }
        let traffic = Traffic::default();
        traffic.refuse(&Refusal::Emit(EmitError::Stopping));
        let refused: Vec<_> = traffic.refused().filter(|(_, count)| *count > 0).collect();
        assert_eq!(refused, [(Cause::Stopping, 1)]);
    }
}
