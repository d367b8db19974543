//! Clients that post one event after the other for as long as a test wants it.

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::client::Client;
use crate::events::{AuditEvent, EventMaker};
use crate::rig::{RigError, deliver};
use crate::tally::Tally;

/// Running clients. Whatever is not answered with 200 ends its client with an error.
#[derive(Debug)]
pub struct Load {
    stop: watch::Sender<bool>,
    clients: JoinSet<Result<usize, RigError>>,
    acknowledged: mpsc::UnboundedReceiver<AuditEvent>,
}

impl Load {
    /// Starts each client with events of its own, those of a day in 2024.
    pub fn start(clients: Vec<Client>) -> Load {
        let (sender, acknowledged) = mpsc::unbounded_channel();
        let (stop, told) = watch::channel(false);
        let mut running = JoinSet::new();
        for (seed, client) in (100..).zip(clients) {
            running.spawn(post(client, seed, told.clone(), sender.clone()));
        }
        Load {
            stop,
            clients: running,
            acknowledged,
        }
    }

    /// Waits until so many more events have been acknowledged.
    pub async fn go_on(&mut self, events: usize, tally: &mut Tally) -> Result<(), RigError> {
        for _ in 0..events {
            match self.acknowledged.recv().await {
                Some(event) => tally.acknowledged(&event),
                None => break,
            }
        }
        match self.clients.try_join_next() {
            None => Ok(()),
            Some(ended) => ended.unwrap_or(Ok(0)).map(drop),
        }
    }

    /// Lets the clients end; how many connections they have opened.
    pub async fn finish(mut self, tally: &mut Tally) -> Result<usize, RigError> {
        // Nobody listens when all have ended already.
        let _ = self.stop.send(true);
        let mut connections = 0;
        while let Some(ended) = self.clients.join_next().await {
            connections += ended.unwrap_or(Ok(0))?;
        }
        while let Some(event) = self.acknowledged.recv().await {
            tally.acknowledged(&event);
        }
        Ok(connections)
    }
}

async fn post(
    mut client: Client,
    seed: u64,
    told: watch::Receiver<bool>,
    acknowledged: mpsc::UnboundedSender<AuditEvent>,
) -> Result<usize, RigError> {
    const PAST: &str = "2024-02-29T12:34:00Z";
    let start = PAST.parse().expect("invariant: the literal is a timestamp");
    let mut maker = EventMaker::new(seed, start);
    while !*told.borrow() {
        let event = maker.one();
        deliver(
            &mut client,
            std::slice::from_ref(&event),
            &mut Tally::default(),
        )
        .await?;
        // Whoever counted has gone.
        let _ = acknowledged.send(event);
    }
    Ok(client.connections_opened())
}
