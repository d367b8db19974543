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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::buffer::OverflowAction;
    use crate::buffer::chunk_file::Compression;
    use crate::buffer::frames::{Frames, Spare};
    use crate::buffer::payload;
    use crate::buffer::tests::portion;
    use crate::host::fs::{Fs, MemoryFs};

    fn append(text: &str) -> (Append, impl Sized) {
        let portions = vec![portion("a", text), portion("b", text)];
        Append::new(payload::pack(portions, Compression::Text).unwrap())
    }

    /// What a chunk gets of all of them.
    fn written(gathered: Gathered) -> Vec<u8> {
        let (mut frames, mut spare) = (Frames::default(), Spare::default());
        for payload in gathered.appends.into_iter().flat_map(|a| a.payloads) {
            frames.push(payload.frame, &gathered.joined, &mut spare);
        }
        let (fs, path) = (MemoryFs::default(), Path::new("/b/one"));
        frames.write(&*fs.create_new(path).unwrap(), 0).unwrap();
        fs.read(path).unwrap()
    }

    #[test]
    fn the_frames_of_those_who_wait_are_whole_when_others_are_forgotten() {
        let large = "x".repeat(100_000);
        let texts = ["one", &large, "two", "three", &large, "four"];
        let limits = Limits::new(1 << 30, OverflowAction::ThrowException);
        for gone in 0..1 << texts.len() {
            let (mut all, mut expected) = (Gathered::default(), Gathered::default());
            let mut waiting = Vec::new();
            for (place, text) in texts.iter().enumerate() {
                let (taken, answer) = append(text);
                limits.found(taken.bytes());
                all.push(taken);
                if gone >> place & 1 == 0 {
                    waiting.push(answer);
                    expected.push(append(text).0);
                }
            }
            all.forget_abandoned(&limits);
            let held: u64 = all.appends.iter().map(Append::bytes).sum();
            assert_eq!(limits.held(), held);
            limits.release(held);
            assert!(all.joined == expected.joined, "{gone:b}");
            assert!(written(all) == written(expected), "{gone:b}");
        }
    }
}
