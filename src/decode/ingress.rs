//! The service of a listener, whose configuration can change under it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::response::Response;
use axum::routing::MethodRouter;
use axum::routing::future::RouteFuture;
use http::{Method, Request};
use hyper::body::Incoming;
use hyper::service::Service;
use tokio_util::either::Either;
use tower::Service as _;

use super::{Answered, Config, Source, Traffic, routes};
use crate::host::clock::Clock;
use crate::route::Emit;

/// The service that a listener serves. A request is answered by the configuration that is in
/// force when its headers are complete, to its end. Clones share the configuration.
///
/// With each request it is told whose it is.
#[derive(Clone)]
pub struct Ingress {
    doors: Arc<ArcSwap<Doors>>,
    traffic: Arc<Traffic>,
}

/// The ways to one source.
struct Doors {
    /// For requests that bring events, which is nearly all of them. They pass axum by: to be
    /// called its router must be cloned, a box for each of its methods.
    events: Arc<dyn Ingest>,
    others: MethodRouter,
}

type Answer = Pin<Box<dyn Future<Output = Answered> + Send>>;

/// A [`Source`], whatever it emits to.
trait Ingest: Send + Sync {
    fn ingest(self: Arc<Self>, peer: SocketAddr, request: Request<Incoming>) -> Answer;
}

impl<E: Emit> Ingest for Source<E> {
    fn ingest(self: Arc<Self>, peer: SocketAddr, request: Request<Incoming>) -> Answer {
        let (head, body) = request.into_parts();
        Box::pin(self.answer(Some(peer), head, body))
    }
}

impl Doors {
    fn new<E: Emit>(config: Config, emit: E, clock: Arc<dyn Clock>, traffic: Arc<Traffic>) -> Self {
        let source = Arc::new(Source::new(config, emit, clock, traffic));
        Self {
            others: routes(Arc::clone(&source)),
            events: source,
        }
    }
}

impl Ingress {
    /// Reads requests as `config` says and gives their events to `emit`.
    pub fn new<E: Emit>(config: Config, emit: E, clock: Arc<dyn Clock>) -> Self {
        let traffic = Arc::<Traffic>::default();
        let doors = Doors::new(config, emit, clock, Arc::clone(&traffic));
        Self {
            doors: Arc::new(ArcSwap::from_pointee(doors)),
            traffic,
        }
    }

    /// Answers requests by another configuration from now on, on open connections too.
    pub fn switch<E: Emit>(&self, config: Config, emit: E, clock: Arc<dyn Clock>) {
        let doors = Doors::new(config, emit, clock, Arc::clone(&self.traffic));
        self.doors.store(Arc::new(doors));
    }

    /// What has been counted, under all configurations.
    pub fn traffic(&self) -> &Arc<Traffic> {
        &self.traffic
    }
}

impl Service<(SocketAddr, Request<Incoming>)> for Ingress {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Answer, RouteFuture<Infallible>>;

    fn call(&self, (peer, request): (SocketAddr, Request<Incoming>)) -> Self::Future {
        let doors = self.doors.load();
        match *request.method() {
            Method::POST | Method::PUT => {
                Either::Left(Arc::clone(&doors.events).ingest(peer, request))
            }
            _ => {
                let mut request = request;
                request.extensions_mut().insert(peer);
                Either::Right(doors.others.clone().call(request))
            }
        }
    }
}
