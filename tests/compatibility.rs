//! `docs/compatibility.md` is true: each row is tried.
//!
//! With `UPDATE_COMPATIBILITY=1` the table is written anew from what the server says. Then
//! read what has changed, and put into words what the server does not say.

#[path = "compatibility/table.rs"]
mod table;
#[path = "compatibility/templates.rs"]
mod templates;

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use fluent_compat::config::{Environment, Ink, Texts};
use fluent_compat::time::Zone;
use forebay::host::clock::SystemClock;
use forebay::settings::{Host, load_on};
use forebay_testbed::keys::{DigestKeys, Keys};
use table::{Here, Line, Row};
use templates::{HERE, PASSPHRASE, template_for, with_line};

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/compatibility.md");
const UPDATE: &str = "UPDATE_COMPATIBILITY";

type TestResult = Result<(), Box<dyn Error>>;

#[test]
fn every_row_of_the_table_is_true() -> TestResult {
    let text = std::fs::read_to_string(TABLE)?;
    let bench = Bench::new()?;
    let mut lines = table::read(&text);
    let mut wrong = Vec::new();
    for line in &mut lines {
        let Line::Row(heading, row) = line else {
            continue;
        };
        let conf =
            template_for(heading, &row.name).ok_or_else(|| format!("no template for {heading}"))?;
        let verdict = bench.judge(&conf, row);
        if !verdict.agrees_with(row) {
            wrong.push(format!(
                "{heading}: {} is \"{}\" in the table, and the server says: {}",
                row.line(),
                row.here,
                verdict.remarks()
            ));
            verdict.correct(row);
        }
    }
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(TABLE, table::written(&lines))?;
        return Ok(());
    }
    assert!(
        wrong.is_empty(),
        "{}\n({UPDATE}=1 writes the table anew)",
        wrong.join("\n")
    );
    Ok(())
}

#[test]
fn every_row_that_differs_says_how() -> TestResult {
    let text = std::fs::read_to_string(TABLE)?;
    let mut rows = 0;
    for line in table::read(&text) {
        let Line::Row(heading, row) = line else {
            continue;
        };
        rows += 1;
        let says_how = row.here == Here::Works || !row.remark.is_empty();
        assert!(says_how, "{heading}: {} has no remark", row.line());
    }
    assert!(rows > 250, "only {rows} rows were found");
    Ok(())
}

/// A machine that has Teleport's keys and nothing else.
struct Bench {
    files: Texts,
    passphrase: String,
}

/// What the server says of a configuration because of one line in it.
struct Verdict {
    is_valid: bool,
    added: Vec<String>,
}

impl Bench {
    fn new() -> Result<Self, Box<dyn Error>> {
        let directory = tempfile::tempdir()?;
        let keys = Keys::issue(directory.path())?;
        DigestKeys::issue(directory.path())?;
        let passphrase = keys.transport().passphrase;
        let mut files = Texts::default();
        for name in ["ca.crt", "ca.key", "server.crt", "server.key", "digest.key"] {
            let content = std::fs::read(keys.directory().join(name))?;
            files = files.with(Path::new("/keys").join(name), content);
        }
        Ok(Self {
            files,
            passphrase: passphrase.ok_or("the key is not encrypted")?,
        })
    }

    fn judge(&self, template: &str, row: &Row) -> Verdict {
        let without = self.read(&template.replace(HERE, ""));
        let with = self.read(&with_line(template, &row.line()));
        let known: BTreeSet<_> = without.1.into_iter().collect();
        let is_valid = with.0;
        // What is wrong with the line alone, or, if that is nothing, with all of it.
        let mut added: Vec<_> = with.1.iter().filter(|r| !known.contains(*r)).collect();
        if !is_valid && !added.iter().any(|remark| remark.contains("error: ")) {
            added = with.1.iter().collect();
        }
        // In a section without effect no line has one, and no line says so of itself.
        if added.is_empty() {
            let whole_section = |remark: &&String| remark.contains("> in <match> has no effect");
            added = with.1.iter().filter(whole_section).collect();
        }
        let added = added.into_iter().cloned().collect();
        Verdict { is_valid, added }
    }

    /// Whether it is valid, and the remarks without their places.
    fn read(&self, conf: &str) -> (bool, Vec<String>) {
        let conf = conf.replace(PASSPHRASE, &self.passphrase);
        let path = Path::new("fluent.conf");
        let host = Host {
            loader: &self.files.clone().with(path, conf),
            environment: Environment::new("box"),
            local_zone: Zone::Utc,
            hostname: "box".to_owned(),
            clock: Arc::new(SystemClock),
        };
        let loaded = load_on(path, &host);
        let remarks = loaded.remarks(Ink::Plain);
        let remarks = remarks.lines().filter_map(|line| {
            let (_, remark) = line.strip_prefix("fluent.conf:")?.split_once(": ")?;
            Some(remark.to_owned())
        });
        (loaded.settings.is_some(), remarks.collect())
    }
}

impl Verdict {
    fn here(&self) -> Here {
        if self
            .added
            .iter()
            .any(|remark| remark.contains("unknown parameter"))
        {
            return Here::Unknown;
        }
        let is_passed_over = self.added.iter().any(|remark| {
            let words = ["no effect", "not acted on"];
            words.iter().any(|words| remark.contains(words))
        });
        match (self.is_valid, is_passed_over, self.added.is_empty()) {
            (false, ..) => Here::Refused,
            (true, true, _) => Here::NoEffect,
            (true, false, true) => Here::Works,
            (true, false, false) => Here::Differs,
        }
    }

    /// Whether something differs is not always told by a warning: the table knows more.
    fn agrees_with(&self, row: &Row) -> bool {
        let here = self.here();
        here == row.here || here == Here::Works && row.here == Here::Differs
    }

    fn correct(&self, row: &mut Row) {
        row.here = self.here();
        row.remark = match row.here {
            Here::Works => String::new(),
            _ => self.reason(),
        };
    }

    /// The server's own words, without those that the row has already.
    fn reason(&self) -> String {
        let remark = self.added.first().cloned().unwrap_or_default();
        let remark = remark
            .trim_start_matches("warning: ")
            .trim_start_matches("error: ");
        let reason = remark.split_once("has no effect: ");
        let reason = reason.map_or(remark, |(_, reason)| reason);
        let reason = match reason.ends_with("not acted on") {
            true => "known, but not acted on",
            false => reason,
        };
        reason.replace('|', "\\|")
    }

    fn remarks(&self) -> String {
        match self.added.is_empty() {
            true => "nothing".to_owned(),
            false => self.added.join("; "),
        }
    }
}
