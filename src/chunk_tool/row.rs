//! One chunk as a line: for people, and as JSON.

use fluent_compat::time::EventTime;
use fluent_compat::timekey::Timekey;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::buffer::{ChunkState, Inspected, Severity};

const HEADINGS: [&str; 11] = [
    "STATE",
    "ID",
    "TAG",
    "TIMEKEY",
    "VARIABLES",
    "RECORDS",
    "BYTES",
    "CREATED",
    "AGE",
    "OBJECT",
    "FILE",
];

/// A heading, and a line for each chunk; what is wrong with it follows its file. Nothing
/// for none.
pub(super) fn table(chunks: &[Inspected], now: EventTime) -> String {
    if chunks.is_empty() {
        return String::new();
    }
    let heading = HEADINGS.map(str::to_owned);
    let rows = chunks.iter().map(|chunk| cells(chunk, now));
    let rows: Vec<_> = std::iter::once(heading).chain(rows).collect();
    let mut widths = [0; HEADINGS.len()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in &rows {
        let padded = row.iter().zip(widths);
        let padded: Vec<_> = padded
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// The same for programs; what is not known is `null`.
pub(super) fn json(chunk: &Inspected, now: EventTime) -> Value {
    let metadata = &chunk.metadata;
    let variables = metadata.variables.iter();
    let variables: Map<_, _> = variables
        .map(|(key, text)| (key.clone(), json!(text)))
        .collect();
    json!({
        "state": name(chunk.state),
        "id": chunk.id.map(|id| id.to_string()),
        "tag": metadata.tag.as_ref().map(ToString::to_string),
        "timekey": metadata.timekey.map(Timekey::seconds),
        "variables": variables,
        "records": chunk.records,
        "bytes": chunk.bytes,
        "created": chunk.created.map(shown_time),
        "age_seconds": chunk.created.map(|created| age(created, now)),
        "object": chunk.object,
        "file": chunk.path.display().to_string(),
        "damaged": chunk.is_damaged(),
    })
}

/// What `verify` found in a file.
pub(super) fn verdict(chunk: &Inspected) -> Value {
    let problems = chunk.problems.iter().map(|problem| {
        json!({
            "offset": problem.offset,
            "severity": match problem.severity {
                Severity::Damage => "damage",
                Severity::Expected => "unfinished",
            },
            "problem": problem.what,
        })
    });
    json!({
        "file": chunk.path.display().to_string(),
        "state": name(chunk.state),
        "damaged": chunk.is_damaged(),
        "problems": problems.collect::<Vec<_>>(),
    })
}

fn cells(chunk: &Inspected, now: EventTime) -> [String; HEADINGS.len()] {
    let metadata = &chunk.metadata;
    let variables = metadata.variables.iter().map(|(key, text)| match text {
        Some(text) => format!("{key}={}", visible(text)),
        None => format!("{key}=nil"),
    });
    let unknown = || "-".to_owned();
    let variables = variables.collect::<Vec<_>>().join(",");
    let file = match chunk.is_damaged() {
        true => format!("{} (damaged)", chunk.path.display()),
        false => chunk.path.display().to_string(),
    };
    [
        name(chunk.state).to_owned(),
        chunk.id.map_or_else(unknown, |id| id.to_string()),
        metadata
            .tag
            .as_ref()
            .map_or_else(unknown, |tag| visible(tag.as_str())),
        metadata
            .timekey
            .map_or_else(unknown, |key| shown_time(key.start())),
        if variables.is_empty() {
            unknown()
        } else {
            variables
        },
        chunk.records.to_string(),
        chunk.bytes.to_string(),
        chunk.created.map_or_else(unknown, shown_time),
        chunk
            .created
            .map_or_else(unknown, |created| shown_age(age(created, now))),
        chunk.object.as_deref().map_or_else(unknown, visible),
        file,
    ]
}

/// A stranger's text must not move a terminal's cursor, nor a cell into the next column.
fn visible(text: &str) -> String {
    let is_plain = |c: char| !c.is_control() && !c.is_whitespace();
    let shown = text.chars().map(|c| match is_plain(c) {
        true => c.to_string(),
        false => c.escape_unicode().to_string(),
    });
    shown.collect()
}

fn name(state: ChunkState) -> &'static str {
    match state {
        ChunkState::Staged => "staged",
        ChunkState::Queued => "queued",
        ChunkState::GivenUp => "given-up",
        ChunkState::FluentdStaged => "fluentd-staged",
        ChunkState::FluentdQueued => "fluentd-queued",
        ChunkState::SetAside => "set-aside",
    }
}

/// To the second, in UTC.
fn shown_time(time: EventTime) -> String {
    let seconds = time.seconds();
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

/// In whole seconds; of a chunk from the future, 0.
fn age(created: EventTime, now: EventTime) -> i64 {
    now.seconds().saturating_sub(created.seconds()).max(0)
}

/// The two largest units.
fn shown_age(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m{}s", seconds % 60),
        (0, _, _) => format!("{hours}h{}m", minutes % 60),
        _ => format!("{days}d{}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_its_two_largest_units() {
        for (seconds, shown) in [
            (0, "0s"),
            (59, "59s"),
            (61, "1m1s"),
            (3_600, "1h0m"),
            (90_000, "1d1h"),
        ] {
            assert_eq!(shown_age(seconds), shown);
        }
    }

    #[test]
    fn a_tag_cannot_paint_the_terminal() {
        assert_eq!(visible("żółw.\x1b[31m log"), "żółw.\\u{1b}[31m\\u{20}log");
    }

    #[test]
    fn a_chunk_from_the_future_has_no_age() {
        assert_eq!(age(EventTime::new(20, 0), EventTime::new(10, 0)), 0);
    }
}
