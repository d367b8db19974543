//! The wall clock as rustls asks for it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::pki_types::UnixTime;
use tokio_rustls::rustls::time_provider::TimeProvider;

use crate::host::clock::Clock;

/// Tells rustls the host's time, so that a test can let certificates expire.
pub(super) struct HostTime(pub(super) Arc<dyn Clock>);

impl TimeProvider for HostTime {
    fn current_time(&self) -> Option<UnixTime> {
        // Before 1970 no certificate is valid: rustls takes None as a failure.
        let seconds = u64::try_from(self.0.now().seconds()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

impl fmt::Debug for HostTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostTime")
    }
}
