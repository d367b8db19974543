//! Makes events of requests, as Fluentd's `in_http` does, and answers them.
//!
//! A request is taken whole or not at all: whatever is wrong with any part of it, nothing of
//! it is stored, and the answer says what was wrong. What was answered with success is stored
//! as safely as [`Emit::emit`] promises.

mod body;
mod budget;
mod coding;
mod content;
mod cors;
mod events;
mod extras;
mod ingress;
mod multipart;
mod parameters;
mod respond;
mod tag;
#[cfg(test)]
mod testing;
mod traffic;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use bytes::Bytes;
use http::request::Parts;

use fluent_compat::events::Events;
use tokio::time::Instant;

use self::body::RequestBody;
use self::budget::{Budget, Room};
use self::coding::Coding;
pub use self::cors::{Cors, CorsError};
pub use self::events::{DefaultParsers, Parsing};
pub use self::extras::Extras;
pub use self::ingress::Ingress;
pub use self::respond::Success;
use self::respond::{Recurring, Refusal};
pub use self::tag::{TagPrefix, TagPrefixError};
pub use self::traffic::{Cause, Traffic};
use crate::host::clock::Clock;
use crate::host::throttle::Throttle;
use crate::route::{Emit, EmitError};

/// At most one line in this time says what every request is about to be refused for.
const RECURRING_INTERVAL: Duration = Duration::from_secs(10);
/// At most so many lines in the same time say what is wrong with one request: enough to find
/// a client's mistake, and not to fill a disk.
const FAULTS: u32 = 10;

/// What `in_http` is told in its `<source>`, less what concerns the socket.
#[derive(Clone, Debug)]
pub struct Config {
    /// Fluentd's `add_tag_prefix`.
    pub tag_prefix: Option<TagPrefix>,
    /// What reads bodies: Fluentd's `<parse>`.
    pub parsing: Parsing,
    /// Fluentd's `add_http_headers`, `add_query_params` and `add_remote_addr`.
    pub extras: Extras,
    /// Fluentd's `cors_allow_origins` and `cors_allow_credentials`.
    pub cors: Option<Cors>,
    /// Fluentd's `use_204_response` and `respond_with_empty_img`.
    pub success: Success,
    /// What a request's body may take.
    pub limits: Limits,
    /// Fluentd's `dump_error_log`: whether each refusal is a line in the log.
    pub log_refusals: bool,
}

/// What a request's body may take before it is refused.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes as they come. Fluentd's `body_size_limit`.
    pub body: usize,
    /// Bytes once decompressed. Fluentd's `decompression_size_limit`.
    pub decompressed: usize,
    /// Bytes of all bodies that are held at a time, as they come and decompressed: our own
    /// `body_memory_limit`.
    pub memory: usize,
    /// From the end of the headers to the end of the body.
    pub deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 32 << 20,
            decompressed: 256 << 20,
            // Events, and what they are formatted to, take as much again, each at its time.
            memory: 128 << 20,
            // Twice what Teleport's client gives a whole request.
            deadline: Duration::from_secs(60),
        }
    }
}

/// What a service gives: an answer, whatever is wrong with the request.
pub type Answered = Result<Response, Infallible>;

/// What each method does, on whatever path. The path is the tag.
fn routes<E: Emit>(source: Arc<Source<E>>) -> MethodRouter {
    // Health checks send GET or HEAD (which axum derives from GET): 200, without effect.
    get(health)
        .post(ingest::<E>)
        .put(ingest::<E>)
        .options(preflight::<E>)
        .fallback(method_not_allowed::<E>)
        .with_state(source)
}

async fn health() -> Response {
    respond::healthy()
}

async fn ingest<E: Emit>(State(source): State<Arc<Source<E>>>, request: Request) -> Answered {
    let (head, body) = request.into_parts();
    let peer = head.extensions.get().copied();
    source.answer(peer, head, body).await
}

async fn preflight<E: Emit>(State(source): State<Arc<Source<E>>>, request: Request) -> Response {
    let cors = source.config.cors.as_ref();
    match cors.and_then(|cors| cors.preflight(request.headers())) {
        Some(answer) => answer,
        None => {
            source.traffic.refuse(&Refusal::Origin);
            Refusal::Origin.response()
        }
    }
}

async fn method_not_allowed<E: Emit>(
    State(source): State<Arc<Source<E>>>,
    request: Request,
) -> Response {
    let (head, _body) = request.into_parts();
    let method = head.method.clone();
    source.refuse(&head, &Refusal::Method { method })
}

/// One `<source> @type http`.
struct Source<E> {
    config: Config,
    budget: Budget,
    clock: Arc<dyn Clock>,
    emit: E,
    traffic: Arc<Traffic>,
    /// Lets refusals of tags that nobody takes into the log.
    unmatched: Throttle,
    /// Lets refusals that are no fault of the request's into the log.
    unavailable: Throttle,
    /// Lets refusals of what is wrong with one request into the log.
    faulty: Throttle,
}

impl<E: Emit> Source<E> {
    fn new(config: Config, emit: E, clock: Arc<dyn Clock>, traffic: Arc<Traffic>) -> Self {
        Self {
            budget: Budget::new(config.limits.memory),
            config,
            clock,
            emit,
            traffic,
            unmatched: Throttle::new(RECURRING_INTERVAL),
            unavailable: Throttle::new(RECURRING_INTERVAL),
            faulty: Throttle::with_most(FAULTS, RECURRING_INTERVAL),
        }
    }

