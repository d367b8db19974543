//! The events, and how the event handler would send them: audit events over three
//! connections, each session over one of its own, the next event only after the answer.

use anyhow::Context;
use forebay_testbed::client::Client;
use forebay_testbed::events::{AuditEvent, EventMaker};
use forebay_testbed::tally::Tally;
use indicatif::ProgressBar;
use jiff::Timestamp;
use tokio::task::JoinSet;

use crate::screen::Screen;
use crate::stage::Stage;

const AUDIT_EVENTS: usize = 1000;
const AUDIT_CONNECTIONS: usize = 3;
const SESSIONS: usize = 3;
const SESSION_EVENTS: usize = 60;

pub(crate) struct Traffic {
    /// What goes over one connection, in order.
    streams: Vec<Vec<AuditEvent>>,
}

impl Traffic {
    /// Makes the events up; their times begin now.
    pub(crate) fn compose() -> Traffic {
        let now = Timestamp::now();
        let mut maker = EventMaker::new(now.as_second().unsigned_abs(), now);
        let audit = maker.audit(AUDIT_EVENTS);
        let mut streams: Vec<_> = audit
            .chunks(AUDIT_EVENTS.div_ceil(AUDIT_CONNECTIONS))
            .map(<[AuditEvent]>::to_vec)
            .collect();
        streams.extend((0..SESSIONS).map(|_| maker.recording(SESSION_EVENTS).events));
        Traffic { streams }
    }

    /// Sends all of it, and notes what was answered with 200.
    pub(crate) async fn send(self, screen: &Screen, stage: &Stage) -> anyhow::Result<Tally> {
        let count = self.streams.iter().map(Vec::len).sum();
        screen.step(format_args!(
            "Sending {AUDIT_EVENTS} audit events to /test.log and {SESSIONS} session recordings \
             to /session.<id>.log"
        ));
        let bar = screen.bar(count)?;
        let mut senders = JoinSet::new();
        for stream in self.streams {
            senders.spawn(send_stream(stage.client()?, stream, bar.clone()));
        }
        let mut tally = Tally::default();
        while let Some(sent) = senders.join_next().await {
            sent??.iter().for_each(|event| tally.acknowledged(event));
        }
        bar.finish_and_clear();
        screen.detail(format_args!(
            "{} of {count} answered with 200, in {:.1} s",
            tally.acknowledged_count(),
            bar.elapsed().as_secs_f32()
        ));
        Ok(tally)
    }
}

async fn send_stream(
    mut client: Client,
    events: Vec<AuditEvent>,
    bar: ProgressBar,
) -> anyhow::Result<Vec<AuditEvent>> {
    for event in &events {
        let reply = client
            .post(&event.path, event.body.clone(), &[])
            .await
            .with_context(|| format!("POST {}", event.path))?;
        anyhow::ensure!(
            reply.status == 200,
            "POST {}: {} {}",
            event.path,
            reply.status,
            reply.text()
        );
        bar.inc(1);
    }
    Ok(events)
}
