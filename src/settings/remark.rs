//! Remarks that several sections make.

use std::fmt::Display;

use fluent_compat::config::Params;

/// Warns of parameters that Fluentd knows and that change nothing here, and says why.
pub(super) fn no_effect(section: &Params<'_>, names: &[&str], reason: &str) {
    for name in names {
        if section.is_given(name) {
            let message = format!("`{name}` has no effect: {reason}");
            section
                .diagnostics()
                .warning(section.span_of(name), message);
        }
    }
}

/// The value, or the reason why there is none as a mistake at the parameter.
pub(super) fn reported<T, E: Display>(
    section: &Params<'_>,
    name: &str,
    result: Result<T, E>,
) -> Option<T> {
    result
        .map_err(|error| {
            let span = section.span_of(name);
            section.diagnostics().error(span, error.to_string());
        })
        .ok()
}

/// A text that must not be empty.
pub(super) fn filled<'a>(section: &Params<'a>, name: &str) -> Option<&'a str> {
    section.parsed(name, |text| match text {
        "" => Err("expected one character at least, found none"),
        text => Ok(text),
    })
}
