//! The tables, and what breaks them.

use std::fmt;

use crate::source::{Segments, SourceFile};

/// A module of `src/`, and the modules beside it that it may import. All may use the crates
/// `fluent-compat` and `forebay-certs`.
const IMPORTS: &[(&str, &[&str])] = &[
    ("host", &[]),
    ("buffer", &["host"]),
    ("sink", &["host"]),
    // Knows of objects what it is told: neither chunks nor stores.
    ("evidence", &["host"]),
    // The only joint between the buffer and a sink, and who tells the evidence of both.
    ("schedule", &["buffer", "evidence", "sink", "host"]),
    ("route", &["buffer", "host"]),
    ("decode", &["route", "host"]),
    // Sees decode only as a function that it is handed.
    ("listener", &["host"]),
    ("telemetry", &["host"]),
    ("cli", &[]),
    // Shows what the stages count.
    (
        "monitor",
        &["buffer", "decode", "host", "listener", "schedule"],
    ),
    (
        "settings",
        &[
            "buffer",
            "decode",
            "evidence",
            "host",
            "listener",
            "monitor",
            "route",
            "schedule",
            "sink",
            "telemetry",
        ],
    ),
    // Explains what the settings hold.
    (
        "check",
        &[
            "buffer", "decode", "evidence", "listener", "route", "schedule", "settings", "sink",
        ],
    ),
    ("certs_tool", &["cli", "host"]),
    // Reads what the evidence has made of a bucket.
    ("verify", &["cli", "evidence", "host", "sink"]),
    ("chunk_tool", &["buffer"]),
    // Sees a server as any other client does: by what its monitor's port answers.
    ("top", &["cli", "host"]),
    (
        "app",
        &[
            "buffer",
            "cli",
            "decode",
            "evidence",
            "host",
            "listener",
            "monitor",
            "route",
            "schedule",
            "settings",
            "sink",
            "telemetry",
        ],
    ),
];

/// The beginning of a path, and the places that may write it.
const HOMES: &[(&[&str], &[&str])] = &[
    (&["aws_config"], &["src/sink/s3"]),
    (
        &["aws_lc_rs"],
        &["src/evidence", "src/listener", "src/sink/s3/pack"],
    ),
    (&["aws_sdk_s3"], &["src/sink/s3"]),
    (&["aws_smithy_http_client"], &["src/sink/s3"]),
    (&["axum"], &["src/decode"]),
    (&["rustls_pemfile"], &["certs/src/pem"]),
    (&["std", "fs"], &["src/host", "certs/src/write"]),
    // The unlinked temporary file of an object that is too large to be packed in memory.
    (&["tokio", "fs"], &["src/sink/s3/pack"]),
    (&["tokio_rustls"], &["src/listener"]),
];

/// A type that is reached by many paths, and its place.
const CLOCK: (&str, &str) = ("SystemTime", "src/host");

/// What a crate whose answers depend on its arguments alone does not write.
const IMPURE: &[&[&str]] = &[
    &["std", "env"],
    &["std", "net"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "time", "Instant"],
    &["tokio"],
];

/// A rule that a file breaks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    place: String,
    problem: String,
}

