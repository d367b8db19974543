//! Objects: whether what is listed is there as it was, and whether all that is there is listed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::task::JoinSet;

use super::chains::{ChainState, Chains};
use super::finding::{Finding, Verdict};
use super::place::{Listed, Place, PlaceError};
use crate::evidence::{Contents, Entry};

/// So many objects are read at a time.
const READERS: usize = 8;

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Objects that are listed, and the events in them.
    pub(super) objects: u64,
    pub(super) events: u64,
    /// Objects that a digest has a doubt about, or saw on their way, and that are what it says.
    pub(super) explained: u64,
    /// Objects from before any digest.
    pub(super) older: u64,
    /// With `--live`: objects that the next digest is to list.
    pub(super) newer: u64,
    /// Objects below no prefix that a chain speaks of.
    pub(super) foreign: u64,
}

/// How strict to be about what is newer than the last digest, in unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Nothing is put any more.
    Ended,
    /// The server runs.
    Live { now: i64 },
}

/// An entry, and the digest that has it.
type Said<'a> = (&'a Entry, &'a str);

/// What the digests say of objects, by name.
#[derive(Default)]
struct Sayings<'a> {
    listed: BTreeMap<&'a str, Said<'a>>,
    /// Doubtful ones, and pending ones of the last digests.
    possible: BTreeMap<&'a str, Vec<&'a Entry>>,
}

/// Compares what is said with what is there. `there` is by whole names, without digests.
pub(super) async fn judge(
    place: &Place,
    there: &BTreeMap<String, Listed>,
    prefix: &str,
    chains: &mut Chains,
    mode: Mode,
) -> Result<Counts, PlaceError> {
    let mut counts = Counts::default();
    let mut findings = Vec::new();
    let sayings = sayings(&chains.chains, &mut findings);
    let mut reading = Reading::new(place);
    for (name, (entry, digest)) in &sayings.listed {
        counts.objects += 1;
        counts.events += entry.records;
        if !name.starts_with(prefix) {
            let detail =
                format!("{digest} lists it, and only what begins with {prefix} was looked at");
            findings.push(Finding::object(Verdict::Unchecked, *name, detail));
            continue;
        }
        match there.get(*name) {
            None => findings.push(missing(entry, digest)),
            Some(found) if entry.choices().all(|it| it.size != found.size) => {
                let (size, listed) = (found.size, entry.size);
                let detail = format!("it has {size} bytes, and {listed} by {digest}");
                findings.push(Finding::object(Verdict::Altered, *name, detail));
            }
            Some(found) => {
                let (entry, digest) = ((*entry).clone(), (*digest).to_owned());
                reading
                    .start(found, move |contents| compare(&entry, &digest, contents))
                    .await?;
            }
        }
    }
    let unlisted = there
        .keys()
        .filter(|name| !sayings.listed.contains_key(name.as_str()));
    for name in unlisted {
        let Some(found) = there.get(name) else {
            continue;
        };
        let judgement = unlisted_one(name, found, chains, mode, &mut counts);
        match (sayings.possible.get(name.as_str()), judgement) {
            (Some(entries), judgement) => {
                let entries: Vec<Entry> = entries.iter().map(|entry| (*entry).clone()).collect();
                reading
                    .start(found, move |contents| {
                        explain(&entries, contents, judgement)
                    })
                    .await?;
            }
            (None, judgement) => findings.extend(judgement),
        }
    }
    let (found, explained) = reading.finish().await?;
    counts.explained = explained;
    findings.extend(found);
    chains.findings.extend(findings);
    Ok(counts)
}

fn sayings<'a>(chains: &'a [ChainState], findings: &mut Vec<Finding>) -> Sayings<'a> {
    let mut sayings = Sayings::default();
    for chain in chains {
        let last = chain.last().map(|read| read.digest.head.sequence);
        for read in chain.digests.values().flatten() {
            let (digest, name) = (&read.digest, read.link.key.as_str());
            for entry in &digest.objects {
                let before = sayings.listed.insert(&entry.key, (entry, name));
                // The same object again is no contradiction.
                if let Some((before, by)) = before.filter(|(before, _)| *before != entry) {
                    let detail = format!(
                        "{by} has it from chunk {}, and {name} from chunk {}",
                        before.chunk, entry.chunk
                    );
                    findings.push(Finding::object(Verdict::Repeated, &entry.key, detail));
                }
            }
            let on_their_way = digest.pending.iter();
            let on_their_way = on_their_way.filter(|_| Some(digest.head.sequence) == last);
            for entry in digest.doubtful.iter().chain(on_their_way) {
                sayings.possible.entry(&entry.key).or_default().push(entry);
            }
        }
    }
    sayings
}

