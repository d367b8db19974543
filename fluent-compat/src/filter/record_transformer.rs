//! `<filter> @type record_transformer`: records rewritten by templates.

use super::template::{Name, Scope, Surroundings, Template};
use crate::events::{Event, Events};
use crate::json::{depth, push_escaped_text, push_member};
use crate::record::{FieldPath, Members, RawField, Record};
use crate::time::{
    EventTime, TimeError, TimeParser, TimeParserConfig, TimeType, TimeValue, Zone, ZoneChoice,
};

/// What becomes of a record, in this order: what it starts from, the fields it gets, its
/// time, the fields it loses.
#[derive(Debug, Clone)]
pub struct RecordTransformer {
    base: Base,
    /// Later ones replace earlier ones of the same name (`<record>`).
    fields: Vec<(Name, Template)>,
    /// `renew_time_key`.
    time: Option<(FieldPath, TimeParser)>,
    /// `remove_keys`.
    removed: Vec<FieldPath>,
    surroundings: Surroundings,
}

/// What the new record starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// The old one (`renew_record false`, the default).
    Record,
    /// The named fields of the old one, in this order (`renew_record true`, `keep_keys`).
    Kept(Vec<String>),
}

/// Why a record cannot be rewritten.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransformError {
    /// The field that `renew_time_key` names has no time in it.
    #[error("renew_time_key \"{key}\": {reason}")]
    Time {
        /// The field.
        key: String,
        /// What is wrong with it.
        reason: TimeError,
    },
    /// Put into the objects of `<record>`, a field is nested too deeply to be read again.
    #[error("found {found} objects and arrays inside one another, expected {limit} at most")]
    TooDeep {
        /// How many there would be.
        found: usize,
        /// How many are allowed.
        limit: usize,
    },
}

/// As many as a record may have when it comes in.
const MOST_LEVELS: usize = 127;

impl RecordTransformer {
    /// A transformer of these parts; `time_key` is `renew_time_key`.
    pub fn new(
        base: Base,
        fields: Vec<(Name, Template)>,
        time_key: Option<&str>,
        removed: Vec<FieldPath>,
        surroundings: Surroundings,
    ) -> Self {
        let time = time_key.map(|key| {
            let config = TimeParserConfig {
                time_type: TimeType::Float,
                time_format: None,
                time_format_fallbacks: Vec::new(),
                zone: ZoneChoice::Local,
            };
            let parser = TimeParser::new(&config, &Zone::Utc)
                .expect("invariant: numbers need neither a format nor a zone");
            (FieldPath::of_keys(key, vec![key.to_owned()]), parser)
        });
        Self {
            base,
            fields,
            time,
            removed,
            surroundings,
        }
    }

    /// The events with their records rewritten.
    ///
    /// # Errors
    /// The place of the first event that cannot be rewritten, from 0, and why.
    pub fn apply(&self, tag: &str, events: &Events) -> Result<Events, (usize, TransformError)> {
        let scope = Scope::new(&self.surroundings, tag);
        let mut rewritten = Events::with_capacity(events.text_len() + 32 * events.len());
        let (mut record, mut spare) = (String::new(), String::new());
        for (index, event) in events.iter().enumerate() {
            self.rewrite(&scope, &event, &mut record, &mut spare);
            let time = self.time_of(&event, &record).map_err(|e| (index, e))?;
            for path in &self.removed {
                spare.clear();
                Record::from_normal_form(&record).push_without(path, &mut spare);
                std::mem::swap(&mut record, &mut spare);
            }
            self.check_depth(&record).map_err(|e| (index, e))?;
            rewritten.push(&Event {
                time,
                record: Record::from_normal_form(&record),
            });
        }
        Ok(rewritten)
    }

    /// Leaves the record with its new fields in `record`; `spare` is room to work in.
    fn rewrite(
        &self,
        scope: &Scope<'_>,
        event: &Event<'_>,
        record: &mut String,
        spare: &mut String,
    ) {
        let mut members = Members::new();
        for (name, template) in &self.fields {
            let mut json = String::new();
            template.push_json(scope, event, &mut json);
            members.push(&name.expand(scope, event), json);
        }
        record.clear();
        match &self.base {
            Base::Record => event.record.push_with(&members, record),
            Base::Kept(keys) => {
                spare.clear();
                push_kept(keys, event.record, spare);
                Record::from_normal_form(spare).push_with(&members, record);
            }
        }
    }

    /// The time in the field that `renew_time_key` names; a record without the field keeps
    /// its own.
    fn time_of(&self, event: &Event<'_>, record: &str) -> Result<EventTime, TransformError> {
        let Some((path, parser)) = &self.time else {
            return Ok(event.time);
        };
        let Some(field) = Record::from_normal_form(record).get(path) else {
            return Ok(event.time);
        };
        let text;
        let value = match field {
            _ if field.is_number() => TimeValue::Number(field.as_json()),
            _ if field.is_text() => {
                text = RawField::to_text(field);
                TimeValue::Text(&text)
            }
            _ => TimeValue::Other(field.as_json()),
        };
        parser
            .parse(value, event.time)
            .map_err(|reason| TransformError::Time {
                key: path.source().to_owned(),
                reason,
            })
    }

    fn check_depth(&self, record: &str) -> Result<(), TransformError> {
        let nests = self.fields.iter().any(|(_, template)| template.nests());
        let found = if nests { depth(record) } else { 0 };
        match found {
            0..=MOST_LEVELS => Ok(()),
            _ => Err(TransformError::TooDeep {
                found,
                limit: MOST_LEVELS,
            }),
        }
    }
}

fn push_kept(keys: &[String], record: Record<'_>, out: &mut String) {
    out.push('{');
    for (n, key) in keys.iter().enumerate() {
        let is_first = keys.iter().position(|other| other == key) == Some(n);
        if let Some(field) = record.get_key(key).filter(|_| is_first) {
            let mut escaped = String::with_capacity(key.len());
            push_escaped_text(&mut escaped, key);
            push_member(out, &escaped, field.as_json());
        }
    }
    out.push('}');
}

#[cfg(test)]
mod tests;
