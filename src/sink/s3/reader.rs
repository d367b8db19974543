//! Looking into a bucket: for those who verify what was put, never for those who put.

use aws_config::BehaviorVersion;
use aws_config::meta::region::RegionProviderChain;
use aws_sdk_s3::config::Region;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::{Client, config};
use bytes::Bytes;

use super::config::Addressing;
use super::error::chain;

/// Where nothing else names one.
const DEFAULT_REGION: &str = "us-east-1";

/// Which bucket is looked into. Credentials are the SDK's own chain's.
#[derive(Clone, Debug)]
pub struct ReaderConfig {
    /// The bucket.
    pub bucket: String,
    /// Its region; the SDK's own chain's if it is not given.
    pub region: Option<String>,
    /// Another store than Amazon's.
    pub endpoint: Option<String>,
    /// Where the bucket's name stands.
    pub addressing: Addressing,
}

/// A bucket that is looked into.
#[derive(Clone, Debug)]
pub struct Reader {
    client: Client,
    bucket: String,
}

/// An object as a listing has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedObject {
    /// Its name.
    pub key: String,
    /// In bytes.
    pub size: u64,
    /// When it was stored, by the store's clock, in unix seconds.
    pub modified: i64,
}

/// An object's bytes as they come.
#[derive(Debug)]
pub struct ObjectBody {
    target: String,
    stream: ByteStream,
}

/// A bucket that cannot be looked into.
#[derive(Debug, thiserror::Error)]
#[error("{target}: {operation}: {reason}")]
pub struct ReadError {
    target: String,
    operation: &'static str,
    reason: String,
}

impl Reader {
    /// Builds the client. No request is made.
    pub async fn connect(settings: ReaderConfig) -> Self {
        let region = RegionProviderChain::first_try(settings.region.map(Region::new))
            .or_default_provider()
            .or_else(DEFAULT_REGION);
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).region(region);
        if let Some(endpoint) = &settings.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        let shared = loader.load().await;
        let builder = config::Builder::from(&shared)
            .force_path_style(settings.addressing == Addressing::Path);
        Self {
            client: Client::from_conf(builder.build()),
            bucket: settings.bucket,
        }
    }

    /// All objects whose names begin with this.
    ///
    /// # Errors
    /// If the store does not say so.
    pub async fn list(&self, prefix: &str) -> Result<Vec<ListedObject>, ReadError> {
        let mut listed = Vec::new();
        let request = self.client.list_objects_v2().bucket(&self.bucket);
        let mut pages = request.prefix(prefix).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.error(prefix, "ListObjectsV2", error))?;
            listed.extend(page.contents().iter().filter_map(|object| {
                Some(ListedObject {
                    key: object.key()?.to_owned(),
                    size: u64::try_from(object.size()?).ok()?,
                    modified: object.last_modified()?.secs(),
                })
            }));
        }
        Ok(listed)
    }

    /// An object from its beginning; `None` if there is none of that name any more.
    ///
    /// # Errors
    /// If the store does not give it.
    pub async fn get(&self, key: &str) -> Result<Option<ObjectBody>, ReadError> {
        let request = self.client.get_object().bucket(&self.bucket).key(key);
        match request.send().await {
            Ok(object) => Ok(Some(ObjectBody {
                target: super::target(&self.bucket, key),
                stream: object.body,
            })),
            Err(error) if error.code() == Some("NoSuchKey") => Ok(None),
            Err(error) => Err(self.error(key, "GetObject", error)),
        }
    }

    fn error<E>(&self, key: &str, operation: &'static str, error: SdkError<E>) -> ReadError
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let told = match (error.code(), error.message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            _ => chain(&error),
        };
        ReadError {
            target: super::target(&self.bucket, key),
            operation,
            reason: told,
        }
    }
}

impl ObjectBody {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// If the object breaks off.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ReadError> {
        let piece = self.stream.try_next().await;
        piece.map_err(|error| ReadError {
            target: self.target.clone(),
            operation: "GetObject",
            reason: format!("the object breaks off: {error}"),
        })
    }
}
