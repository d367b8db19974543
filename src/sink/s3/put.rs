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

use fluent_compat::object_key::names_only;

use super::config::Existing;
use super::error::Failure;
use super::guard::{self, Guard, Way};
use super::send::{Condition, PUT, Sender, exposed};
use crate::sink::{ChunkInfo, Earlier, Put, PutError};

/// The object's metadata that has our chunk's id (`x-amz-meta-forebay-chunk`).
pub const CHUNK_ID: &str = "forebay-chunk";

const HEAD: &str = "HeadObject";

/// All that one attempt needs.
pub(super) struct Putter<'a> {
    pub(super) sender: Sender<'a>,
    pub(super) guard: &'a Guard,
    pub(super) chunk: &'a ChunkInfo,
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
        let settings = self.sender.settings;
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
        match self.sender.send(Condition::Always).await? {
            Ok(()) => Ok(Put::Stored),
            Err(failure) => Err(self.sender.failed(failure, PUT)),
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
        match self.sender.send(Condition::IfAbsent).await? {
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
            Err(failure) => Err(self.sender.failed(failure, PUT)),
        }
    }

    /// Finds out whether the condition is honoured, by the object that was just stored.
    ///
    /// Whatever comes of it, the object is there: no failure is one of its delivery.
    async fn prove(&self) {
        let names_are_own = self.sender.settings.keys.has_chunk_identity();
        if names_are_own || self.guard.condition() != guard::Condition::Unproven {
            return;
        }
        match self.sender.send(Condition::IfAbsent).await {
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
                        object = self.sender.target(),
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
                target: self.sender.target(),
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

    async fn look(&self) -> Result<Found, PutError> {
        let Sender {
            client,
            settings,
            key,
            ..
        } = &self.sender;
        let customer_key = &settings.object.customer_key;
        let request = client
            .head_object()
            .bucket(&settings.bucket)
            .key(*key)
            .set_sse_customer_algorithm(customer_key.algorithm.clone())
            .set_sse_customer_key(exposed(customer_key.key.as_ref()))
            .set_sse_customer_key_md5(exposed(customer_key.key_md5.as_ref()));
        let limit = settings.put_timeout;
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
            failure => Err(self.sender.failed(failure, HEAD)),
        }
    }

    fn is_name_ours(&self) -> bool {
        names_only(self.sender.key, self.chunk.id)
    }
}