fn missing(entry: &Entry, digest: &str) -> Finding {
    let (size, records) = (entry.size, entry.records);
    let slot = entry
        .slot
        .map_or_else(String::new, |(from, to)| format!(" of {from} to {to}"));
    let detail = format!("{size} bytes, {records} events{slot}; listed by {digest}");
    Finding::object(Verdict::Missing, &entry.key, detail)
}

fn compare(entry: &Entry, digest: &str, contents: Option<Contents>) -> Outcome {
    let Some(contents) = contents else {
        return Outcome::Finding(missing(entry, digest));
    };
    if entry.choices().any(|choice| choice == contents) {
        return Outcome::Sound;
    }
    let (found, listed) = (contents.sha256, entry.sha256);
    let detail = format!("its SHA-256 is {found}, and {listed} by {digest}");
    Outcome::Finding(Finding::object(Verdict::Altered, &entry.key, detail))
}

fn explain(entries: &[Entry], contents: Option<Contents>, else_this: Option<Finding>) -> Outcome {
    let mut choices = entries.iter().flat_map(Entry::choices);
    match contents {
        Some(contents) if choices.any(|choice| choice == contents) => Outcome::Explained,
        Some(_) => else_this.map_or(Outcome::Sound, Outcome::Finding),
        None => Outcome::Sound,
    }
}

/// What to say of an object that no digest lists; nothing, if there is a reason for it.
fn unlisted_one(
    name: &str,
    found: &Listed,
    chains: &Chains,
    mode: Mode,
    counts: &mut Counts,
) -> Option<Finding> {
    let covering: Vec<_> = chains
        .chains
        .iter()
        .filter(|chain| chain.covers(name))
        .collect();
    let modified = found.modified;
    if covering.is_empty() {
        counts.foreign += 1;
        return None;
    }
    if covering.iter().all(|chain| modified < chain.begins()) {
        counts.older += 1;
        return None;
    }
    if let Mode::Live { now } = mode
        && covering
            .iter()
            .any(|chain| chain.is_alive(now).is_ok_and(|from| modified >= from))
    {
        counts.newer += 1;
        return None;
    }
    let until = covering.iter().filter_map(|chain| chain.last());
    let until = until.map(|read| read.digest.head.until).max();
    let is_newer = until.is_some_and(|until| modified >= until.seconds());
    let stored = crate::evidence::Moment::new(modified);
    let detail = match (is_newer, until) {
        (true, Some(until)) => format!(
            "no digest lists it: it was stored at {stored}, and the evidence ends at {until} \
             (while the server runs the next digest lists what it has put: --live)"
        ),
        _ => format!("no digest lists it: it was stored at {stored}"),
    };
    Some(Finding::object(Verdict::Unlisted, name, detail))
}

/// What has come of reading an object.
enum Outcome {
    Explained,
    Finding(Finding),
    Sound,
}

/// Objects that are being read, several at a time.
struct Reading<'a> {
    place: &'a Place,
    running: JoinSet<Result<Outcome, PlaceError>>,
    findings: BTreeSet<Finding>,
    explained: u64,
}

impl<'a> Reading<'a> {
    fn new(place: &'a Place) -> Self {
        Self {
            place,
            running: JoinSet::new(),
            findings: BTreeSet::new(),
            explained: 0,
        }
    }

    /// Begins to read one, once there is a reader free.
    async fn start(
        &mut self,
        listed: &Listed,
        judge: impl FnOnce(Option<Contents>) -> Outcome + Send + 'static,
    ) -> Result<(), PlaceError> {
        while self.running.len() >= READERS {
            self.take_one().await?;
        }
        let (place, name) = (self.place.clone(), Arc::<str>::from(listed.name.as_str()));
        self.running.spawn(async move {
            let contents = place.contents(&name).await?;
            Ok(judge(contents))
        });
        Ok(())
    }

    async fn finish(mut self) -> Result<(BTreeSet<Finding>, u64), PlaceError> {
        while !self.running.is_empty() {
            self.take_one().await?;
        }
        Ok((self.findings, self.explained))
    }

    async fn take_one(&mut self) -> Result<(), PlaceError> {
        match self.running.join_next().await {
            Some(Ok(outcome)) => match outcome? {
                Outcome::Explained => self.explained += 1,
                Outcome::Finding(finding) => drop(self.findings.insert(finding)),
                Outcome::Sound => {}
            },
            Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            None => {}
        }
        Ok(())
    }
}
