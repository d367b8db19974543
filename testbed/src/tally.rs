//! Counts what was acknowledged against what the objects hold.
//!
//! An event is known by `uid` and `ei`; one without a `uid` (a piece of terminal output) by
//! all it says. The same event may be sent to two URLs: then two are expected.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use crate::events::AuditEvent;

/// Whether the server keeps the field its `<parse>` section takes the time from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TimeField {
    /// `keep_time_key true`: `time` is in the record.
    #[default]
    Kept,
    /// As in Teleport's generated configuration: `time` is removed.
    Removed,
}

/// What was sent, to be held against what was stored.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    time: TimeField,
    sent: BTreeMap<String, Sent>,
}

#[derive(Clone, Debug)]
struct Sent {
    record: Map<String, Value>,
    /// How often it was answered with success.
    acknowledged: usize,
    /// How often it was sent without any answer: each may be stored or not.
    unanswered: usize,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// Acknowledged events.
    pub sent: usize,
    /// Records in the objects.
    pub stored: usize,
    /// Acknowledged, but in no object.
    pub missing: Vec<String>,
    /// In the objects more often than they were sent.
    pub twice: Vec<String>,
    /// In the objects with another value.
    pub altered: Vec<String>,
    /// In the objects, but never sent.
    pub strangers: Vec<String>,
    /// Lines that are no JSON object.
    pub unreadable: Vec<String>,
}

impl Tally {
    /// An empty tally.
    pub fn new(time: TimeField) -> Tally {
        Tally {
            time,
            sent: BTreeMap::new(),
        }
    }

    /// Notes an event that was answered with success.
    pub fn acknowledged(&mut self, event: &AuditEvent) {
        self.note(event).acknowledged += 1;
    }

    /// Notes an event that was sent and never answered: it may be stored once, or not.
    pub fn unanswered(&mut self, event: &AuditEvent) {
        self.note(event).unanswered += 1;
    }

    /// How many events were acknowledged so far.
    pub fn acknowledged_count(&self) -> usize {
        self.sent.values().map(|sent| sent.acknowledged).sum()
    }

    /// Compares with the texts of all objects: a record a line, as JSON alone or after
    /// time and tag.
    pub fn check<T: AsRef<str>>(&self, texts: impl IntoIterator<Item = T>) -> Report {
        let mut report = Report {
            sent: self.acknowledged_count(),
            ..Report::default()
        };
        let mut stored: BTreeMap<String, usize> = BTreeMap::new();
        for text in texts {
            for line in text.as_ref().lines() {
                report.stored += 1;
                self.check_line(line, &mut stored, &mut report);
            }
        }
        for (identity, sent) in &self.sent {
            let found = stored.get(identity).copied().unwrap_or_default();
            let missing = sent.acknowledged.saturating_sub(found);
            let twice = found.saturating_sub(sent.acknowledged + sent.unanswered);
            report.missing.extend(vec![identity.clone(); missing]);
            report.twice.extend(vec![identity.clone(); twice]);
        }
        report
    }

    fn check_line(&self, line: &str, stored: &mut BTreeMap<String, usize>, report: &mut Report) {
        let json = line.find('{').and_then(|start| line.get(start..));
        let record = json.and_then(|json| serde_json::from_str::<Map<String, Value>>(json).ok());
        let Some(record) = record else {
            report.unreadable.push(line.to_owned());
            return;
        };
        let identity = identity(&record);
        match self.sent.get(&identity) {
            None => report.strangers.push(identity),
            Some(sent) => {
                if sent.record != record {
                    report.altered.push(identity.clone());
                }
                *stored.entry(identity).or_default() += 1;
            }
        }
    }

    fn note(&mut self, event: &AuditEvent) -> &mut Sent {
        let mut record = event.record.clone();
        if self.time == TimeField::Removed {
            record.remove("time");
        }
        self.sent.entry(identity(&record)).or_insert(Sent {
            record,
            acknowledged: 0,
            unanswered: 0,
        })
    }
}

impl Report {
    /// Every acknowledged event is stored once, as it was sent, and nothing else is.
    pub fn is_exact(&self) -> bool {
        let wrong = [
            &self.missing,
            &self.twice,
            &self.altered,
            &self.strangers,
            &self.unreadable,
        ];
        wrong.iter().all(|wrong| wrong.is_empty())
    }
}

/// `1180 sent, 1180 in S3, 0 missing, 0 twice`, and what else is wrong, if anything is.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (missing, twice) = (self.missing.len(), self.twice.len());
        write!(
            f,
            "{} sent, {} in S3, {missing} missing, {twice} twice",
            self.sent, self.stored
        )?;
        for (what, which) in [
            ("altered", &self.altered),
            ("never sent", &self.strangers),
            ("unreadable", &self.unreadable),
        ] {
            if let Some(first) = which.first() {
                write!(f, ", {} {what} (first: {first})", which.len())?;
            }
        }
        Ok(())
    }
}

fn identity(record: &Map<String, Value>) -> String {
    match (record.get("uid"), record.get("ei")) {
        (Some(Value::String(uid)), Some(ei)) => format!("{uid}/{ei}"),
        _ => {
            let mut all = record.clone();
            // Kept or not, the time is no part of who an event is.
            all.remove("time");
            let mut all = Value::Object(all);
            all.sort_all_objects();
            all.to_string()
        }
    }
}

#[cfg(test)]
mod tests;