impl Violation {
    pub(crate) fn new(place: &str, problem: String) -> Self {
        let place = place.to_owned();
        Self { place, problem }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

/// Imports from one module of the server to another that the table does not have.
pub(crate) fn forbidden_imports(files: &[SourceFile]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| file.is_in("src")) {
        let module = file.module();
        // The crate's root may see everything: it only declares and starts.
        let Some(stage) = module.first() else {
            continue;
        };
        let Some((_, allowed)) = IMPORTS.iter().find(|(name, _)| name == stage) else {
            let problem = format!("{stage} has no row in the table of imports");
            violations.push(Violation::new(&file.path, problem));
            continue;
        };
        for path in file.paths() {
            let Some(target) = module_of_ours(&path, module.len()) else {
                continue;
            };
            let is_ours = IMPORTS.iter().any(|(name, _)| *name == target);
            if is_ours && target != *stage && !allowed.contains(&target) {
                let written = path.join("::");
                let problem = format!("{stage} may not import {target}, but names {written}");
                violations.push(Violation::new(&file.path, problem));
            }
        }
    }
    violations
}

/// Names that appear outside the place they belong to.
pub(crate) fn names_away_from_home(files: &[SourceFile]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files {
        for path in file.paths() {
            let home = HOMES.iter().find(|(name, _)| begins_with(&path, name));
            let stray = home.filter(|(_, places)| !places.iter().any(|place| file.is_in(place)));
            let (name, place) = CLOCK;
            let written = path.join("::");
            if let Some((_, places)) = stray {
                let problem = format!("{written} belongs into {}", places.join(" or "));
                violations.push(Violation::new(&file.path, problem));
            } else if path.iter().any(|segment| segment == name) && !file.is_in(place) {
                let problem = format!("{written} belongs into {place}");
                violations.push(Violation::new(&file.path, problem));
            }
        }
    }
    violations
}

/// What `fluent-compat` should have taken as a parameter.
pub(crate) fn impurities(files: &[SourceFile]) -> Vec<Violation> {
    let pure = files.iter().filter(|file| file.is_in("fluent-compat"));
    let impure = |file: &SourceFile| {
        let paths = file.paths().into_iter();
        let impure = paths.filter(|path| IMPURE.iter().any(|name| begins_with(path, name)));
        let violation = |path: Segments| {
            let problem = format!("{} has no place in a pure crate", path.join("::"));
            Violation::new(&file.path, problem)
        };
        impure.map(violation).collect::<Vec<_>>()
    };
    pure.flat_map(impure).collect()
}

/// All files and folders that the tables name.
pub(crate) fn places() -> impl Iterator<Item = String> {
    let modules = IMPORTS.iter().map(|(name, _)| format!("src/{name}"));
    let homes = HOMES.iter().flat_map(|(_, places)| places.iter());
    let homes = homes.map(|&place| place.to_owned());
    modules.chain(homes).chain([CLOCK.1.to_owned()])
}

/// The top-level module that a path of the crate leads to, written from a module so deep.
fn module_of_ours(path: &[String], depth: usize) -> Option<&str> {
    let (first, rest) = path.split_first()?;
    if first == "crate" {
        return rest.first().map(String::as_str);
    }
    let ups = path
        .iter()
        .take_while(|segment| *segment == "super")
        .count();
    (ups > 0 && ups >= depth).then(|| path.get(ups).map(String::as_str))?
}

fn begins_with(path: &[String], name: &[&str]) -> bool {
    path.len() >= name.len() && path.iter().zip(name).all(|(found, wanted)| found == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(check: fn(&[SourceFile]) -> Vec<Violation>, path: &str, text: &str) -> Vec<String> {
        let (path, text) = (path.to_owned(), text.to_owned());
        let violations = check(&[SourceFile { path, text }]);
        violations.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_buffer_may_not_import_a_sink() {
        let text = "use crate::{host::clock::Clock, sink::Sink};";
        assert_eq!(
            problems(forbidden_imports, "src/buffer/limits.rs", text),
            ["src/buffer/limits.rs: buffer may not import sink, but names crate::sink::Sink"]
        );
        assert!(problems(forbidden_imports, "src/schedule.rs", text).is_empty());
        assert!(problems(forbidden_imports, "src/sink/mod.rs", "use crate::sink::s3;").is_empty());
    }

    #[test]
    fn super_leads_to_a_neighbour_only_from_the_top() {
        let text = "use super::sink::Sink;";
        assert_eq!(problems(forbidden_imports, "src/buffer.rs", text).len(), 1);
        assert!(problems(forbidden_imports, "src/buffer/file.rs", text).is_empty());
        let text = "fn f() { super::super::sink::put() }";
        assert_eq!(
            problems(forbidden_imports, "src/buffer/file.rs", text).len(),
            1
        );
    }

    #[test]
    fn a_module_without_a_row_is_told_of() {
        assert_eq!(
            problems(forbidden_imports, "src/extra/a.rs", ""),
            ["src/extra/a.rs: extra has no row in the table of imports"]
        );
        assert!(problems(forbidden_imports, "src/lib.rs", "use crate::app;").is_empty());
    }

    #[test]
    fn a_name_away_from_its_home_is_told_of() {
        assert_eq!(
            problems(
                names_away_from_home,
                "src/route.rs",
                "use std::{fs::File, io};"
            ),
            ["src/route.rs: std::fs::File belongs into src/host or certs/src/write"]
        );
        assert!(problems(names_away_from_home, "src/host/fs/disk.rs", "use std::fs;").is_empty());
        let text = "use axum::body::Body;";
        assert!(problems(names_away_from_home, "src/decode.rs", text).is_empty());
        assert_eq!(
            problems(names_away_from_home, "src/decoder.rs", text).len(),
            1
        );
    }

    #[test]
    fn the_wall_clock_is_found_by_whatever_path() {
        let text = "fn f() { let _ = time::SystemTime::now(); }";
        assert_eq!(
            problems(names_away_from_home, "src/buffer.rs", text).len(),
            1
        );
        assert!(problems(names_away_from_home, "src/host/clock.rs", text).is_empty());
    }

    #[test]
    fn the_pure_crate_reads_no_environment() {
        let text = "fn f() -> String { std::env::var(\"HOME\").unwrap_or_default() }";
        assert_eq!(
            problems(impurities, "fluent-compat/src/config/embedded.rs", text).len(),
            1
        );
        assert!(problems(impurities, "src/host/environment.rs", text).is_empty());
    }
}
