//! `@type s3`: each chunk becomes one object in a bucket.

mod bucket;
mod client;
mod config;
mod error;
mod guard;
mod instance;
mod pack;
mod put;
mod reader;
mod send;
mod store_as;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::Arc;

use aws_sdk_s3::Client;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use fluent_compat::object_key::{NameError, Named};
use tracing::warn;

pub use config::{
    AccessKey, Addressing, AmazonEndpoints, Checksum, Credentials, CustomerKey, Endpoint,
    EndpointError, Existing, InstanceProfile, MissingBucket, ObjectAttributes, Proxy, ProxyError,
    Role, S3Config,
};
pub use put::CHUNK_ID;
pub use reader::{ListedObject, ObjectBody, ReadError, Reader, ReaderConfig};
pub use store_as::{StoreAs, ZstdLevel, ZstdLevelError};

use self::guard::{Condition, Guard, Way};
use self::pack::{Packed, packed_length};
use self::put::Putter;
use self::send::Sender;
use super::{Attempt, Body, BoxFuture, ChunkInfo, Put, PutError, Sink};
use crate::host::clock::Clock;

/// The `Content-Type` of a document: JSON, an object a line.
const DOCUMENT: &str = "application/x-ndjson";

/// A bucket that chunks are put into.
pub struct S3Sink {
    client: Client,
    settings: Arc<S3Config>,
    guard: Guard,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for S3Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Sink")
            .field("client", &self.client)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Why there is no client for a bucket.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// `ssl_ca_bundle` has no certificates, or one that cannot be read.
    #[error("ssl_ca_bundle cannot be used: {0}")]
    CaBundle(#[from] forebay_certs::KeyError),
    /// The TLS library does not start.
    #[error("no TLS for S3: {0}")]
    Tls(String),
}

impl S3Sink {
    /// Builds the client. No request is made: a store that is away is no reason not to
    /// start.
    ///
    /// # Errors
    /// If the certificates to trust cannot be read.
    pub async fn connect(settings: S3Config, clock: Arc<dyn Clock>) -> Result<Self, ConnectError> {
        let condition = match &settings.endpoint {
            Some(endpoint) if !endpoint.is_amazon() => Condition::Unproven,
            _ => Condition::Honoured,
        };
        Ok(Self {
            client: client::connect(&settings).await?,
            guard: Guard::new(&settings.bucket, condition),
            settings: Arc::new(settings),
            clock,
        })
    }

    async fn put_once(
        &self,
        chunk: &ChunkInfo,
        attempt: Attempt<'_>,
        body: Arc<dyn Body>,
    ) -> Result<Put, PutError> {
        let key = match attempt.name {
            Some(name) => name.to_owned(),
            None => self
                .key(chunk, attempt.index)
                .map_err(|error| self.invalid("", &error))?,
        };
        let metadata = self.metadata(chunk, attempt.index, &key)?;
        let packed = self.pack(body).await.map_err(|source| PutError::Local {
            target: target(&self.settings.bucket, &key),
            what: "the chunk could not be packed",
            source,
        })?;
        if let Some(witness) = attempt.witness {
            witness.about_to_put(&key, packed.facts()).await;
        }
        let putter = Putter {
            sender: Sender {
                client: &self.client,
                settings: &self.settings,
                key: &key,
                content_type: self.settings.store_as.content_type(),
                metadata,
                packed: &packed,
            },
            guard: &self.guard,
            chunk,
        };
        let put = putter.put(attempt.earlier).await?;
        if put == Put::Stored && self.is_late(chunk) {
            let target = target(&self.settings.bucket, &key);
            let about = &chunk.metadata;
            warn!(chunk = %chunk.id, tag = about.tag_text(), key = about.key_text(), "delayed events were put to {target}");
        }
        Ok(put)
    }

