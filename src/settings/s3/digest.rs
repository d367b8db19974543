//! `<digest>` of an S3 output, our own: signed digests of what is put.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fluent_compat::config::Params;

use super::super::context::Context;
use super::super::remark::{filled, reported};
use crate::buffer::{self, Place};
use crate::evidence::{Config, SigningKey};
use crate::sink::s3::{Existing, S3Config};

const HOUR: Duration = Duration::from_secs(60 * 60);
/// With the chain's id, a number, a time and a suffix behind it, a name still fits into S3.
const LONGEST_PATH: usize = 800;

/// Reads the section of an output that puts these objects. The outer `None` is a mistake in it.
pub(in crate::settings) fn digest(
    output: &Params<'_>,
    objects: Option<&S3Config>,
    buffer: Option<&buffer::Config>,
    context: &Context<'_>,
) -> Option<Option<Config>> {
    let Some(section) = output.section("digest") else {
        return Some(None);
    };
    let path = section.required("path", |section, name| section.parsed(name, key_prefix));
    let interval = interval(&section);
    let key = section.required("private_key_path", filled);
    let key = key.and_then(|path| signing_key(&section, Path::new(path), context));
    let directory = directory(&section, buffer.map(|buffer| &buffer.place));
    section.known_but_ignored(&[]);
    let span = section.span();
    section.finish();
    let objects = objects?;
    if objects.existing == Existing::Overwrite {
        let message =
            "<digest> lists each object once, and with `overwrite true` it may become another";
        let help = "leave `overwrite` out";
        let diagnostics = context.diagnostics;
        diagnostics.error_with_help(output.span_of("overwrite"), message, help);
        return None;
    }
    let (path, covers) = (path?, objects.keys.literal_prefix());
    if !covers.is_empty() && path.starts_with(&covers) {
        let message = format!(
            "digests are put below `{covers}`, where the objects are: whatever loads these finds digests, too"
        );
        let help = "let `path` of <digest> begin otherwise, as in `logs/digests/`";
        context.diagnostics.warning_with_help(span, message, help);
    }
    let buffer = buffer?;
    Some(Some(Config {
        directory: directory?,
        modes: buffer.modes,
        path,
        bucket: objects.bucket.clone(),
        covers,
        interval: interval?,
        key: Arc::new(key?),
    }))
}

/// `path`: what names of digests begin with, letter for letter, up to a slash.
fn key_prefix(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err(
            "expected what the names of digests begin with, such as `logs/digests/`".into(),
        );
    }
    if text.contains(['%', '$']) {
        return Err("expected letters as they are: nothing is filled in here".into());
    }
    if text.len() > LONGEST_PATH {
        let found = text.len();
        return Err(format!(
            "expected {LONGEST_PATH} bytes at most, found {found}"
        ));
    }
    match text.ends_with('/') {
        true => Ok(text.to_owned()),
        false => Ok(format!("{text}/")),
    }
}

fn interval(section: &Params<'_>) -> Option<Duration> {
    const LEAST: Duration = Duration::from_secs(1);
    const MOST: Duration = Duration::from_secs(24 * 60 * 60);

    let Some(found) = section.time("interval") else {
        return (!section.is_given("interval")).then_some(HOUR);
    };
    let interval = (LEAST..=MOST).contains(&found).then_some(found);
    let error = || {
        format!(
            "`interval`: expected 1s to 1d, found {}s",
            found.as_secs_f64()
        )
    };
    reported(section, "interval", interval.ok_or_else(error))
}

fn signing_key(section: &Params<'_>, path: &Path, context: &Context<'_>) -> Option<SigningKey> {
    let key = context.loader.read(path);
    let key = key.map_err(|error| {
        format!(
            "`private_key_path`: cannot read {}: {error}",
            path.display()
        )
    });
    let pem = reported(section, "private_key_path", key)?;
    let key = SigningKey::from_pem(&pem);
    let key = key.map_err(|error| format!("`private_key_path`: {error}"));
    reported(section, "private_key_path", key)
}

/// `ledger_path`, or beside the chunks.
fn directory(section: &Params<'_>, place: Option<&Place>) -> Option<PathBuf> {
    if section.is_given("ledger_path") {
        return filled(section, "ledger_path").map(PathBuf::from);
    }
    match place? {
        Place::File { path, .. } => {
            let mut common = buffer::file_prefix(path).into_os_string();
            common.push("digest");
            Some(common.into())
        }
        Place::Memory => {
            let message = "with a buffer in memory, <digest> needs a `ledger_path`: a directory for what is to be listed";
            section.diagnostics().error(section.span(), message);
            None
        }
    }
}
