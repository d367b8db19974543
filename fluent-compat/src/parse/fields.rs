//! What becomes of a record's fields: `types`, and what counts as null.

use super::pattern::Pattern;
use super::rules::parse_time;
use crate::json::push_quoted;
use crate::record::{RawField, Record};
use crate::ruby;
use crate::time::{
    EventTime, TimeConfigError, TimeParser, TimeParserConfig, TimeType, Zone, ZoneChoice,
};

/// What becomes of the top-level fields of a record. `null` and `false` stay as they are.
#[derive(Debug, Clone, Default)]
pub struct FieldRules {
    /// Strings that match become `null` (`null_value_pattern`).
    pub null_value_pattern: Option<Pattern>,
    /// Empty strings become `null` (`null_empty_string`).
    pub null_empty_string: bool,
    /// The types that the named fields get (`types`).
    pub types: Vec<(String, FieldType)>,
}

impl FieldRules {
    /// Whether no field is ever changed.
    pub fn is_empty(&self) -> bool {
        self.null_value_pattern.is_none() && !self.null_empty_string && self.types.is_empty()
    }

    pub(super) fn push_converted(&self, record: Record<'_>, now: EventTime, out: &mut String) {
        record.push_rewritten(out, |key, field| self.converted(key, field, now));
    }

    /// The JSON of a field that does not stay as it is.
    fn converted(&self, key: &str, field: RawField<'_>, now: EventTime) -> Option<String> {
        if matches!(field.as_json(), "null" | "false") {
            return None;
        }
        if field.is_text() && self.counts_as_null(&field.to_text()) {
            return Some("null".to_owned());
        }
        let (_, field_type) = self.types.iter().find(|(name, _)| name == key)?;
        Some(field_type.convert(field, now))
    }

    fn counts_as_null(&self, text: &str) -> bool {
        let pattern = self.null_value_pattern.as_ref();
        (self.null_empty_string && text.is_empty()) || pattern.is_some_and(|p| p.is_match(text))
    }
}

/// A type that a field gets, as Ruby's own methods convert to it.
#[derive(Debug, Clone)]
pub enum FieldType {
    /// `string`: the field's text.
    String,
    /// `integer`: the number that the text begins with, else 0.
    Integer,
    /// `float`: the number that the text begins with, else 0.0.
    Float,
    /// `bool`: whether the text is `true`, `yes` or `1`, in capitals or not.
    Bool,
    /// `time`: the unix seconds of the time, `null` if it is none.
    Time(TimeParser),
    /// `array`: the parts of the text between the delimiters.
    Array {
        /// A comma by default.
        delimiter: String,
    },
}

/// A definition that is no type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldTypeError {
    /// There is no such type.
    #[error("found the type {found:?}, expected string, integer, float, bool, time or array")]
    Unknown {
        /// What stands before the first colon.
        found: String,
    },
    /// The format of a time cannot be used.
    #[error(transparent)]
    Time(#[from] TimeConfigError),
}

impl FieldType {
    /// Reads a type with its options: `integer`, `array:;`, `time`, `time:unixtime`,
    /// `time:%Y-%m-%d`, `time:Asia/Tokyo:%Y-%m-%d`. Times that name no zone, with
    /// neither a zone here, are in the host's, `local`.
    pub fn parse(definition: &str, local: &Zone) -> Result<Self, FieldTypeError> {
        let (name, option) = match definition.split_once(':') {
            Some((name, option)) => (name, Some(option)),
            None => (definition, None),
        };
        Ok(match name {
            "string" => Self::String,
            "integer" => Self::Integer,
            "float" => Self::Float,
            "bool" => Self::Bool,
            "time" => Self::Time(TimeParser::new(&time_options(option), local)?),
            "array" => Self::Array {
                delimiter: option.unwrap_or(",").to_owned(),
            },
            _ => {
                let found = name.to_owned();
                return Err(FieldTypeError::Unknown { found });
            }
        })
    }

    /// The field's JSON once it has this type.
    fn convert(&self, field: RawField<'_>, now: EventTime) -> String {
        match self {
            Self::String => quoted(&field.to_text()),
            Self::Integer => integer(field),
            Self::Float => float(ruby::to_f(&field.to_text())),
            Self::Bool => {
                let text = field.to_text().to_lowercase();
                matches!(text.as_str(), "true" | "yes" | "1").to_string()
            }
            Self::Time(parser) => match parse_time(parser, field, now) {
                Ok(time) => time.seconds().to_string(),
                Err(_) => "null".to_owned(),
            },
            Self::Array { delimiter } => {
                let text = field.to_text();
                let parts = ruby::split(&text, delimiter).into_iter().map(quoted);
                format!("[{}]", parts.collect::<Vec<_>>().join(","))
            }
        }
    }
}

/// `[timezone:]format`, the format being a `time_type` or directives of strptime.
fn time_options(option: Option<&str>) -> TimeParserConfig {
    let zoned = option.and_then(|option| {
        let (zone, format) = option.split_once(':')?;
        Some((Zone::parse(zone).ok()?, format))
    });
    let (zone, format) = match zoned {
        Some((zone, format)) => (ZoneChoice::Named(zone), Some(format)),
        None => (ZoneChoice::Local, option),
    };
    let time_type = match format {
        Some("unixtime") => TimeType::UnixTime,
        Some("float") => TimeType::Float,
        _ => TimeType::String,
    };
    TimeParserConfig {
        time_type,
        time_format: format
            .filter(|format| !matches!(*format, "string" | "unixtime" | "float"))
            .map(str::to_owned),
        time_format_fallbacks: Vec::new(),
        zone,
    }
}

/// `to_i`: a number loses its fraction, a text all that follows its first digits.
fn integer(field: RawField<'_>) -> String {
    let number = field.as_json();
    if field.is_number() && number.contains(['.', 'e', 'E']) {
        let whole = number.parse::<f64>().unwrap_or_default().trunc();
        if whole.is_finite() {
            // Adding zero takes the sign from a negative zero.
            return format!("{}", whole + 0.0);
        }
    }
    ruby::to_i(&field.to_text())
}

fn float(value: f64) -> String {
    // What is beyond a double's range has no JSON.
    serde_json::Number::from_f64(value).map_or_else(|| "null".to_owned(), |n| n.to_string())
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_quoted(&mut out, text);
    out
}
