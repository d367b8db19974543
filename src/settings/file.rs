//! `<match>` with `@type file`, and `secondary_file`.

use fluent_compat::chunk::ChunkKeys;
use fluent_compat::config::Params;
use fluent_compat::time::Zone;
use fluent_compat::timekey::TimekeySlots;

use super::remark::{filled, no_effect, reported};
use super::s3::S3Buffer;
use crate::sink::file::{FileConfig, FileMode, FilePath, Packing};

/// What a chunk's path can be made of.
pub(super) struct PathParts<'a> {
    pub(super) keys: &'a ChunkKeys,
    /// How time is cut, if it is a chunk key.
    pub(super) slots: Option<&'a TimekeySlots>,
}

/// What becomes of placeholders that nothing will fill in, as in Fluentd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfilled {
    /// They are mistakes: in an output of its own.
    Refused,
    /// They are warned of: a secondary may be fed by other keys than its author thought.
    Tolerated,
}

/// Reads `@type file`; the caller finishes the section.
pub(super) fn file(
    section: &Params<'_>,
    parts: &PathParts<'_>,
    unfilled: Unfilled,
) -> Option<FileConfig> {
    let path = section.required("path", filled);
    let suffix = section.string("path_suffix").unwrap_or(".log");
    let suffix = match section.bool("add_path_suffix").unwrap_or(true) {
        true => suffix,
        false => "",
    };
    let mode = mode(section);
    let packings = [
        ("text", Packing::Text),
        ("gz", Packing::Gzip),
        ("gzip", Packing::Gzip),
        ("zstd", Packing::Zstd),
    ];
    let packing = section.enumeration("compress", &packings);
    let slice = section.string("time_slice_format");
    warn_of_what_we_leave_alone(section);
    let halves = halves(path?, suffix, slice, parts.slots, mode);
    let (before, after) = reported(section, "path", halves)?;
    let path = FilePath::parse(&before, '_', &after, parts.keys, parts.zone());
    report_unfilled(section, "path", &path, unfilled)?;
    Some(FileConfig {
        path,
        mode,
        packing: packing.unwrap_or(Packing::Text),
    })
}

/// Reads `@type secondary_file`.
pub(super) fn secondary_file(section: &Params<'_>, parts: &PathParts<'_>) -> Option<FileConfig> {
    let directory = section.required("directory", filled);
    let basename = section.string("basename").unwrap_or("dump.bin");
    let is_plain = match basename.contains('/') {
        true => Err("`basename` has a `/`: `directory` says where the files lie"),
        false => Ok(()),
    };
    let is_plain = reported(section, "basename", is_plain);
    let packings = [
        ("text", Packing::Text),
        ("gz", Packing::Gzip),
        ("gzip", Packing::Gzip),
    ];
    let packing = section.enumeration("compress", &packings);
    let mode = mode(section);
    let path = match directory? {
        "/" => format!("/{basename}"),
        directory => format!("{}/{basename}", directory.trim_end_matches('/')),
    };
    let path = FilePath::parse(&path, '.', "", parts.keys, parts.zone());
    report_unfilled(section, "directory", &path, Unfilled::Refused)?;
    is_plain?;
    Some(FileConfig {
        path,
        mode,
        packing: packing.unwrap_or(Packing::Text),
    })
}

impl<'a> From<&S3Buffer<'a>> for PathParts<'a> {
    fn from(chunks: &S3Buffer<'a>) -> Self {
        Self {
            keys: chunks.keys,
            slots: chunks.slots,
        }
    }
}

impl PathParts<'_> {
    /// In which times are written.
    fn zone(&self) -> &Zone {
        self.slots.map_or(&Zone::Utc, |slots| slots.zone())
    }
}

fn mode(section: &Params<'_>) -> FileMode {
    match section.bool("append").unwrap_or(false) {
        true => FileMode::Append,
        false => FileMode::Numbered,
    }
}

/// Parameters of `out_file` that change nothing here.
fn warn_of_what_we_leave_alone(section: &Params<'_>) {
    let _ = section.bool("recompress");
    let _ = section.bool("symlink_path_use_relative");
    no_effect(
        section,
        &["recompress"],
        "a file is packed once, whatever the buffer does",
    );
    no_effect(
        section,
        &["symlink_path", "symlink_path_use_relative"],
        "a chunk in the buffer is no text that a link to it could show",
    );
}

/// A `path` that cannot be.
#[derive(Debug, thiserror::Error)]
enum PathError {
    #[error("`*` in `path` stands for the time: `time` must be a chunk key of <buffer>")]
    NoTime,
    #[error(
        "`path` has {found} of the time and lacks {missing}: \
         files of different slots would have one name"
    )]
    TimeInPart {
        found: &'static str,
        missing: &'static str,
    },
}

/// What stands before the number and after it. The time of the slot comes in the place of
/// `*`, or is added unless the path has it.
fn halves(
    path: &str,
    suffix: &str,
    slice: Option<&str>,
    slots: Option<&TimekeySlots>,
    mode: FileMode,
) -> Result<(String, String), PathError> {
    let conversions = slots.map(|slots| time_conversions(slots.length()));
    let time = conversions.map(|conversions| {
        let written = slice.map_or_else(|| conversions.concat(), str::to_owned);
        (written, conversions)
    });
    if let Some((before, after)) = path.split_once('*') {
        let (time, _) = time.ok_or(PathError::NoTime)?;
        // A second `*` is a peculiarity of Fluentd's: only the first gets the number.
        let again = match mode {
            FileMode::Append => time.clone(),
            FileMode::Numbered => format!("{time}_**"),
        };
        return Ok((before.to_owned() + &time, after.replace('*', &again)));
    }
    let suffix = suffix.to_owned();
    let Some((time, conversions)) = time else {
        return Ok((path.to_owned(), suffix));
    };
    let is_in_path = |conversion: &&&str| path.contains(**conversion);
    let found = conversions.iter().find(is_in_path);
    let missing = conversions.iter().find(|part| !is_in_path(part));
    match (slice, found, missing) {
        (None, Some(_), None) => Ok((path.to_owned(), suffix)),
        (None, Some(found), Some(missing)) => Err(PathError::TimeInPart { found, missing }),
        _ => Ok((format!("{path}.{time}"), suffix)),
    }
}

/// What it takes to tell one slot from the next; `timekey` in seconds.
fn time_conversions(timekey: u64) -> &'static [&'static str] {
    match timekey {
        0..60 => &["%Y", "%m", "%d", "%H", "%M", "%S"],
        60..3600 => &["%Y", "%m", "%d", "%H", "%M"],
        3600..86400 => &["%Y", "%m", "%d", "%H"],
        _ => &["%Y", "%m", "%d"],
    }
}

fn report_unfilled(
    section: &Params<'_>,
    name: &str,
    path: &FilePath,
    unfilled: Unfilled,
) -> Option<()> {
    let mut is_fine = Some(());
    for warning in path.warnings() {
        let (span, message) = (section.span_of(name), warning.to_string());
        match unfilled {
            Unfilled::Refused => {
                section.diagnostics().error(span, message);
                is_fine = None;
            }
            Unfilled::Tolerated => section.diagnostics().warning(span, message),
        }
    }
    is_fine
}

#[cfg(test)]
mod tests;
