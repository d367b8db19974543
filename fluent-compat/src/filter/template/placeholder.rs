//! What stands for something in an event.

use std::borrow::Cow;

use crate::events::Event;
use crate::json::push_quoted;
use crate::record::{FieldPath, RawField};
use crate::ruby;
use crate::time::{EventTime, TimeFormatter, TimeType, Zone};

/// A placeholder. What an event does not have is `null`, and nothing in a text.
#[derive(Debug, Clone)]
pub(super) enum Placeholder {
    Hostname,
    Record(FieldPath),
    Tag,
    TagPart(i64),
    TagPrefix(i64),
    TagSuffix(i64),
    Time,
}

/// A placeholder that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceholderError {
    /// None of those there are. Fluentd without `enable_ruby` puts nothing in its place,
    /// and with it runs it.
    #[error(
        "found {found}, which nothing stands behind: there are ${{record[\"key\"]}}, ${{tag}}, \
         ${{tag_parts[0]}}, ${{tag_prefix[0]}}, ${{tag_suffix[0]}}, ${{time}} and ${{hostname}}, \
         and Ruby is never run"
    )]
    Unknown {
        /// The placeholder as it stands.
        found: String,
    },
}

/// What placeholders show of the host.
#[derive(Debug, Clone)]
pub struct Surroundings {
    hostname: String,
    time: TimeFormatter,
}

impl Surroundings {
    /// The host's name, and its zone, which `${time}` is in.
    pub fn new(hostname: &str, zone: Zone) -> Self {
        // What Ruby's `Time#to_s` writes.
        let format = Some("%Y-%m-%d %H:%M:%S %z");
        Self {
            hostname: hostname.to_owned(),
            time: TimeFormatter::new(TimeType::String, format, zone),
        }
    }
}

/// What placeholders show of a request.
pub(crate) struct Scope<'a> {
    surroundings: &'a Surroundings,
    tag: &'a str,
    /// As Ruby splits: empty parts at the end are none.
    tag_parts: Vec<&'a str>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(surroundings: &'a Surroundings, tag: &'a str) -> Self {
        let tag_parts = ruby::split(tag, ".");
        Self {
            surroundings,
            tag,
            tag_parts,
        }
    }

    /// The place of the part that `index` counts, from the end if it is negative.
    pub(super) fn place(&self, index: i64) -> Option<usize> {
        let place = match usize::try_from(index) {
            Ok(place) => place,
            Err(_) => {
                let from_end = usize::try_from(index.unsigned_abs()).ok()?;
                self.tag_parts.len().checked_sub(from_end)?
            }
        };
        (place < self.tag_parts.len()).then_some(place)
    }

    fn time(&self, time: EventTime) -> String {
        let mut text = Vec::new();
        self.surroundings.time.write(time, &mut text);
        String::from_utf8_lossy(&text).into_owned()
    }
}

enum Found<'a> {
    Field(RawField<'a>),
    Text(Cow<'a, str>),
    Nothing,
}

impl Placeholder {
    /// Reads a placeholder with its `${` and `}`.
    pub(super) fn parse(placeholder: &str) -> Result<Self, PlaceholderError> {
        let inside = placeholder
            .strip_prefix("${")
            .and_then(|rest| rest.strip_suffix('}'));
        inside
            .and_then(Self::of)
            .ok_or_else(|| PlaceholderError::Unknown {
                found: placeholder.to_owned(),
            })
    }

    fn of(expression: &str) -> Option<Self> {
        match expression {
            "hostname" => return Some(Self::Hostname),
            "tag" => return Some(Self::Tag),
            "time" => return Some(Self::Time),
            _ => {}
        }
        if let Some(keys) = expression.strip_prefix("record") {
            return Some(Self::Record(FieldPath::of_keys(expression, keys_of(keys)?)));
        }
        let (name, index) = expression.strip_suffix(']')?.split_once('[')?;
        let index = index.parse().ok()?;
        match name {
            "tag_parts" => Some(Self::TagPart(index)),
            "tag_prefix" => Some(Self::TagPrefix(index)),
            "tag_suffix" => Some(Self::TagSuffix(index)),
            _ => None,
        }
    }

    /// Appends the value's JSON.
    pub(super) fn push_json(&self, scope: &Scope<'_>, event: &Event<'_>, out: &mut String) {
        match self.find(scope, event) {
            Found::Field(field) => out.push_str(field.as_json()),
            Found::Text(text) => push_quoted(out, &text),
            Found::Nothing => out.push_str("null"),
        }
    }

    /// The value as a text.
    pub(super) fn text<'a>(&self, scope: &'a Scope<'_>, event: &Event<'a>) -> Cow<'a, str> {
        match self.find(scope, event) {
            Found::Field(field) => field.to_text(),
            Found::Text(text) => text,
            Found::Nothing => Cow::Borrowed(""),
        }
    }

    fn find<'a>(&self, scope: &'a Scope<'_>, event: &Event<'a>) -> Found<'a> {
        let parts = &scope.tag_parts;
        let text = match self {
            Self::Record(path) => {
                return event.record.get(path).map_or(Found::Nothing, Found::Field);
            }
            Self::Hostname => Some(Cow::Borrowed(scope.surroundings.hostname.as_str())),
            Self::Tag => Some(Cow::Borrowed(scope.tag)),
            Self::Time => Some(Cow::Owned(scope.time(event.time))),
            Self::TagPart(index) => scope
                .place(*index)
                .and_then(|place| parts.get(place))
                .map(|part| Cow::Borrowed(*part)),
            Self::TagPrefix(index) => scope
                .place(*index)
                .and_then(|last| parts.get(..=last))
                .map(|parts| Cow::Owned(parts.join("."))),
            Self::TagSuffix(index) => scope
                .place(*index)
                .and_then(|first| parts.get(first..))
                .map(|parts| Cow::Owned(parts.join("."))),
        };
        text.map_or(Found::Nothing, Found::Text)
    }
}

/// `["a"]["b"]`, to the end.
fn keys_of(brackets: &str) -> Option<Vec<String>> {
    let mut keys = Vec::new();
    let mut rest = brackets;
    while !rest.is_empty() {
        let (key, after) = rest.strip_prefix("[\"")?.split_once("\"]")?;
        keys.push(key.to_owned());
        rest = after;
    }
    (!keys.is_empty()).then_some(keys)
}
