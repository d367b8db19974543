//! Frames: how a payload lies in a chunk file, and how it is read back.

use std::io::{self, Read};
use std::ops::Range;

use super::compression::Compression;

/// Bytes before every payload.
const HEAD_LENGTH: usize = 16;
/// Those of them that the CRC covers, with the payload.
const CHECKED_LENGTH: usize = 12;
const MARK: [u8; 2] = [0xFB, 0xC7];
const VERSION: u8 = 1;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::buffer) enum Kind {
    /// What the chunk is; the first frame and only there.
    Header,
    /// Formatted events, and what they are packed with.
    Data(Compression),
    /// The object key the chunk is about to be put under.
    Name,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Header => b'H',
            Self::Data(Compression::Text) => b'D',
            Self::Data(Compression::Gzip) => b'G',
            Self::Data(Compression::Zstd) => b'Z',
            Self::Name => b'N',
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'H' => Some(Self::Header),
            b'D' => Some(Self::Data(Compression::Text)),
            b'G' => Some(Self::Data(Compression::Gzip)),
            b'Z' => Some(Self::Data(Compression::Zstd)),
            b'N' => Some(Self::Name),
            _ => None,
        }
    }
}

/// The bytes a payload of this length takes in the file.
const fn frame_size(payload_length: usize) -> usize {
    HEAD_LENGTH + payload_length
}

/// Events as they will stand in the object, with room before them for their frame's head:
/// what was formatted is what is written, and is not copied in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormattedEvents(Vec<u8>);

impl FormattedEvents {
    /// No events, with room for some of so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        let mut frame = Vec::with_capacity(frame_size(bytes));
        frame.extend_from_slice(&[0; HEAD_LENGTH]);
        Self(frame)
    }

    /// The events' bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.get(HEAD_LENGTH..).unwrap_or_default()
    }

    /// How many bytes these are.
    pub fn len(&self) -> usize {
        self.0.len() - HEAD_LENGTH
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where events are appended. What is there already is to be left alone.
    pub fn out(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    /// Takes off what stands behind the first `at` bytes.
    pub fn split_off(&mut self, at: usize) -> Self {
        let mut rest = Self::with_capacity(self.len() - at);
        let tail = self.0.drain(HEAD_LENGTH + at..);
        rest.0.extend(tail);
        rest
    }

    /// The frame of these events, head included.
    ///
    /// # Errors
    /// A payload above 4 GiB, which the length field cannot say.
    pub(in crate::buffer) fn into_frame(self, kind: Kind, records: u32) -> io::Result<Vec<u8>> {
        let head = head(kind, records, self.as_bytes())?;
        let mut frame = self.0;
        if let Some(room) = frame.first_chunk_mut() {
            *room = head;
        }
        Ok(frame)
    }
}

impl From<&[u8]> for FormattedEvents {
    fn from(bytes: &[u8]) -> Self {
        let mut events = Self::with_capacity(bytes.len());
        events.0.extend_from_slice(bytes);
        events
    }
}

/// Appends a frame to `out`.
///
/// # Errors
/// A payload above 4 GiB, which the length field cannot say.
pub(in crate::buffer) fn append_frame(
    kind: Kind,
    records: u32,
    payload: &[u8],
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let head = head(kind, records, payload)?;
    out.reserve(frame_size(payload.len()));
    out.extend_from_slice(&head);
    out.extend_from_slice(payload);
    Ok(())
}

/// The whole head of a payload.
fn head(kind: Kind, records: u32, payload: &[u8]) -> io::Result<[u8; HEAD_LENGTH]> {
    let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
    let checked = checked_head(kind, length, records);
    let [c0, c1, c2, c3] = checksum(&checked, payload).to_le_bytes();
    let [m0, m1, kind, version, l0, l1, l2, l3, r0, r1, r2, r3] = checked;
    Ok([
        m0, m1, kind, version, l0, l1, l2, l3, r0, r1, r2, r3, c0, c1, c2, c3,
    ])
}

/// The head's bytes that the CRC covers.
fn checked_head(kind: Kind, length: u32, records: u32) -> [u8; CHECKED_LENGTH] {
    let [m0, m1] = MARK;
    let [l0, l1, l2, l3] = length.to_le_bytes();
    let [r0, r1, r2, r3] = records.to_le_bytes();
    let (kind, version) = (kind.byte(), VERSION);
    [m0, m1, kind, version, l0, l1, l2, l3, r0, r1, r2, r3]
}

fn checksum(checked_head: &[u8; CHECKED_LENGTH], payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(checked_head), payload)
}

