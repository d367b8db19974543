//! A made-up server.

use std::sync::Arc;

use fluent_compat::time::EventTime;

use super::{BufferReport, Observe, OutputReport, Report, SourceReport, State};
use crate::buffer::{Chunks, Contents};
use crate::listener::tls::Expiry;

/// Reports the same each time.
pub(super) struct Fixed(pub(super) Report);

impl Observe for Fixed {
    fn report(&self) -> Report {
        self.0.clone()
    }
}

/// A server with one source and one output, which has a chunk of each state.
pub(super) fn report() -> Report {
    let chunks = |count, oldest: i64, bytes| Chunks {
        count,
        oldest: Some(EventTime::new(oldest, 0)),
        timekeys: Some((oldest, oldest + 600)),
        bytes,
    };
    Report {
        now: EventTime::new(10_000, 0),
        started: 9_000,
        conf: "/fluentd/etc/fluent.conf".into(),
        state: State::Running,
        labels: vec![("hostname".to_owned(), "box".to_owned())],
        sources: vec![SourceReport {
            id: "http:9880".to_owned(),
            address: "0.0.0.0:9880".to_owned(),
            traffic: Arc::default(),
            expiry: Expiry {
                server: Some(99_999),
                client_ca: None,
            },
        }],
        outputs: vec![OutputReport {
            id: "audit".to_owned(),
            kind: "s3",
            buffer: Some(BufferReport {
                contents: Contents {
                    held: 500_000,
                    limit: 1_000_000,
                    staged: chunks(2, 9_900, 0),
                    queued: chunks(1, 9_300, 200_000),
                },
                meters: Arc::default(),
            }),
            deliveries: Arc::default(),
        }],
    }
}
