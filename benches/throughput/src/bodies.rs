//! What is posted: made-up audit events, as Teleport's event handler writes them.

use std::io;
use std::path::{Path, PathBuf};

use forebay_testbed::events::EventMaker;
use jiff::Timestamp;

/// Files with a body each.
pub(crate) struct Bodies {
    one: PathBuf,
    batch: PathBuf,
}

impl Bodies {
    /// The size of an event that stands for all.
    const USUAL_BYTES: usize = 600;
    const BATCH: usize = 1000;

    /// Events of the present, so that their chunk stays open and nothing is flushed.
    pub(crate) fn write(directory: &Path) -> io::Result<Bodies> {
        let mut events: Vec<String> = EventMaker::new(2, Timestamp::now())
            .audit(Self::BATCH)
            .into_iter()
            .map(|event| event.body)
            .collect();
        let bodies = Bodies {
            one: directory.join("one.json"),
            batch: directory.join("batch.json"),
        };
        std::fs::write(&bodies.batch, format!("[{}]", events.join(",")))?;
        events.sort_by_key(|event| event.len().abs_diff(Self::USUAL_BYTES));
        std::fs::write(&bodies.one, events.first().map_or("{}", String::as_str))?;
        Ok(bodies)
    }

    /// The body that has so many events.
    pub(crate) fn of(&self, events: usize) -> &Path {
        match events {
            1 => &self.one,
            _ => &self.batch,
        }
    }
}
