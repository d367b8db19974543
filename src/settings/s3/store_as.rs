//! `store_as` and the parameters of the packing.

use fluent_compat::config::Params;

use super::super::remark::{no_effect, reported};
use crate::sink::s3::{StoreAs, ZstdLevel};

/// Packings of fluent-plugin-s3 that run a program, and the program.
const BY_COMMAND: [(&str, &str); 3] = [("lzma2", "xz"), ("lzo", "lzop"), ("parquet", "columnify")];

/// An unknown name means `text`, as in fluent-plugin-s3.
pub(super) fn store_as(section: &Params<'_>) -> StoreAs {
    let name = section.string("store_as").unwrap_or("gzip");
    let compress = section.section_or_empty("compress");
    let level = compress.integer("level").map(ZstdLevel::new);
    let level = level.and_then(|level| reported(&compress, "level", level));
    match name {
        "zstd" => compress.finish(),
        _ => section.ignore_section("compress", "it is for `store_as zstd`"),
    }
    no_effect(
        section,
        &["command_parameter"],
        "no program is run: objects are packed here",
    );
    match StoreAs::from_name(name) {
        Some(StoreAs::Zstd(default)) => StoreAs::Zstd(level.unwrap_or(default)),
        Some(known) => known,
        None => {
            report(section, name);
            StoreAs::Text
        }
    }
}

fn report(section: &Params<'_>, name: &str) {
    let span = section.span_of("store_as");
    let allowed = "there are gzip, zstd, json and text";
    match BY_COMMAND.iter().find(|(known, _)| *known == name) {
        Some((_, command)) => {
            let message = format!("`store_as {name}` would run `{command}`, and no program is run");
            section
                .diagnostics()
                .error_with_help(span, message, allowed);
        }
        None => {
            let message = format!("`store_as {name}` is unknown: objects are stored as text");
            section
                .diagnostics()
                .warning_with_help(span, message, allowed);
        }
    }
}
