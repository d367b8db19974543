//! The S3 operations that a store of log objects needs.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use s3s::dto::{
    CreateBucketInput, CreateBucketOutput, DeleteObjectInput, DeleteObjectOutput, ETag,
    ETagCondition, GetObjectInput, GetObjectOutput, HeadBucketInput, HeadBucketOutput,
    HeadObjectInput, HeadObjectOutput, ListObjectsV2Input, ListObjectsV2Output, Object,
    PutObjectInput, PutObjectOutput, StorageClass, StreamingBlob, Timestamp,
};
use s3s::{Body, S3, S3Request, S3Response, S3Result, s3_error};

use super::checksum::{Verified, Verifier};
use super::disk::{Committed, Disk, Existing, Found};
use super::sidecar::Sidecar;
use super::{Faults, StoreError};

/// S3's own limit on a page of a listing.
const PAGE: i32 = 1000;

pub(super) struct Service {
    disk: Arc<Disk>,
    faults: Faults,
}

impl Service {
    pub(super) fn new(disk: Arc<Disk>, faults: Faults) -> Service {
        Service { disk, faults }
    }

    fn bucket(&self, bucket: &str) -> S3Result<()> {
        if self.disk.has_bucket(bucket) {
            Ok(())
        } else {
            Err(s3_error!(
                NoSuchBucket,
                "the specified bucket does not exist"
            ))
        }
    }

    fn find(&self, bucket: &str, key: &str) -> S3Result<Found> {
        self.bucket(bucket)?;
        self.disk
            .find(bucket, key)?
            .ok_or_else(|| s3_error!(NoSuchKey, "the specified key does not exist"))
    }

    /// Takes the body in, checks it against its headers, and leaves it without a name.
    async fn take(
        &self,
        request: &mut S3Request<PutObjectInput>,
    ) -> S3Result<(tempfile::NamedTempFile, Verified)> {
        let mut file = self.disk.incoming()?;
        let mut verifier = Verifier::new(&request.headers);
        if let Some(mut body) = request.input.body.take() {
            while let Some(piece) = body.next().await {
                let piece: Bytes = piece
                    .map_err(|error| s3_error!(IncompleteBody, "the body broke off: {error}"))?;
                verifier.update(&piece);
                file.write_all(&piece)
                    .map_err(|error| s3_error!(error, InternalError))?;
            }
        }
        let trailer = request
            .trailing_headers
            .as_ref()
            .and_then(|trailer| trailer.take());
        let verified = verifier
            .finish(trailer)
            .map_err(|mismatch| s3_error!(BadDigest, "{mismatch}"))?;
        let promised = request
            .input
            .content_length
            .and_then(|n| u64::try_from(n).ok());
        if promised.is_some_and(|promised| promised != verified.length) {
            return Err(s3_error!(
                IncompleteBody,
                "Content-Length does not match the {} bytes that came",
                verified.length
            ));
        }
        Ok((file, verified))
    }
}

#[async_trait::async_trait]
impl S3 for Service {
    async fn put_object(
        &self,
        mut request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        self.bucket(&request.input.bucket)?;
        let (file, verified) = self.take(&mut request).await?;
        let input = request.input;
        let existing = match input.if_none_match {
            Some(ETagCondition::Any) if !self.faults.conditions_ignored() => Existing::Keep,
            _ => Existing::Replace,
        };
        let sidecar = Sidecar {
            etag: verified.md5.clone(),
            content_type: input.content_type,
            content_encoding: input.content_encoding,
            storage_class: input.storage_class.map(|class| class.as_str().to_owned()),
            metadata: input.metadata.unwrap_or_default().into_iter().collect(),
        };
        match self
            .disk
            .commit(file, &input.bucket, &input.key, &sidecar, existing)?
        {
            Committed::NameTaken => Err(s3_error!(
                PreconditionFailed,
                "at least one of the preconditions you specified did not hold"
            )),
            Committed::Stored => Ok(S3Response::new(PutObjectOutput {
                e_tag: Some(ETag::Strong(verified.md5)),
                ..PutObjectOutput::default()
            })),
        }
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let found = self.find(&request.input.bucket, &request.input.key)?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: i64::try_from(found.size).ok(),
            content_type: found.sidecar.content_type,
            content_encoding: found.sidecar.content_encoding,
            e_tag: Some(ETag::Strong(found.sidecar.etag)),
            last_modified: Some(Timestamp::from(found.modified)),
            metadata: Some(found.sidecar.metadata.into_iter().collect()),
            storage_class: found.sidecar.storage_class.map(StorageClass::from),
            ..HeadObjectOutput::default()
        }))
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let found = self.find(&request.input.bucket, &request.input.key)?;
        let bytes = std::fs::read(&found.path).map_err(|error| s3_error!(error, InternalError))?;
        Ok(S3Response::new(GetObjectOutput {
            body: Some(StreamingBlob::from(Body::from(bytes))),
            content_length: i64::try_from(found.size).ok(),
            content_type: found.sidecar.content_type,
            content_encoding: found.sidecar.content_encoding,
            e_tag: Some(ETag::Strong(found.sidecar.etag)),
            last_modified: Some(Timestamp::from(found.modified)),
            metadata: Some(found.sidecar.metadata.into_iter().collect()),
            ..GetObjectOutput::default()
        }))
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.bucket(&request.input.bucket)?;
        self.disk
            .delete(&request.input.bucket, &request.input.key)?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        self.bucket(&input.bucket)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let after = input
            .continuation_token
            .clone()
            .or(input.start_after.clone());
        let limit = input.max_keys.unwrap_or(PAGE).clamp(0, PAGE);
        let mut keys = self
            .disk
            .keys(&input.bucket)?
            .into_iter()
            .filter(|key| key.starts_with(&prefix))
            .filter(|key| after.as_ref().is_none_or(|after| key > after));

        let mut contents = Vec::new();
        for key in keys
            .by_ref()
            .take(usize::try_from(limit).unwrap_or_default())
        {
            let found = self.find(&input.bucket, &key)?;
            contents.push(Object {
                key: Some(key),
                size: i64::try_from(found.size).ok(),
                e_tag: Some(ETag::Strong(found.sidecar.etag)),
                last_modified: Some(Timestamp::from(found.modified)),
                ..Object::default()
            });
        }
        let truncated = keys.next().is_some();
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: input.prefix,
            max_keys: Some(limit),
            key_count: i32::try_from(contents.len()).ok(),
            is_truncated: Some(truncated),
            // A token is the last key of the page: it need not be opaque here.
            next_continuation_token: contents
                .last()
                .filter(|_| truncated)
                .and_then(|object| object.key.clone()),
            continuation_token: input.continuation_token,
            contents: Some(contents),
            ..ListObjectsV2Output::default()
        }))
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.bucket(&request.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        self.disk.create_bucket(&request.input.bucket)?;
        Ok(S3Response::new(CreateBucketOutput::default()))
    }
}

impl From<StoreError> for s3s::S3Error {
    fn from(error: StoreError) -> s3s::S3Error {
        match error {
            StoreError::Name(name) => {
                s3_error!(InvalidArgument, "`{name}` cannot be a file of this store")
            }
            other => s3_error!(other, InternalError),
        }
    }
}
