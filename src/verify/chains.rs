//! Digests: which of them are to be believed, and whether each chain of them is whole.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Finding, Verdict};
use crate::evidence::{ChainId, Digest, Occasion, PublicKey, ReadDigest, SUFFIX};

/// Two intervals, and what clocks may be apart.
const GRACE: i64 = 15 * 60;

/// A digest as it was found.
pub(super) struct Found {
    /// Its whole name, as far as that is known.
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// What there is of one chain.
pub(super) struct ChainState {
    pub(super) chain: ChainId,
    /// Sound digests, by their place.
    pub(super) digests: BTreeMap<u64, Vec<ReadDigest>>,
}

/// All chains, and what is wrong with their digests.
#[derive(Default)]
pub(super) struct Chains {
    pub(super) chains: Vec<ChainState>,
    pub(super) findings: Vec<Finding>,
}

/// Believes what is signed, and looks whether it hangs together.
pub(super) fn judge(found: &[Found], keys: &[PublicKey]) -> Chains {
    let mut by_chain: BTreeMap<ChainId, BTreeMap<u64, Vec<ReadDigest>>> = BTreeMap::new();
    let mut findings = Vec::new();
    for one in found {
        match believe(one, keys) {
            Ok(read) => {
                let head = &read.digest.head;
                let chain = by_chain.entry(head.chain).or_default();
                chain.entry(head.sequence).or_default().push(read);
            }
            Err(finding) => findings.push(finding),
        }
    }
    // Places that something lies at, be it believed or not.
    let there: BTreeSet<_> = found.iter().filter_map(|one| place_in(&one.name)).collect();
    let chains: Vec<_> = by_chain
        .into_iter()
        .map(|(chain, digests)| ChainState { chain, digests })
        .collect();
    for chain in &chains {
        chain.judge(&there, &mut findings);
    }
    Chains { chains, findings }
}

fn believe(found: &Found, keys: &[PublicKey]) -> Result<ReadDigest, Finding> {
    let name = found.name.as_str();
    let read = Digest::read(&found.bytes).map_err(|error| {
        Finding::digest(
            Verdict::Altered,
            name,
            format!("it cannot be read: {error}"),
        )
    })?;
    if !read.is_signed_by(keys, &found.bytes) {
        let named = read.public_key;
        return Err(match keys.contains(&named) {
            true => {
                let detail = "its signature does not hold".to_owned();
                Finding::digest(Verdict::Altered, name, detail)
            }
            false => {
                let detail =
                    format!("it names the key {named}, which is none of those that are given");
                Finding::digest(Verdict::Forged, name, detail)
            }
        });
    }
    let own = &read.digest.head.key;
    if own != name {
        let detail = format!("it is a copy of {own}, which is another name");
        return Err(Finding::digest(Verdict::Forged, name, detail));
    }
    Ok(read)
}

/// Chain and number in the name of a digest.
fn place_in(name: &str) -> Option<(ChainId, u64)> {
    let (rest, file) = name.rsplit_once('/')?;
    let chain = rest.rsplit('/').next()?.parse().ok()?;
    let number = file.strip_suffix(SUFFIX)?.split('-').next()?;
    Some((chain, number.parse().ok()?))
}

impl ChainState {
    fn judge(&self, there: &BTreeSet<(ChainId, u64)>, findings: &mut Vec<Finding>) {
        let chain = self.chain;
        let mut before: Option<(u64, &Vec<ReadDigest>)> = None;
        for (number, digests) in &self.digests {
            if let [first, second, ..] = digests.as_slice() {
                let (first, second) = (&first.link.key, &second.link.key);
                let detail = format!(
                    "number {number} of chain {chain} is {first}, too: two servers went on with one ledger"
                );
                findings.push(Finding::digest(Verdict::Forked, second, detail));
            }
            let expected = before.map_or(1, |(last, _)| last + 1);
            self.missing(expected, *number, digests, there, findings);
            if let Some((last, known)) = before
                && last + 1 == *number
            {
                Self::links(known, digests, findings);
            }
            before = Some((*number, digests));
        }
    }

