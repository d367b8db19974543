//! What a service manager wants to know: `sd_notify` of systemd, and of those that follow it.
//!
//! Without `NOTIFY_SOCKET` nothing is sent. A message that cannot be sent is only noted: the
//! manager decides by itself what its silence means.

use std::time::Duration;

use sd_notify::NotifyState;
use tracing::debug;

/// The sources listen: `READY=1`, after a start and after a reload.
pub fn ready() {
    send(&[NotifyState::Ready]);
}

/// The configuration is being read again: `RELOADING=1`. `ready` has to follow, whatever comes
/// of it.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        // `Type=notify-reload` wants the time, too.
        Ok(now) => send(&[NotifyState::Reloading, now]),
        Err(_) => send(&[NotifyState::Reloading]),
    }
}

/// The end has begun: `STOPPING=1`.
pub fn stopping() {
    send(&[NotifyState::Stopping]);
}

/// `WATCHDOG=1`.
pub fn alive() {
    send(&[NotifyState::Watchdog]);
}

/// How often `alive` is to be called, so that one that comes late does no harm; `None` if
/// nobody waits for it.
pub fn heartbeat() -> Option<Duration> {
    let limit = sd_notify::watchdog_enabled()?;
    Some(limit / 3).filter(|interval| !interval.is_zero())
}

fn send(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        debug!(%error, "the service manager cannot be told");
    }
}
