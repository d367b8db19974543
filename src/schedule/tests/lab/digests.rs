//! Digests in the bucket, held against the objects in it.

use std::collections::BTreeMap;

use super::Bucket;
use crate::evidence::{Digest, Sha256, tests::signing_key};

/// What a life must have left of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Each object is listed, once.
    Certain,
    /// Each object is listed once, or a digest has a doubt about it.
    Doubtful,
    /// The output has no digests.
    Nothing,
}

/// One unbroken chain, in which each object is listed once.
pub(super) fn check(bucket: &Bucket, expected: Expected) -> Result<(), String> {
    if expected == Expected::Nothing {
        return Ok(());
    }
    let mut listed: BTreeMap<String, u32> = BTreeMap::new();
    let mut doubtful: BTreeMap<String, Vec<Sha256>> = BTreeMap::new();
    let (mut chain, mut before) = (None, None);
    for ((name, bytes), number) in bucket.documents().into_iter().zip(1..) {
        let read = Digest::read(&bytes).map_err(|error| format!("{name}: {error}"))?;
        let head = &read.digest.head;
        if !read.is_signed_by(&[signing_key().public_key()], &bytes) {
            return Err(format!("{name}: its signature does not hold"));
        }
        if *chain.get_or_insert(head.chain) != head.chain || head.sequence != number {
            return Err(format!("{name} is the {number}th"));
        }
        if head.previous != before {
            return Err(format!(
                "{name} follows {:?} and not {before:?}",
                head.previous
            ));
        }
        before = Some(read.link.clone());
        for entry in &read.digest.objects {
            *listed.entry(entry.key.clone()).or_default() += 1;
        }
        for entry in &read.digest.doubtful {
            let all = doubtful.entry(entry.key.clone()).or_default();
            all.push(entry.sha256);
        }
    }
    for (name, text) in bucket.objects() {
        let hash = Sha256::of(text.as_bytes());
        let explained = doubtful.get(&name).is_some_and(|all| all.contains(&hash));
        match listed.remove(&name) {
            Some(1) => {}
            Some(times) => return Err(format!("{name} is listed {times} times")),
            None if explained && expected == Expected::Doubtful => {}
            None if explained => return Err(format!("{name} is only in doubt")),
            None => return Err(format!("{name} is listed in no digest")),
        }
    }
    match listed.first_key_value() {
        Some((name, _)) => Err(format!("{name} is listed and not there")),
        None => Ok(()),
    }
}
