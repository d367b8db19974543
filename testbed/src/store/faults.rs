//! What goes wrong in S3's life, switched on and off while the store runs.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::Refusal;

/// What becomes of one PUT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nothing is stored, and this is the answer.
    Refuse(Refusal),
    /// Nothing is stored, and the connection is cut without an answer.
    Cut,
    /// The object is stored, and the answer is 500.
    StoreThenFail,
    /// The object is stored, and the connection is cut without an answer.
    StoreThenCut,
    /// The object is stored, and this is the answer.
    StoreThenRefuse(Refusal),
    /// The object is stored, and there is no answer until [`Faults::clear`].
    StoreThenStall,
    /// Nothing happens until [`Faults::clear`]; then the request goes its way.
    Stall,
}

/// What the credentials may read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Reads {
    /// HEAD, GET and LIST are answered.
    #[default]
    Allowed,
    /// Each of them is a 403, as for a user with `s3:PutObject` alone.
    Denied,
}

/// What the store makes of `If-None-Match: *`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Conditions {
    /// 412 when the key is taken.
    #[default]
    Honoured,
    /// The object is overwritten, as by stores that do not know the header.
    Ignored,
    /// 501, as by stores that know it and will not have it.
    Refused,
}

/// The switchboard; clones switch the same store.
#[derive(Clone, Debug)]
pub struct Faults {
    state: Arc<Mutex<State>>,
    cleared: watch::Sender<()>,
    stalled: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct State {
    next: VecDeque<Fault>,
    share: Option<Share>,
    reads: Reads,
    conditions: Conditions,
}

/// Spread evenly instead of thrown as a die, so that a test runs the same each time.
#[derive(Debug)]
struct Share {
    percent: u8,
    credit: u8,
    fault: Fault,
}

impl Default for Faults {
    fn default() -> Faults {
        Faults {
            state: Arc::default(),
            cleared: watch::Sender::new(()),
            stalled: watch::Sender::new(0),
        }
    }
}

impl Faults {
    /// The next `count` PUTs meet this fault; calls queue up behind each other.
    pub fn next(&self, count: usize, fault: Fault) {
        self.state().next.extend(std::iter::repeat_n(fault, count));
    }

    /// This share of all PUTs (in percent, evenly spread) meets the fault until cleared.
    pub fn share(&self, percent: u8, fault: Fault) {
        self.state().share = Some(Share {
            percent: percent.min(100),
            credit: 0,
            fault,
        });
    }

    /// What HEAD, GET and LIST get.
    pub fn reads(&self, reads: Reads) {
        self.state().reads = reads;
    }

    /// What `If-None-Match: *` gets.
    pub fn conditions(&self, conditions: Conditions) {
        self.state().conditions = conditions;
    }

    /// How many of the counted faults no PUT has met yet.
    pub fn left(&self) -> usize {
        self.state().next.len()
    }

    /// Returns when so many requests are stalled at a time.
    pub async fn wait_for_stalled(&self, count: usize) {
        let mut stalled = self.stalled.subscribe();
        // We hold the sender, so there is no error.
        let _ = stalled.wait_for(|now| *now >= count).await;
    }

    /// All is well again; stalled requests go on.
    pub fn clear(&self) {
        *self.state() = State::default();
        self.cleared.send_replace(());
    }

    /// What this PUT meets.
    pub(super) fn for_put(&self, conditional: bool) -> Option<Fault> {
        let mut state = self.state();
        if conditional && state.conditions == Conditions::Refused {
            return Some(Fault::Refuse(Refusal::NotImplemented));
        }
        if let Some(fault) = state.next.pop_front() {
            return Some(fault);
        }
        let share = state.share.as_mut()?;
        share.credit += share.percent;
        (share.credit >= 100).then(|| {
            share.credit -= 100;
            share.fault
        })
    }

    pub(super) fn reads_denied(&self) -> bool {
        self.state().reads == Reads::Denied
    }

    pub(super) fn conditions_ignored(&self) -> bool {
        self.state().conditions == Conditions::Ignored
    }

    /// Subscribed before the fault is decided, so that no `clear` slips through between.
    pub(super) fn watch_clear(&self) -> watch::Receiver<()> {
        self.cleared.subscribe()
    }

    /// Returns when all is well again.
    pub(super) async fn stall(&self, mut cleared: watch::Receiver<()>) {
        let _counted = Stalled::new(&self.stalled);
        // An error means that the store is going away: nothing to wait for then.
        let _ = cleared.changed().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a stalled request, also when its client goes before the stall ends.
struct Stalled<'a>(&'a watch::Sender<usize>);

impl<'a> Stalled<'a> {
    fn new(count: &'a watch::Sender<usize>) -> Stalled<'a> {
        count.send_modify(|count| *count += 1);
        Stalled(count)
    }
}

impl Drop for Stalled<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_spread_evenly() {
        let faults = Faults::default();
        faults.share(25, Fault::Cut);
        let hits = (0..100).filter(|_| faults.for_put(false).is_some()).count();
        assert_eq!(hits, 25);
    }

    #[test]
    fn counted_faults_come_first_and_end() {
        let faults = Faults::default();
        faults.next(1, Fault::StoreThenFail);
        faults.next(1, Fault::StoreThenCut);
        assert_eq!(faults.for_put(true), Some(Fault::StoreThenFail));
        assert_eq!(faults.for_put(true), Some(Fault::StoreThenCut));
        assert_eq!(faults.for_put(true), None);
    }

    #[test]
    fn only_conditional_puts_are_refused_by_a_store_without_conditions() {
        let faults = Faults::default();
        faults.conditions(Conditions::Refused);
        assert_eq!(faults.for_put(false), None);
        assert_eq!(
            faults.for_put(true),
            Some(Fault::Refuse(Refusal::NotImplemented))
        );
    }
}
