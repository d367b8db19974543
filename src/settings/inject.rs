//! `<inject>`.

use fluent_compat::config::Params;
use fluent_compat::inject::{Inject, InjectedTime};
use fluent_compat::time::{TimeFormatter, TimeType, Zone};

use super::context::Context;
use super::remark::no_effect;

/// The number that Fluentd's only worker has.
const WORKER_ID: u32 = 0;

/// Reads `<inject>`, which need not be there. `None` when it adds nothing, or is wrong,
/// which has been reported then.
pub(super) fn inject(section: Params<'_>, context: &Context<'_>) -> Option<Inject> {
    let key = |name| section.string(name).map(str::to_owned);
    let hostname = section.string("hostname").unwrap_or(&context.hostname);
    let inject = Inject {
        hostname_key: key("hostname_key"),
        hostname: hostname.to_owned(),
        worker_id_key: key("worker_id_key"),
        worker_id: WORKER_ID,
        tag_key: key("tag_key"),
        time: time(&section, context),
    };
    if inject.hostname_key.is_none() {
        no_effect(&section, &["hostname"], "there is no `hostname_key`");
    }
    section.finish();
    (!inject.is_empty()).then_some(inject)
}

/// `time_key`, and how the time is written.
fn time(section: &Params<'_>, context: &Context<'_>) -> Option<(String, InjectedTime)> {
    let zone = zone(section, &context.local_zone);
    let format = section.string("time_format");
    let text = TimeFormatter::new(TimeType::String, format, zone);
    let types = [
        ("float", InjectedTime::Float),
        ("unixtime", InjectedTime::Unixtime),
        ("unixtime_millis", InjectedTime::UnixtimeMillis),
        ("unixtime_micros", InjectedTime::UnixtimeMicros),
        ("unixtime_nanos", InjectedTime::UnixtimeNanos),
        ("string", InjectedTime::Text(text)),
    ];
    let how = section
        .enumeration("time_type", &types)
        .unwrap_or(InjectedTime::Float);
    let key = section.string("time_key");
    if key.is_none() {
        no_effect(
            section,
            &["time_type", "time_format"],
            "there is no `time_key`",
        );
    }
    no_effect(
        section,
        &["time_format_fallbacks"],
        "it is for times that are read, and these are written",
    );
    if key.is_some() && !matches!(how, InjectedTime::Text(_)) {
        let reason = "the time is a number unless `time_type` is string";
        no_effect(section, &["time_format"], reason);
    }
    Some((key?.to_owned(), how))
}

/// Unlike in other sections `utc true` and `localtime true` together mean UTC.
fn zone(section: &Params<'_>, local: &Zone) -> Zone {
    let localtime = section.bool("localtime").unwrap_or(true);
    let utc = section.bool("utc").unwrap_or(false);
    match section.parsed("timezone", Zone::parse) {
        Some(zone) => zone,
        None if localtime && !utc => local.clone(),
        None => Zone::Utc,
    }
}

#[cfg(test)]
mod tests;
