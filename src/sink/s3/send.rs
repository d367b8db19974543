//! One request that puts an object, and what its answer means.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::{RequestId, put_object::PutObjectOutput};
use aws_sdk_s3::types::{ObjectCannedAcl, ServerSideEncryption, StorageClass};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fluent_compat::config::Secret;

use super::bucket;
use super::config::{Checksum, MissingBucket, S3Config};
use super::error::Failure;
use super::pack::Packed;
use crate::sink::PutError;

/// The request, in errors.
pub(super) const PUT: &str = "PutObject";
const CREATE: &str = "CreateBucket";
/// Slower than this, in bytes a second, an upload is given up.
const SLOWEST: u64 = 256 << 10;

/// An object, and where it goes.
pub(super) struct Sender<'a> {
    pub(super) client: &'a Client,
    pub(super) settings: &'a S3Config,
    pub(super) key: &'a str,
    pub(super) content_type: &'static str,
    pub(super) metadata: HashMap<String, String>,
    pub(super) packed: &'a Packed,
}

/// Whether the PUT is to fail if there is an object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Always,
    IfAbsent,
}

impl Sender<'_> {
    /// Puts an object whose name is its own, so that one that is there is this one.
    pub(super) async fn keep(&self) -> Result<(), PutError> {
        match self.send(Condition::IfAbsent).await? {
            Ok(()) => Ok(()),
            Err(Failure::Refused(refusal)) if refusal.is_taken() => Ok(()),
            Err(Failure::Refused(refusal)) if refusal.is_condition_refused() => {
                let sent = self.send(Condition::Always).await?;
                sent.map_err(|failure| self.failed(failure, PUT))
            }
            Err(failure) => Err(self.failed(failure, PUT)),
        }
    }

    /// Creates a missing bucket if it is to. The outer error is one of ours, the inner one
    /// the store's.
    pub(super) async fn send(&self, condition: Condition) -> Result<Result<(), Failure>, PutError> {
        let creates = self.settings.missing_bucket == MissingBucket::Create;
        match self.send_once(condition).await? {
            Err(Failure::Refused(refusal)) if creates && refusal.is_bucket_missing() => {
                match bucket::create(self.client, self.settings).await {
                    Ok(()) => self.send_once(condition).await,
                    Err(failure) => {
                        // Nothing was stored, and the next attempt comes here again.
                        let target = format!("s3://{}", self.settings.bucket);
                        Err(failure.into_error(target, CREATE, &self.settings.region))
                    }
                }
            }
            outcome => Ok(outcome),
        }
    }

    async fn send_once(&self, condition: Condition) -> Result<Result<(), Failure>, PutError> {
        let body = self
            .packed
            .stream()
            .await
            .map_err(|source| PutError::Local {
                target: self.target(),
                what: "the packed chunk could not be read",
                source,
            })?;
        let length = i64::try_from(self.packed.length).map_err(|_| PutError::Invalid {
            target: self.target(),
            reason: "the packed chunk is too long for an object".to_owned(),
        })?;
        let settings = self.settings;
        let object = &settings.object;
        let customer_key = &object.customer_key;
        let request = self
            .client
            .put_object()
            .bucket(&settings.bucket)
            .key(self.key)
            .body(body)
            .content_length(length)
            .content_type(self.content_type)
            .set_if_none_match((condition == Condition::IfAbsent).then(|| "*".to_owned()))
            .set_checksum_crc32_c(self.checksum())
            .set_metadata(Some(self.metadata.clone()))
            .storage_class(StorageClass::from(object.storage_class.as_str()))
            .set_acl(object.acl.as_deref().map(ObjectCannedAcl::from))
            .set_grant_full_control(object.grant_full_control.clone())
            .set_grant_read(object.grant_read.clone())
            .set_grant_read_acp(object.grant_read_acp.clone())
            .set_grant_write_acp(object.grant_write_acp.clone())
            .set_server_side_encryption(
                object
                    .server_side_encryption
                    .as_deref()
                    .map(ServerSideEncryption::from),
            )
            .set_ssekms_key_id(exposed(object.kms_key_id.as_ref()))
            .set_sse_customer_algorithm(customer_key.algorithm.clone())
            .set_sse_customer_key(exposed(customer_key.key.as_ref()))
            .set_sse_customer_key_md5(exposed(customer_key.key_md5.as_ref()))
            .set_tagging(object.tagging.clone());
        let limit = self.time_limit();
        Ok(match tokio::time::timeout(limit, request.send()).await {
            Ok(Ok(output)) if is_from_a_store(&output) => Ok(()),
            Ok(Ok(_)) => Err(Failure::Unknown(
                "the answer is a success without ETag or request id, so no store has given it: \
                 is there a proxy that wants something?"
                    .to_owned(),
            )),
            Ok(Err(error)) => Err(Failure::new(error)),
            Err(_) => Err(Failure::late(limit)),
        })
    }

    pub(super) fn failed(&self, failure: Failure, operation: &'static str) -> PutError {
        failure.into_error(self.target(), operation, &self.settings.region)
    }

    fn checksum(&self) -> Option<String> {
        match self.settings.checksum {
            Checksum::Crc32c => Some(BASE64_STANDARD.encode(self.packed.crc32c.to_be_bytes())),
            Checksum::None => None,
        }
    }

    fn time_limit(&self) -> Duration {
        let upload = Duration::from_secs(self.packed.length / SLOWEST);
        self.settings.put_timeout.saturating_add(upload)
    }

    pub(super) fn target(&self) -> String {
        super::target(&self.settings.bucket, self.key)
    }
}

/// A page that a portal shows instead of the store may come with status 200 as well.
fn is_from_a_store(output: &PutObjectOutput) -> bool {
    output.e_tag().is_some() || output.request_id().is_some()
}

pub(super) fn exposed(secret: Option<&Secret>) -> Option<String> {
    secret.map(|secret| secret.expose().to_owned())
}
