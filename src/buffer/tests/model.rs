//! Random lives of a buffer, compared with a model that only counts what was promised.
//!
//! Each event is a line of its own, so the model is a state for each line. The buffer runs
//! without its thread, so that a life takes the same course each time. After each start it
//! may pack events with something else, so that one chunk has frames of all kinds, and each
//! start reads another part of what it finds.

use std::collections::HashMap;
use std::iter::Cycle;
use std::vec::IntoIter;

use fluent_compat::chunk::ChunkId;
use fluent_compat::retry::Target;
use proptest::prelude::*;

use super::*;
use crate::host::fs::crashing::dice;

/// What was promised of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promise {
    /// It was acknowledged and is to be there, once.
    Kept,
    /// It was refused, or its chunk was purged: it is not to be there.
    Gone,
    /// Nobody was answered: it may be there, once.
    None,
}

#[derive(Clone, Debug)]
enum Work {
    /// Requests that wait at the same time; of each the keys of its portions.
    Append(Vec<Vec<u8>>),
    Seal,
    Take,
    Name,
    GiveBack,
    Purge,
    /// In order, or by a power cut that leaves a part of what was not synced.
    Restart(Option<u64>),
}

#[derive(Clone, Debug)]
enum Trouble {
    None,
    /// The n-th operation from here fails.
    OneFails(u8),
    /// The server is killed after n operations: no other succeeds, nobody is answered.
    Killed(u8, Option<u64>),
}

fn work() -> impl Strategy<Value = Work> {
    let request = prop::collection::vec(0..3_u8, 1..4);
    prop_oneof![
        6 => prop::collection::vec(request, 1..4).prop_map(Work::Append),
        2 => Just(Work::Seal),
        2 => Just(Work::Take),
        2 => Just(Work::Name),
        1 => Just(Work::GiveBack),
        2 => Just(Work::Purge),
        1 => prop::option::of(any::<u64>()).prop_map(Work::Restart),
    ]
}

fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        5 => Just(Trouble::None),
        3 => (0..12_u8).prop_map(Trouble::OneFails),
        2 => (0..12_u8, prop::option::of(any::<u64>()))
            .prop_map(|(after, power_cut)| Trouble::Killed(after, power_cut)),
    ]
}

/// What a start is told.
#[derive(Clone, Copy, Debug)]
struct Start {
    compression: Compression,
    read_at_start: u64,
}

