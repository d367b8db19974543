//! Asks callgrind.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::case::Case;

/// What one event costs: the difference between twice as many requests and once as many, so
/// that what the start costs is not in it.
pub(crate) fn instructions_an_event(case: Case) -> anyhow::Result<f64> {
    let requests = case.requests();
    let once = instructions(case, requests)?;
    let twice = instructions(case, 2 * requests)?;
    let events = requests * case.events() as u64;
    let more = twice.checked_sub(once);
    let more =
        more.with_context(|| format!("{case}: twice the work cost less: {twice}, {once}"))?;
    Ok(more as f64 / events as f64)
}

/// Of a whole process that posts so many requests.
fn instructions(case: Case, requests: u64) -> anyhow::Result<u64> {
    // On one processor the threads take their turns in the same order each time.
    let output = Command::new("taskset")
        .args(["--cpu-list", &a_processor()?, "valgrind"])
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["drive", case.name(), &requests.to_string()])
        .stdin(Stdio::null())
        .output()
        .context("taskset (of util-linux) cannot be started")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{case}: {}: {said}", output.status);
    }
    collected(&said).with_context(|| format!("{case}: callgrind says no number: {said}"))
}

/// The first of those that this process may run on.
fn a_processor() -> anyhow::Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let lists = status
        .lines()
        .filter_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let first = lists.flat_map(|list| list.trim().split([',', '-'])).next();
    let first = first.context("/proc/self/status does not say where this may run")?;
    Ok(first.to_owned())
}

/// The number in `==4711== Collected : 123456`.
fn collected(said: &str) -> Option<u64> {
    let mut lines = said.lines().rev();
    let (_, number) = lines.find_map(|line| line.split_once("Collected :"))?;
    number.trim().parse().ok()
}

/// Which compiler it was: another one makes other instructions.
pub(crate) fn compiler() -> anyhow::Result<String> {
    let output = Command::new("rustc").arg("--version").output();
    let output = output.context("rustc cannot be asked for its version")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
