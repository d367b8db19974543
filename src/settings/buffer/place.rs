//! Where a buffer's chunks lie, and with which permissions.

use std::path::{Path, PathBuf};

use fluent_compat::config::Params;

use super::Owner;
use crate::buffer::{Durability, Place};
use crate::host::fs::{Mode, Modes};
use crate::settings::context::Context;
use crate::settings::plugins::plugin_type;
use crate::settings::remark::{filled, no_effect};

/// Parameters that only files have.
const OF_FILES: [&str; 4] = ["path", "sync", "file_permission", "dir_permission"];

/// `@type`, `path` and `sync`.
pub(super) fn place(
    section: &Params<'_>,
    owner: Owner<'_>,
    context: &Context<'_>,
) -> Option<Place> {
    let reason = "chunk files end in `.chunk`, so that Fluentd's own can lie beside them";
    no_effect(section, &["path_suffix"], reason);
    let kind = match section.plugin_type() {
        None => "memory",
        Some(_) => plugin_type(section, &["file", "memory"])?,
    };
    if kind == "memory" {
        let reason = "chunks are in memory, unless `@type file` stands here";
        no_effect(section, &OF_FILES, reason);
        return Some(Place::Memory);
    }
    let sync = [("data", Durability::Synced), ("none", Durability::Unsynced)];
    let durability = section
        .enumeration("sync", &sync)
        .unwrap_or(Durability::Synced);
    let path = match section.is_given("path") {
        true => given_path(section)?,
        false => path_in_root(section, owner, context)?,
    };
    Some(Place::File { path, durability })
}

/// `file_permission` and `dir_permission`, or what `<system>` says of them.
pub(super) fn modes(section: &Params<'_>, context: &Context<'_>) -> Modes {
    given_modes(section).or(context.files.modes)
}

/// The permissions that a section says. The server itself must be able to work with what
/// it makes.
pub(in crate::settings) fn given_modes(section: &Params<'_>) -> Modes {
    let read = |name: &str, needed: u32| {
        section.parsed(name, |text| {
            let mode = text.parse::<Mode>().map_err(|error| error.to_string())?;
            match mode.lets_owner(needed) {
                true => Ok(mode),
                false => Err(format!(
                    "the server itself needs {needed:04o} of it, found {text}"
                )),
            }
        })
    };
    Modes {
        file: read("file_permission", 0o600),
        dir: read("dir_permission", 0o700),
    }
}

/// A directory, or a pattern of files: `.*` at the end of the name or before another dot.
/// Fluentd takes any other `*` for a letter of the name, which nobody means.
fn given_path(section: &Params<'_>) -> Option<PathBuf> {
    let path = Path::new(filled(section, "path")?);
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.unwrap_or_default();
    let rest = match name.split_once(".*") {
        Some((prefix, end)) if end.is_empty() || end.starts_with('.') => format!("{prefix}{end}"),
        _ => name.to_owned(),
    };
    let parent = path.parent().unwrap_or(Path::new("")).to_string_lossy();
    let span = section.span_of("path");
    if rest.contains(".*") || parent.contains(".*") {
        let message = "`.*` stands once in `path`, at its end or before a dot, as in `audit.*.log`";
        section.diagnostics().error(span, message);
        return None;
    }
    if rest.contains('*') || parent.contains('*') {
        let message = "a `*` in `path` that stands behind no dot is a part of the name";
        section.diagnostics().warning(span, message);
    }
    Some(path.to_owned())
}

/// Where Fluentd puts the buffer of an output that has an `@id`, when `<system>` has a
/// `root_dir`.
fn path_in_root(section: &Params<'_>, owner: Owner<'_>, context: &Context<'_>) -> Option<PathBuf> {
    let (message, help) = match (&context.files.root_dir, owner.id) {
        (Some(root), Some(id)) => {
            // An absolute path would take the place of what it is joined to.
            let id = id.trim_start_matches('/');
            return Some(root.join("worker0").join(id).join("buffer"));
        }
        (Some(_), None) => (
            "a file buffer needs a `path`, or its output an `@id`",
            "with an `@id` chunks lie below `root_dir`",
        ),
        (None, _) => (
            "a file buffer needs a `path`: the directory its chunks lie in",
            "or give <system> a `root_dir`, and the output an `@id`",
        ),
    };
    let span = section.span_of("@type");
    section.diagnostics().error_with_help(span, message, help);
    None
}

/// Where Fluentd writes the events of a chunk that is given up on.
pub(super) fn backups_of_memory(owner: Owner<'_>, context: &Context<'_>) -> PathBuf {
    const DEFAULT_ROOT: &str = "/tmp/fluent";
    const REPLACED: &str = " \"/\\:;|*<>?";

    let root = context.files.root_dir.as_deref();
    let name = owner.id.unwrap_or(owner.name);
    let name: String = name
        .chars()
        .map(|letter| match REPLACED.contains(letter) {
            true => '_',
            false => letter,
        })
        .collect();
    let root = root.unwrap_or(Path::new(DEFAULT_ROOT));
    root.join("backup").join("worker0").join(name)
}
