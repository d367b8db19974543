//! Made-up audit events in the shape Teleport's event handler sends: one JSON object a
//! request, keys sorted at every level, a `uid` of its own, a growing `ei`. Seeded: the same
//! seed gives the same events.

mod access;
mod maker;
mod recording;
mod sessions;
mod text;

use serde_json::{Map, Value};

pub use self::maker::EventMaker;
pub use self::recording::Recording;

/// Where audit events go in Teleport's generated configuration.
pub const AUDIT_PATH: &str = "/test.log";

/// One event, ready to be posted.
#[derive(Clone, PartialEq, Debug)]
pub struct AuditEvent {
    /// The request's path: [`AUDIT_PATH`], or `/session.<id>.log`.
    pub path: String,
    /// The request's body.
    pub body: String,
    /// What the body says.
    pub record: Map<String, Value>,
}

/// The fields of one kind of event, without those that all have.
type Fields = fn(&mut EventMaker) -> Value;

/// One kind of event: its name, its code, its fields.
struct Kind {
    event: &'static str,
    code: &'static str,
    fields: Fields,
}

const fn kind(event: &'static str, code: &'static str, fields: Fields) -> Kind {
    Kind {
        event,
        code,
        fields,
    }
}

#[cfg(test)]
mod tests;
