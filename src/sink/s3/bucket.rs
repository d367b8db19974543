//! `auto_create_bucket`.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};

use super::config::S3Config;
use super::error::Failure;

/// The region that must not be named when a bucket is created in it.
const UNNAMED_REGION: &str = "us-east-1";

/// Creates the bucket in the client's region. One that another server has just created for
/// the same owner is as good.
pub(super) async fn create(client: &Client, settings: &S3Config) -> Result<(), Failure> {
    let bucket = settings.bucket.as_str();
    tracing::info!(bucket, "there is no such bucket: creating it");
    let region = settings.region.as_str();
    let location = (region != UNNAMED_REGION).then(|| {
        CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::from(region))
            .build()
    });
    let request = client
        .create_bucket()
        .bucket(bucket)
        .set_create_bucket_configuration(location);
    let limit = settings.put_timeout;
    match tokio::time::timeout(limit, request.send()).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => match Failure::new(error) {
            Failure::Refused(refusal) if refusal.is_bucket_ours() => Ok(()),
            failure => Err(failure),
        },
        Err(_) => Err(Failure::late(limit)),
    }
}
