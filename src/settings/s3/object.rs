//! What goes with each object.

use fluent_compat::config::Params;
use fluent_compat::object_key::ObjectKeyTemplate;
use http::HeaderName;
use serde_json::Value;

use super::super::remark::no_effect;
use super::keys::Naming;
use crate::sink::s3::{CHUNK_ID, Checksum, CustomerKey, ObjectAttributes};

pub(super) fn object(section: &Params<'_>, naming: &Naming<'_>) -> ObjectAttributes {
    let text = |name| section.string(name).map(str::to_owned);
    let defaults = ObjectAttributes::default();
    ObjectAttributes {
        storage_class: storage_class(section).unwrap_or(defaults.storage_class),
        acl: text("acl"),
        grant_full_control: text("grant_full_control"),
        grant_read: text("grant_read"),
        grant_read_acp: text("grant_read_acp"),
        grant_write_acp: text("grant_write_acp"),
        server_side_encryption: text("use_server_side_encryption"),
        kms_key_id: section.secret("ssekms_key_id"),
        customer_key: CustomerKey {
            algorithm: text("sse_customer_algorithm"),
            key: section.secret("sse_customer_key"),
            key_md5: section.secret("sse_customer_key_md5"),
        },
        tagging: text("tagging"),
        metadata: metadata(section, naming),
    }
}

/// `reduced_redundancy` is the old way to say one of the classes, and goes before it.
fn storage_class(section: &Params<'_>) -> Option<String> {
    let class = section.string("storage_class");
    if section.bool("reduced_redundancy") != Some(true) {
        return class.map(str::to_owned);
    }
    let message = "`reduced_redundancy` is deprecated";
    let help = "write `storage_class REDUCED_REDUNDANCY`";
    let span = section.span_of("reduced_redundancy");
    section.diagnostics().warning_with_help(span, message, help);
    Some("REDUCED_REDUNDANCY".to_owned())
}

/// `compute_checksums` and `checksum_algorithm`.
pub(super) fn checksum(section: &Params<'_>) -> Checksum {
    let algorithms = ["CRC32", "CRC32C", "SHA1", "SHA256"].map(|name| (name, name));
    let algorithm = section.enumeration("checksum_algorithm", &algorithms);
    let checksum = match section.bool("compute_checksums").unwrap_or(true) {
        true => Checksum::Crc32c,
        false => Checksum::None,
    };
    if algorithm.is_some_and(|name| name != "CRC32C") {
        let reason = "the checksum of an object is its CRC32C";
        no_effect(section, &["checksum_algorithm"], reason);
    }
    checksum
}

/// `s3_metadata`: a hash of names and values, in which there may be placeholders.
fn metadata(section: &Params<'_>, naming: &Naming<'_>) -> Vec<(String, ObjectKeyTemplate)> {
    let pairs = section.hash("s3_metadata").unwrap_or_default();
    let templates = pairs.into_iter().filter_map(|(name, value)| {
        if let Err(message) = check_name(&name) {
            let span = section.span_of("s3_metadata");
            section.diagnostics().error(span, message);
        }
        let value = match value {
            Value::String(text) => text,
            Value::Null => String::new(),
            other => other.to_string(),
        };
        Some((name, naming.metadata(&value, section)?))
    });
    templates.collect()
}

/// Names are sent as headers, and one of them is ours.
fn check_name(name: &str) -> Result<(), String> {
    if name.eq_ignore_ascii_case(CHUNK_ID) {
        return Err(format!(
            "`{name}` in `s3_metadata` is what forebay itself marks its objects with"
        ));
    }
    match HeaderName::try_from(format!("x-amz-meta-{name}")) {
        Ok(_) if !name.is_empty() => Ok(()),
        _ => Err(format!(
            "`{name}` in `s3_metadata` cannot be sent: expected letters, digits, - and _"
        )),
    }
}
