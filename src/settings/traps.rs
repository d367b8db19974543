//! Warnings about configurations that are valid and mean something else than most people
//! think.

use fluent_compat::config::{Params, Span};
use fluent_compat::parse::{Parser, TimeKey};
use fluent_compat::tag::MatchPatterns;

use super::context::Context;

/// Teleport's own `<parse>` takes the event's time out of the record, cuts its
/// milliseconds, and reads it in the host's zone.
pub(super) fn warn_of_lost_time(source: &Params<'_>, parser: &Parser) {
    let Parser::Json(json) = parser else {
        return;
    };
    let Some(TimeKey { name, keep: false }) = &json.rules.time_key else {
        return;
    };
    let parse = source.section_or_empty("parse");
    let fraction = match json.rules.time_parser.reads_fraction() {
        true => "",
        false => ", and its fraction of a second is cut",
    };
    let message = format!("the field \"{name}\" is taken out of every record{fraction}");
    let help = "add `keep_time_key true` here, or an <inject> section to the <match>";
    source
        .diagnostics()
        .warning_with_help(parse.span(), message, help);
}

/// The default `<format>` of an S3 output cannot be loaded as JSON.
pub(super) fn warn_of_lines_that_are_no_json(section: &Params<'_>) {
    let message =
        "without <format> each line is `time TAB tag TAB json`, which cannot be loaded as JSON";
    let help = "add a <format> section with `@type json`";
    section
        .diagnostics()
        .warning_with_help(section.span(), message, help);
}

/// A chunk of a buffered stdout is so small that an audit event may not fit into any.
pub(super) fn warn_of_small_chunks(buffer: &Params<'_>, limit: u64) {
    let message = format!(
        "chunks have {limit} bytes at most, and a larger event is refused each time it comes"
    );
    let help = "add `chunk_limit_size 8m`";
    buffer
        .diagnostics()
        .warning_with_help(buffer.span(), message, help);
}

/// A `time_format` without a zone is read in the host's, although Teleport writes UTC.
pub(super) fn warn_of_local_times(source: &Params<'_>, parser: &Parser, context: &Context<'_>) {
    let Parser::Json(json) = parser else {
        return;
    };
    let parse = source.section_or_empty("parse");
    let zone_is_given = ["utc", "localtime", "timezone"]
        .iter()
        .any(|name| parse.is_given(name));
    let now = context.clock.now().seconds();
    let offset = context.local_zone.offset_at(now);
    if offset == 0 || zone_is_given || json.rules.time_parser.reads_zone() {
        return;
    }
    let hours = f64::from(offset) / 3600.0;
    let message = format!(
        "times are read in this host's zone, {hours:+} hours from UTC, and Teleport writes UTC"
    );
    source
        .diagnostics()
        .warning_with_help(parse.span(), message, "add `utc true`");
}

/// The older Helm values make `session.log.<id>.log` of a session's tag, which the usual
/// pattern does not take.
/// `routes` are the matches of a label that a source's events enter.
pub(super) fn warn_of_unmatched_sessions(routes: &[(MatchPatterns, Span)], context: &Context<'_>) {
    let takes = |tag: &str| routes.iter().find(|(patterns, _)| patterns.matches(tag));
    let Some((_, span)) = takes("session.0.log") else {
        return;
    };
    if takes("session.log.0.log").is_none() {
        let message = "sessions sent to /session.log by older Helm values have tags like session.log.<id>.log, which no <match> takes";
        let help = "write `session.**` if that is how they are sent";
        context.diagnostics.warning_with_help(*span, message, help);
    }
}

/// A `<match>` or `<filter>` gets nothing that a `<match>` before it has taken.
/// `before` are the matches that stand before the section in its label.
pub(super) fn warn_of_never_reached(
    section: &Params<'_>,
    patterns: &MatchPatterns,
    before: &[(MatchPatterns, Span)],
) {
    let same = |taken: &MatchPatterns| taken.source() == patterns.source();
    let mut before = before.iter().map(|(taken, _)| taken);
    let Some(taken) = before.find(|taken| taken.takes_all() || same(taken)) else {
        return;
    };
    let (name, taken) = (section.name(), taken.source());
    let message = format!(
        "this <{name}> is never reached: the <match {taken}> before it has taken its events"
    );
    let help = match name {
        "filter" => "put it before that <match>",
        _ => "put it before that <match>, or make both <store> sections of one `@type copy`",
    };
    let span = section.argument_span();
    section.diagnostics().warning_with_help(span, message, help);
}
