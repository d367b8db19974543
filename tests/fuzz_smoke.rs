//! The fuzz targets over their corpus and over mutations of it, without libFuzzer and its
//! nightly compiler.
//!
//! `FOREBAY_FUZZ_RUNS` says how many mutations each target gets (2,000 if it is not set).
//! `docs/durability.md` says how to let libFuzzer loose on them.

#![expect(
    clippy::print_stdout,
    reason = "how much was tried, for those who run it with --nocapture"
)]

use std::error::Error;
use std::path::Path;

#[expect(unreachable_pub, reason = "it is a crate to those who fuzz")]
#[path = "../fuzz/src/lib.rs"]
mod targets;

type TestResult = Result<(), Box<dyn Error>>;

#[test]
fn any_text_is_a_configuration_or_refused_with_remarks() -> TestResult {
    let mut seeds = corpus("config_text")?;
    for entry in std::fs::read_dir("examples")? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "conf")
        {
            seeds.push(std::fs::read(path)?);
        }
    }
    run("config_text", &seeds, targets::config_text)
}

#[test]
fn any_body_is_events_as_json_or_refused() -> TestResult {
    run("json_body", &corpus("json_body")?, targets::json_body)
}

#[test]
fn any_body_is_events_as_msgpack_or_refused() -> TestResult {
    run(
        "msgpack_body",
        &corpus("msgpack_body")?,
        targets::msgpack_body,
    )
}

#[test]
fn any_text_is_a_key_or_refused() -> TestResult {
    let keys = targets::keys();
    let mut seeds = corpus("pem_key")?;
    let texts = [&keys.server_key, &keys.client_key, &keys.server_crt];
    seeds.extend(texts.map(|text| text.clone().into_bytes()));
    run("pem_key", &seeds, targets::pem_key)
}

#[test]
fn any_file_in_a_buffer_is_taken_up_or_set_aside() -> TestResult {
    let seeds = corpus("chunk_recovery")?;
    run("chunk_recovery", &seeds, targets::chunk_recovery)
}

#[test]
fn any_meta_file_of_fluentds_is_understood_or_refused() -> TestResult {
    let seeds = corpus("fluentd_meta")?;
    run("fluentd_meta", &seeds, targets::fluentd_meta)
}

fn corpus(target: &str) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let directory = Path::new("fuzz/corpus").join(target);
    let mut seeds = Vec::new();
    for entry in std::fs::read_dir(&directory)? {
        seeds.push(std::fs::read(entry?.path())?);
    }
    Ok(seeds)
}

fn run(name: &str, seeds: &[Vec<u8>], target: fn(&[u8])) -> TestResult {
    let runs: u64 = match std::env::var("FOREBAY_FUZZ_RUNS") {
        Ok(text) => text.parse()?,
        Err(_) => 2_000,
    };
    seeds.iter().for_each(|seed| target(seed));
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for run in 0..runs {
        let mut data = dice.one_of(seeds).cloned().unwrap_or_default();
        for _ in 0..=dice.below(4) {
            mutate(&mut data, seeds, &mut dice);
        }
        let outcome = std::panic::catch_unwind(|| target(&data));
        assert!(
            outcome.is_ok(),
            "{name}, run {run}: {:?}",
            data.escape_ascii().to_string()
        );
    }
    println!("{name}: {} seeds, {runs} mutations", seeds.len());
    Ok(())
}

/// Flips, repeats, removes and inserts bytes, and grafts parts of other seeds.
fn mutate(data: &mut Vec<u8>, seeds: &[Vec<u8>], dice: &mut Dice) {
    let at = dice.below(data.len() + 1);
    let end = (at + dice.below(16)).min(data.len());
    match dice.below(5) {
        0 => {
            if let Some(byte) = data.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
        }
        1 => drop(data.drain(at..end)),
        2 => data.insert(at, dice.below(256) as u8),
        3 => {
            let part = data.get(at..end).unwrap_or_default().to_vec();
            data.splice(at..at, part);
        }
        _ => {
            let other = dice.one_of(seeds).cloned().unwrap_or_default();
            let from = dice.below(other.len() + 1);
            let to = (from + dice.below(64)).min(other.len());
            let part = other.get(from..to).unwrap_or_default().to_vec();
            data.splice(at..end, part);
        }
    }
}

/// xorshift64: the same numbers in each run.
struct Dice(u64);

impl Dice {
    /// A number below `limit`, which is above 0.
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % limit
    }

    fn one_of<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(self.below(choices.len().max(1)))
    }
}
