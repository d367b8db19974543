//! Makes events of requests, as Fluentd's `in_http` does, and answers them.
//!
//! A request is taken whole or not at all: whatever is wrong with any part of it, nothing of
//! it is stored, and the answer says what was wrong. What was answered with success is stored
//! as safely as [`Emit::emit`] promises.

mod body;
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

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use bytes::Bytes;
use http::request::Parts;

use fluent_compat::events::Events;

pub use self::cors::{Cors, CorsError};
pub use self::events::{DefaultParsers, Parsing};
pub use self::extras::Extras;
pub use self::ingress::Ingress;
use self::respond::Refusal;
pub use self::respond::Success;
pub use self::tag::{TagPrefix, TagPrefixError};
use crate::host::clock::Clock;
use crate::host::throttle::Throttle;
use crate::route::Emit;

/// At most one line in this time says that nobody takes a tag.
const UNMATCHED_INTERVAL: Duration = Duration::from_secs(10);

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
    /// From the end of the headers to the end of the body.
    pub deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 32 << 20,
            decompressed: 256 << 20,
            // Twice what Teleport's client gives a whole request.
            deadline: Duration::from_secs(60),
        }
    }
}

/// What each method does, on whatever path. The path is the tag.
fn routes<E: Emit>(config: Config, emit: E, clock: Arc<dyn Clock>) -> MethodRouter {
    let source = Arc::new(Source {
        config,
        clock,
        emit,
        unmatched: Throttle::new(UNMATCHED_INTERVAL),
    });
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

async fn ingest<E: Emit>(State(source): State<Arc<Source<E>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    source.answer(head, body).await
}

async fn preflight<E: Emit>(State(source): State<Arc<Source<E>>>, request: Request) -> Response {
    let cors = source.config.cors.as_ref();
    match cors.and_then(|cors| cors.preflight(request.headers())) {
        Some(answer) => answer,
        None => Refusal::Origin.response(),
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
    clock: Arc<dyn Clock>,
    emit: E,
    /// Lets refusals of tags that nobody takes into the log.
    unmatched: Throttle,
}

impl<E: Emit> Source<E> {
    async fn answer(self: Arc<Self>, head: Parts, body: Body) -> Response {
        let grant = match &self.config.cors {
            None => None,
            Some(cors) => match cors.grant(&head.headers) {
                Ok(grant) => grant,
                Err(_denied) => return self.refuse(&head, &Refusal::Origin),
            },
        };
        let (head, outcome) = Arc::clone(&self).take(head, body).await;
        let mut answer = match outcome {
            Ok(()) => self.config.success.response(head),
            Err(refusal) => self.refuse(&head, &refusal),
        };
        if let Some(grant) = grant {
            grant.add_to(answer.headers_mut());
        }
        answer
    }

    async fn take(self: Arc<Self>, head: Parts, body: Body) -> (Parts, Result<(), Refusal>) {
        let body = match self.raw_body(&head, body).await {
            Ok(body) => body,
            Err(refusal) => return (head, Err(refusal)),
        };
        let tag = tag::of_path(head.uri.path(), self.config.tag_prefix.as_ref());
        let (head, events) = Arc::clone(&self).events(head, body).await;
        let outcome = match events {
            Ok(events) if events.is_empty() => Ok(()),
            Ok(events) => self.emit.emit(tag, events).await.map_err(Refusal::from),
            Err(refusal) => Err(refusal),
        };
        (head, outcome)
    }

    async fn raw_body(&self, head: &Parts, body: Body) -> Result<RawBody, Refusal> {
        // Before the body is read: who sends what we cannot read need not send it.
        let coding = coding::Coding::of(&head.headers)?;
        let bytes = body::read(body, &self.config.limits).await?;
        Ok(RawBody { coding, bytes })
    }

    /// Decodes here, or in a thread of its own what would keep other connections waiting.
    async fn events(
        self: Arc<Self>,
        head: Parts,
        body: RawBody,
    ) -> (Parts, Result<Events, Refusal>) {
        /// Parsed in a fraction of a millisecond.
        const SMALL: usize = 256 << 10;

        if body.coding == coding::Coding::Identity && body.bytes.len() <= SMALL {
            let events = self.decode(&head, &body);
            return (head, events);
        }
        let decoding = tokio::task::spawn_blocking(move || {
            let events = self.decode(&head, &body);
            (head, events)
        });
        match decoding.await {
            Ok(decoded) => decoded,
            Err(failure) => std::panic::resume_unwind(failure.into_panic()),
        }
    }

    fn decode(&self, head: &Parts, body: &RawBody) -> Result<Events, Refusal> {
        let body = body
            .coding
            .decode(&body.bytes, self.config.limits.decompressed)?;
        let now = self.clock.now();
        Ok(events::decode(&self.config, head, &body, now)?)
    }

    fn refuse(&self, head: &Parts, refusal: &Refusal) -> Response {
        let others = match refusal.is_unmatched() {
            true => self.unmatched.pass(),
            false => Some(0),
        };
        if let Some(others) = others.filter(|_| self.config.log_refusals) {
            refusal.log(head, others);
        }
        refusal.response()
    }
}

/// A body as it came.
struct RawBody {
    coding: coding::Coding,
    bytes: Bytes,
}

#[cfg(test)]
mod tests;
