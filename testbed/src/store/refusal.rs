//! Answers that are no success, as S3 and what stands before it give them.

use hyper::header::{CONTENT_TYPE, DATE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use s3s::Body;

/// Says where a bucket is.
const BUCKET_REGION: HeaderName = HeaderName::from_static("x-amz-bucket-region");

/// What a proxy shows when it does not know better.
const PAGE: &str = "<!DOCTYPE html><html><head><title>Sorry</title></head>\
    <body><h1>Something went wrong</h1><br>Try later.</body></html>";

/// An answer that is no success.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// 503 `SlowDown`.
    SlowDown,
    /// 500 `InternalError`.
    InternalError,
    /// 403 `AccessDenied`.
    AccessDenied,
    /// 409 `ConditionalRequestConflict`.
    Conflict,
    /// 501 `NotImplemented`.
    NotImplemented,
    /// 400 `EntityTooLarge`.
    EntityTooLarge,
    /// 412 `PreconditionFailed`.
    Taken,
    /// 403 `RequestTimeTooSkewed`, by a clock that is two hours ahead.
    ClockSkewed,
    /// 301 `PermanentRedirect`: the bucket is in eu-west-1.
    WrongRegion,
    /// 502 with a page for people, by a proxy.
    BadGateway,
    /// 200 with a page for people, as by a portal that wants a log-in first.
    Portal,
}

impl Refusal {
    pub(super) fn response(self) -> Response<Body> {
        let (status, code, message) = match self {
            Refusal::SlowDown => (
                StatusCode::SERVICE_UNAVAILABLE,
                "SlowDown",
                "please reduce your request rate",
            ),
            Refusal::InternalError => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalError",
                "we encountered an internal error, please try again",
            ),
            Refusal::AccessDenied => (StatusCode::FORBIDDEN, "AccessDenied", "access denied"),
            Refusal::Conflict => (
                StatusCode::CONFLICT,
                "ConditionalRequestConflict",
                "a conflicting operation is in progress",
            ),
            Refusal::NotImplemented => (
                StatusCode::NOT_IMPLEMENTED,
                "NotImplemented",
                "a header you provided implies functionality that is not implemented",
            ),
            Refusal::EntityTooLarge => (
                StatusCode::BAD_REQUEST,
                "EntityTooLarge",
                "your proposed upload exceeds the maximum allowed size",
            ),
            Refusal::Taken => (
                StatusCode::PRECONDITION_FAILED,
                "PreconditionFailed",
                "at least one of the preconditions you specified did not hold",
            ),
            Refusal::ClockSkewed => return clock_skewed(),
            Refusal::WrongRegion => return wrong_region(),
            Refusal::BadGateway => return page(StatusCode::BAD_GATEWAY),
            Refusal::Portal => return page(StatusCode::OK),
        };
        xml(status, code, message)
    }
}

fn clock_skewed() -> Response<Body> {
    let ahead = Timestamp::now() + SignedDuration::from_hours(2);
    let mut response = xml(
        StatusCode::FORBIDDEN,
        "RequestTimeTooSkewed",
        "the difference between the request time and the current time is too large",
    );
    let date = ahead.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        response.headers_mut().insert(DATE, date);
    }
    response
}

fn wrong_region() -> Response<Body> {
    let mut response = xml(
        StatusCode::MOVED_PERMANENTLY,
        "PermanentRedirect",
        "the bucket you are attempting to access must be addressed using another endpoint",
    );
    let region = HeaderValue::from_static("eu-west-1");
    response.headers_mut().insert(BUCKET_REGION, region);
    response
}

fn xml(status: StatusCode, code: &str, message: &str) -> Response<Body> {
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
         <Message>{message}</Message><RequestId>TESTBED</RequestId></Error>"
    );
    answer(status, "application/xml", xml)
}

fn page(status: StatusCode) -> Response<Body> {
    answer(status, "text/html", PAGE.to_owned())
}

fn answer(status: StatusCode, kind: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
