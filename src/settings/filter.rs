//! `<filter>`.

mod grep;
mod record_transformer;

use fluent_compat::config::Params;

use super::context::Context;
use super::plugins::{FILTERS, plugin_type};
use super::{FilterSettings, format, inject};

pub(super) fn filter(section: Params<'_>, context: &Context<'_>) -> Option<FilterSettings> {
    let plugin = plugin_type(&section, &FILTERS)?;
    let _ = section.plugin_id();
    let filter = match plugin {
        "grep" => grep::grep(&section).map(FilterSettings::Grep),
        "record_transformer" => record_transformer::transformer(&section, context)
            .map(|transformer| FilterSettings::RecordTransformer(Box::new(transformer))),
        _ => stdout(&section, context),
    };
    section.known_but_ignored(&["@log_level"]);
    section.finish();
    filter
}

fn stdout(section: &Params<'_>, context: &Context<'_>) -> Option<FilterSettings> {
    let format = section.section_or_empty("format");
    let formatter = format::formatter(format, "stdout", context);
    let inject = inject::inject(section.section_or_empty("inject"), context);
    Some(FilterSettings::Stdout {
        formatter: formatter?,
        inject,
    })
}

#[cfg(test)]
mod tests;
