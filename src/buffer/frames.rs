//! Frames on their way into a file, in the order in which they will stand there.

use std::io;
use std::ops::Range;

use smallvec::SmallVec;

use crate::host::fs::File;

/// A frame on its way to its chunk.
pub(super) enum Frame {
    Own(Vec<u8>),
    /// A part of the bytes that it was joined to.
    Joined(Range<usize>),
}

/// Frames that are written together. Small ones are joined, because each write is a call of
/// the system; large ones stay where they were made, because copying them costs more.
#[derive(Default)]
pub(super) struct Frames {
    pieces: SmallVec<[Vec<u8>; 1]>,
    length: usize,
}

/// Memory of frames that are written, for the next ones: fresh memory costs a page fault every
/// few events.
#[derive(Default)]
pub(super) struct Spare(Vec<Vec<u8>>);

/// A piece of joined frames has fewer bytes, a frame with so many is a piece by itself.
const LARGE: usize = 64 << 10;

impl Frame {
    /// Copies it behind what is there, and forgets its own memory, unless it is large.
    pub(super) fn join(&mut self, joined: &mut Vec<u8>) {
        if let Self::Own(frame) = self
            && frame.len() < LARGE
        {
            *self = Self::Joined(append(frame, joined));
        }
    }

    /// Copies it from where it was joined to.
    pub(super) fn rejoin(&mut self, before: &[u8], joined: &mut Vec<u8>) {
        if let Self::Joined(range) = self {
            let frame = before.get(range.clone()).unwrap_or_default();
            *range = append(frame, joined);
        }
    }
}

fn append(bytes: &[u8], joined: &mut Vec<u8>) -> Range<usize> {
    let start = joined.len();
    joined.extend_from_slice(bytes);
    start..joined.len()
}

impl Frames {
    /// `joined` has the bytes of a frame that was joined.
    pub(super) fn push(&mut self, frame: Frame, joined: &[u8], spare: &mut Spare) {
        match frame {
            Frame::Own(frame) if frame.len() >= LARGE => {
                self.length += frame.len();
                self.pieces.push(frame);
            }
            Frame::Own(frame) => self.push_small(&frame, spare),
            Frame::Joined(range) => {
                self.push_small(joined.get(range).unwrap_or_default(), spare);
            }
        }
    }

    fn push_small(&mut self, frame: &[u8], spare: &mut Spare) {
        self.length += frame.len();
        match self.pieces.last_mut() {
            Some(piece) if piece.len() + frame.len() < LARGE => piece.extend_from_slice(frame),
            _ => {
                let mut piece = spare.take();
                piece.extend_from_slice(frame);
                self.pieces.push(piece);
            }
        }
    }

    /// Bytes of all.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Takes off what stands behind the first `length` bytes.
    pub(super) fn truncate(&mut self, length: usize) {
        let mut rest = length;
        for piece in &mut self.pieces {
            piece.truncate(rest);
            rest -= piece.len();
        }
        self.length = length - rest;
    }

    /// Writes all of them from `offset` on, or fails having written any part of them.
    pub(super) fn write(&self, file: &dyn File, mut offset: u64) -> io::Result<()> {
        for piece in &self.pieces {
            file.write_all_at(piece, offset)?;
            offset += piece.len() as u64;
        }
        Ok(())
    }

    /// Forgets them; their memory is left to `spare`.
    pub(super) fn clear(&mut self, spare: &mut Spare) {
        for piece in self.pieces.drain(..) {
            spare.put(piece);
        }
        self.length = 0;
    }
}

impl Spare {
    /// 4 MiB at most are kept, however large a commit was.
    const PIECES: usize = 64;

    fn take(&mut self) -> Vec<u8> {
        self.0.pop().unwrap_or_default()
    }

    fn put(&mut self, mut piece: Vec<u8>) {
        if piece.capacity() <= LARGE && self.0.len() < Self::PIECES {
            piece.clear();
            self.0.push(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::host::fs::{Fs, MemoryFs};

    fn written(frames: &Frames) -> Vec<u8> {
        let (fs, path) = (MemoryFs::default(), Path::new("/b/one"));
        frames.write(&*fs.create_new(path).unwrap(), 0).unwrap();
        fs.read(path).unwrap()
    }

    /// Frames of these lengths, each of bytes of its own.
    fn frames(lengths: &[usize]) -> (Frames, Vec<u8>) {
        let (mut frames, mut spare) = (Frames::default(), Spare::default());
        let mut expected = Vec::new();
        for (value, length) in (b'a'..).zip(lengths) {
            let frame = vec![value; *length];
            expected.extend_from_slice(&frame);
            frames.push(Frame::Own(frame), &[], &mut spare);
        }
        (frames, expected)
    }

    #[test]
    fn frames_are_written_in_their_order_whatever_their_lengths_are() {
        let (frames, expected) = frames(&[3, LARGE, 5, 7, 2 * LARGE, LARGE - 1, 1, LARGE / 2]);
        assert_eq!(frames.length(), expected.len());
        assert!(written(&frames) == expected);
    }

    #[test]
    fn frames_are_taken_off_from_behind() {
        for kept in [0, 2, 3, LARGE + 3, LARGE + 8, LARGE + 9] {
            let (mut frames, mut expected) = frames(&[3, LARGE, 6]);
            frames.truncate(kept);
            expected.truncate(kept);
            assert_eq!(frames.length(), kept);
            assert!(written(&frames) == expected, "{kept}");
        }
    }

    #[test]
    fn the_memory_of_what_was_written_serves_again_and_has_a_limit() {
        let mut spare = Spare::default();
        for _ in 0..2 * Spare::PIECES {
            let (mut frames, _) = frames(&[LARGE, 3]);
            frames.clear(&mut spare);
            assert_eq!(frames.length(), 0);
        }
        assert_eq!(spare.0.len(), Spare::PIECES);
        let mut frames = Frames::default();
        frames.push(Frame::Own(vec![1; 3]), &[], &mut spare);
        assert_eq!(spare.0.len(), Spare::PIECES - 1);
    }
}
