//! Asks the crate for the answers that were recorded from a running Fluentd.
//!
//! The recordings lie in `vectors/` of this crate, or in the directory that the
//! environment variable `FLUENTD_VECTORS` names. Our deliberate differences lie in
//! `vectors/differences/` and are put over the recorded answers before a check sees them.
//!
//! A test file takes this in with `mod vectors;` and calls [`run`] once for each recording;
//! so do, by its path, the tests of the whole server.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test file is a crate of its own and uses its own part of this one"
)]
#![allow(
    clippy::panic,
    clippy::print_stdout,
    reason = "test support: a broken recording ends the run, and the tally is its output"
)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

/// One recorded question with the answer that is to be met.
#[derive(Debug)]
pub struct Case {
    /// Unique in its file.
    pub id: String,
    /// The time zone that the recording process ran in, such as `Asia/Tokyo`.
    pub tz: String,
    /// The decision that makes our answer differ from Fluentd's, where it does.
    pub difference: Option<String>,
    members: Map<String, Value>,
}

impl Case {
    /// The member of that name; `null` where the case has none.
    pub fn get(&self, name: &str) -> &Value {
        self.members.get(name).unwrap_or(&Value::Null)
    }

    /// Whether the case has the member, be it `null`.
    pub fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// A member that is a text, as UTF-8.
    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name))
            .unwrap_or_else(|_| panic!("case {}: member {name} is not UTF-8", self.id))
    }

    /// A member that is a text, as the bytes it stands for.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        bytes_of(self.get(name))
            .unwrap_or_else(|| panic!("case {}: member {name} is not a text", self.id))
    }
}

/// The bytes of a recorded text: a JSON string, or `{"base64": …}` for what is not UTF-8.
pub fn bytes_of(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Object(members) => BASE64_STANDARD
            .decode(members.get("base64")?.as_str()?)
            .ok(),
        _ => None,
    }
}

/// The cases of a recording, such as `config.json` or `asia-tokyo/time_parse.json`,
/// with our differences put over them.
pub fn load(file: &str) -> Vec<Case> {
    let (directory, is_foreign) = match env::var_os("FLUENTD_VECTORS") {
        Some(directory) => (PathBuf::from(directory), true),
        None => (own_directory(), false),
    };
    let recording = read_json(&directory.join(file));
    let tz = recording.get("tz").and_then(Value::as_str).unwrap_or("UTC");
    let mut differences = read_differences(file);
    let cases: Vec<Case> = recording
        .get("cases")
        .and_then(Value::as_array)
        .unwrap_or_else(|| panic!("{file}: no array `cases`"))
        .iter()
        .map(|case| read_case(file, tz, case, &mut differences))
        .collect();
    // Another recording may well lack some of our cases.
    if !is_foreign {
        let stale: Vec<&String> = differences.keys().collect();
        assert!(
            stale.is_empty(),
            "{file}: differences for cases that do not exist: {stale:?}"
        );
    }
    cases
}

/// Checks every case of a recording, prints `<file>: N passed, N failed` and fails
/// the test, naming each failed case, unless all have passed.
pub fn run(file: &str, check: impl Fn(&Case) -> Result<(), String>) {
    let cases = load(file);
    assert!(!cases.is_empty(), "{file}: no cases");
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let found = check(case).err()?;
            let difference = case
                .difference
                .as_ref()
                .map_or_else(String::new, |because| {
                    format!("\n    (differs from Fluentd: {because})")
                });
            Some(format!("  {}: {found}{difference}", case.id))
        })
        .collect();
    let failed = failures.len();
    println!("{file}: {} passed, {failed} failed", cases.len() - failed);
    assert!(
        failures.is_empty(),
        "{file}: {failed} failed\n{}",
        failures.join("\n")
    );
}

/// `Ok` when both are equal, else both in words: the last line of most checks.
pub fn same<T: PartialEq + std::fmt::Debug + ?Sized>(
    found: &T,
    recorded: &T,
) -> Result<(), String> {
    if found == recorded {
        Ok(())
    } else {
        Err(format!(
            "\n    found    {found:?}\n    recorded {recorded:?}"
        ))
    }
}

/// Seen from this crate's tests, or from those of the whole server.
fn own_directory() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = ["vectors", "fluent-compat/vectors"].map(|place| package.join(place));
    let found = places.into_iter().find(|place| place.is_dir());
    found.unwrap_or_else(|| panic!("no vectors below {}", package.display()))
}

fn read_differences(file: &str) -> Map<String, Value> {
    let path = own_directory().join("differences").join(file);
    if !path.exists() {
        return Map::new();
    }
    match read_json(&path) {
        Value::Object(differences) => differences,
        _ => panic!("{}: not an object", path.display()),
    }
}

fn read_case(file: &str, tz: &str, case: &Value, differences: &mut Map<String, Value>) -> Case {
    let mut members = case
        .as_object()
        .cloned()
        .unwrap_or_else(|| panic!("{file}: a case is no object"));
    let id = match members.get("id") {
        Some(Value::String(id)) => id.clone(),
        _ => panic!("{file}: a case without an id"),
    };
    let difference = differences.shift_remove(&id).map(|difference| {
        let answer = difference.get("answer").and_then(Value::as_object);
        let answer = answer.unwrap_or_else(|| panic!("{file}: difference {id} has no `answer`"));
        for (name, value) in answer {
            if value.is_null() {
                members.shift_remove(name);
            } else {
                members.insert(name.clone(), value.clone());
            }
        }
        let because = difference.get("because").and_then(Value::as_str);
        because
            .unwrap_or_else(|| panic!("{file}: difference {id} has no `because`"))
            .to_owned()
    });
    Case {
        id,
        tz: tz.to_owned(),
        difference,
        members,
    }
}

fn read_json(path: &Path) -> Value {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