/// A frame whose CRC held.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) kind: Kind,
    pub(super) records: u32,
    pub(super) payload: &'a [u8],
    /// Where the frame ends in the file.
    pub(super) end: u64,
}

/// Why there is no frame at this place.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    #[error("the file ends within a frame")]
    Short,
    #[error("the bytes are not a frame of this format")]
    Unreadable,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// How much is read from the disk at once.
pub(super) const READ_SIZE: usize = 256 * 1024;

/// Reads frames one after another. It has a buffer of its own, in which frames are checked and
/// handed out where they are.
pub(super) struct FrameReader<R> {
    source: R,
    /// How much is read at once.
    block: usize,
    /// Where the next frame begins in the file.
    offset: u64,
    buffer: Vec<u8>,
    /// What of the buffer was read and not yet handed out.
    unread: Range<usize>,
    /// The payload of the last frame, in the buffer.
    payload: Range<usize>,
}

impl<R: Read> FrameReader<R> {
    /// `source` stands at `offset` of the file; it is read in blocks of so many bytes, unless a
    /// frame is larger.
    pub(super) fn new(source: R, offset: u64, block: usize) -> Self {
        Self {
            source,
            block,
            offset,
            buffer: Vec::new(),
            unread: 0..0,
            payload: 0..0,
        }
    }

    /// Where the frame after the last one read begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The payload of the last frame that [`Self::next`] gave.
    pub(super) fn payload(&self) -> &[u8] {
        self.buffer.get(self.payload.clone()).unwrap_or_default()
    }

    /// The next frame, or `None` where the file ends between two.
    ///
    /// After an error the reader is of no more use.
    pub(super) fn next(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        self.payload = 0..0;
        if !self.fill(HEAD_LENGTH)? {
            return match self.unread.is_empty() {
                true => Ok(None),
                false => Err(FrameError::Short),
            };
        }
        let unread = self.buffer.get(self.unread.clone()).unwrap_or_default();
        let Some(head) = unread.first_chunk::<HEAD_LENGTH>() else {
            return Err(FrameError::Short);
        };
        let [
            m0,
            m1,
            kind,
            version,
            l0,
            l1,
            l2,
            l3,
            r0,
            r1,
            r2,
            r3,
            c0,
            c1,
            c2,
            c3,
        ] = *head;
        let kind = match Kind::from_byte(kind) {
            Some(kind) if [m0, m1] == MARK && version == VERSION => kind,
            _ => return Err(FrameError::Unreadable),
        };
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        let size = frame_size(length as usize);
        if !self.fill(size)? {
            return Err(FrameError::Short);
        }
        let end = self.unread.start + size;
        self.payload = self.unread.start + HEAD_LENGTH..end;
        let records = u32::from_le_bytes([r0, r1, r2, r3]);
        let crc = checksum(&checked_head(kind, length, records), self.payload());
        if crc != u32::from_le_bytes([c0, c1, c2, c3]) {
            return Err(FrameError::Unreadable);
        }
        self.unread.start = end;
        self.offset += size as u64;
        Ok(Some(Frame {
            kind,
            records,
            payload: self.payload(),
            end: self.offset,
        }))
    }

    /// Moves to a larger buffer. Fresh zeros are the system's, and cost nothing until they are
    /// written to.
    fn grow(&mut self, larger: usize) {
        let mut buffer = vec![0; larger];
        if let Some(room) = buffer.get_mut(..self.buffer.len()) {
            room.copy_from_slice(&self.buffer);
        }
        self.buffer = buffer;
    }

    /// Reads until so many bytes are there; `false` if the source has not so many.
    fn fill(&mut self, wanted: usize) -> io::Result<bool> {
        while self.unread.len() < wanted {
            if self.unread.is_empty() {
                self.unread = 0..0;
            } else if self.unread.start > 0 && self.unread.start + wanted > self.buffer.len() {
                self.buffer.copy_within(self.unread.clone(), 0);
                self.unread = 0..self.unread.len();
            }
            if self.unread.end == self.buffer.len() {
                // NOTE: grows with what is really there, so a damaged length cannot ask for
                // 4 GiB.
                let most = wanted.max(self.block);
                let larger = (2 * self.buffer.len()).clamp(self.block, most);
                self.grow(larger);
            }
            let free = self.buffer.get_mut(self.unread.end..).unwrap_or_default();
            match self.source.read(free) {
                Ok(0) => return Ok(false),
                Ok(count) => self.unread.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// The first place at or after `from` where a frame's mark stands.
pub(super) fn find_mark(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    memchr::memmem::find(rest, &MARK).map(|at| from + at)
}
