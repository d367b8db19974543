//! `<match>` with `@type s3`.

mod credentials;
pub(super) mod digest;
mod keys;
mod object;
mod store_as;
mod transport;

use std::path::PathBuf;

use fluent_compat::chunk::ChunkKeys;
use fluent_compat::config::Params;
use fluent_compat::timekey::TimekeySlots;

use super::buffer::ObjectSize;
use super::context::Context;
use super::remark::{filled, no_effect};
use crate::sink::s3::{Existing, MissingBucket, S3Config};

/// fluent-plugin-s3's, where neither `s3_region` nor `AWS_REGION` names another.
const DEFAULT_REGION: &str = "us-east-1";

/// What an output's `<buffer>` has to do with its objects.
pub(super) struct S3Buffer<'a> {
    /// What names can be made of.
    pub(super) keys: &'a ChunkKeys,
    /// How time is cut, if it is a chunk key.
    pub(super) slots: Option<&'a TimekeySlots>,
    /// Where objects are packed that are too large for memory.
    pub(super) spool_directory: PathBuf,
}

/// Reads all parameters of the section but those that every output has. The caller reads
/// these and finishes the section.
pub(super) fn s3(
    section: &Params<'_>,
    buffer: &S3Buffer<'_>,
    context: &Context<'_>,
) -> Option<S3Config> {
    let bucket = section.required("s3_bucket", filled);
    let region = filled(section, "s3_region")
        .or_else(|| {
            context
                .environment
                .variable("AWS_REGION")
                .filter(|region| !region.is_empty())
        })
        .unwrap_or(DEFAULT_REGION);
    let store_as = store_as::store_as(section);
    let naming = keys::Naming::read(section, buffer, store_as.extension(), context);
    let object = object::object(section, &naming);
    let keys = naming.keys(section);
    let credentials = credentials::credentials(section);
    let transport = transport::transport(section, context);
    let checksum = object::checksum(section);
    warn_of_what_we_leave_alone(section);
    let overwrite = section.bool("overwrite").unwrap_or(false);
    let auto_create_bucket = section.bool("auto_create_bucket").unwrap_or(false);
    let warn_for_delay = section.time("warn_for_delay");
    let spool_directory = buffer.spool_directory.clone();
    let config = S3Config::new(bucket?.to_owned(), keys?, spool_directory);
    Some(S3Config {
        region: region.to_owned(),
        credentials,
        endpoint: transport.endpoint,
        addressing: transport.addressing,
        amazon: transport.amazon,
        proxy: transport.proxy,
        ca_bundle: transport.ca_bundle,
        store_as,
        existing: match overwrite {
            true => Existing::Overwrite,
            false => Existing::Keep,
        },
        missing_bucket: match auto_create_bucket {
            true => MissingBucket::Create,
            false => MissingBucket::Await,
        },
        warn_for_delay,
        checksum,
        object,
        ..config
    })
}

/// `object_size`, our own: how large objects are to become, by the bytes that the store counts.
pub(super) fn object_size(section: &Params<'_>) -> Option<ObjectSize> {
    /// S3 takes no more in one PUT.
    const MOST: u64 = 5 << 30;
    /// A smaller object is mostly the packing's own tables.
    const LEAST: u64 = 4 << 10;

    let bytes = section.size("object_size")?;
    let span = section.span_of("object_size");
    if !(LEAST..=MOST).contains(&bytes) {
        let message = format!("`object_size`: expected 4k to 5g, found {bytes} bytes");
        section.diagnostics().error(span, message);
        return None;
    }
    Some(ObjectSize {
        bytes,
        shrinks: !matches!(section.string("store_as"), Some("json" | "text")),
        span,
    })
}

/// Parameters of fluent-plugin-s3 that change nothing here.
fn warn_of_what_we_leave_alone(section: &Params<'_>) {
    // Nothing is asked of the bucket at the start, so there is nothing to switch off.
    for (name, reason) in [
        (
            "check_bucket",
            "the first object that is put tells whether the bucket is there",
        ),
        (
            "check_apikey_on_start",
            "the first object that is put tells whether the key is good",
        ),
    ] {
        if section.bool(name) == Some(true) {
            no_effect(section, &[name], reason);
        }
    }
    section.ignore_section(
        "bucket_lifecycle_rule",
        "a bucket's rules are its owner's to set",
    );
}

#[cfg(test)]
mod tests;
