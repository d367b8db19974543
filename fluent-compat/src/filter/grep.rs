//! `<filter> @type grep`: which events go on.

use crate::events::Events;
use crate::parse::Pattern;
use crate::record::{FieldPath, Record};

/// What an event must be like to go on. Every group that is not empty has its say.
#[derive(Debug, Clone, Default)]
pub struct Grep {
    /// All of these must hold: `<regexp>`, on its own or in `<and>`, and `regexpN`.
    pub all: Vec<Condition>,
    /// One of these at least must hold: `<regexp>` in `<or>`.
    pub any: Vec<Condition>,
    /// Not all of these may hold: `<exclude>` in `<and>`.
    pub not_all: Vec<Condition>,
    /// None of these may hold: `<exclude>`, on its own or in `<or>`, and `excludeN`.
    pub none: Vec<Condition>,
}

/// A pattern that a field's text matches, or not. A field that a record does not have is an
/// empty text.
#[derive(Debug, Clone)]
pub struct Condition {
    /// The field (`key`).
    pub field: FieldPath,
    /// What is looked for in it (`pattern`).
    pub pattern: Pattern,
}

impl Grep {
    /// Whether an event with this record goes on.
    pub fn passes(&self, record: Record<'_>) -> bool {
        let holds = |condition: &Condition| condition.holds(record);
        self.all.iter().all(holds)
            && (self.any.is_empty() || self.any.iter().any(holds))
            && (self.not_all.is_empty() || !self.not_all.iter().all(holds))
            && !self.none.iter().any(holds)
    }

    /// The events that go on; `None` where all of them do.
    pub fn apply(&self, events: &Events) -> Option<Events> {
        let first_dropped = events.iter().position(|event| !self.passes(event.record))?;
        let mut kept = Events::with_capacity(events.text_len());
        for (index, event) in events.iter().enumerate() {
            if index < first_dropped || index > first_dropped && self.passes(event.record) {
                kept.push(&event);
            }
        }
        Some(kept)
    }
}

impl Condition {
    fn holds(&self, record: Record<'_>) -> bool {
        match record.get(&self.field) {
            Some(field) => self.pattern.is_match(&field.to_text()),
            None => self.pattern.is_match(""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::PatternOptions;
    use crate::time::EventTime;

    fn condition(field: &str, pattern: &str) -> Condition {
        Condition {
            field: FieldPath::parse(field).unwrap(),
            pattern: Pattern::new(pattern, PatternOptions::default()).unwrap(),
        }
    }

    fn passes(grep: &Grep, record: &str) -> bool {
        grep.passes(Record::from_normal_form(record))
    }

    #[test]
    fn every_group_has_its_say() {
        let two = || vec![condition("a", "x"), condition("b", "y")];
        let (all, any, not_all, none) = (
            Grep {
                all: two(),
                ..Grep::default()
            },
            Grep {
                any: two(),
                ..Grep::default()
            },
            Grep {
                not_all: two(),
                ..Grep::default()
            },
            Grep {
                none: two(),
                ..Grep::default()
            },
        );
        let cases = [
            (r#"{"a":"x","b":"y"}"#, [true, true, false, false]),
            (r#"{"a":"x","b":"z"}"#, [false, true, true, false]),
            (r#"{"a":"z"}"#, [false, false, true, true]),
        ];
        for (record, expected) in cases {
            let found = [&all, &any, &not_all, &none].map(|grep| passes(grep, record));
            assert_eq!(found, expected, "{record}");
        }
        assert!(passes(&Grep::default(), "{}"));
    }

    #[test]
    fn a_field_is_compared_by_its_text() {
        let grep = |field, pattern| Grep {
            all: vec![condition(field, pattern)],
            ..Grep::default()
        };
        let record = r#"{"n":42,"nil":null,"o":{"k":["v"]},"t":"two\nlines"}"#;
        for (field, pattern) in [
            ("n", "^42$"),
            ("nil", "^$"),
            ("missing", "^$"),
            ("$.o.k[0]", "^v$"),
            ("o", "\"k\"=>"),
            ("t", "^lines$"),
        ] {
            assert!(passes(&grep(field, pattern), record), "{field} {pattern}");
        }
        assert!(!passes(&grep("missing", "."), record));
    }

    #[test]
    fn events_that_all_pass_are_not_copied() {
        let grep = Grep {
            none: vec![condition("event", "^print$")],
            ..Grep::default()
        };
        let mut events = Events::new();
        for (second, name) in ["login", "print", "exec", "print"].iter().enumerate() {
            let text = format!(r#"{{"event":"{name}"}}"#);
            events.text_mut().push_str(&text);
            events.seal(EventTime::new(second as i64, 0));
        }
        let kept = grep.apply(&events).unwrap();
        let seconds: Vec<_> = kept.iter().map(|event| event.time.seconds()).collect();
        assert_eq!(seconds, [0, 2]);
        assert!(grep.apply(&kept).is_none());
    }
}
