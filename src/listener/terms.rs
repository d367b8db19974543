//! What connections are served under, and how it changes while the listener runs.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hyper_util::rt::TokioExecutor;
use hyper_util::server::conn::auto::Builder;

use super::connection::builder;
use super::{Limits, Transport};
use crate::host::meter::Counter;

/// What new connections are served under. One that is open keeps what it began with, and a
/// TLS session that began under other terms is not resumed: a client CA that is gone is gone.
/// Clones share it.
#[derive(Clone)]
pub struct Terms {
    current: Arc<ArcSwap<Current>>,
    failed_handshakes: Arc<Counter>,
}

/// The terms of one moment, with what is made of them once and not for each connection.
pub(super) struct Current {
    pub(super) transport: Transport,
    pub(super) limits: Limits,
    pub(super) sniffing: Builder<TokioExecutor>,
    pub(super) http1: Builder<TokioExecutor>,
    pub(super) http2: Builder<TokioExecutor>,
}

impl Terms {
    pub(super) fn new(transport: Transport, limits: Limits) -> Self {
        let current = Current::new(transport, limits);
        Self {
            current: Arc::new(ArcSwap::from_pointee(current)),
            failed_handshakes: Arc::default(),
        }
    }

    /// TLS handshakes that have failed, those of clients that just hung up left out.
    pub fn failed_handshakes(&self) -> &Arc<Counter> {
        &self.failed_handshakes
    }

    /// Serves new connections under other terms from now on. How many connections there may
    /// be at once ([`Limits::connections`]) stays as the listener began.
    pub fn switch(&self, transport: Transport, limits: Limits) {
        self.current
            .store(Arc::new(Current::new(transport, limits)));
    }

    /// Exchanges the transport alone, as when certificates are renewed.
    pub fn switch_transport(&self, transport: Transport) {
        self.switch(transport, self.current.load().limits);
    }

    pub(super) fn current(&self) -> Arc<Current> {
        self.current.load_full()
    }
}

impl Current {
    fn new(transport: Transport, limits: Limits) -> Self {
        let sniffing = builder(&limits);
        Self {
            transport,
            limits,
            http1: sniffing.clone().http1_only(),
            http2: sniffing.clone().http2_only(),
            sniffing,
        }
    }
}

impl fmt::Debug for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let current = self.current.load();
        f.debug_struct("Terms")
            .field("transport", &current.transport)
            .field("limits", &current.limits)
            .finish()
    }
}
