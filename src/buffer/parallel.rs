//! Waiting for the disk in several threads at once.
//!
//! A filesystem joins syncs that are asked for at the same time into one commit of its
//! journal: sixteen take little longer than one.

use std::thread::{self, Builder};

/// Fewer items are worked on one after the other: threads cost something, too.
const ENOUGH: usize = 8;
/// How many threads there are at most.
const THREADS: usize = 16;

/// What `work` makes of each item, in the order of the items.
pub(super) fn map<T, R>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R>
where
    T: Sync,
    R: Send,
{
    if items.len() < ENOUGH {
        return items.iter().map(work).collect();
    }
    let work = &work;
    let share = items.len().div_ceil(THREADS);
    thread::scope(|scope| {
        let shares = items.chunks(share).map(|share| {
            let all = move || share.iter().map(work).collect::<Vec<R>>();
            // Where no more threads can be had, this one does it.
            let thread = Builder::new().spawn_scoped(scope, all);
            thread.map_err(|_no_thread| all())
        });
        let shares: Vec<_> = shares.collect();
        let results = shares.into_iter().flat_map(|share| match share {
            Ok(thread) => thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(done_here) => done_here,
        });
        results.collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items_however_many_there_are() {
        for count in [0, 1, ENOUGH, THREADS, THREADS + 1, 1000] {
            let items: Vec<_> = (0..count).collect();
            let doubled: Vec<_> = items.iter().map(|item| 2 * item).collect();
            assert_eq!(map(&items, |item| 2 * item), doubled);
        }
    }

    #[test]
    fn several_items_are_worked_on_at_once() {
        let all_are_here = std::sync::Barrier::new(THREADS);
        map(&[(); THREADS], |()| all_are_here.wait());
    }
}
