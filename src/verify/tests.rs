//! Copies of a bucket in which somebody has been.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use fluent_compat::chunk::ChunkId;
use fluent_compat::time::EventTime;
use tempfile::TempDir;

use super::*;
use crate::evidence::tests::{another_signing_key, config, signing_key};
use crate::evidence::{Certainty, Config, Contents, Entry, Evidence, Sha256, SigningKey};

const START: i64 = 1_700_000_000;
const HOUR: i64 = 3600;

/// A server's ledger, and a directory that is the bucket below `logs/`.
struct Bench {
    scratch: TempDir,
    evidence: Evidence,
    /// Chunks so far.
    chunks: u8,
}

impl Bench {
    /// The first digest is there.
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let evidence = open(&scratch.path().join("ledger"), signing_key());
        fs::create_dir(scratch.path().join("copy")).unwrap();
        let mut bench = Self {
            scratch,
            evidence,
            chunks: 0,
        };
        bench.digest(Occasion::Start, 0);
        bench
    }

    /// Three hours with two objects each, ended in order.
    fn three_hours() -> Self {
        let mut bench = Self::new();
        for hour in 1..=3 {
            for n in 0..2 {
                bench.put(
                    &format!("logs/audit/{hour}_{n}.gz"),
                    "one\n",
                    hour * HOUR - 60,
                );
            }
            bench.digest(Occasion::Interval, hour * HOUR);
        }
        bench.digest(Occasion::Stop, 3 * HOUR + 60);
        bench
    }

    fn copy(&self) -> PathBuf {
        self.scratch.path().join("copy")
    }

    fn path(&self, key: &str) -> PathBuf {
        self.copy().join(key.strip_prefix("logs/").unwrap())
    }

    fn store(&self, key: &str, bytes: &[u8], time: i64) {
        let path = self.path(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        let stored = UNIX_EPOCH + Duration::from_secs((START + time).unsigned_abs());
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(stored).unwrap();
    }

    fn attempt(&mut self, key: &str, text: &str) -> ChunkId {
        self.chunks += 1;
        let id = ChunkId::from_bytes([self.chunks; 16]);
        let contents = Contents {
            size: text.len() as u64,
            sha256: Sha256::of(text.as_bytes()),
        };
        let mut entry = Entry::new(id, key.to_owned(), contents);
        entry.records = 1;
        self.evidence.about_to_put(entry);
        id
    }

    /// Puts an object, `time` seconds after the start.
    fn put(&mut self, key: &str, text: &str, time: i64) {
        let id = self.attempt(key, text);
        self.store(key, text.as_bytes(), time);
        self.evidence.stored(id, key, Certainty::ByThisAttempt);
    }

    fn digest(&mut self, occasion: Occasion, time: i64) {
        digest(&self.evidence, occasion, time, |name, bytes| {
            self.store(name, bytes, time);
        });
    }

    /// The digests in the copy, oldest first.
    fn digests(&self) -> Vec<PathBuf> {
        let chain = fs::read_dir(self.copy().join("digests"))
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        let mut paths: Vec<_> = fs::read_dir(chain.path())
            .unwrap()
            .map(|it| it.unwrap().path())
            .collect();
        paths.sort();
        paths
    }

    fn findings(&self) -> Vec<String> {
        self.findings_in(Mode::Ended)
    }

    fn findings_in(&self, mode: Mode) -> Vec<String> {
        let report = self.report(mode);
        let findings = report.chains.findings.iter();
        findings
            .map(|finding| format!("{} {}: {}", finding.verdict, finding.what, finding.name))
            .collect()
    }

    fn report(&self, mode: Mode) -> Report {
        let place = Place::Directory(self.copy());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let keys = [signing_key().public_key()];
        runtime
            .block_on(compare(&place, None, &keys, mode))
            .unwrap()
    }
}

fn open(ledger: &Path, key: Arc<SigningKey>) -> Evidence {
    let config = Config {
        directory: ledger.to_owned(),
        path: "logs/digests/".to_owned(),
        covers: "logs/audit/".to_owned(),
        key,
        ..config()
    };
    Evidence::open(config, EventTime::new(START, 0)).unwrap()
}

