//! `<parse> @type regexp`, and `nginx`, which is one with its expression given.

use serde_json::{Map, Value};

use super::error::{Failure, Reason};
use super::pattern::{Pattern, PatternError, PatternOptions};
use super::rules::RecordRules;
use crate::events::Events;
use crate::time::EventTime;

/// `<parse> @type regexp`: each named group that took part in the match is a field.
#[derive(Debug, Clone)]
pub struct RegexpParser {
    expression: Pattern,
    rules: RecordRules,
}

impl RegexpParser {
    /// The `time_format` of `nginx` and `apache2`.
    pub const ACCESS_LOG_TIME: &str = "%d/%b/%Y:%H:%M:%S %z";

    /// A parser with its expression (`expression`), in which a group must have a name.
    pub fn new(expression: Pattern, rules: RecordRules) -> Result<Self, PatternError> {
        let mut names = expression.regex().capture_names().flatten();
        if names.next().is_none() {
            let expression = expression.regex().as_str().to_owned();
            return Err(PatternError::NoGroups { expression });
        }
        Ok(Self { expression, rules })
    }

    /// `<parse> @type nginx`, for nginx's own log format. The time in it is to be read by
    /// [`RegexpParser::ACCESS_LOG_TIME`].
    pub fn nginx(rules: RecordRules) -> Self {
        let expression = Pattern::new(NGINX, PatternOptions::default())
            .expect("invariant: the expression is a constant, which a test compiles");
        Self { expression, rules }
    }

    pub(super) fn parse(
        &self,
        text: &str,
        now: EventTime,
        events: &mut Events,
    ) -> Result<(), Failure> {
        let regex = self.expression.regex();
        let Some(captures) = regex.captures(text) else {
            return Err(Failure::at(0, Reason::NoMatch));
        };
        let fields = regex.capture_names().flatten().filter_map(|name| {
            let value = captures.name(name)?.as_str();
            Some((name.to_owned(), Value::from(value)))
        });
        let record: Map<String, Value> = fields.collect();
        self.rules.push_map(record, 0, now, events)
    }
}

/// Client, host, user, time, request line, status, size; then, if they are there, referer,
/// agent and forwarded-for.
const NGINX: &str = concat!(
    r#"^(?<remote>[^ ]*) (?<host>[^ ]*) (?<user>[^ ]*) \[(?<time>[^\]]*)\] "#,
    r#""(?<method>\S+)(?: +(?<path>[^"]*?)(?: +\S*)?)?" (?<code>[^ ]*) (?<size>[^ ]*)"#,
    r#"(?: "(?<referer>[^"]*)" "(?<agent>[^"]*)"(?:\s+"?(?<http_x_forwarded_for>[^"]*)"?)?)?$"#,
);
