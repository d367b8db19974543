//! Ledgers and digests over a disk that forgets and fails.

mod ledger;
mod lives;

use std::sync::OnceLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use data_encoding::HEXLOWER;

use super::*;
use crate::host::fs::crashing::CrashingFs;

const START: i64 = 1_700_000_000;
const HOUR: i64 = 3600;

/// A key that is made for this run.
pub(crate) fn signing_key() -> Arc<SigningKey> {
    static KEY: OnceLock<Arc<SigningKey>> = OnceLock::new();
    Arc::clone(KEY.get_or_init(another_signing_key))
}

/// A key of somebody else.
pub(crate) fn another_signing_key() -> Arc<SigningKey> {
    Arc::new(SigningKey::from_pem(private_key().as_bytes()).unwrap())
}

/// What a `private_key_path` has, made anew.
pub(crate) fn private_key() -> String {
    let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    pem("PRIVATE KEY", der.as_ref())
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

/// Hourly digests of an output to the bucket `audit`.
pub(crate) fn config() -> Config {
    Config {
        directory: PathBuf::from("/buffer/digest"),
        modes: Modes::default(),
        path: "digests/".to_owned(),
        bucket: "audit".to_owned(),
        covers: String::new(),
        interval: Duration::from_secs(3600),
        key: signing_key(),
    }
}

fn open(fs: &CrashingFs, now: i64) -> Evidence {
    Evidence::open_on(Arc::new(fs.clone()), config(), EventTime::new(now, 0)).unwrap()
}

fn chunk(seed: u8) -> ChunkId {
    ChunkId::from_bytes([seed; 16])
}

fn entry(seed: u8, key: &str, text: &str) -> Entry {
    let contents = Contents {
        size: text.len() as u64,
        sha256: Sha256::of(text.as_bytes()),
    };
    Entry::new(chunk(seed), key.to_owned(), contents)
}

fn nobody() -> HashSet<ChunkId> {
    HashSet::new()
}

/// Puts the next digest into a bucket of one's own.
fn take(evidence: &Evidence) -> Option<ReadDigest> {
    let waiting = evidence.next().unwrap()?;
    let read = Digest::read(&waiting.bytes).unwrap();
    assert!(read.is_signed_by(&[signing_key().public_key()], &waiting.bytes));
    assert_eq!(read.digest.head.key, waiting.key);
    evidence.delivered(waiting.place);
    Some(read)
}

fn keys(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.key.as_str()).collect()
}

#[test]
fn what_is_put_is_listed_by_the_next_digest_and_by_no_other() {
    let evidence = open(&CrashingFs::default(), START);
    evidence.about_to_put(entry(1, "a", "one"));
    evidence.stored(chunk(1), "a", Certainty::ByThisAttempt);
    assert!(evidence.seal(
        Occasion::Interval,
        EventTime::new(START + HOUR, 0),
        &nobody()
    ));
    let first = take(&evidence).unwrap();
    assert_eq!(keys(&first.digest.objects), ["a"]);
    assert_eq!(first.digest.head.sequence, 1);
    assert_eq!(first.digest.head.previous, None);

    assert!(evidence.seal(
        Occasion::Interval,
        EventTime::new(START + 2 * HOUR, 0),
        &nobody()
    ));
    let second = take(&evidence).unwrap();
    assert!(second.digest.objects.is_empty());
    assert_eq!(second.digest.head.since, first.digest.head.until);
    assert_eq!(second.digest.head.previous, Some(first.link));
    assert!(take(&evidence).is_none());
}

#[test]
fn digests_are_due_at_the_start_and_whenever_another_interval_has_begun() {
    let evidence = open(&CrashingFs::default(), START);
    let at = |seconds| EventTime::new(START + seconds, 0);
    let next_hour = HOUR - START.rem_euclid(HOUR);
    assert_eq!(evidence.due(at(0)), Some(Occasion::Start));
    assert!(evidence.seal(Occasion::Start, at(0), &nobody()));
    assert_eq!(evidence.due(at(next_hour - 1)), None);
    assert_eq!(evidence.due(at(next_hour)), Some(Occasion::Interval));
    assert!(evidence.seal(Occasion::Interval, at(next_hour), &nobody()));
    assert_eq!(evidence.due(at(next_hour + HOUR - 1)), None);
    // A clock that is set back is another interval, and not a reason to wait for it to pass.
    assert_eq!(evidence.due(at(-5 * HOUR)), Some(Occasion::Interval));
    assert!(evidence.seal(Occasion::Interval, at(-5 * HOUR), &nobody()));
    assert_eq!(evidence.due(at(-5 * HOUR)), None);
    let mut heads = std::iter::from_fn(|| take(&evidence)).map(|read| read.digest.head);
    assert!(heads.all(|head| head.since <= head.until));
}

