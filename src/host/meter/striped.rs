//! One value for each of a few threads, so that none waits for what another has just written.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Values that several threads write at a time, and that are told together.
#[derive(Debug, Default)]
pub(super) struct Striped<T>([Alone<T>; STRIPES]);

/// Threads beyond so many share stripes.
const STRIPES: usize = 8;

/// What has its cache lines for itself: two, because they are fetched in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Alone<T>(T);

impl<T> Striped<T> {
    /// The value that this thread writes.
    pub(super) fn mine(&self) -> &T {
        let Self(stripes) = self;
        let mine = stripes.get(STRIPE.with(|stripe| *stripe));
        let Alone(mine) = mine.expect("invariant: a remainder is less than the divisor");
        mine
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|Alone(part)| part)
    }
}

thread_local! {
    /// Threads are given one after the other, as those of the runtime are started.
    static STRIPE: usize = {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        THREADS.fetch_add(1, Ordering::Relaxed) % STRIPES
    };
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;
    use std::thread;

    use super::*;

    #[test]
    fn what_all_threads_have_written_is_told_together() {
        let striped = Striped::<AtomicU64>::default();
        thread::scope(|scope| {
            for _ in 0..3 * STRIPES {
                scope.spawn(|| striped.mine().fetch_add(1, Ordering::Relaxed));
            }
        });
        let parts: Vec<_> = striped.iter().map(|p| p.load(Ordering::Relaxed)).collect();
        assert_eq!(parts.iter().sum::<u64>(), 3 * STRIPES as u64);
        assert!(
            parts.iter().filter(|part| **part > 0).count() > 1,
            "{parts:?}"
        );
    }
}
