//! Which `%{index}` to try first.
//!
//! Asking the store would take a permission to read and a request for each index, so the
//! indexes that this process has used are remembered. It is a hint: a name that turns out
//! to be taken gets a later index.
//!
//! After a restart all hints are forgotten, and a slot may have thousands of objects. So a
//! chunk that finds one name after the other taken takes longer and longer steps. That
//! leaves indexes out, which nobody misses, and needs neither a look into the store nor a
//! file of hints that could be wrong.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Names remembered; the time slots of the recent past are enough.
const REMEMBERED: usize = 4096;
/// So many refusals in a row are what other servers on the same prefix cause.
const NEIGHBOURS: u32 = 4;
/// The longest step is 2 to the power of this.
const LONGEST_STEP: u32 = 10;

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

    /// Takes an index after one that was found taken, which was the `in_a_row`th for a
    /// chunk.
    pub(super) fn next_after(&self, first_name: &str, taken: u64, in_a_row: u32) -> u64 {
        let doublings = in_a_row.saturating_sub(NEIGHBOURS).min(LONGEST_STEP);
        let after = taken.saturating_add(1 << doublings);
        let mut next = self.lock();
        // Not remembered: the name is from before a restart, and tells nothing of others.
        let Some(known) = next.get_mut(first_name) else {
            return after;
        };
        let index = after.max(*known);
        *known = index.saturating_add(1);
        index
    }

    /// The index is taken, by us or by somebody else.
    pub(super) fn is_taken(&self, first_name: &str, index: u64) {
        let mut next = self.lock();
        if let Some(known) = next.get_mut(first_name) {
            *known = (*known).max(index.saturating_add(1));
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
        assert_eq!(indexes.next_after("a", 7, 1), 8);
        assert_eq!(indexes.next_for("a"), 9);
    }

    #[test]
    fn two_chunks_that_find_their_names_taken_get_different_ones() {
        let indexes = Indexes::default();
        let (one, two) = (indexes.next_for("a"), indexes.next_for("a"));
        let next = (
            indexes.next_after("a", one, 1),
            indexes.next_after("a", two, 1),
        );
        assert_eq!(next, (2, 3));
    }

    #[test]
    fn a_slot_with_thousands_of_objects_is_passed_in_a_few_steps() {
        let indexes = Indexes::default();
        let mut index = indexes.next_for("a");
        let mut tried = vec![index];
        for in_a_row in 1.. {
            if index >= 5000 {
                break;
            }
            index = indexes.next_after("a", index, in_a_row);
            tried.push(index);
        }
        assert_eq!(tried.get(..8), Some(&[0, 1, 2, 3, 4, 6, 10, 18][..]));
        assert!(tried.len() < 20, "{tried:?}");
        assert!(index < 5000 + 1025, "{tried:?}");
    }
}