fn digest(evidence: &Evidence, occasion: Occasion, time: i64, mut put: impl FnMut(&str, &[u8])) {
    assert!(evidence.seal(occasion, EventTime::new(START + time, 0), &HashSet::new()));
    while let Some(waiting) = evidence.next().unwrap() {
        put(&waiting.key, &waiting.bytes);
        evidence.delivered(waiting.place);
    }
}

fn key_of(bench: &Bench, path: &Path) -> String {
    let below = path.strip_prefix(bench.copy()).unwrap();
    format!("logs/{}", below.display())
}

#[test]
fn what_is_as_it_was_put_gives_no_finding() {
    let bench = Bench::three_hours();
    let report = bench.report(Mode::Ended);
    assert!(
        report.chains.findings.is_empty(),
        "{:?}",
        report.chains.findings
    );
    assert_eq!((report.counts.objects, report.counts.events), (6, 6));
    let mut page = Vec::new();
    report.tell(&mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    assert!(page.contains("about logs/audit/*: 5 digests, from 2023-11-14T22:13:20Z to 2023-11-15T01:14:20Z, where the server ended in order"), "{page}");
    assert!(
        page.ends_with("all of it is there, as it was put\n"),
        "{page}"
    );
}

#[test]
fn an_object_that_is_missing_altered_or_added_is_named() {
    let bench = Bench::three_hours();
    fs::remove_file(bench.path("logs/audit/1_0.gz")).unwrap();
    bench.store("logs/audit/2_0.gz", b"two\n", 2 * HOUR);
    bench.store("logs/audit/2_1.gz", b"longer\n", 2 * HOUR);
    bench.store("logs/audit/4_0.gz", b"one\n", HOUR);
    bench.store("logs/other/x.gz", b"one\n", HOUR);
    let expected = [
        "missing object: logs/audit/1_0.gz",
        "altered object: logs/audit/2_0.gz",
        "altered object: logs/audit/2_1.gz",
        "unlisted object: logs/audit/4_0.gz",
    ];
    assert_eq!(bench.findings(), expected);
    assert_eq!(bench.report(Mode::Ended).counts.foreign, 1);
}

#[test]
fn a_digest_that_is_missing_is_named_with_the_objects_that_nobody_lists_any_more() {
    let bench = Bench::three_hours();
    let digests = bench.digests();
    fs::remove_file(&digests[1]).unwrap();
    let expected = [
        format!("missing digest: {}", key_of(&bench, &digests[1])),
        "unlisted object: logs/audit/1_0.gz".to_owned(),
        "unlisted object: logs/audit/1_1.gz".to_owned(),
    ];
    assert_eq!(bench.findings(), expected);
}

#[test]
fn the_first_digests_of_a_chain_are_missed_as_well() {
    let bench = Bench::three_hours();
    let digests = bench.digests();
    for digest in &digests[..3] {
        fs::remove_file(digest).unwrap();
    }
    let findings = bench.findings();
    let chain = digests[0]
        .parent()
        .unwrap()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap();
    assert_eq!(
        findings[0],
        format!("missing digest: {}", key_of(&bench, &digests[2]))
    );
    assert_eq!(
        findings[1],
        format!("missing digest: numbers 1 to 2 of chain {chain}")
    );
}

#[test]
fn a_digest_that_is_altered_forged_or_copied_is_named() {
    let bench = Bench::three_hours();
    let digests = bench.digests();
    let mut bytes = fs::read(&digests[1]).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(&digests[1], bytes).unwrap();

    // Somebody with a key of their own continues the chain.
    let mut forged = String::new();
    let other = open(&bench.scratch.path().join("other"), another_signing_key());
    digest(&other, Occasion::Start, 0, |name, bytes| {
        bench.store(name, bytes, 0);
        name.clone_into(&mut forged);
    });
    let copied = digests[2].with_file_name("0000000099-20231115T011420Z-0000000000000000.digest");
    fs::copy(&digests[2], &copied).unwrap();

    let findings = bench.findings();
    for expected in [
        format!("altered digest: {}", key_of(&bench, &digests[1])),
        format!("forged digest: {forged}"),
        format!("forged digest: {}", key_of(&bench, &copied)),
        "unlisted object: logs/audit/1_0.gz".to_owned(),
        "unlisted object: logs/audit/1_1.gz".to_owned(),
    ] {
        assert!(
            findings.contains(&expected),
            "{expected} is not in {findings:#?}"
        );
    }
    assert_eq!(findings.len(), 5, "{findings:#?}");
}

#[test]
fn two_servers_that_go_on_with_one_ledger_make_a_fork() {
    let mut bench = Bench::new();
    let (ledger, twin) = (
        bench.scratch.path().join("ledger"),
        bench.scratch.path().join("twin"),
    );
    fs::create_dir(&twin).unwrap();
    for entry in fs::read_dir(&ledger).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), twin.join(entry.file_name())).unwrap();
    }
    bench.digest(Occasion::Stop, HOUR);
    digest(
        &open(&twin, signing_key()),
        Occasion::Stop,
        HOUR,
        |name, bytes| {
            bench.store(name, bytes, HOUR);
        },
    );
    let digests = bench.digests();
    assert_eq!(digests.len(), 3);
    // Which of the two is the other one's fork nobody can tell.
    let either = [1, 2].map(|n| vec![format!("forked digest: {}", key_of(&bench, &digests[n]))]);
    assert!(either.contains(&bench.findings()), "{:?}", bench.findings());
}

