//! The service of a listener, whose configuration can change under it.

use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::routing::MethodRouter;
use http::{Method, Request};
use hyper::body::Incoming;
use tokio_util::either::Either;
use tower::Service as _;

use super::{Answered, Config, Source, Traffic, routes};
use crate::host::clock::Clock;
use crate::route::Emit;

/// What answers the requests of a listener. A request is answered by the configuration that is in
/// force when its headers are complete, to its end. Clones share the configuration.
#[derive(Clone)]
pub struct Ingress<E> {
    doors: Arc<ArcSwap<Doors<E>>>,
    traffic: Arc<Traffic>,
}

/// The ways to one source.
struct Doors<E> {
    /// For requests that bring events, which is nearly all of them. They pass axum by: to be
    /// called its router must be cloned, a box for each of its methods.
    events: Arc<Source<E>>,
    others: MethodRouter,
}

impl<E: Emit> Doors<E> {
    fn new(config: Config, emit: E, clock: Arc<dyn Clock>, traffic: Arc<Traffic>) -> Self {
        let source = Arc::new(Source::new(config, emit, clock, traffic));
        Self {
            others: routes(Arc::clone(&source)),
            events: source,
        }
    }
}

impl<E: Emit> Ingress<E> {
    /// Reads requests as `config` says and gives their events to `emit`.
    pub fn new(config: Config, emit: E, clock: Arc<dyn Clock>) -> Self {
        let traffic = Arc::<Traffic>::default();
        let doors = Doors::new(config, emit, clock, Arc::clone(&traffic));
        Self {
            doors: Arc::new(ArcSwap::from_pointee(doors)),
            traffic,
        }
    }

    /// Answers requests by another configuration from now on, on open connections too.
    pub fn switch(&self, config: Config, emit: E, clock: Arc<dyn Clock>) {
        let doors = Doors::new(config, emit, clock, Arc::clone(&self.traffic));
        self.doors.store(Arc::new(doors));
    }

    /// What has been counted, under all configurations.
    pub fn traffic(&self) -> &Arc<Traffic> {
        &self.traffic
    }

    /// Answers a request of this peer.
    pub fn answer(
        &self,
        peer: SocketAddr,
        mut request: Request<Incoming>,
    ) -> impl Future<Output = Answered> + Send + use<E> {
        let doors = self.doors.load();
        match *request.method() {
            Method::POST | Method::PUT => {
                let (head, body) = request.into_parts();
                Either::Left(Arc::clone(&doors.events).answer(Some(peer), head, body))
            }
            _ => {
                request.extensions_mut().insert(peer);
                Either::Right(doors.others.clone().call(request))
            }
        }
    }
}
