//! `forebay verify`: holds what lies in a bucket, or in a copy of it, against the digests there.
//!
//! Everything is only read. What is believed is what the given key has signed; what is not as
//! it says is a finding, each told with its name.

mod chains;
mod finding;
mod objects;
mod place;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use crate::cli::VerifyCommand;
use crate::evidence::{Digest, DigestKeyError, Occasion, PublicKey, SUFFIX};
use crate::host::fs::{DiskFs, Fs};
use crate::sink::s3::{Addressing, Reader, ReaderConfig};
use chains::{ChainState, Chains, Found};
use finding::{Finding, Verdict};
use objects::{Counts, Mode};
use place::{Listed, Place, PlaceError};

/// `EX_UNAVAILABLE` of sysexits.h: nothing could be looked at, so nothing can be said.
const EXIT_UNAVAILABLE: u8 = 69;
/// Something is not as it was signed.
const EXIT_FOUND: u8 = 1;

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
enum VerifyError {
    #[error("cannot read {}: {source}", path.display())]
    Key { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    NoKey {
        path: PathBuf,
        source: DigestKeyError,
    },
    #[error("`{0}` is no bucket: expected s3://BUCKET or s3://BUCKET/PREFIX")]
    NoBucket(String),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error("the runtime cannot be started: {0}")]
    Runtime(io::Error),
    #[error("cannot write the answer: {0}")]
    Answer(io::Error),
}

/// What is to be said.
struct Report {
    place: String,
    chains: Chains,
    counts: Counts,
}

