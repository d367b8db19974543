//! The model: what was promised of each event, and nothing else.

use std::collections::BTreeMap;

/// What was promised of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// It was answered with 200: it is delivered once.
    Acknowledged,
    /// Nobody was answered: it is delivered once or not at all.
    None,
    /// It was answered with an error: it is never delivered.
    Refused,
}

/// Events by number.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    promises: BTreeMap<u32, Promise>,
    numbers: u32,
}

impl Ledger {
    /// A number for an event.
    pub(crate) fn next(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }

    pub(crate) fn note(&mut self, numbers: &[u32], promise: Promise) {
        let notes = numbers.iter().map(|number| (*number, promise));
        self.promises.extend(notes);
    }

    pub(crate) fn acknowledged(&self) -> usize {
        let promises = self.promises.values();
        promises
            .filter(|promise| **promise == Promise::Acknowledged)
            .count()
    }

    /// Compares the promises with how often each event is in the bucket.
    pub(crate) fn compare(&self, delivered: &BTreeMap<u32, u32>) -> Result<(), String> {
        for (number, times) in delivered {
            match (self.promises.get(number), times) {
                (None, _) => return Err(format!("event {number} was never sent")),
                (Some(Promise::Refused), _) => {
                    return Err(format!("event {number} was refused and is delivered"));
                }
                (Some(_), 1) => {}
                (Some(promise), times) => {
                    return Err(format!(
                        "event {number} ({promise:?}) is there {times} times"
                    ));
                }
            }
        }
        for (number, promise) in &self.promises {
            if *promise == Promise::Acknowledged && !delivered.contains_key(number) {
                return Err(format!("event {number} was acknowledged and is lost"));
            }
        }
        Ok(())
    }
}