    /// Numbers up to this one that nothing lies at.
    fn missing(
        &self,
        expected: u64,
        number: u64,
        digests: &[ReadDigest],
        there: &BTreeSet<(ChainId, u64)>,
        findings: &mut Vec<Finding>,
    ) {
        let chain = self.chain;
        let absent = |number: &u64| !there.contains(&(chain, *number));
        let last = number.checked_sub(1).filter(|last| *last >= expected);
        let previous = digests
            .first()
            .and_then(|read| read.digest.head.previous.as_ref());
        // The last one's name is known by the digest that follows it.
        let named = last.filter(absent).zip(previous);
        if let Some((last, link)) = named {
            let detail = format!("number {last} of chain {chain}, which number {number} follows");
            findings.push(Finding::digest(Verdict::Missing, &link.key, detail));
        }
        let others = expected..last.unwrap_or(expected);
        // There may be thousands: ranges, not numbers.
        let mut range: Option<(u64, u64)> = None;
        let mut ranges = Vec::new();
        for number in others.filter(absent) {
            range = match range {
                Some((first, end)) if end + 1 == number => Some((first, number)),
                other => {
                    ranges.extend(other);
                    Some((number, number))
                }
            };
        }
        ranges.extend(range);
        for (first, end) in ranges {
            let name = match first == end {
                true => format!("number {first} of chain {chain}"),
                false => format!("numbers {first} to {end} of chain {chain}"),
            };
            let detail = "what they list is not known".to_owned();
            findings.push(Finding::digest(Verdict::Missing, name, detail));
        }
    }

    /// Each names the one before it, by its bytes.
    fn links(known: &[ReadDigest], digests: &[ReadDigest], findings: &mut Vec<Finding>) {
        for read in digests {
            let previous = read.digest.head.previous.as_ref();
            if known.iter().any(|before| Some(&before.link) == previous) {
                continue;
            }
            let found = known.first().map_or("", |before| before.link.key.as_str());
            let named = previous.map_or("none", |link| link.key.as_str());
            let detail = format!("it follows {named}, and {found} is what is there");
            findings.push(Finding::digest(Verdict::Forked, &read.link.key, detail));
        }
    }

    /// The last digest of all.
    pub(super) fn last(&self) -> Option<&ReadDigest> {
        self.digests.values().next_back()?.first()
    }

    fn first(&self) -> Option<&ReadDigest> {
        self.digests.values().next()?.first()
    }

    /// From when on the chain says what was put, in unix seconds.
    pub(super) fn begins(&self) -> i64 {
        let first = self.first().map(|read| read.digest.head.since.seconds());
        first.unwrap_or(i64::MAX)
    }

    /// Whether all objects of this name are this chain's, or that of another like it.
    pub(super) fn covers(&self, name: &str) -> bool {
        let last = self.last().map(|read| read.digest.head.covers.as_str());
        last.is_some_and(|covers| name.starts_with(covers))
    }

    /// With `--live`: from when on an object is so new that its digest is still to come; or
    /// that it should have come already.
    pub(super) fn is_alive(&self, now: i64) -> Result<i64, Finding> {
        let Some(read) = self.last() else {
            return Ok(i64::MAX);
        };
        let head = &read.digest.head;
        if head.occasion == Occasion::Stop {
            return Ok(i64::MAX);
        }
        let until = head.until.seconds();
        let interval = i64::try_from(head.interval).unwrap_or(i64::MAX);
        let latest = until
            .saturating_add(interval.saturating_mul(2))
            .saturating_add(GRACE);
        if latest < now {
            let detail = format!(
                "it is the last of chain {}, of {}: the server was killed, or later ones are missing",
                self.chain, head.until
            );
            return Err(Finding::digest(Verdict::Late, &read.link.key, detail));
        }
        Ok(until.saturating_sub(GRACE))
    }
}