    /// `peer` is who sent the request.
    #[expect(
        clippy::manual_async_fn,
        reason = "the future of an async fn keeps the request's head twice"
    )]
    fn answer<B>(
        self: Arc<Self>,
        peer: Option<SocketAddr>,
        mut head: Parts,
        mut body: B,
    ) -> impl Future<Output = Answered> + Send
    where
        B: RequestBody,
    {
        async move {
            let begun = Instant::now();
            let _unanswered = self.traffic.unanswered.begin(begun);
            if let Some(peer) = peer.filter(|_| self.config.extras.remote_addr) {
                head.extensions.insert(peer);
            }
            let grant = match &self.config.cors {
                None => None,
                Some(cors) => match cors.grant(&head.headers) {
                    Ok(grant) => grant,
                    Err(_denied) => return Ok(self.refuse(&head, &Refusal::Origin)),
                },
            };
            let mut answer = match self.take(&head, &mut body).await {
                Ok(()) => {
                    self.traffic.ack_latency.record(begun.elapsed());
                    self.config.success.response(head)
                }
                Err(refusal) => {
                    if let Some(peer) = peer {
                        head.extensions.insert(peer);
                    }
                    self.refuse(&head, &refusal)
                }
            };
            if let Some(grant) = grant {
                grant.add_to(answer.headers_mut());
            }
            Ok(answer)
        }
    }

    /// Stores the request's events.
    ///
    /// Nearly all requests are small and find room, and theirs is the time that counts: what
    /// happens to others is in a box, so that the future of those is not as large as theirs.
    async fn take(
        self: &Arc<Self>,
        head: &Parts,
        body: &mut impl RequestBody,
    ) -> Result<(), Refusal> {
        // Before the body is read: who sends what we cannot read need not send it.
        let coding = Coding::of(&head.headers)?;
        let (bytes, room) = body::read(body, &self.config.limits, &self.budget).await?;
        let mut body = RawBody {
            coding,
            bytes,
            room,
        };
        let events = match body.is_small() {
            true => self.decode(head, coding, &body.bytes)?,
            false => Box::pin(self.decode_aside(head, &mut body)).await?,
        };
        let length = body.bytes.len() as u64;
        // What is stored is the events: they are formatted where the body was.
        body.bytes = Bytes::new();
        let Some((count, storing)) = self.store(head, events) else {
            return Ok(());
        };
        storing.await?;
        self.traffic.events.add(count);
        self.traffic.bytes.add(length);
        // NOTE: not before: an event that waits for its buffer takes memory, too.
        drop(body.room);
        Ok(())
    }

    /// How many events there are, and the future that stores them; `None` for none.
    fn store(
        &self,
        head: &Parts,
        events: Events,
    ) -> Option<(u64, impl Future<Output = Result<(), EmitError>> + Send)> {
        if events.is_empty() {
            return None;
        }
        let tag = tag::of_path(head.uri.path(), self.config.tag_prefix.as_ref());
        Some((events.len() as u64, self.emit.emit(tag, events)))
    }

    /// Decodes in a thread of its own what would keep other connections waiting.
    async fn decode_aside<'s>(
        self: &'s Arc<Self>,
        head: &Parts,
        body: &mut RawBody<'s>,
    ) -> Result<Events, Refusal> {
        self.room_to_unpack(body).await?;
        let source = Arc::clone(self);
        let (head, coding, bytes) = (head.clone(), body.coding, body.bytes.clone());
        blocking(move || source.decode(&head, coding, &bytes)).await
    }

    /// Finds out how large a compressed body really is, and gets it room for that. Unpacking
    /// it twice is the price for never holding what there is no room for.
    async fn room_to_unpack<'s>(&'s self, body: &mut RawBody<'s>) -> Result<(), Refusal> {
        if body.coding == Coding::Identity {
            return Ok(());
        }
        let (coding, bytes) = (body.coding, body.bytes.clone());
        let limit = self.config.limits.decompressed;
        let length = blocking(move || coding.measure(&bytes, limit)).await?;
        Ok(self.budget.unpack(&mut body.room, length).await?)
    }

    fn decode(&self, head: &Parts, coding: Coding, bytes: &[u8]) -> Result<Events, Refusal> {
        let body = coding.decode(bytes, self.config.limits.decompressed)?;
        let now = self.clock.now();
        Ok(events::decode(&self.config, head, &body, now)?)
    }

    fn refuse(&self, head: &Parts, refusal: &Refusal) -> Response {
        self.traffic.refuse(refusal);
        let others = match refusal.recurring() {
            Some(Recurring::Unmatched) => self.unmatched.pass(),
            Some(Recurring::Unavailable) => self.unavailable.pass(),
            None => self.faulty.pass(),
        };
        if let Some(others) = others.filter(|_| self.config.log_refusals) {
            refusal.log(head, others);
        }
        refusal.response()
    }
}

/// A body as it came.
struct RawBody<'b> {
    coding: Coding,
    bytes: Bytes,
    room: Room<'b>,
}

impl RawBody<'_> {
    /// Whether it is decoded in a fraction of a millisecond.
    fn is_small(&self) -> bool {
        const SMALL: usize = 256 << 10;
        self.coding == Coding::Identity && self.bytes.len() <= SMALL
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(failure) => std::panic::resume_unwind(failure.into_panic()),
    }
}

#[cfg(test)]
mod tests;