    async fn keep_once(&self, name: &str, document: Bytes) -> Result<(), PutError> {
        let sender = Sender {
            client: &self.client,
            settings: &self.settings,
            key: name,
            content_type: DOCUMENT,
            metadata: HashMap::new(),
            packed: &Packed::document(document),
        };
        sender.keep().await
    }

    /// Whether the chunk's slot of time began longer ago than `warn_for_delay`. Chunks that
    /// are not cut by time are never late.
    fn is_late(&self, chunk: &ChunkInfo) -> bool {
        let (Some(limit), Some(slot)) = (self.settings.warn_for_delay, chunk.metadata.timekey)
        else {
            return false;
        };
        let age = self.clock.now().seconds().saturating_sub(slot.seconds());
        u64::try_from(age).is_ok_and(|age| age > limit.as_secs())
    }

    fn key(&self, chunk: &ChunkInfo, index: u64) -> Result<String, NameError> {
        match self.guard.way() {
            Way::OwnName => self.settings.keys.render_own(named(chunk), index),
            Way::Condition | Way::Look => self.settings.keys.render(named(chunk), index),
        }
    }

    fn metadata(
        &self,
        chunk: &ChunkInfo,
        index: u64,
        key: &str,
    ) -> Result<HashMap<String, String>, PutError> {
        let mut metadata = HashMap::from([(CHUNK_ID.to_owned(), chunk.id.to_string())]);
        for (name, template) in &self.settings.object.metadata {
            let value = template
                .fill(named(chunk), index)
                .map_err(|error| self.invalid(key, &error))?;
            metadata.insert(name.clone(), header_text(value));
        }
        Ok(metadata)
    }

    async fn pack(&self, body: Arc<dyn Body>) -> io::Result<Packed> {
        let settings = Arc::clone(&self.settings);
        let packing = tokio::task::spawn_blocking(move || {
            Packed::new(body.as_ref(), settings.store_as, &settings.spool_directory)
        });
        packing
            .await
            .unwrap_or_else(|panic| Err(io::Error::other(panic)))
    }

    fn invalid(&self, key: &str, error: &dyn std::error::Error) -> PutError {
        PutError::Invalid {
            target: target(&self.settings.bucket, key),
            reason: error.to_string(),
        }
    }
}

impl Sink for S3Sink {
    fn object_name(&self, chunk: &ChunkInfo, index: u64) -> Result<Option<String>, NameError> {
        self.key(chunk, index).map(Some)
    }

    fn put<'a>(
        &'a self,
        chunk: &'a ChunkInfo,
        attempt: Attempt<'a>,
        body: Arc<dyn Body>,
    ) -> BoxFuture<'a, Result<Put, PutError>> {
        Box::pin(self.put_once(chunk, attempt, body))
    }

    fn keep<'a>(&'a self, name: &'a str, document: Bytes) -> BoxFuture<'a, Result<(), PutError>> {
        Box::pin(self.keep_once(name, document))
    }

    fn object_size(&self, body: Arc<dyn Body>) -> BoxFuture<'_, io::Result<u64>> {
        let store_as = self.settings.store_as;
        Box::pin(async move {
            let packing =
                tokio::task::spawn_blocking(move || packed_length(body.as_ref(), store_as));
            packing
                .await
                .unwrap_or_else(|panic| Err(io::Error::other(panic)))
        })
    }
}

fn named(chunk: &ChunkInfo) -> Named<'_> {
    Named {
        id: chunk.id,
        metadata: &chunk.metadata,
        created: chunk.created,
    }
}

fn target(bucket: &str, key: &str) -> String {
    format!("s3://{bucket}/{key}")
}

/// A text as it may stand in a header: as it is, or else as an encoded word (RFC 2047),
/// which is how S3 itself shows such metadata.
fn header_text(value: String) -> String {
    if value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return value;
    }
    format!("=?UTF-8?B?{}?=", BASE64_STANDARD.encode(value))
}

#[cfg(test)]
mod tests;
