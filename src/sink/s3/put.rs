//! One attempt to put an object.
//!
//! What makes an object neither lost nor doubled nor overwritten:
//!
//! 1. The PUT has `If-None-Match: *`, and our chunk's id goes with the object.
//! 2. If the name is taken, and it has the chunk's id in it, the object is ours.
//! 3. Else a HEAD tells, also if this is the first attempt: a proxy may have put the
//!    object, lost the answer and tried again by itself.
//! 4. Where HEAD is forbidden, the next name is tried: better twice than never.
//!
//! Only where a store is not known to honour the condition, a HEAD goes before the PUT
//! (see [`super::guard`]).

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::{RequestId, put_object::PutObjectOutput};
use aws_sdk_s3::types::{ObjectCannedAcl, ServerSideEncryption, StorageClass};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fluent_compat::config::Secret;
use fluent_compat::object_key::names_only;

use super::bucket;
use super::config::{Checksum, Existing, MissingBucket, S3Config};
use super::error::Failure;
use super::guard::{self, Guard, Way};
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
    pub(super) guard: &'a Guard,
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
    Forbidden,
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
        match self.guard.way() {
            Way::Condition => self.put_if_absent(earlier).await,
            Way::Look | Way::OwnName if self.is_name_ours() => self.put_unseen(earlier).await,
            Way::Look => self.look_and_put(earlier).await,
            // The next name will be one of its own.
            Way::OwnName => Ok(Put::NameTaken),
        }
    }

    async fn put_always(&self) -> Result<Put, PutError> {
        match self.send(Condition::Always).await? {
            Ok(()) => Ok(Put::Stored),
            Err(failure) => Err(self.failed(failure, PUT)),
        }
    }

    /// Under a name that nothing else has, as far as is known.
    async fn put_unseen(&self, earlier: Earlier) -> Result<Put, PutError> {
        match self.guard.condition() {
            guard::Condition::Useless => self.put_always().await,
            guard::Condition::Honoured | guard::Condition::Unproven => {
                // In a box, since a store that refuses the condition leads back here, once.
                Box::pin(self.put_if_absent(earlier)).await
            }
        }
    }

    async fn put_if_absent(&self, earlier: Earlier) -> Result<Put, PutError> {
        match self.send(Condition::IfAbsent).await? {
            Ok(()) => {
                self.prove().await;
                Ok(Put::Stored)
            }
            Err(Failure::Refused(refusal)) if refusal.is_taken() => {
                self.guard.is_honoured();
                self.taken(earlier).await
            }
            Err(Failure::Refused(refusal)) if refusal.is_condition_refused() => {
                self.guard.is_useless("refuses");
                if self.is_name_ours() {
                    return self.put_always().await;
                }
                self.look_and_put(earlier).await
            }
            Err(failure) => Err(self.failed(failure, PUT)),
        }
    }

    /// Finds out whether the condition is honoured, by the object that was just stored.
    ///
    /// Whatever comes of it, the object is there: no failure is one of its delivery.
    async fn prove(&self) {
        let names_are_own = self.settings.keys.has_chunk_identity();
        if names_are_own || self.guard.condition() != guard::Condition::Unproven {
            return;
        }
        match self.send(Condition::IfAbsent).await {
            Ok(Ok(())) => self.guard.is_useless("ignores"),
            Ok(Err(Failure::Refused(refusal))) if refusal.is_taken() => self.guard.is_honoured(),
            Ok(Err(_)) | Err(_) => {}
        }
    }

    /// Whose is the object that has the name?
    async fn taken(&self, earlier: Earlier) -> Result<Put, PutError> {
        if self.is_name_ours() {
            return Ok(Put::AlreadyThere);
        }
        if earlier == Earlier::None && !self.guard.may_look() {
            return Ok(Put::NameTaken);
        }
        match self.look().await? {
            Found::Ours => Ok(Put::AlreadyThere),
            Found::Other => Ok(Put::NameTaken),
            Found::Forbidden => {
                if earlier == Earlier::MaybeStored {
                    tracing::warn!(
                        object = self.target(),
                        chunk = %self.chunk.id,
                        tag = self.chunk.metadata.tag_text(),
                        key = self.chunk.metadata.key_text(),
                        "an attempt to put this object had no certain outcome, the name is \
                         taken, and HEAD is answered with 403: the chunk is put under the next \
                         name and may be there twice (${{chunk_id}} in s3_object_key_format, or \
                         the permission s3:GetObject, keeps that from happening)"
                    );
                }
                Ok(Put::NameTaken)
            }
            Found::Nothing => Err(PutError::Unknown {
                target: self.target(),
                operation: HEAD,
                reason: "the object was there a moment ago, and now it is not".to_owned(),
            }),
        }
    }

    /// For a store that may not honour the condition.
    async fn look_and_put(&self, earlier: Earlier) -> Result<Put, PutError> {
        match self.look().await? {
            Found::Ours => Ok(Put::AlreadyThere),
            // The next name will be one of its own if looking is forbidden.
            Found::Other | Found::Forbidden => Ok(Put::NameTaken),
            Found::Nothing => self.put_unseen(earlier).await,
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
            Failure::Refused(refusal) if refusal.status == 403 => {
                self.guard.is_blind();
                Ok(Found::Forbidden)
            }
            failure => Err(self.failed(failure, HEAD)),
        }
    }

    fn failed(&self, failure: Failure, operation: &'static str) -> PutError {
        failure.into_error(self.target(), operation, &self.settings.region)
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

/// A page that a portal shows instead of the store may come with status 200 as well.
fn is_from_a_store(output: &PutObjectOutput) -> bool {
    output.e_tag().is_some() || output.request_id().is_some()
}

fn exposed(secret: Option<&Secret>) -> Option<String> {
    secret.map(|secret| secret.expose().to_owned())
}