/// Looks, and says on `out` what was found. `now` is in unix seconds.
pub(crate) fn run(
    command: &VerifyCommand,
    now: i64,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> ExitCode {
    let told = look(command, now).and_then(|report| {
        let told = match command.json {
            true => report.tell_json(out),
            false => report.tell(out),
        };
        told.map_err(VerifyError::Answer)?;
        Ok(report.chains.findings.is_empty())
    });
    match told {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(EXIT_FOUND),
        Err(error) => {
            // Nothing can be done about a closed terminal.
            let _ = writeln!(err, "forebay: {error}");
            ExitCode::from(EXIT_UNAVAILABLE)
        }
    }
}

fn look(command: &VerifyCommand, now: i64) -> Result<Report, VerifyError> {
    let keys = keys(&command.public_key)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(VerifyError::Runtime)?;
    let mode = match command.live {
        true => Mode::Live { now },
        false => Mode::Ended,
    };
    runtime.block_on(async {
        let place = place(command).await?;
        let prefix = command.prefix.as_deref();
        Ok(compare(&place, prefix, &keys, mode).await?)
    })
}

fn keys(paths: &[PathBuf]) -> Result<Vec<PublicKey>, VerifyError> {
    let mut keys = Vec::new();
    for path in paths {
        let read = DiskFs::default().read(path);
        let path = path.clone();
        let pem = match read {
            Ok(pem) => pem,
            Err(source) => return Err(VerifyError::Key { path, source }),
        };
        match PublicKey::all_from_pem(&pem) {
            Ok(found) => keys.extend(found),
            Err(source) => return Err(VerifyError::NoKey { path, source }),
        }
    }
    Ok(keys)
}

async fn place(command: &VerifyCommand) -> Result<Place, VerifyError> {
    let Some(name) = command.place.strip_prefix("s3://") else {
        return Ok(Place::Directory(Path::new(&command.place).to_owned()));
    };
    let (bucket, prefix) = name.split_once('/').unwrap_or((name, ""));
    if bucket.is_empty() {
        return Err(VerifyError::NoBucket(command.place.clone()));
    }
    let reader = Reader::connect(ReaderConfig {
        bucket: bucket.to_owned(),
        region: command.region.clone(),
        endpoint: command.endpoint_url.clone(),
        addressing: match command.path_style {
            true => Addressing::Path,
            false => Addressing::VirtualHost,
        },
    });
    Ok(Place::Bucket {
        reader: reader.await,
        name: format!("s3://{bucket}/"),
        prefix: prefix.to_owned(),
    })
}

/// `given`: what the names of what lies in a directory begin with, if somebody says so.
async fn compare(
    place: &Place,
    given: Option<&str>,
    keys: &[PublicKey],
    mode: Mode,
) -> Result<Report, PlaceError> {
    let (digests, objects): (Vec<_>, Vec<_>) = place
        .list()
        .await?
        .into_iter()
        .partition(|listed| listed.name.ends_with(SUFFIX));
    let mut found = Vec::new();
    for listed in digests {
        if let Some(bytes) = place.read(&listed).await? {
            let name = listed.name;
            found.push(Found { name, bytes });
        }
    }
    // What lies in a directory is called by what stands before it in the bucket, too.
    let above = match place.prefix() {
        Some(_) => String::new(),
        None => given.map_or_else(|| above(&found, keys), str::to_owned),
    };
    for one in &mut found {
        one.name.insert_str(0, &above);
    }
    let whole = |listed: Listed| (format!("{above}{}", listed.name), listed);
    let there: BTreeMap<_, _> = objects.into_iter().map(whole).collect();
    let mut chains = chains::judge(&found, keys);
    if chains.chains.is_empty() {
        let detail = "no digest is signed with a key that is given".to_owned();
        let name = place.name();
        chains
            .findings
            .push(Finding::digest(Verdict::Missing, name, detail));
    }
    if let Mode::Live { now } = mode {
        let late = chains
            .chains
            .iter()
            .filter_map(|chain| chain.is_alive(now).err());
        let late: Vec<_> = late.collect();
        chains.findings.extend(late);
    }
    let prefix = place.prefix().unwrap_or(&above).to_owned();
    let counts = objects::judge(place, &there, &prefix, &mut chains, mode).await?;
    chains.findings.sort();
    Ok(Report {
        place: place.name(),
        chains,
        counts,
    })
}

/// What stands before the paths in a directory, by what the first sound digest says of its own
/// name.
fn above(found: &[Found], keys: &[PublicKey]) -> String {
    let sound = found.iter().filter_map(|one| {
        let read = Digest::read(&one.bytes).ok()?;
        let is_signed = read.is_signed_by(keys, &one.bytes);
        let above = read.digest.head.key.strip_suffix(&one.name)?.to_owned();
        is_signed.then_some(above)
    });
    sound.min_by_key(String::len).unwrap_or_default()
}

impl Report {
    fn tell(&self, out: &mut dyn Write) -> io::Result<()> {
        for finding in &self.chains.findings {
            writeln!(out, "{finding}")?;
        }
        if !self.chains.findings.is_empty() {
            writeln!(out)?;
        }
        writeln!(out, "{}", self.place)?;
        for chain in &self.chains.chains {
            writeln!(out, "  {}", told(chain))?;
        }
        let Counts {
            objects,
            events,
            explained,
            older,
            newer,
            foreign,
        } = self.counts;
        writeln!(out, "  {objects} objects with {events} events are listed")?;
        for (count, what) in [
            (
                explained,
                "further objects are copies that a digest explains",
            ),
            (
                newer,
                "objects are newer than the last digest, and the next one is to list them",
            ),
            (
                older,
                "objects are older than the evidence, and not covered by it",
            ),
            (
                foreign,
                "objects are of no output with digests, and were not looked at",
            ),
        ] {
            if count > 0 {
                writeln!(out, "  {count} {what}")?;
            }
        }
        match self.chains.findings.len() {
            0 => writeln!(out, "all of it is there, as it was put"),
            1 => writeln!(out, "1 finding"),
            many => writeln!(out, "{many} findings"),
        }
    }

    fn tell_json(&self, out: &mut dyn Write) -> io::Result<()> {
        for finding in &self.chains.findings {
            writeln!(out, "{}", finding.json())?;
        }
        let chains = self.chains.chains.iter().map(|chain| {
            let last = chain.last().map(|read| &read.digest.head);
            json!({
                "chain": chain.chain.to_string(),
                "covers": last.map(|head| head.covers.as_str()),
                "digests": chain.digests.values().map(Vec::len).sum::<usize>(),
                "since": crate::evidence::Moment::new(chain.begins()).to_string(),
                "until": last.map(|head| head.until.to_string()),
                "ended": last.map(|head| head.occasion == Occasion::Stop),
            })
        });
        let counts = self.counts;
        let summary = json!({
            "place": self.place,
            "chains": chains.collect::<Vec<_>>(),
            "objects": counts.objects,
            "events": counts.events,
            "explained": counts.explained,
            "newer": counts.newer,
            "older": counts.older,
            "foreign": counts.foreign,
            "findings": self.chains.findings.len(),
        });
        writeln!(out, "{summary}")
    }
}

/// Up to when a chain's evidence reaches.
fn told(chain: &ChainState) -> String {
    let digests: usize = chain.digests.values().map(Vec::len).sum();
    let id = chain.chain;
    let Some(last) = chain.last().map(|read| &read.digest.head) else {
        return format!("chain {id}: no digest");
    };
    let since = crate::evidence::Moment::new(chain.begins());
    let (covers, until) = (&last.covers, last.until);
    let end = match last.occasion {
        Occasion::Stop => "where the server ended in order",
        Occasion::Start | Occasion::Interval => "and goes on, or breaks off",
    };
    format!("chain {id} about {covers}*: {digests} digests, from {since} to {until}, {end}")
}