#[test]
fn what_is_newer_than_the_last_digest_is_passed_over_while_the_server_lives() {
    let mut bench = Bench::new();
    bench.put("logs/audit/1_0.gz", "one\n", 60);
    let unlisted = "unlisted object: logs/audit/1_0.gz".to_owned();
    assert_eq!(bench.findings(), std::slice::from_ref(&unlisted));
    let live = Mode::Live { now: START + HOUR };
    assert_eq!(bench.findings_in(live), Vec::<String>::new());
    assert_eq!(bench.report(live).counts.newer, 1);
    // But not for ever.
    let late = Mode::Live {
        now: START + 3 * HOUR,
    };
    let digest = key_of(&bench, &bench.digests()[0]);
    assert_eq!(
        bench.findings_in(late),
        [format!("late digest: {digest}"), unlisted]
    );
    // And not once it has ended.
    bench.digest(Occasion::Stop, 2 * HOUR);
    bench.store("logs/audit/1_1.gz", b"one\n", 2 * HOUR + 1);
    let added = "unlisted object: logs/audit/1_1.gz".to_owned();
    assert_eq!(bench.findings_in(live), [added]);
}

#[test]
fn what_was_there_before_the_first_digest_is_counted_and_not_found() {
    let mut bench = Bench::new();
    bench.store("logs/audit/0_0.gz", b"one\n", -60);
    bench.digest(Occasion::Stop, HOUR);
    let report = bench.report(Mode::Ended);
    assert!(
        report.chains.findings.is_empty(),
        "{:?}",
        report.chains.findings
    );
    assert_eq!(report.counts.older, 1);
}

#[test]
fn a_copy_that_a_digest_has_a_doubt_about_is_explained_by_its_bytes() {
    let mut bench = Bench::new();
    for key in [
        "logs/audit/1_0.gz",
        "logs/audit/1_1.gz",
        "logs/audit/1_2.gz",
    ] {
        bench.attempt(key, "one\n");
    }
    bench.digest(Occasion::Stop, HOUR);
    bench.store("logs/audit/1_0.gz", b"one\n", 60);
    bench.store("logs/audit/1_1.gz", b"two\n", 60);
    assert_eq!(bench.findings(), ["unlisted object: logs/audit/1_1.gz"]);
    assert_eq!(bench.report(Mode::Ended).counts.explained, 1);
}

#[test]
fn a_place_without_digests_is_a_finding() {
    let bench = Bench::new();
    fs::remove_dir_all(bench.copy().join("digests")).unwrap();
    assert_eq!(
        bench.findings(),
        [format!("missing digest: {}", bench.copy().display())]
    );
}

#[test]
fn a_directory_that_has_too_little_of_the_bucket_says_so() {
    let bench = Bench::three_hours();
    let place = Place::Directory(bench.copy().join("digests"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let keys = [signing_key().public_key()];
    let report = runtime
        .block_on(compare(&place, None, &keys, Mode::Ended))
        .unwrap();
    let first = &report.chains.findings[0];
    assert_eq!(report.chains.findings.len(), 6);
    assert_eq!(
        (first.verdict, first.name.as_str()),
        (Verdict::Unchecked, "logs/audit/1_0.gz")
    );
}
