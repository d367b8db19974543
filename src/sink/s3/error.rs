//! From the SDK's errors to ours.

use std::error::Error;
use std::time::Duration;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::{RequestId, RequestIdExt};

use crate::sink::{Earlier, PutError, Remedy};

/// What no time and nobody puts right: the chunk itself is at fault.
const HOPELESS: [&str; 2] = ["EntityTooLarge", "KeyTooLongError"];

/// Answers with a 5xx status that are given before anything is stored.
const BEFORE_STORING: [&str; 2] = ["NotImplemented", "SlowDown"];

/// An answer of the store that is no success.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    code: Option<String>,
    /// What goes into the error's text.
    detail: String,
    /// The region that the bucket is in, where the store tells it.
    region: Option<String>,
}

/// A request that has not succeeded.
#[derive(Debug)]
pub(super) enum Failure {
    Refused(Refusal),
    /// The causes, from the outermost on.
    Unknown(String),
}

impl Failure {
    pub(super) fn new<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: Error + ProvideErrorMetadata + RequestId + RequestIdExt + 'static,
    {
        let SdkError::ServiceError(context) = &error else {
            return Self::Unknown(chain(&error));
        };
        let header = |name| context.raw().headers().get(name).map(str::to_owned);
        let refused = context.err();
        let code = refused.code();
        let mut detail = match (code, header("content-type")) {
            (Some(code), _) => code.to_owned(),
            (None, Some(page)) if page.starts_with("text/html") => {
                "a page for people: something before the store has answered".to_owned()
            }
            (None, _) => "no error code".to_owned(),
        };
        if let Some(message) = refused.message() {
            detail = format!("{detail}: {message}");
        }
        if let Some(id) = refused.request_id() {
            detail = format!("{detail} (request id {id})");
        }
        if let (Some("RequestTimeTooSkewed"), Some(date)) = (code, header("date")) {
            detail = format!("{detail}; the store's clock says {date}, so this host's is off");
        }
        Self::Refused(Refusal {
            status: context.raw().status().as_u16(),
            code: code.map(str::to_owned),
            detail,
            region: header("x-amz-bucket-region"),
        })
    }

    pub(super) fn late(limit: Duration) -> Self {
        Self::Unknown(format!("no answer within {} seconds", limit.as_secs()))
    }

    /// `region`: the configured one.
    pub(super) fn into_error(
        self,
        target: String,
        operation: &'static str,
        region: &str,
    ) -> PutError {
        match self {
            Self::Unknown(reason) => PutError::Unknown {
                target,
                operation,
                reason,
            },
            Self::Refused(refusal) => PutError::Refused {
                target,
                operation,
                status: refusal.status,
                remedy: if refusal.has_code(&HOPELESS) {
                    Remedy::None
                } else {
                    Remedy::Retry
                },
                leaves: if refusal.status >= 500 && !refusal.has_code(&BEFORE_STORING) {
                    Earlier::MaybeStored
                } else {
                    Earlier::None
                },
                detail: refusal.detail_for(region),
            },
        }
    }
}

impl Refusal {
    /// The object is there already: `If-None-Match: *` did not hold.
    pub(super) fn is_taken(&self) -> bool {
        self.status == 412
    }

    /// The store does not know `If-None-Match` and says so.
    pub(super) fn is_condition_refused(&self) -> bool {
        self.status == 501 || self.has_code(&["NotImplemented"])
    }

    fn detail_for(self, configured: &str) -> String {
        match self.region {
            Some(region) if region != configured => format!(
                "{}; the bucket is in {region}, and s3_region is {configured}",
                self.detail
            ),
            _ => self.detail,
        }
    }

    pub(super) fn is_bucket_missing(&self) -> bool {
        self.has_code(&["NoSuchBucket"])
    }

    /// What was to be created is there, and belongs to us.
    pub(super) fn is_bucket_ours(&self) -> bool {
        self.has_code(&["BucketAlreadyOwnedByYou"])
    }

    fn has_code(&self, codes: &[&str]) -> bool {
        self.code
            .as_deref()
            .is_some_and(|code| codes.contains(&code))
    }
}

/// The causes of an error, from the outermost on.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::error::ErrorMetadata;
    use aws_sdk_s3::operation::put_object::PutObjectError;
    use aws_sdk_s3::primitives::SdkBody;

    use super::*;

    fn refused(status: u16, code: &str) -> PutError {
        let metadata = ErrorMetadata::builder().code(code).message("so it is");
        let response = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
        let error = SdkError::service_error(PutObjectError::generic(metadata.build()), response);
        Failure::new(error).into_error("s3://b/k".to_owned(), "PutObject", "us-east-1")
    }

    #[test]
    fn a_chunk_at_fault_is_hopeless() {
        for code in HOPELESS {
            let error = refused(400, code);
            assert!(!error.is_retryable(), "{error}");
            assert_eq!(error.leaves(), Earlier::None);
        }
        assert!(refused(400, "InvalidDigest").is_retryable());
    }

    #[test]
    fn a_server_that_fails_may_have_stored() {
        assert_eq!(refused(500, "InternalError").leaves(), Earlier::MaybeStored);
        assert_eq!(
            refused(503, "ServiceUnavailable").leaves(),
            Earlier::MaybeStored
        );
        assert_eq!(refused(503, "SlowDown").leaves(), Earlier::None);
        assert_eq!(refused(403, "AccessDenied").leaves(), Earlier::None);
    }

    #[test]
    fn the_text_has_status_code_and_message() {
        assert_eq!(
            refused(403, "AccessDenied").to_string(),
            "s3://b/k: PutObject was answered with status 403, AccessDenied: so it is"
        );
    }
}
