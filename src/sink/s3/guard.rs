//! What keeps a name from being used twice: the condition, a look, or the name itself.
//!
//! Amazon's S3 honours `If-None-Match: *`. Of another store nobody knows beforehand: some
//! refuse the header, and some ignore it and overwrite. So as long as it is not proven,
//! each name is looked for before it is used, and the first object that is stored is put a
//! second time, under the condition and byte for byte the same. A store that honours the
//! condition refuses that, and one that ignores it replaces the object by itself: neither
//! makes a name that was not there, and nothing has to be deleted.
//!
//! Where looking is forbidden as well, a name must belong to its chunk alone.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is known of a store; one for all its chunks.
#[derive(Debug)]
pub(super) struct Guard {
    bucket: String,
    known: Mutex<Known>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    condition: Condition,
    looking: Looking,
}

/// What the store makes of `If-None-Match: *`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Honoured,
    Unproven,
    /// Ignored or refused.
    Useless,
}

/// Whether the credentials may ask for an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looking {
    /// As far as is known.
    Allowed,
    Forbidden,
}

/// How to keep a name from being used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The store does, by the condition.
    Condition,
    /// A look goes before.
    Look,
    /// The chunk's id is in the name.
    OwnName,
}

impl Guard {
    /// `condition`: what is known from the start.
    pub(super) fn new(bucket: &str, condition: Condition) -> Self {
        Self {
            bucket: bucket.to_owned(),
            known: Mutex::new(Known {
                condition,
                looking: Looking::Allowed,
            }),
        }
    }

    pub(super) fn condition(&self) -> Condition {
        self.lock().condition
    }

    pub(super) fn way(&self) -> Way {
        let known = self.lock();
        match (known.condition, known.looking) {
            (Condition::Honoured, _) => Way::Condition,
            (_, Looking::Allowed) => Way::Look,
            (_, Looking::Forbidden) => Way::OwnName,
        }
    }

    pub(super) fn may_look(&self) -> bool {
        self.lock().looking == Looking::Allowed
    }

    /// A PUT under the condition was refused because of an object that was there.
    pub(super) fn is_honoured(&self) {
        let mut known = self.lock();
        if known.condition == Condition::Unproven {
            known.condition = Condition::Honoured;
            tracing::info!(
                bucket = self.bucket,
                "the store honours If-None-Match: nothing is looked for before a PUT any more"
            );
        }
    }

    /// A PUT under the condition has replaced an object, or was refused for the condition.
    pub(super) fn is_useless(&self, verb: &'static str) {
        let mut known = self.lock();
        if known.condition == Condition::Useless {
            return;
        }
        *known = Known {
            condition: Condition::Useless,
            // What was a 403 before may have been mended meanwhile.
            looking: Looking::Allowed,
        };
        tracing::warn!(
            bucket = self.bucket,
            "the store {verb} If-None-Match: from now on each name is looked for (HEAD) before \
             it is used, and two servers must not share a prefix"
        );
    }

    /// A HEAD was answered with 403.
    pub(super) fn is_blind(&self) {
        let mut known = self.lock();
        if known.looking == Looking::Forbidden {
            return;
        }
        known.looking = Looking::Forbidden;
        let condition = match known.condition {
            Condition::Honoured => return,
            Condition::Unproven => "it is not known yet whether the store honours If-None-Match",
            Condition::Useless => "the store does not honour If-None-Match",
        };
        tracing::warn!(
            bucket = self.bucket,
            "HEAD is answered with 403, and {condition}: objects get their chunk's id in the name"
        );
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
