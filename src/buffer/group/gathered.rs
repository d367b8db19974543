//! Appends that wait for the same commit.

use super::super::commit::Append;
use super::super::limits::Limits;

/// Appends, and the bytes of their small frames one behind the other. The memory of each such
/// frame is free again before its request waits: many that are kept at a time, and freed by
/// another thread, cost the allocator more than the copy.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) appends: Vec<Append>,
    pub(super) joined: Vec<u8>,
}

impl Gathered {
    /// Memory that is kept for the next ones, in bytes of frames.
    const KEPT: usize = 1 << 20;

    pub(super) fn push(&mut self, mut append: Append) {
        for payload in &mut append.payloads {
            payload.frame.join(&mut self.joined);
        }
        self.appends.push(append);
    }

    pub(super) fn len(&self) -> usize {
        self.appends.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.appends.is_empty()
    }

    /// Drops the appends whose requests have ended without an answer.
    pub(super) fn forget_abandoned(&mut self, limits: &Limits) {
        let before = self.len();
        self.appends.retain(|append| {
            let abandoned = append.is_abandoned();
            if abandoned {
                limits.release(append.bytes());
            }
            !abandoned
        });
        if self.len() < before {
            let joined = std::mem::take(&mut self.joined);
            let payloads = self.appends.iter_mut().flat_map(|a| &mut a.payloads);
            payloads.for_each(|payload| payload.frame.rejoin(&joined, &mut self.joined));
        }
    }

    /// Forgets what was committed.
    pub(super) fn clear(&mut self) {
        self.appends.clear();
        self.joined.clear();
        self.joined.shrink_to(Self::KEPT);
    }
}
