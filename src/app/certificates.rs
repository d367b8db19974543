//! Notices when keys and certificates change, and when they are about to end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{error, warn};

use crate::host::fs::Fingerprint;
use crate::listener::Transport;

/// How often the files are looked at. By looking, not by being told: links that are exchanged
/// and network filesystems tell nobody.
const INTERVAL: Duration = Duration::from_secs(2);

const DAY: i64 = 86_400;
/// A certificate that ends sooner is warned of.
const SOON: i64 = 30 * DAY;

/// Files and the versions of them that are known.
type Versions = BTreeMap<PathBuf, Option<Fingerprint>>;

/// Watches files; ends when dropped.
pub(super) struct Watch {
    changes: mpsc::Receiver<()>,
    _watching: DropGuard,
}

impl Watch {
    /// Watches these files from these versions on.
    pub(super) fn start(known: Versions) -> Self {
        let (sender, changes) = mpsc::channel(1);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        if !known.is_empty() {
            tokio::spawn(async move {
                tokio::select! {
                    () = stopped.cancelled() => {}
                    () = watch(known, sender) => {}
                }
            });
        }
        Self {
            changes,
            _watching: stop.drop_guard(),
        }
    }

    /// Returns when files have changed, and then stayed as they are from one look to the
    /// next: so that a certificate and its key are mostly read together.
    pub(super) async fn changed(&mut self) {
        if self.changes.recv().await.is_none() {
            std::future::pending().await
        }
    }
}

async fn watch(mut known: Versions, changes: mpsc::Sender<()>) {
    let mut last = known.clone();
    loop {
        sleep(INTERVAL).await;
        let Ok(found) = look(&known).await else {
            return;
        };
        let settled = found == last;
        last = found.clone();
        if settled && found != known {
            known = found;
            if changes.send(()).await.is_err() {
                return;
            }
        }
    }
}

async fn look(known: &Versions) -> Result<Versions, tokio::task::JoinError> {
    let paths: Vec<_> = known.keys().cloned().collect();
    let look = |path: PathBuf| {
        let found = Fingerprint::of(&path);
        (path, found)
    };
    tokio::task::spawn_blocking(move || paths.into_iter().map(look).collect()).await
}

/// Warns of certificates that end soon, or have ended. `now` is in unix seconds.
pub(super) fn warn_of_expiry<'a>(transports: impl Iterator<Item = &'a Transport>, now: i64) {
    for transport in transports {
        let Transport::Tls(tls) = transport else {
            continue;
        };
        let expiry = tls.expiry();
        let both = [
            ("the server's certificate", expiry.server),
            ("a CA of clients", expiry.client_ca),
        ];
        for (certificate, last_second) in both {
            match last_second.map(|last_second| last_second - now) {
                Some(left) if left < 0 => error!(certificate, "a certificate has expired"),
                Some(left) if left < SOON => {
                    let days = left / DAY;
                    warn!(certificate, days, "a certificate expires soon");
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
