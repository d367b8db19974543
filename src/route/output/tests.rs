use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use fluent_compat::format::Newline;
use fluent_compat::time::EventTime;

use super::*;
use crate::buffer;
use crate::host::clock::PausedClock;

/// Writes nothing until it is told to, as a pipe does that nobody reads.
struct Stalled(Mutex<Receiver<()>>);

impl LineWriter for Stalled {
    fn write_lines(&self, _lines: &[u8]) -> io::Result<()> {
        let told = self.0.lock().unwrap().recv_timeout(Duration::from_secs(5));
        told.map_err(io::Error::other)
    }
}

#[tokio::test]
async fn an_output_that_nobody_reads_does_not_hold_up_the_server() {
    let (go_on, told) = channel();
    let config = Config {
        formatter: Formatter::Json(Newline::Lf),
        inject: None,
        chunk_keys: ChunkKeys::parse("tag").unwrap(),
        slots: None,
    };
    let output = Output::new(
        config,
        Destination::Direct(Arc::new(Stalled(Mutex::new(told)))),
    );
    let mut events = Events::new();
    events.push_map(EventTime::new(0, 0), &serde_json::Map::new());
    // The only thread there is for tasks: were it blocked, nobody would go on.
    let going_on = async { go_on.send(()) };
    let tag = Tag::new("test.log");
    let delivery = output.delivery(&tag, &events).unwrap();
    let (stored, _) = tokio::join!(delivery.complete(), going_on);
    stored.unwrap();
}

#[tokio::test]
async fn a_request_is_cut_into_portions_of_chunk_limit_records() {
    let mut settings = buffer::tests::config();
    settings.place = buffer::Place::Memory;
    settings.chunk_limit_records = Some(2);
    let buffer = buffer::Buffer::open(&settings, Arc::new(PausedClock::starting_at(0))).unwrap();
    let config = Config {
        formatter: Formatter::Json(Newline::Lf),
        inject: None,
        chunk_keys: ChunkKeys::parse("tag").unwrap(),
        slots: None,
    };
    let output = Output::new(config, Destination::Buffered(Basin::new(buffer)));
    let mut events = Events::new();
    for _ in 0..5 {
        events.push_map(EventTime::new(0, 0), &serde_json::Map::new());
    }
    let tag = Tag::new("test.log");
    let Delivery::Append(_, portions) = output.delivery(&tag, &events).unwrap() else {
        panic!("not buffered");
    };
    let counts = portions.iter().map(|p| (p.records, p.events.len()));
    assert_eq!(counts.collect::<Vec<_>>(), [(2, 6), (2, 6), (1, 3)]);
}
