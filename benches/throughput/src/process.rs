//! What a process has used, by the kernel's own accounting.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a process and its descendants have used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// In user and in kernel mode, of all threads; in steps of 10 ms.
    pub(crate) cpu: Duration,
    /// Resident bytes now.
    pub(crate) resident: u64,
}

/// Asks about a process. Workers that it has started count as well.
///
/// # Errors
/// `/proc` cannot be read, or the process is gone.
pub(crate) fn usage(pid: u32) -> io::Result<Usage> {
    let processes = processes()?;
    let mut total = Usage::default();
    let mut family = vec![pid];
    while let Some(member) = family.pop() {
        let Some(process) = processes.get(&member) else {
            continue;
        };
        total.cpu += process.cpu;
        total.resident += process.resident;
        let children = processes.iter().filter(|(_, other)| other.parent == member);
        family.extend(children.map(|(pid, _)| *pid));
    }
    match processes.contains_key(&pid) {
        true => Ok(total),
        false => Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("there is no process {pid}"),
        )),
    }
}

/// The most that a process ever had resident, in bytes.
///
/// # Errors
/// `/proc` cannot be read, or the process is gone.
pub(crate) fn peak_resident(pid: u32) -> io::Result<u64> {
    let path = Path::new("/proc").join(pid.to_string()).join("status");
    let status = std::fs::read_to_string(path)?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = peak.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    let kibibytes = kibibytes.ok_or_else(|| io::Error::other("no VmHWM in its status"))?;
    Ok(kibibytes << 10)
}

/// Descriptors that a process has open.
///
/// # Errors
/// `/proc` cannot be read, or the process is gone.
pub(crate) fn descriptors(pid: u32) -> io::Result<usize> {
    Ok(Path::new("/proc")
        .join(pid.to_string())
        .join("fd")
        .read_dir()?
        .count())
}

/// Lets this process have as many descriptors as the system allows it.
pub(crate) fn raise_descriptors() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    // Whoever needs more than there are is told when there are none left.
    let _ = setrlimit(Resource::Nofile, raised);
}

struct Process {
    parent: u32,
    cpu: Duration,
    resident: u64,
}

fn processes() -> io::Result<HashMap<u32, Process>> {
    let mut found = HashMap::new();
    for entry in Path::new("/proc").read_dir()? {
        let entry = entry?;
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        // One that has ended since it was listed is none of ours.
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        if let Some(process) = parse(&stat) {
            found.insert(pid, process);
        }
    }
    Ok(found)
}

/// The fields of `/proc/<pid>/stat`, see proc(5).
fn parse(stat: &str) -> Option<Process> {
    // The second field is the name in parentheses, which may hold anything.
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // Numbered from 1, and two of them are cut off: the fourth has the index 1.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let (parent, user, system, pages) = (field(4)?, field(14)?, field(15)?, field(24)?);
    let ticks = user + system;
    Some(Process {
        parent: u32::try_from(parent).ok()?,
        cpu: Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second()),
        resident: pages * rustix::param::page_size() as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_shifts_no_field() {
        let numbers: Vec<String> = (4..=30).map(|number| number.to_string()).collect();
        let stat = format!("17 (a) b (c) R {}", numbers.join(" "));
        let process = parse(&stat).unwrap();
        assert_eq!(process.parent, 4);
        let ticks = 14 + 15;
        let milliseconds = ticks * 1000 / rustix::param::clock_ticks_per_second();
        assert_eq!(process.cpu, Duration::from_millis(milliseconds));
        assert_eq!(process.resident, 24 * rustix::param::page_size() as u64);
    }

    #[test]
    fn this_process_has_memory_and_an_absent_one_is_an_error() {
        assert!(usage(std::process::id()).unwrap().resident > 0);
        assert!(usage(u32::MAX).is_err());
    }
}