#[test]
fn a_digest_that_is_full_is_due_at_once() {
    let evidence = open(&CrashingFs::default(), START);
    let now = EventTime::new(START, 0);
    assert!(evidence.seal(Occasion::Start, now, &nobody()));
    for n in 0..MOST_OBJECTS {
        assert_eq!(evidence.due(now), None, "{n} objects");
        let id = ChunkId::from_parts(now, n as u64);
        let contents = entry(0, "", "").contents();
        evidence.about_to_put(Entry::new(id, format!("{n}"), contents));
        evidence.stored(id, &format!("{n}"), Certainty::ByThisAttempt);
    }
    assert_eq!(evidence.due(now), Some(Occasion::Interval));
}

#[test]
fn an_attempt_without_an_outcome_is_pending_while_its_chunk_lives_and_doubtful_then() {
    let evidence = open(&CrashingFs::default(), START);
    evidence.about_to_put(entry(1, "a", "one"));
    let now = EventTime::new(START, 0);
    assert!(evidence.seal(Occasion::Interval, now, &HashSet::from([chunk(1)])));
    let read = take(&evidence).unwrap();
    assert_eq!(keys(&read.digest.pending), ["a"]);
    assert!(evidence.seal(Occasion::Interval, now, &nobody()));
    let read = take(&evidence).unwrap();
    assert_eq!(keys(&read.digest.doubtful), ["a"]);
    assert!(evidence.seal(Occasion::Interval, now, &nobody()));
    assert!(take(&evidence).unwrap().digest.doubtful.is_empty());
}

#[test]
fn an_attempt_is_safe_before_it_is_made() {
    let fs = CrashingFs::default();
    let evidence = open(&fs, START);
    evidence.about_to_put(entry(1, "a", "one"));
    fs.crash_hard();
    let evidence = open(&fs, START);
    assert!(evidence.seal(Occasion::Start, EventTime::new(START, 0), &nobody()));
    assert_eq!(keys(&take(&evidence).unwrap().digest.doubtful), ["a"]);
}

#[test]
fn a_name_that_was_refused_is_listed_as_nothing() {
    let evidence = open(&CrashingFs::default(), START);
    evidence.about_to_put(entry(1, "a", "one"));
    evidence.refused(chunk(1), "a");
    assert!(evidence.seal(Occasion::Interval, EventTime::new(START, 0), &nobody()));
    let read = take(&evidence).unwrap().digest;
    assert!(read.objects.is_empty() && read.doubtful.is_empty() && read.pending.is_empty());
}

#[test]
fn bytes_of_an_earlier_attempt_count_if_that_may_have_put_them() {
    let evidence = open(&CrashingFs::default(), START);
    for certainty in [Certainty::ByAnyAttempt, Certainty::ByThisAttempt] {
        let key = format!("{certainty:?}");
        evidence.about_to_put(entry(1, &key, "by an older version"));
        evidence.about_to_put(entry(1, &key, "by this one"));
        evidence.about_to_put(entry(1, &key, "by this one"));
        evidence.stored(chunk(1), &key, certainty);
    }
    assert!(evidence.seal(Occasion::Interval, EventTime::new(START, 0), &nobody()));
    let read = take(&evidence).unwrap();
    let choices: Vec<Vec<_>> = read
        .digest
        .objects
        .iter()
        .map(|entry| entry.choices().collect())
        .collect();
    let (old, new) = (
        entry(1, "", "by an older version"),
        entry(1, "", "by this one"),
    );
    assert_eq!(
        choices,
        [vec![new.contents(), old.contents()], vec![new.contents()]]
    );
}

