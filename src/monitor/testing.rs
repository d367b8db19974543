//! A made-up server.

use std::sync::Arc;
use std::time::Duration;

use fluent_compat::chunk::{ChunkId, Metadata};
use fluent_compat::tag::Tag;
use fluent_compat::time::EventTime;

use super::{BufferReport, Observe, OutputReport, Report, SourceReport, State};
use crate::buffer::{Chunks, Contents, Header, Listed};
use crate::listener::tls::Expiry;

/// Reports the same each time.
pub(super) struct Fixed(pub(super) Report);

impl Observe for Fixed {
    fn report(&self) -> Report {
        self.0.clone()
    }
}

fn listed(id: u8, created: i64) -> Listed {
    Listed {
        header: Header {
            id: ChunkId::from_bytes([id; 16]),
            created: EventTime::new(created, 0),
            metadata: Metadata {
                tag: Some(Tag::new("test.log")),
                ..Metadata::default()
            },
        },
        records: 10,
        bytes: 100_000,
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
            failed_handshakes: Arc::default(),
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
                staged: vec![listed(1, 9_900), listed(2, 9_950)],
                queued: vec![(listed(3, 9_300), Some(Duration::from_secs(4)))],
                meters: Arc::default(),
            }),
            deliveries: Arc::default(),
        }],
    }
}
