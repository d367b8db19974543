//! The service of a listener, whose configuration can change under it.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use arc_swap::ArcSwap;
use axum::routing::MethodRouter;
use axum::routing::future::RouteFuture;
use http::Request;
use hyper::body::Incoming;
use tower::Service;

use super::{Config, Traffic, routes};
use crate::host::clock::Clock;
use crate::route::Emit;

/// The service that a listener serves. A request is answered by the configuration that is in
/// force when its headers are complete, to its end. Clones share the configuration.
///
/// It reads the peer's [`std::net::SocketAddr`] from the request's extensions.
#[derive(Clone)]
pub struct Ingress {
    routes: Arc<ArcSwap<MethodRouter>>,
    traffic: Arc<Traffic>,
}

impl Ingress {
    /// Reads requests as `config` says and gives their events to `emit`.
    pub fn new<E: Emit>(config: Config, emit: E, clock: Arc<dyn Clock>) -> Self {
        let traffic = Arc::<Traffic>::default();
        let routes = routes(config, emit, clock, Arc::clone(&traffic));
        Self {
            routes: Arc::new(ArcSwap::from_pointee(routes)),
            traffic,
        }
    }

    /// Answers requests by another configuration from now on, on open connections too.
    pub fn switch<E: Emit>(&self, config: Config, emit: E, clock: Arc<dyn Clock>) {
        let routes = routes(config, emit, clock, Arc::clone(&self.traffic));
        self.routes.store(Arc::new(routes));
    }

    /// What has been counted, under all configurations.
    pub fn traffic(&self) -> &Arc<Traffic> {
        &self.traffic
    }
}

impl Service<Request<Incoming>> for Ingress {
    type Response = axum::response::Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        // A clone, because calling needs one of one's own: a count for each method.
        MethodRouter::clone(&self.routes.load()).call(request)
    }
}
