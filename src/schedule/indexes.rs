//! Which `%{index}` to try first.
//!
//! Asking the store would take a permission to read and a request for each index, so the
//! indexes that this process has used are remembered. It is a hint: a name that turns out
//! to be taken gets the next index, and a forgotten hint costs one refused put.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Names remembered; the time slots of the recent past are enough.
const REMEMBERED: usize = 4096;

/// The next free index by the name an object would have at index 0.
#[derive(Default)]
pub(super) struct Indexes {
    next: Mutex<HashMap<String, u64>>,
}

impl Indexes {
    /// Takes the next index for a name.
    pub(super) fn next_for(&self, first_name: &str) -> u64 {
        let mut next = self.lock();
        if next.len() >= REMEMBERED && !next.contains_key(first_name) {
            next.clear();
        }
        let index = next.entry(first_name.to_owned()).or_default();
        let taken = *index;
        *index += 1;
        taken
    }

    /// The index was not used after all.
    pub(super) fn give_back(&self, first_name: &str, index: u64) {
        let mut next = self.lock();
        if let Some(known) = next.get_mut(first_name)
            && *known == index + 1
        {
            *known = index;
        }
    }

    /// The index is taken, by us or by somebody else.
    pub(super) fn is_taken(&self, first_name: &str, index: u64) {
        let mut next = self.lock();
        if let Some(known) = next.get_mut(first_name) {
            *known = (*known).max(index + 1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_chunks_of_one_slot_start_at_different_indexes() {
        let indexes = Indexes::default();
        assert_eq!(indexes.next_for("logs/2024_0.gz"), 0);
        assert_eq!(indexes.next_for("logs/2024_0.gz"), 1);
        assert_eq!(indexes.next_for("logs/2025_0.gz"), 0);
    }

    #[test]
    fn an_index_that_was_found_taken_is_skipped() {
        let indexes = Indexes::default();
        indexes.next_for("a");
        indexes.is_taken("a", 7);
        assert_eq!(indexes.next_for("a"), 8);
    }
}
