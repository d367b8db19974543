//! Answers: the one table from what went wrong to a status.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use tracing::warn;

use super::body::BodyError;
use super::budget::NoRoom;
use super::coding::CodingError;
use super::events::EventsError;
use crate::route::EmitError;

/// The type of all answers but an image.
pub(super) const TEXT_PLAIN: HeaderValue = HeaderValue::from_static("text/plain");

/// Why a request was refused. Nothing of it is stored.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error(transparent)]
    Coding(#[from] CodingError),
    #[error(transparent)]
    Emit(#[from] EmitError),
    #[error(transparent)]
    Events(#[from] EventsError),
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    #[error("found {method}; allowed are POST, PUT, GET, HEAD and OPTIONS")]
    Method { method: Method },
    #[error("the page that sends this is not among cors_allow_origins")]
    Origin,
}

/// What one request is refused for, and so will be the next ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recurring {
    /// No `<match>` takes the tag: a mistake in a configuration or in a URL.
    Unmatched,
    /// There is no room, or the disk fails, or the server stops.
    Unavailable,
}

/// What an accepted request is answered with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Success {
    /// 200 without a body: what Teleport's client wants, of any version.
    #[default]
    Empty,
    /// 204. Fluentd's `use_204_response`.
    NoContent,
    /// 200 with an image of one pixel. Fluentd's `respond_with_empty_img`.
    EmptyImage,
}

/// GET and HEAD: the server is there.
pub(super) fn healthy() -> Response {
    plain(StatusCode::OK, Body::empty())
}

impl Success {
    /// The answer to a request.
    pub(super) fn response(self, request: Parts) -> Response {
        let keep_alive = keeps_alive(&request);
        // The request's header map has served and has room enough: this way no answer
        // allocates one.
        let mut headers = request.headers;
        headers.clear();
        let (status, content_type, body) = match self {
            Self::Empty => (StatusCode::OK, TEXT_PLAIN, Body::empty()),
            Self::NoContent => (StatusCode::NO_CONTENT, TEXT_PLAIN, Body::empty()),
            Self::EmptyImage => (StatusCode::OK, IMAGE_GIF, Body::from(EMPTY_GIF)),
        };
        headers.insert(CONTENT_TYPE, content_type);
        if keep_alive {
            headers.insert(CONNECTION, HeaderValue::from_static("Keep-Alive"));
        }
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

impl Refusal {
    /// The table. A client that gets 4xx should send something else, one that gets 5xx the
    /// same again.
    fn status(&self) -> StatusCode {
        match self {
            Self::Body(BodyError::Broken { .. }) => StatusCode::BAD_REQUEST,
            Self::Body(BodyError::NoRoom(_)) | Self::NoRoom(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Body(BodyError::Slow { .. }) => StatusCode::REQUEST_TIMEOUT,
            Self::Body(BodyError::TooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Coding(CodingError::Damaged { .. }) => StatusCode::BAD_REQUEST,
            Self::Coding(CodingError::TooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Coding(CodingError::Unknown { .. }) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Emit(EmitError::BufferFull { .. }) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Emit(EmitError::Stopping) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Emit(EmitError::Storage { .. }) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Emit(EmitError::TooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Emit(EmitError::TooMuch { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Emit(EmitError::Unformattable { .. }) => StatusCode::BAD_REQUEST,
            Self::Emit(EmitError::Unfilterable { .. }) => StatusCode::BAD_REQUEST,
            Self::Emit(EmitError::Unmatched { .. }) => StatusCode::NOT_FOUND,
            Self::Events(_) => StatusCode::BAD_REQUEST,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Origin => StatusCode::FORBIDDEN,
        }
    }

    /// When it is worth trying again, of what is not the request's fault.
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Emit(EmitError::BufferFull { retry_after, .. }) => Some(*retry_after),
            Self::Body(BodyError::NoRoom(_)) | Self::NoRoom(_) => Some(Duration::from_secs(5)),
            Self::Emit(EmitError::Storage { .. }) => Some(Duration::from_secs(10)),
            // The next one may be up already.
            Self::Emit(EmitError::Stopping) => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    /// The answer: the status, and what was wrong.
    pub(super) fn response(&self) -> Response {
        let status = self.status();
        let body = match self {
            // As Fluentd has it: no reason for either.
            Self::Origin => Body::empty(),
            Self::Body(BodyError::TooLarge { .. }) => Body::from("Too large"),
            _ => Body::from(format!("{status}\n{self}\n")),
        };
        let mut response = plain(status, body);
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
        }
        // The rest of the body is not worth reading.
        let gives_up = matches!(self, Self::Origin | Self::Body(_));
        if gives_up {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// Whether it would flood the log, since the same is about to be said of every request.
    pub(super) fn recurring(&self) -> Option<Recurring> {
        match self {
            Self::Emit(EmitError::Unmatched { .. }) => Some(Recurring::Unmatched),
            _ if self.status() == StatusCode::SERVICE_UNAVAILABLE => Some(Recurring::Unavailable),
            _ => None,
        }
    }

    /// Says in the log what the client is told; `others` is how many refusals like it were
    /// not logged.
    pub(super) fn log(&self, request: &Parts, others: u64) {
        let status = self.status().as_u16();
        let peer = request.extensions.get::<SocketAddr>().copied();
        let peer = peer.map(tracing::field::display);
        let path = request.uri.path();
        let others = (others > 0).then_some(others);
        warn!(status, path, peer, others, reason = %self, "refused a request");
    }
}

/// Rounded up, and one at least: zero would ask for a retry at once.
fn whole_seconds(wait: Duration) -> u64 {
    let part = u64::from(wait.subsec_nanos() > 0);
    wait.as_secs().saturating_add(part).max(1)
}

fn plain(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, TEXT_PLAIN);
    response
}

/// Whether to say so: in HTTP/1.1 as Fluentd does, unless the client wants to close.
fn keeps_alive(request: &Parts) -> bool {
    request.version == Version::HTTP_11 && !wants_close(&request.headers)
}

fn wants_close(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONNECTION).iter();
    values.any(|value| {
        let mut tokens = value.as_bytes().split(|byte| *byte == b',');
        tokens.any(|token| token.trim_ascii().eq_ignore_ascii_case(b"close"))
    })
}

const IMAGE_GIF: HeaderValue = HeaderValue::from_static("image/gif; charset=utf-8");

/// A GIF89a of one pixel: header, two colours, one image, trailer.
const EMPTY_GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\xff\x00\xff\xff\xff\x00\x00\x00\
    \x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_never_zero() {
        assert_eq!(whole_seconds(Duration::ZERO), 1);
        assert_eq!(whole_seconds(Duration::from_millis(1001)), 2);
        assert_eq!(whole_seconds(Duration::from_secs(7)), 7);
    }

    #[test]
    fn a_closing_client_is_not_told_to_keep_alive() {
        let head = |connection: &str| {
            let request = http::Request::post("/").header(CONNECTION, connection);
            request.body(()).unwrap().into_parts().0
        };
        assert!(!keeps_alive(&head("TE, Close")));
        assert!(keeps_alive(&head("keep-alive")));
    }
}
