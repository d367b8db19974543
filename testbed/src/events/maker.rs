//! The maker: counts, rolls the dice, and puts an event together.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::text::{self, Spacing};
use super::{AUDIT_PATH, AuditEvent, Kind, Recording, access, recording, sessions};

/// Where all of it takes place.
const CLUSTER: &str = "harbour.example.com";
const USERS: [&str; 6] = [
    "alice",
    "bob@example.com",
    "bot-deployer",
    "jürgen.groß@example.de",
    "港湾管理",
    "o'brien \"ob\" <ob@example.com>",
];

/// Makes events, one after the other.
#[derive(Clone, Debug)]
pub struct EventMaker {
    rng: Rng,
    spacing: Spacing,
    next_index: u64,
    clock: Timestamp,
    step: SignedDuration,
}

impl EventMaker {
    /// The first event's time is `start`, each further one's a millisecond later. The seed
    /// also decides about the spaces after commas, as a build of the event handler does.
    pub fn new(seed: u64, start: Timestamp) -> EventMaker {
        EventMaker {
            rng: Rng::with_seed(seed),
            spacing: if seed.is_multiple_of(2) {
                Spacing::Tight
            } else {
                Spacing::AfterComma
            },
            next_index: 0,
            clock: start,
            step: SignedDuration::from_millis(1),
        }
    }

    /// How far apart the events' times are.
    #[must_use]
    pub fn step(mut self, step: SignedDuration) -> EventMaker {
        self.step = step;
        self
    }

    /// The next `count` audit events: every kind in turn, so that each is there soon.
    pub fn audit(&mut self, count: usize) -> Vec<AuditEvent> {
        (0..count).map(|_| self.one()).collect()
    }

    /// The next audit event.
    pub fn one(&mut self) -> AuditEvent {
        let kinds = access::KINDS.len() + sessions::KINDS.len();
        let turn = usize::try_from(self.next_index).unwrap_or_default() % kinds;
        let mut all = access::KINDS.iter().chain(sessions::KINDS);
        let kind = all
            .nth(turn)
            .expect("invariant: a turn is below the number of kinds");
        self.of_kind(kind)
    }

    /// A session recording of `length` events, to a path of its own.
    pub fn recording(&mut self, length: usize) -> Recording {
        recording::make(self, length)
    }

    fn of_kind(&mut self, kind: &Kind) -> AuditEvent {
        let fields = (kind.fields)(self);
        let uid = self.uuid();
        let mut record = self.envelope(kind.event);
        record.insert("uid".to_owned(), json!(uid));
        record.insert("code".to_owned(), json!(kind.code));
        if let Value::Object(fields) = fields {
            record.extend(fields);
        }
        self.finish(AUDIT_PATH.to_owned(), record)
    }

    /// What every event has.
    pub(super) fn envelope(&mut self, event: &str) -> Map<String, Value> {
        let mut record = Map::new();
        record.insert("cluster_name".to_owned(), json!(CLUSTER));
        record.insert("ei".to_owned(), json!(self.next_index));
        record.insert("event".to_owned(), json!(event));
        record.insert("time".to_owned(), json!(self.clock.to_string()));
        self.next_index += 1;
        self.clock = self.clock.saturating_add(self.step).unwrap_or(self.clock);
        record
    }

    pub(super) fn finish(&self, path: String, mut record: Map<String, Value>) -> AuditEvent {
        record.sort_keys();
        record.values_mut().for_each(Value::sort_all_objects);
        let body = text::write(&record, self.spacing);
        AuditEvent { path, body, record }
    }

    pub(super) fn uuid(&mut self) -> String {
        let bytes = self.rng.u128(..).to_be_bytes();
        let uuid = uuid::Builder::from_random_bytes(bytes).into_uuid();
        uuid.to_string()
    }

    pub(super) fn user(&mut self) -> &'static str {
        self.pick(&USERS)
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let chosen = self.rng.choice(from).copied();
        chosen.expect("invariant: one picks from something")
    }

    pub(super) fn number(&mut self, range: std::ops::Range<u64>) -> u64 {
        self.rng.u64(range)
    }

    /// A peer's address, as `addr.remote` has it.
    pub(super) fn peer(&mut self) -> String {
        let [a, b, c] = [(); 3].map(|()| self.rng.u8(1..255));
        let port = self.rng.u16(1024..);
        format!("10.{a}.{b}.{c}:{port}")
    }

    /// The event's own time and a bit, with nanoseconds.
    pub(super) fn later(&mut self) -> String {
        let ahead = SignedDuration::from_nanos(self.rng.i64(1..3_600_000_000_000));
        let later = self.clock.saturating_add(ahead).unwrap_or(self.clock);
        later.to_string()
    }

    /// Bytes that mean nothing, as base64 text.
    pub(super) fn base64(&mut self, bytes: usize) -> String {
        let noise: Vec<u8> = (0..bytes).map(|_| self.rng.u8(..)).collect();
        BASE64.encode(noise)
    }

    /// Words, about this many bytes of them.
    pub(super) fn prose(&mut self, bytes: usize) -> String {
        const WORDS: [&str; 8] = [
            "SELECT",
            "harbour",
            "--verbose",
            "日誌",
            "\"quoted\"",
            "back\\slash",
            "tab\there",
            "🚢",
        ];
        let mut prose = String::with_capacity(bytes + 16);
        while prose.len() < bytes {
            prose.push_str(self.pick(&WORDS));
            prose.push(' ');
        }
        prose
    }
}
