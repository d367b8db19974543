//! Session recordings: what the event handler sends to `session-url`, event by event.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;

use super::{AuditEvent, EventMaker};

/// One session's recording.
#[derive(Clone, PartialEq, Debug)]
pub struct Recording {
    /// The session's id.
    pub id: String,
    /// Its events: a start, prints and resizes, an end.
    pub events: Vec<AuditEvent>,
}

pub(super) fn make(maker: &mut EventMaker, length: usize) -> Recording {
    let id = maker.uuid();
    let user = maker.user();
    let mut offset = 0;
    let events = (0..length)
        .map(|n| {
            let last = n + 1 == length;
            match n {
                0 => framed(maker, &id, user, "session.start", "T2000I"),
                _ if last => framed(maker, &id, user, "session.end", "T2004I"),
                _ if n % 10 == 5 => framed(maker, &id, user, "resize", "T2002I"),
                _ => print(maker, &id, n, &mut offset),
            }
        })
        .collect();
    Recording { id, events }
}

/// A piece of terminal output: it has neither `uid` nor `sid`.
fn print(maker: &mut EventMaker, id: &str, n: usize, offset: &mut usize) -> AuditEvent {
    let noise = maker.base64(24);
    let data = format!("\u{1b}[32m{id}\u{1b}[0m $ crane --lift {n} {noise}\r\n");
    let mut record = maker.envelope("print");
    record.insert("bytes".to_owned(), json!(data.len()));
    record.insert("ci".to_owned(), json!(n));
    record.insert("data".to_owned(), json!(BASE64.encode(&data)));
    record.insert("ms".to_owned(), json!(n * 40));
    record.insert("offset".to_owned(), json!(*offset));
    *offset += data.len();
    maker.finish(path(id), record)
}

fn framed(maker: &mut EventMaker, id: &str, user: &str, event: &str, code: &str) -> AuditEvent {
    let (columns, rows) = (maker.number(40..240), maker.number(20..80));
    let uid = maker.uuid();
    let mut record = maker.envelope(event);
    record.insert("uid".to_owned(), json!(uid));
    record.insert("code".to_owned(), json!(code));
    record.insert("sid".to_owned(), json!(id));
    record.insert("user".to_owned(), json!(user));
    record.insert("size".to_owned(), json!(format!("{columns}:{rows}")));
    maker.finish(path(id), record)
}

fn path(id: &str) -> String {
    format!("/session.{id}.log")
}
