//! `forebay chunk`: what lies in a buffer's directory, for people at three in the morning.
//!
//! Reading only, beside a running server too; `buffer::inspect` knows the files, this knows
//! how to show them.

mod row;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use fluent_compat::time::EventTime;

use crate::buffer::{self, CopyError, Inspected, Severity};

/// How `ls` and `verify` answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Lines for people.
    Text,
    /// A JSON object a line.
    Json,
}

/// Where answers and complaints go.
pub(crate) struct Outputs<'a> {
    pub(crate) out: &'a mut dyn Write,
    pub(crate) err: &'a mut dyn Write,
}

/// `forebay chunk ls`: a line a chunk. `now` is what ages are counted to.
pub(crate) fn ls(dir: &Path, form: Form, now: EventTime, outputs: &mut Outputs<'_>) -> ExitCode {
    let chunks = match inspect(dir, outputs) {
        Ok(chunks) => chunks,
        Err(failed) => return failed,
    };
    let shown = match form {
        Form::Text => row::table(&chunks, now),
        Form::Json => lines(chunks.iter().map(|chunk| row::json(chunk, now))),
    };
    if chunks.is_empty() {
        let _ = writeln!(outputs.err, "no chunks in {}", dir.display());
    }
    ended(outputs.out.write_all(shown.as_bytes()), outputs)
}

/// `forebay chunk verify`: every frame of every file. Fails if any is damaged.
pub(crate) fn verify(dir: &Path, form: Form, outputs: &mut Outputs<'_>) -> ExitCode {
    let chunks = match inspect(dir, outputs) {
        Ok(chunks) => chunks,
        Err(failed) => return failed,
    };
    let shown = match form {
        Form::Text => findings(&chunks),
        Form::Json => lines(chunks.iter().map(row::verdict)),
    };
    let ended = ended(outputs.out.write_all(shown.as_bytes()), outputs);
    match chunks.iter().any(Inspected::is_damaged) {
        true => ExitCode::FAILURE,
        false => ended,
    }
}

/// `forebay chunk cat`: the events of one file, up to the first damage.
pub(crate) fn cat(file: &Path, outputs: &mut Outputs<'_>) -> ExitCode {
    let copied = buffer::copy_events(file, outputs.out);
    let flushed = outputs.out.flush();
    match copied {
        Ok(()) => ended(flushed, outputs),
        Err(CopyError::Write(error)) => ended(Err(error), outputs),
        Err(error) => failed(file, &error, outputs),
    }
}

/// What `verify` found, file by file, and the sum.
fn findings(chunks: &[Inspected]) -> String {
    let mut text = String::new();
    for chunk in chunks {
        for problem in &chunk.problems {
            let kind = match problem.severity {
                Severity::Damage => "damaged",
                Severity::Expected => "unfinished",
            };
            let (path, offset) = (chunk.path.display(), problem.offset);
            let what = &problem.what;
            text.push_str(&format!("{kind} {path} at offset {offset}: {what}\n"));
        }
    }
    let damaged = chunks.iter().filter(|chunk| chunk.is_damaged()).count();
    let records: u64 = chunks.iter().map(|chunk| chunk.records).sum();
    let files = chunks.len();
    let files = if files == 1 {
        "1 file".to_owned()
    } else {
        format!("{files} files")
    };
    text.push_str(&format!("{files}, {records} records, {damaged} damaged\n"));
    text
}

fn inspect(dir: &Path, outputs: &mut Outputs<'_>) -> Result<Vec<Inspected>, ExitCode> {
    let dir = directory(dir);
    buffer::inspect(&dir).map_err(|error| match error.kind() {
        io::ErrorKind::NotADirectory => {
            let hint = "it is a file, and `forebay chunk cat` shows what is in it";
            failed(&dir, &hint, outputs)
        }
        _ => failed(&dir, &error, outputs),
    })
}

/// People paste the `path` of their `<buffer>`, which may be a pattern.
fn directory(path: &Path) -> PathBuf {
    let last = path.file_name().and_then(|name| name.to_str());
    match last.is_some_and(|name| name.contains(".*")) {
        true => buffer::directory(path),
        false => path.to_owned(),
    }
}

fn failed(path: &Path, why: &dyn std::fmt::Display, outputs: &mut Outputs<'_>) -> ExitCode {
    let _ = writeln!(outputs.err, "forebay: {}: {why}", path.display());
    ExitCode::FAILURE
}

/// A reader that has seen enough is no failure.
fn ended(written: io::Result<()>, outputs: &mut Outputs<'_>) -> ExitCode {
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(outputs.err, "forebay: nothing can be written: {error}");
            ExitCode::FAILURE
        }
    }
}

fn lines(values: impl Iterator<Item = serde_json::Value>) -> String {
    values.map(|value| format!("{value}\n")).collect()
}
