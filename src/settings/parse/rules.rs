//! What all parsers do with a record: its time, types and nulls.

use fluent_compat::config::Params;
use fluent_compat::config::literal::RegexpText;
use fluent_compat::parse::{
    FieldRules, FieldType, NullTime, Pattern, PatternOptions, RecordRules, TimeKey,
};
use fluent_compat::time::TimeType;
use serde_json::Value;

use super::super::context::Context;
use super::super::remark::{no_effect, reported};
use super::super::time_section::{self, TimeDefaults};

/// The parameters of [`FieldRules`].
pub(super) const FIELD_RULES: [&str; 3] = ["types", "null_value_pattern", "null_empty_string"];

/// What a parser does if its section does not say.
#[derive(Clone, Copy, Debug)]
pub(super) struct RuleDefaults {
    pub(super) time_key: Option<&'static str>,
    pub(super) time: TimeDefaults,
}

/// Of parsers whose record has a time only if the section says so.
pub(super) const NO_TIME_KEY: RuleDefaults = RuleDefaults {
    time_key: None,
    time: TimeDefaults::TEXT,
};

/// Of parsers that look for the time in the field `time`.
pub(super) const TIME_KEY: RuleDefaults = RuleDefaults {
    time_key: Some("time"),
    time: TimeDefaults::TEXT,
};

impl RuleDefaults {
    /// JSON's times are numbers unless there is a format for them.
    pub(super) fn json(section: &Params<'_>) -> Self {
        let time_type = match section.is_given("time_format") {
            true => TimeType::String,
            false => TimeType::Float,
        };
        Self {
            time: TimeDefaults {
                time_type,
                time_format: None,
            },
            ..TIME_KEY
        }
    }
}

/// The rules of a parser that a section names.
pub(super) fn rules(
    section: &Params<'_>,
    defaults: RuleDefaults,
    context: &Context<'_>,
) -> RecordRules {
    RecordRules {
        time_key: time_key(section, defaults.time_key),
        time_parser: time_section::parser(section, defaults.time, context),
        null_time: NullTime::Refused,
        fields: field_rules(section, context),
    }
}

/// The rules of a `<parse>` without an `@type`, or with `in_http`. Its times are numbers
/// unless it has a `time_type` or a `time_format`.
pub(in crate::settings) fn default_rules(
    section: &Params<'_>,
    context: &Context<'_>,
) -> RecordRules {
    let says_how = section.is_given("time_type") || section.is_given("time_format");
    let time_type = match says_how {
        true => TimeType::String,
        false => TimeType::Float,
    };
    let defaults = TimeDefaults {
        time_type,
        time_format: None,
    };
    no_effect(section, &FIELD_RULES, "it needs an `@type` in <parse>");
    read_what_changes_nothing(section);
    RecordRules {
        time_key: time_key(section, Some("time")),
        time_parser: time_section::parser(section, defaults, context),
        null_time: NullTime::Now,
        fields: FieldRules::default(),
    }
}

/// Parameters of every parser that an HTTP source or our regular expressions leave without
/// a meaning.
pub(super) fn read_what_changes_nothing(section: &Params<'_>) {
    if section.bool("estimate_current_event") == Some(false) {
        let reason = "an event of an HTTP source without a time gets the clock's";
        no_effect(section, &["estimate_current_event"], reason);
    }
    let reason = "no text takes a parser here more than linear time";
    no_effect(section, &["timeout"], reason);
}

/// A parameter with a regular expression.
pub(in crate::settings) fn pattern(section: &Params<'_>, name: &str) -> Option<Pattern> {
    let text = section.regexp(name)?;
    let pattern = Pattern::new(&text.pattern, options_of(&text));
    reported(section, name, pattern)
}

/// The options behind an expression's last slash.
pub(super) fn options_of(text: &RegexpText) -> PatternOptions {
    PatternOptions {
        ignores_case: text.ignores_case,
        is_multiline: text.is_multiline,
    }
}

fn time_key(section: &Params<'_>, default: Option<&str>) -> Option<TimeKey> {
    let keep = section.bool("keep_time_key").unwrap_or(false);
    let name = section.string("time_key").or(default)?.to_owned();
    Some(TimeKey { name, keep })
}

fn field_rules(section: &Params<'_>, context: &Context<'_>) -> FieldRules {
    let types = section.hash("types").unwrap_or_default();
    let types = types.into_iter().filter_map(|(field, definition)| {
        let definition = match definition {
            Value::String(text) => text,
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let found = FieldType::parse(&definition, &context.local_zone)
            .map_err(|error| format!("`{field}` in `types`: {error}"));
        Some((field, reported(section, "types", found)?))
    });
    FieldRules {
        types: types.collect(),
        null_value_pattern: pattern(section, "null_value_pattern"),
        null_empty_string: section.bool("null_empty_string").unwrap_or(false),
    }
}
