//! The sources that run, and how others take their place.
//!
//! A source is known by its `bind` and `port`: its socket and its connections go on, whatever
//! else about it changes. A new one is bound, one that is gone drains as at a stop.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::board::SourceView;
use crate::decode::{self, Ingress};
use crate::host::clock::Clock;
use crate::host::descriptors::Descriptors;
use crate::listener::tls::Expiry;
use crate::listener::{self, BindError, Limits, Listener, Terms, Transport};
use crate::route::{LabelId, Router};
use crate::settings::HttpSource;

/// All sources.
#[derive(Default)]
pub(super) struct Sources {
    running: Vec<RunningSource>,
    /// Listeners, those that drain too.
    listeners: JoinSet<()>,
}

struct RunningSource {
    id: String,
    /// With the port that was found if 0 was asked for.
    address: SocketAddr,
    socket: SocketConfig,
    terms: Terms,
    ingress: Ingress<Router>,
    transport: Transport,
    /// Cancelled once: the listener takes no more.
    stop: CancellationToken,
}

/// What a socket is bound with, and cannot change.
#[derive(Clone, PartialEq, Eq)]
struct SocketConfig {
    bind: String,
    port: u16,
    backlog: u32,
}

/// A source that is to run from now on.
pub(super) struct PreparedSource {
    id: String,
    socket: SocketConfig,
    origin: Origin,
    transport: Transport,
    limits: listener::Limits,
    decode: decode::Config,
    label: LabelId,
}

enum Origin {
    /// The source at this place runs already.
    Running(usize),
    Bound(Listener),
}

impl Sources {
    /// Binds all ports that are new: one in use is found before anything has changed.
    pub(super) fn prepare(
        &self,
        sources: Vec<HttpSource>,
    ) -> Result<Vec<PreparedSource>, BindError> {
        let mut free: Vec<_> = (0..self.running.len()).collect();
        let mut prepared = Vec::with_capacity(sources.len());
        let most = connections_allowed(sources.len());
        for source in sources {
            let mut listener = source.listener;
            let connections = &mut listener.limits.connections;
            *connections = most.min(*connections);
            let socket = SocketConfig::of(&listener);
            let (transport, limits) = (listener.transport.clone(), listener.limits);
            let runs = |place: &usize| {
                let running = self.running.get(*place);
                running.is_some_and(|running| running.socket.is_at(&socket))
            };
            let origin = match free.iter().position(runs) {
                Some(found) => Origin::Running(free.remove(found)),
                None => Origin::Bound(Listener::bind(listener)?),
            };
            prepared.push(PreparedSource {
                id: source.id,
                socket,
                origin,
                transport,
                limits,
                decode: source.decode,
                label: source.label,
            });
        }
        Ok(prepared)
    }

    /// Runs these sources from now on. Those that run and are none of these drain.
    pub(super) fn switch(
        &mut self,
        sources: Vec<PreparedSource>,
        router: &Router,
        clock: &Arc<dyn Clock>,
    ) {
        let mut before: Vec<_> = std::mem::take(&mut self.running)
            .into_iter()
            .map(Some)
            .collect();
        for source in sources {
            let entry = router.entered_at(source.label);
            let next = match source.origin {
                Origin::Bound(listener) => {
                    let ingress = Ingress::new(source.decode, entry, Arc::clone(clock));
                    let transport = source.transport;
                    self.serve(source.id, listener, source.socket, ingress, transport)
                }
                Origin::Running(place) => {
                    let Some(running) = before.get_mut(place).and_then(Option::take) else {
                        continue;
                    };
                    running.warn_of_what_stays(&source.socket);
                    running
                        .terms
                        .switch(source.transport.clone(), source.limits);
                    running
                        .ingress
                        .switch(source.decode, entry, Arc::clone(clock));
                    RunningSource {
                        id: source.id,
                        transport: source.transport,
                        ..running
                    }
                }
            };
            self.running.push(next);
        }
        for gone in before.into_iter().flatten() {
            let SocketConfig { bind, port, .. } = &gone.socket;
            info!(bind, port, "no longer listening");
            gone.stop.cancel();
        }
    }

    /// Gives each source the transport of the source at the same place: the same
    /// configuration with other certificates.
    pub(super) fn renew(&mut self, sources: Vec<HttpSource>) {
        for (running, renewed) in self.running.iter_mut().zip(sources) {
            let transport = renewed.listener.transport;
            running.terms.switch_transport(transport.clone());
            running.transport = transport;
        }
    }

    /// What the sources are served over.
    pub(super) fn transports(&self) -> impl Iterator<Item = &Transport> {
        self.running.iter().map(|source| &source.transport)
    }

    /// What monitors are shown of them.
    pub(super) fn views(&self) -> Vec<SourceView> {
        let view = |source: &RunningSource| SourceView {
            id: source.id.clone(),
            address: source.address.to_string(),
            traffic: Arc::clone(source.ingress.traffic()),
            failed_handshakes: Arc::clone(source.terms.failed_handshakes()),
            expiry: match &source.transport {
                Transport::Plain => Expiry::default(),
                Transport::Tls(tls) => tls.expiry(),
            },
        };
        self.running.iter().map(view).collect()
    }

    /// Takes no more, and returns when all requests in flight are answered.
    pub(super) async fn stop(mut self) {
        for source in &self.running {
            source.stop.cancel();
        }
        while self.listeners.join_next().await.is_some() {}
    }

    fn serve(
        &mut self,
        id: String,
        listener: Listener,
        socket: SocketConfig,
        ingress: Ingress<Router>,
        transport: Transport,
    ) -> RunningSource {
        info!(address = %listener.address(), "listening");
        let stop = CancellationToken::new();
        let running = RunningSource {
            id,
            address: listener.address(),
            socket,
            terms: listener.terms(),
            ingress: ingress.clone(),
            transport,
            stop: stop.clone(),
        };
        self.listeners.spawn(async move {
            let answer = move |peer, request| ingress.answer(peer, request);
            let drained = listener.serve(answer, stop).await;
            if drained.cut_off > 0 {
                warn!(
                    connections = drained.cut_off,
                    "connections cut off at the deadline"
                );
            }
        });
        running
    }
}

/// How many connections each listener may have for want of descriptors.
fn connections_allowed(listeners: usize) -> NonZeroUsize {
    let descriptors = Descriptors::now();
    let most = descriptors.connections_for(listeners);
    if most < Limits::default().connections.get() {
        let allowed = descriptors.limit;
        info!(
            allowed,
            connections = most,
            "the limit of open files is the limit of connections, too"
        );
    }
    NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN)
}

impl SocketConfig {
    fn of(config: &listener::Config) -> Self {
        Self {
            bind: config.bind.clone(),
            port: config.port,
            backlog: config.backlog,
        }
    }

    fn is_at(&self, other: &Self) -> bool {
        (&self.bind, self.port) == (&other.bind, other.port)
    }
}

impl RunningSource {
    fn warn_of_what_stays(&self, next: &SocketConfig) {
        if self.socket != *next {
            let SocketConfig { bind, port, .. } = &self.socket;
            warn!(bind, port, "`backlog` takes effect at a restart");
        }
    }
}
