//! One attempt to put an object.
//!
//! What makes an object neither lost nor doubled nor overwritten:
//!
//! 1. The PUT has `If-None-Match: *`, and our chunk's id goes with the object.
//! 2. If the name is taken, and it has the chunk's id in it, the object is ours.
//! 3. If it is taken and no earlier attempt can have stored it, it is not ours.
//! 4. Else a HEAD tells. Where HEAD is forbidden, the next name is tried: better
//!    twice than never.
//!
//! Only a store that refuses the condition gets a HEAD before the PUT.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{ObjectCannedAcl, ServerSideEncryption, StorageClass};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fluent_compat::config::Secret;
use fluent_compat::object_key::names_only;

use super::bucket;
use super::config::{Checksum, Existing, MissingBucket, S3Config};
use super::error::{Failure, Refusal};
use super::pack::Packed;
use crate::sink::{ChunkInfo, Earlier, Put, PutError};

/// The object's metadata that has our chunk's id (`x-amz-meta-forebay-chunk`).
pub const CHUNK_ID: &str = "forebay-chunk";

const PUT: &str = "PutObject";
const HEAD: &str = "HeadObject";
const CREATE: &str = "CreateBucket";
/// Slower than this, in bytes a second, an upload is given up.
const SLOWEST: u64 = 256 << 10;

/// All that one attempt needs.
pub(super) struct Putter<'a> {
    pub(super) client: &'a Client,
    pub(super) settings: &'a S3Config,
    /// Set for good when the store refuses `If-None-Match`.
    pub(super) condition_refused: &'a AtomicBool,
    pub(super) chunk: &'a ChunkInfo,
    pub(super) key: &'a str,
    pub(super) metadata: HashMap<String, String>,
    pub(super) packed: &'a Packed,
}

/// Whether the PUT is to fail if there is an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Always,
    IfAbsent,
}

/// What a HEAD has found.
enum Found {
    Forbidden(Refusal),
    Nothing,
    Other,
    Ours,
}

impl Putter<'_> {
    /// Puts the object, once.
    pub(super) async fn put(&self, earlier: Earlier) -> Result<Put, PutError> {
        let settings = self.settings;
        if settings.existing == Existing::Overwrite && !settings.keys.has_index() {
            return self.put_always().await;
        }
        if self.condition_refused.load(Ordering::Relaxed) {
            return self.look_and_put().await;
        }
        match self.send(Condition::IfAbsent).await? {
            Ok(()) => Ok(Put::Stored),
            Err(Failure::Refused(refusal)) if refusal.is_taken() => self.taken(earlier).await,
            Err(Failure::Refused(refusal)) if refusal.is_condition_refused() => {
                if !self.condition_refused.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        bucket = settings.bucket,
                        "the store refuses If-None-Match: from now on each name is looked \
                         for before it is used, and two servers must not share a prefix"
                    );
                }
                self.look_and_put().await
            }
            Err(failure) => Err(failure.into_error(self.target(), PUT)),
        }
    }

    async fn put_always(&self) -> Result<Put, PutError> {
        match self.send(Condition::Always).await? {
            Ok(()) => Ok(Put::Stored),
            Err(failure) => Err(failure.into_error(self.target(), PUT)),
        }
    }

    /// Whose is the object that has the name?
    async fn taken(&self, earlier: Earlier) -> Result<Put, PutError> {
        if self.is_name_ours() {
            return Ok(Put::AlreadyThere);
        }
        if earlier == Earlier::None {
            return Ok(Put::NameTaken);
        }
        match self.look().await? {
            Found::Ours => Ok(Put::AlreadyThere),
            Found::Other | Found::Forbidden(_) => Ok(Put::NameTaken),
            Found::Nothing => Err(PutError::Unknown {
                target: self.target(),
                operation: HEAD,
                reason: "the object was there a moment ago, and now it is not".to_owned(),
            }),
        }
    }

    /// For a store that refuses the condition.
    async fn look_and_put(&self) -> Result<Put, PutError> {
        if self.is_name_ours() {
            return self.put_always().await;
        }
        match self.look().await? {
            Found::Ours => Ok(Put::AlreadyThere),
            Found::Other => Ok(Put::NameTaken),
            Found::Nothing => self.put_always().await,
            Found::Forbidden(refusal) => {
                Err(Failure::Refused(refusal).into_error(self.target(), HEAD))
            }
        }
    }

    /// Creates a missing bucket if it is to. The outer error is one of ours, the inner one
    /// the store's.
    async fn send(&self, condition: Condition) -> Result<Result<(), Failure>, PutError> {
        let creates = self.settings.missing_bucket == MissingBucket::Create;
        match self.send_once(condition).await? {
            Err(Failure::Refused(refusal)) if creates && refusal.is_bucket_missing() => {
                match bucket::create(self.client, self.settings).await {
                    Ok(()) => self.send_once(condition).await,
                    Err(failure) => {
                        // Nothing was stored, and the next attempt comes here again.
                        let target = format!("s3://{}", self.settings.bucket);
                        Err(failure.into_error(target, CREATE))
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
            .content_type(settings.store_as.content_type())
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
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Failure::new(error)),
            Err(_) => Err(Failure::late(limit)),
        })
    }

    async fn look(&self) -> Result<Found, PutError> {
        let customer_key = &self.settings.object.customer_key;
        let request = self
            .client
            .head_object()
            .bucket(&self.settings.bucket)
            .key(self.key)
            .set_sse_customer_algorithm(customer_key.algorithm.clone())
            .set_sse_customer_key(exposed(customer_key.key.as_ref()))
            .set_sse_customer_key_md5(exposed(customer_key.key_md5.as_ref()));
        let limit = self.settings.put_timeout;
        let failure = match tokio::time::timeout(limit, request.send()).await {
            Ok(Ok(head)) => {
                let id = head.metadata().and_then(|metadata| metadata.get(CHUNK_ID));
                let is_ours = id.is_some_and(|id| *id == self.chunk.id.to_string());
                return Ok(if is_ours { Found::Ours } else { Found::Other });
            }
            Ok(Err(error)) => Failure::new(error),
            Err(_) => Failure::late(limit),
        };
        match failure {
            Failure::Refused(refusal) if refusal.status == 404 => Ok(Found::Nothing),
            Failure::Refused(refusal) if refusal.status == 403 => Ok(Found::Forbidden(refusal)),
            failure => Err(failure.into_error(self.target(), HEAD)),
        }
    }

    fn is_name_ours(&self) -> bool {
        names_only(self.key, self.chunk.id)
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

    fn target(&self) -> String {
        super::target(&self.settings.bucket, self.key)
    }
}

fn exposed(secret: Option<&Secret>) -> Option<String> {
    secret.map(|secret| secret.expose().to_owned())
}