fn start() -> impl Strategy<Value = Start> {
    let compression = prop_oneof![
        Just(Compression::Text),
        Just(Compression::Gzip),
        Just(Compression::Zstd),
    ];
    // Nothing, a chunk or two, everything.
    let read_at_start = prop_oneof![Just(0), Just(300), Just(READ_AT_START)];
    (compression, read_at_start).prop_map(|(compression, read_at_start)| Start {
        compression,
        read_at_start,
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_acknowledged_is_found_once_and_what_is_refused_never(
        life in prop::collection::vec((work(), trouble()), 1..30),
        starts in prop::collection::vec(start(), 1..4),
    ) {
        let mut model = Model::new(starts);
        for (work, trouble) in life {
            model.live(work, &trouble);
        }
        model.check_all();
    }
}

struct Model {
    fs: CrashingFs,
    buffer: Buffer,
    promises: HashMap<String, Promise>,
    lines: u32,
    held: Vec<SealedChunk>,
    /// Names under which a chunk may have been put, the last one last.
    names: HashMap<ChunkId, Vec<String>>,
    answering: bool,
    /// What each start is told, over and over.
    starts: Cycle<IntoIter<Start>>,
    compression: Compression,
}

impl Model {
    fn new(starts: Vec<Start>) -> Self {
        let fs = CrashingFs::default();
        let mut starts = starts.into_iter().cycle();
        let first = starts.next().unwrap();
        Self {
            buffer: open_small(&fs, first),
            starts,
            compression: first.compression,
            fs,
            promises: HashMap::new(),
            lines: 0,
            held: Vec::new(),
            names: HashMap::new(),
            answering: true,
        }
    }

    fn live(&mut self, work: Work, trouble: &Trouble) {
        if let Work::Restart(power_cut) = work {
            self.end(power_cut);
        }
        match *trouble {
            Trouble::None => self.work(work),
            Trouble::OneFails(nth) => {
                let mut before = Some(nth);
                self.fs.fault(move |_, _| {
                    let fails = before == Some(0);
                    before = before.and_then(|left| left.checked_sub(1));
                    fails.then(|| io::Error::other("told to fail"))
                });
                self.work(work);
                self.fs.heal();
            }
            Trouble::Killed(after, power_cut) => {
                self.fs.kill_after(after.into());
                self.answering = false;
                self.work(work);
                self.answering = true;
                self.end(power_cut);
                self.start();
            }
        }
    }

    fn work(&mut self, work: Work) {
        match work {
            Work::Append(requests) => self.append(&requests),
            Work::Seal => self.committer(|committer| committer.seal_due(None, &|_| true)),
            Work::Take => self.take(),
            Work::Name => self.name(),
            Work::GiveBack => {
                if let Some(chunk) = self.held.pop() {
                    self.buffer.give_back(chunk, Instant::now());
                }
            }
            Work::Purge => self.purge(),
            Work::Restart(_) => self.start(),
        }
    }

    fn committer(&self, work: impl FnOnce(&mut Committer)) {
        match &self.buffer.shared.committing {
            Committing::Inline(committer) => work(&mut lock(committer)),
            Committing::Group(_) => unreachable!(),
        }
    }

    fn append(&mut self, requests: &[Vec<u8>]) {
        // Long enough to become smaller, unless the key is 0.
        let padding = match self.compression {
            Compression::Text => 10,
            Compression::Gzip | Compression::Zstd => 100,
        };
        let mut appends = Vec::new();
        let mut waiting = Vec::new();
        for keys in requests {
            let mut lines = Vec::new();
            let portion = |key: &u8| {
                self.lines += 1;
                let line = format!(
                    "{}-{}\n",
                    self.lines,
                    "x".repeat(padding * usize::from(*key))
                );
                lines.push(line.clone());
                portion(&format!("key{key}"), &line)
            };
            let portions: Portions = keys.iter().map(portion).collect();
            let payloads = payload::pack(portions, self.compression).unwrap();
            let bytes = payload::length(&payloads);
            if self.buffer.shared.limits.reserve(bytes).is_err() {
                continue;
            }
            let (append, answer) = Append::new(payloads);
            appends.push(append);
            waiting.push((lines, answer));
        }
        self.committer(|committer| committer.commit(appends, &[], tell));
        for (lines, mut answer) in waiting {
            let promise = match answer.try_recv().unwrap() {
                Ok(()) => Promise::Kept,
                Err(_) if self.answering => Promise::Gone,
                Err(_) => Promise::None,
            };
            self.promises
                .extend(lines.into_iter().map(|line| (line, promise)));
        }
    }

    fn take(&mut self) {
        let Some(mut chunk) = self.buffer.take(Instant::now()) else {
            return;
        };
        match self.buffer.verify(&mut chunk) {
            Ok(Verified::Events) => {}
            Ok(Verified::Nothing) => return,
            Err(_) => return self.buffer.give_back(chunk, Instant::now()),
        }
        if let Some(names) = self.names.get(&chunk.header.id) {
            let name = &chunk.name.as_ref().unwrap().name;
            assert!(names.contains(name), "{name} is not in {names:?}");
        }
        self.held.push(chunk);
    }

    fn name(&mut self) {
        let Some(chunk) = self.held.last_mut() else {
            return;
        };
        let index = chunk.name.as_ref().map_or(0, |name| name.index + 1);
        let name = format!("logs/{index}");
        let object = ObjectName {
            name: name.clone(),
            index,
            target: Target::Primary,
        };
        let id = chunk.header.id;
        match self.buffer.write_name(chunk, object) {
            Ok(()) => drop(self.names.insert(id, vec![name])),
            // It may be in the file all the same, behind the one that is.
            Err(_) => {
                if let Some(names) = self.names.get_mut(&id) {
                    names.push(name);
                }
            }
        }
    }

    fn purge(&mut self) {
        let Some(chunk) = self.held.pop() else {
            return;
        };
        self.names.remove(&chunk.header.id);
        let lines: Vec<String> = self.readable(&chunk);
        let promise = match self.buffer.purge(chunk) {
            Ok(()) => Promise::Gone,
            Err(_) => Promise::None,
        };
        self.promises
            .extend(lines.into_iter().map(|line| (line, promise)));
    }

    fn end(&mut self, power_cut: Option<u64>) {
        self.held.clear();
        match power_cut {
            None => self.fs.heal(),
            Some(seed) => self.fs.crash(dice(seed)),
        }
    }

    fn start(&mut self) {
        let start = self.starts.next().unwrap();
        self.compression = start.compression;
        self.buffer = open_small(&self.fs, start);
    }

    /// The lines of a chunk, read while nothing fails.
    fn readable(&self, chunk: &SealedChunk) -> Vec<String> {
        let text = self.fs.without_faults(|| text_of(&self.buffer, chunk));
        let lines: Vec<String> = text.lines().map(|line| format!("{line}\n")).collect();
        assert_eq!(lines.len() as u64, chunk.records);
        assert!(text.len() as u64 >= chunk.bytes);
        lines
    }

    /// Reads everything there is, and compares it with what was promised.
    fn check_all(&mut self) {
        // What could not be read because an operation failed is read at the next start.
        self.end(None);
        self.start();
        self.committer(|committer| committer.seal_due(None, &|_| true));
        let mut found: HashMap<String, u32> = HashMap::new();
        while let Some(mut chunk) = self.buffer.take(Instant::now()) {
            if self.buffer.verify(&mut chunk).unwrap() == Verified::Nothing {
                continue;
            }
            for line in self.readable(&chunk) {
                *found.entry(line).or_default() += 1;
            }
            self.buffer.purge(chunk).unwrap();
        }
        for (line, times) in &found {
            let promise = self.promises.get(line);
            assert!(
                matches!(promise, Some(Promise::Kept | Promise::None)),
                "{line}: {promise:?}"
            );
            assert_eq!(*times, 1, "{line} is there more than once");
        }
        for (line, promise) in &self.promises {
            let lost = *promise == Promise::Kept && !found.contains_key(line);
            assert!(!lost, "{line} was acknowledged and is lost");
        }
        assert_eq!(self.buffer.shared.limits.held(), 0);
        // What a power cut has left of sectors that were never synced is set aside.
        let mut left = self.fs.paths();
        left.retain(|path| !path.starts_with("/buffer/backup"));
        assert_eq!(left, Vec::<PathBuf>::new());
    }
}

/// A buffer whose chunks are full after a few lines.
fn open_small(fs: &CrashingFs, start: Start) -> Buffer {
    let mut config = config();
    config.compression = start.compression;
    config.read_at_start = start.read_at_start;
    config.chunk_limit_size = 60;
    let clock = Arc::new(PausedClock::starting_at(1_700_000_000));
    Buffer::open_without_thread(Arc::new(fs.clone()), &config, clock).unwrap()
}