#[test]
fn another_process_is_kept_out() {
    let scratch = tempfile::tempdir().unwrap();
    let config = Config {
        directory: scratch.path().join("ledger"),
        ..config()
    };
    let held = Evidence::open(config.clone(), EventTime::new(START, 0)).unwrap();
    let refused = Evidence::open(config.clone(), EventTime::new(START, 0))
        .err()
        .unwrap();
    assert!(
        refused.to_string().contains("another process has it"),
        "{refused}"
    );
    drop(held);
    Evidence::open(config, EventTime::new(START, 0)).unwrap();
}

#[test]
fn a_directory_that_is_removed_is_made_again_with_all_that_is_known() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("ledger");
    let config = Config {
        directory: directory.clone(),
        ..config()
    };
    let evidence = Evidence::open(config.clone(), EventTime::new(START, 0)).unwrap();
    evidence.about_to_put(entry(1, "a", "one"));
    for path in crate::host::fs::walk(&directory).unwrap() {
        DiskFs::default()
            .remove(&directory.join(path.path))
            .unwrap();
    }
    evidence.stored(chunk(1), "a", Certainty::ByThisAttempt);
    evidence.about_to_put(entry(2, "b", "two"));
    drop(evidence);
    let evidence = Evidence::open(config, EventTime::new(START, 0)).unwrap();
    assert!(evidence.seal(Occasion::Start, EventTime::new(START, 0), &nobody()));
    let read = take(&evidence).unwrap();
    assert_eq!(keys(&read.digest.objects), ["a"]);
    assert_eq!(keys(&read.digest.doubtful), ["b"]);
}

#[test]
fn keys_are_those_that_openssl_writes() {
    // PKCS#8 of version 1, without the public key, and a SubjectPublicKeyInfo: RFC 8410.
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).unwrap();
    let mut der = HEXLOWER
        .decode(b"302e020100300506032b657004220420")
        .unwrap();
    der.extend_from_slice(&seed);
    let key = SigningKey::from_pem(pem("PRIVATE KEY", &der).as_bytes()).unwrap();
    let mut public = HEXLOWER.decode(b"302a300506032b6570032100").unwrap();
    let raw = BASE64_STANDARD
        .decode(key.public_key().to_string())
        .unwrap();
    public.extend_from_slice(&raw);
    let two = pem("PUBLIC KEY", &public).repeat(2);
    let read = PublicKey::all_from_pem(two.as_bytes()).unwrap();
    assert_eq!(read, [key.public_key(), key.public_key()]);
    let shown = format!("{key:?}");
    assert!(!shown.contains(&HEXLOWER.encode(&seed)), "{shown}");
    assert!(!shown.contains(&BASE64_STANDARD.encode(seed)), "{shown}");
}

#[test]
fn a_key_of_another_kind_is_told_as_such() {
    let set = forebay_certs::issue_set(&forebay_certs::Options {
        algorithm: forebay_certs::KeyAlgorithm::EcdsaP256,
        ..forebay_certs::Options::new(START)
    });
    let set = set.unwrap();
    for (pem, expected) in [
        (set.client_key.as_str(), "expected an Ed25519 key in PKCS#8"),
        (set.server_key.as_str(), "found an encrypted key"),
        (set.ca_crt.as_str(), "found no private key but CERTIFICATE"),
        ("", "an empty file"),
    ] {
        let error = SigningKey::from_pem(pem.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    }
    let error = PublicKey::all_from_pem(set.ca_crt.as_bytes()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("found no public key but CERTIFICATE"),
        "{error}"
    );
}

#[test]
fn any_change_of_a_digest_is_noticed() {
    let evidence = open(&CrashingFs::default(), START);
    evidence.about_to_put(entry(1, "a", "one"));
    evidence.stored(chunk(1), "a", Certainty::ByThisAttempt);
    assert!(evidence.seal(Occasion::Interval, EventTime::new(START, 0), &nobody()));
    let bytes = evidence.next().unwrap().unwrap().bytes;
    let keys = [signing_key().public_key()];
    for at in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        let is_believed = Digest::read(&changed).is_ok_and(|read| {
            // Which key is named decides nothing; all else is signed.
            read.is_signed_by(&keys, &changed) && read.public_key == keys[0]
        });
        assert!(!is_believed, "at {at}");
    }
    for length in 0..bytes.len() {
        let cut = &bytes[..length];
        let is_believed = Digest::read(cut).is_ok_and(|read| read.is_signed_by(&keys, cut));
        assert!(!is_believed, "cut at {length}");
    }
}
