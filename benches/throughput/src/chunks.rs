//! Chunk files as a server leaves them (`docs/buffer-format.md`), of made-up audit events.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use forebay_testbed::events::EventMaker;
use jiff::Timestamp;

/// The frames of a chunk but for its header, which says whose they are.
pub(crate) struct Frames {
    bytes: Vec<u8>,
    /// What the object has in it, before it is packed.
    pub(crate) text: Vec<u8>,
    /// Start of the events' time slot, in Unix seconds.
    slot: i64,
}

impl Frames {
    const DAY: i64 = 86_400;

    /// So many bytes of events, a frame each, as requests with one event leave them; of a day
    /// that is over, so that the chunk is due.
    pub(crate) fn make(bytes: usize) -> Frames {
        let today = Timestamp::now().as_second();
        let slot = (today / Self::DAY - 2) * Self::DAY;
        let start = Timestamp::from_second(slot).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut maker = EventMaker::new(2, start);
        let mut frames = Frames {
            bytes: Vec::with_capacity(bytes + bytes / 8),
            text: Vec::with_capacity(bytes + bytes / 8),
            slot,
        };
        while frames.text.len() < bytes {
            let mut line = maker.one().body;
            line.push('\n');
            append_frame(b'D', 1, line.as_bytes(), &mut frames.bytes);
            frames.text.extend_from_slice(line.as_bytes());
        }
        frames
    }

    /// Writes the `number`th queued chunk of these events.
    pub(crate) fn write(&self, directory: &Path, number: u32) -> io::Result<()> {
        let id = format!("{:032x}", 0x0006_4000_0000_0000_u128 + u128::from(number));
        let (slot, created) = (self.slot, self.slot + i64::from(number));
        let header = format!(
            r#"{{"id":"{id}","created":[{created},0],"timekey":{slot},"tag":null,"variables":[]}}"#
        );
        let mut first = Vec::new();
        append_frame(b'H', 0, header.as_bytes(), &mut first);
        let mut file = File::create(directory.join(format!("buffer.q{id}.chunk")))?;
        file.write_all(&first)?;
        file.write_all(&self.bytes)
    }
}

fn append_frame(kind: u8, records: u32, payload: &[u8], out: &mut Vec<u8>) {
    const MARK: [u8; 2] = [0xFB, 0xC7];
    const VERSION: u8 = 1;

    let [first, second] = MARK;
    let mut head = vec![first, second, kind, VERSION];
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    head.extend_from_slice(&length.to_le_bytes());
    head.extend_from_slice(&records.to_le_bytes());
    let crc = crc32c::crc32c_append(crc32c::crc32c(&head), payload);
    out.extend_from_slice(&head);
    out.extend_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(payload);
}

/// How many queued chunks lie in a buffer's directory.
pub(crate) fn queued(directory: &Path) -> io::Result<usize> {
    let mut queued = 0;
    for entry in directory.read_dir()? {
        let name = entry?.file_name();
        let is_queued = name
            .to_str()
            .is_some_and(|name| name.starts_with("buffer.q"));
        queued += usize::from(is_queued);
    }
    Ok(queued)
}
