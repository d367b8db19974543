//! `time_type`, `time_format`, `timezone` and their like, which many sections have.

use fluent_compat::config::Params;
use fluent_compat::time::{
    TimeConfigError, TimeFormatter, TimeParser, TimeParserConfig, TimeType, Zone, ZoneChoice,
};

use super::context::Context;
use super::remark::{no_effect, reported};

/// All the parameters of times, for sections that have them for nothing.
pub(super) const PARAMETERS: [&str; 6] = [
    "time_type",
    "time_format",
    "time_format_fallbacks",
    "localtime",
    "utc",
    "timezone",
];

/// What a section's times are if it does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeDefaults {
    pub(super) time_type: TimeType,
    pub(super) time_format: Option<&'static str>,
}

impl TimeDefaults {
    /// Fluentd's own.
    pub(super) const TEXT: Self = Self {
        time_type: TimeType::String,
        time_format: None,
    };
}

/// How a section reads times. Where it cannot, that is reported, and numbers are read:
/// so what stands on the parser can be judged as well.
pub(super) fn parser(
    section: &Params<'_>,
    defaults: TimeDefaults,
    context: &Context<'_>,
) -> TimeParser {
    let time_type = time_type(section).unwrap_or(defaults.time_type);
    warn_of_formats_not_used(section, time_type);
    let time_format = section.string("time_format").or(defaults.time_format);
    read_by(section, time_type, time_format, context)
}

/// How a section reads times whose format is fixed.
pub(super) fn parser_of_format(
    section: &Params<'_>,
    time_format: &str,
    context: &Context<'_>,
) -> TimeParser {
    let time_type = time_type(section).unwrap_or(TimeType::String);
    read_by(section, time_type, Some(time_format), context)
}

fn read_by(
    section: &Params<'_>,
    time_type: TimeType,
    time_format: Option<&str>,
    context: &Context<'_>,
) -> TimeParser {
    let config = TimeParserConfig {
        time_type,
        time_format: time_format.map(str::to_owned),
        time_format_fallbacks: section.array("time_format_fallbacks").unwrap_or_default(),
        zone: zone(section),
    };
    TimeParser::new(&config, &context.local_zone).unwrap_or_else(|error| {
        let span = section.span_of(culprit(section, &error));
        section.diagnostics().error(span, error.to_string());
        let numbers = TimeParserConfig {
            time_type: TimeType::Float,
            ..config
        };
        TimeParser::new(&numbers, &context.local_zone)
            .expect("invariant: a number needs neither a format nor a zone")
    })
}

/// How a section writes times.
pub(super) fn formatter(
    section: &Params<'_>,
    defaults: TimeDefaults,
    context: &Context<'_>,
) -> TimeFormatter {
    let time_type = time_type(section).unwrap_or(defaults.time_type);
    let time_format = section.string("time_format").or(defaults.time_format);
    warn_of_formats_not_used(section, time_type);
    no_effect(
        section,
        &["time_format_fallbacks"],
        "it is for times that are read, and these are written",
    );
    let zone = zone(section).resolve(&context.local_zone);
    TimeFormatter::new(time_type, time_format, zone)
}

fn time_type(section: &Params<'_>) -> Option<TimeType> {
    let types = [
        ("string", TimeType::String),
        ("unixtime", TimeType::UnixTime),
        ("float", TimeType::Float),
        ("mixed", TimeType::Mixed),
    ];
    section.enumeration("time_type", &types)
}

fn zone(section: &Params<'_>) -> ZoneChoice {
    let localtime = section.bool("localtime");
    let utc = section.bool("utc");
    let timezone = section.parsed("timezone", Zone::parse);
    reported(section, "utc", ZoneChoice::new(localtime, utc, timezone)).unwrap_or_default()
}

fn warn_of_formats_not_used(section: &Params<'_>, time_type: TimeType) {
    if matches!(time_type, TimeType::UnixTime | TimeType::Float) {
        no_effect(section, &["time_format"], "the time_type is a number");
    }
    if time_type != TimeType::Mixed {
        let reason = "it goes with `time_type mixed`";
        no_effect(section, &["time_format_fallbacks"], reason);
    }
}

/// The parameter that is to be mended.
fn culprit(section: &Params<'_>, error: &TimeConfigError) -> &'static str {
    match error {
        TimeConfigError::MixedWithoutFormat => "time_type",
        TimeConfigError::NoTime { format } | TimeConfigError::UnknownDirective { format, .. } => {
            match section.string("time_format") == Some(format) {
                true => "time_format",
                false => "time_format_fallbacks",
            }
        }
        TimeConfigError::ZoneWithoutFormat => ["timezone", "utc", "localtime"]
            .into_iter()
            .find(|name| section.is_given(name))
            .unwrap_or("time_format"),
    }
}
