//! Reading a chunk file from its first byte to its last good one.

use std::io;
use std::ops::Range;

use super::frame::{FrameError, FrameReader, Kind, READ_SIZE, find_mark};
use super::header::{Header, ObjectName};
use crate::host::fs::{Cursor, File};

/// What a chunk file was found to hold.
#[derive(Debug, Default)]
pub(in crate::buffer) struct Scan {
    pub(in crate::buffer) header: Option<Header>,
    pub(in crate::buffer) name: Option<ObjectName>,
    /// The frame of the name.
    pub(in crate::buffer) name_at: Range<u64>,
    pub(in crate::buffer) records: u64,
    /// Payload bytes of the data frames, packed as they are.
    pub(in crate::buffer) bytes: u64,
    /// Where the last good frame ends.
    pub(in crate::buffer) good_end: u64,
    /// Bytes between good frames that are no frames.
    pub(in crate::buffer) damage: Vec<Range<u64>>,
    pub(in crate::buffer) tail: Tail,
}

/// What follows the last good frame.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::buffer) enum Tail {
    /// Nothing.
    #[default]
    Clean,
    /// A frame that ends before its length says: it was never synced.
    Torn,
    /// Bytes that are there in full and are no frames.
    Unreadable,
}

/// Reads the whole file.
pub(in crate::buffer) fn scan(file: &dyn File) -> io::Result<Scan> {
    let length = file.len()?;
    let mut scan = Scan::default();
    let mut start = 0;
    loop {
        let stopped = scan.frames_from(file, start)?;
        let Some(reason) = stopped else {
            return Ok(scan);
        };
        let bad = scan.good_end.max(start);
        match next_good_frame(file, bad + 1, length)? {
            Some(next) => {
                scan.damage.push(bad..next);
                start = next;
            }
            None => {
                scan.tail = reason;
                return Ok(scan);
            }
        }
    }
}

impl Scan {
    /// Takes frames from `start` until one cannot be read; `None` at the clean end.
    fn frames_from(&mut self, file: &dyn File, start: u64) -> io::Result<Option<Tail>> {
        let mut frames = frames_at(file, start);
        loop {
            let frame = match frames.next() {
                Ok(Some(frame)) => frame,
                Ok(None) => return Ok(None),
                Err(FrameError::Short) => return Ok(Some(Tail::Torn)),
                Err(FrameError::Unreadable) => return Ok(Some(Tail::Unreadable)),
                Err(FrameError::Io(error)) => return Err(error),
            };
            match frame.kind {
                Kind::Header => self.header = Header::from_json(frame.payload).ok(),
                Kind::Name => {
                    self.name = ObjectName::from_json(frame.payload).ok();
                    self.name_at = self.good_end.max(start)..frame.end;
                }
                Kind::Data(_) => {
                    self.records += u64::from(frame.records);
                    self.bytes += frame.payload.len() as u64;
                }
            }
            self.good_end = frame.end;
        }
    }
}

/// The frames of the file from `offset` on.
fn frames_at(file: &dyn File, offset: u64) -> FrameReader<Cursor<&dyn File>> {
    FrameReader::new(Cursor::new(file, offset), offset, READ_SIZE)
}

/// The next place at or after `from` where a whole frame stands.
fn next_good_frame(file: &dyn File, from: u64, length: u64) -> io::Result<Option<u64>> {
    let mut window = vec![0; READ_SIZE];
    let mut base = from;
    while base < length {
        let count = file.read_full_at(&mut window, base)?;
        let found = window.get(..count).unwrap_or_default();
        let mut at = 0;
        while let Some(mark) = find_mark(found, at) {
            let candidate = base + mark as u64;
            let frame_there = frames_at(file, candidate)
                .next()
                .is_ok_and(|frame| frame.is_some());
            if frame_there {
                return Ok(Some(candidate));
            }
            at = mark + 1;
        }
        // One byte is read again: a mark may lie across the border of two windows.
        base += (count as u64).saturating_sub(1).max(1);
    }
    Ok(None)
}
