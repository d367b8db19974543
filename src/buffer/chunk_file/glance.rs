//! A first look at a chunk file: what it is and how long, without reading its events.

use std::io::{self, Read};
use std::path::PathBuf;

use super::frame::{FrameReader, Kind};
use super::header::Header;
use super::names::State;
use crate::host::fs::{Cursor, File, Fs};

/// No header is longer. A damaged length must not make a glance a long one.
const LONGEST_HEADER: u64 = 64 << 10;

/// One read is enough for most.
const USUAL_HEADER: usize = 4 << 10;

/// What a glance has shown.
pub(super) struct Glance {
    pub(super) state: State,
    pub(super) path: PathBuf,
    pub(super) length: u64,
    /// `None` if it cannot be read: then all of the file has to be looked at.
    pub(super) header: Option<Foremost>,
}

/// The first frame of a chunk.
pub(super) struct Foremost {
    pub(super) header: Header,
    /// Where the next frame begins.
    pub(super) end: u64,
}

impl Glance {
    pub(super) fn at(fs: &dyn Fs, state: State, path: PathBuf) -> io::Result<Self> {
        let file = fs.open(&path)?;
        Ok(Self {
            state,
            length: file.len()?,
            header: foremost(&*file),
            path,
        })
    }

    /// Marks the staged chunks that are to be read at once, so that they can go on: the
    /// smallest first, as long as they are not more than so many bytes together.
    pub(super) fn choose(glances: &[Self], bytes: u64) -> Vec<bool> {
        let staged = |(_, glance): &(usize, &Self)| glance.state == State::Staged;
        let mut staged: Vec<_> = glances.iter().enumerate().filter(staged).collect();
        staged.sort_by_key(|(_, glance)| glance.length);
        let mut chosen = vec![false; glances.len()];
        let mut left = bytes;
        for (at, glance) in staged {
            match left.checked_sub(glance.length) {
                Some(rest) => left = rest,
                None => break,
            }
            if let Some(chosen) = chosen.get_mut(at) {
                *chosen = true;
            }
        }
        chosen
    }
}

fn foremost(file: &dyn File) -> Option<Foremost> {
    let source = Cursor::new(file, 0).take(LONGEST_HEADER);
    let mut frames = FrameReader::new(source, 0, USUAL_HEADER);
    let frame = frames.next().ok()??;
    match frame.kind {
        Kind::Header => Some(Foremost {
            header: Header::from_json(frame.payload).ok()?,
            end: frame.end,
        }),
        Kind::Data(_) | Kind::Name => None,
    }
}
