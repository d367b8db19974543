//! `<secondary>`.

use fluent_compat::config::Params;
use fluent_compat::retry::RetryLimit;

use super::SinkSettings;
use super::context::Context;
use super::file::{self, PathParts, Unfilled};
use super::plugins::plugin_type;
use super::s3::{self, S3Buffer};

/// What can be a secondary: whatever takes chunks.
const PLUGINS: [&str; 4] = ["secondary_file", "s3", "file", "stdout"];

/// Reads `<secondary>` of an output with the given `@type`, which is the secondary's, too,
/// unless it has one of its own. `limit` is that of the output's `<buffer>`. The outer `None` is a mistake in it.
pub(super) fn secondary(
    output: &Params<'_>,
    output_type: &'static str,
    chunks: &S3Buffer<'_>,
    limit: Option<RetryLimit>,
    context: &Context<'_>,
) -> Option<Option<SinkSettings>> {
    let Some(section) = output.section("secondary") else {
        return Some(None);
    };
    if limit == Some(RetryLimit::Forever) {
        let message = "with `retry_forever true`, <secondary> gets only what is refused for good";
        context.diagnostics.warning(section.span(), message);
    }
    for inner in ["format", "inject"] {
        section.ignore_section(inner, "chunks are formatted before, for the <match>");
    }
    for inner in ["buffer", "secondary"] {
        if let Some(inner) = section.section(inner) {
            let message = format!("<secondary> cannot have a <{}>", inner.name());
            context.diagnostics.error(inner.span(), message);
        }
    }
    let plugin = match section.plugin_type() {
        None => Some(output_type),
        Some(_) => plugin_type(&section, &PLUGINS),
    };
    let parts = PathParts::from(chunks);
    let sink = match plugin? {
        "secondary_file" => file::secondary_file(&section, &parts).map(SinkSettings::File),
        "file" => file::file(&section, &parts, Unfilled::Tolerated).map(SinkSettings::File),
        "s3" => s3::s3(&section, chunks, context).map(|config| SinkSettings::S3(Box::new(config))),
        _ => {
            section.known_but_ignored(&["use_logger"]);
            Some(SinkSettings::Stdout)
        }
    };
    let _ = (section.plugin_id(), section.log_level());
    section.finish();
    sink.map(Some)
}

#[cfg(test)]
mod tests;
