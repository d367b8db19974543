//! Which plugins and sections there are, and what is said of others.

use fluent_compat::config::Params;

/// `<source>` types.
pub(super) const INPUTS: [&str; 6] = [
    "http",
    "monitor_agent",
    "prometheus",
    "prometheus_monitor",
    "prometheus_output_monitor",
    "prometheus_tail_monitor",
];
/// `<match>` and `<store>` types.
pub(super) const OUTPUTS: [&str; 6] = ["s3", "file", "stdout", "copy", "relabel", "null"];
/// `<filter>` types.
pub(super) const FILTERS: [&str; 3] = ["record_transformer", "grep", "stdout"];

/// Reads `@type`, which must be one of those given.
pub(super) fn plugin_type<'a>(
    section: &Params<'a>,
    known: &[&'static str],
) -> Option<&'static str> {
    let Some(found) = section.plugin_type() else {
        let message = format!("`@type` is missing: there are {}", known.join(", "));
        section.diagnostics().error(section.span(), message);
        return None;
    };
    let plugin = known.iter().find(|name| **name == found).copied();
    if plugin.is_none() {
        let message = format!("unknown plugin `{found}`: there are {}", known.join(", "));
        let span = section.span_of("@type");
        let near = known
            .iter()
            .find(|name| strsim::damerau_levenshtein(name, found) <= 2);
        match near {
            Some(near) => {
                let help = format!("did you mean `{near}`?");
                section.diagnostics().error_with_help(span, message, help);
            }
            None => section.diagnostics().error(span, message),
        }
    }
    plugin
}

/// Events must be able to come in and to go out.
pub(super) fn require_a_way_through(root: &Params<'_>) {
    let has = |name| !root.sections(name).is_empty();
    let span = root.span();
    if !has("source") && !has("worker") {
        let message = "there is no <source>: no event can come in";
        let help = "add a <source> with `@type http`";
        root.diagnostics().error_with_help(span, message, help);
    }
    if !has("match") && !has("label") && !has("worker") {
        let message = "there is no <match>: every event would be answered with 404";
        let help = "add a <match> with `@type s3`";
        root.diagnostics().error_with_help(span, message, help);
    }
}
