//! Where an output's objects or files go, and what the next one would be called.

use fluent_compat::chunk::{ChunkId, ChunkKeys, Metadata};
use fluent_compat::object_key::Named;
use fluent_compat::tag::{MatchPatterns, Tag};
use fluent_compat::time::EventTime;

use crate::route;
use crate::sink::ChunkInfo;
use crate::sink::file::{FileConfig, FileMode, Packing};
use crate::sink::s3::{Credentials, Existing, S3Config, StoreAs};

/// Stands for the random part of a chunk's id.
const RANDOM: u64 = 0x1122_3344_5566_7788;
/// Tags to try where the pattern itself makes none.
const TAGS: [&str; 3] = ["test.log", "events.log", "session.0a1b2c3d.log"];

/// A name as it would be now, or why there is none.
pub(super) fn example(
    config: &S3Config,
    route: &route::Config,
    patterns: &MatchPatterns,
    now: EventTime,
) -> String {
    let metadata = metadata(route, patterns, now);
    let chunk = Named {
        id: ChunkId::from_parts(now, RANDOM),
        metadata: &metadata,
        created: now,
    };
    match config.keys.render(chunk, 0) {
        Ok(name) => name,
        Err(error) => format!("none: {error}"),
    }
}

/// A file as it would be now, or why there is none.
pub(super) fn file(
    config: &FileConfig,
    route: &route::Config,
    patterns: &MatchPatterns,
    now: EventTime,
) -> String {
    let chunk = ChunkInfo {
        id: ChunkId::from_parts(now, RANDOM),
        metadata: metadata(route, patterns, now),
        created: now,
        records: 0,
        bytes: 0,
    };
    match config.file_name(&chunk, 0) {
        Ok(name) => name,
        Err(error) => format!("none: {error}"),
    }
}

pub(super) fn file_packing(config: &FileConfig) -> String {
    let packing = match config.packing {
        Packing::Gzip => "gzip",
        Packing::Text => "not compressed",
        Packing::Zstd => "zstd",
    };
    let mode = match config.mode {
        FileMode::Append => "chunks are added at its end",
        FileMode::Numbered => "a file for each chunk",
    };
    format!("{packing}; {mode}")
}

pub(super) fn packing(config: &S3Config) -> String {
    let packing = match config.store_as {
        StoreAs::Gzip => "gzip",
        StoreAs::Zstd(_) => "zstd",
        StoreAs::Json | StoreAs::Text => "not compressed",
    };
    let existing = match config.existing {
        Existing::Keep => "nothing is overwritten",
        Existing::Overwrite => "an object of the same name is overwritten",
    };
    let class = &config.object.storage_class;
    format!("{packing}; {class}; {existing}")
}

pub(super) fn store(config: &S3Config) -> String {
    match &config.endpoint {
        None => format!("Amazon S3 in {}", config.region),
        Some(endpoint) => {
            let address = without_password(endpoint.as_str());
            format!("{address}, region {}", config.region)
        }
    }
}

/// Where the credentials come from; nothing of themselves.
pub(super) fn credentials(credentials: &Credentials) -> &'static str {
    match credentials {
        Credentials::AssumeRole { .. } => "a role that is assumed, renewed in time",
        Credentials::Chain => "environment, profile, web identity, container or instance",
        Credentials::InstanceProfile(_) => "the instance's or container's role",
        Credentials::Key(_) => "aws_key_id and aws_sec_key of this file",
        Credentials::Process(_) => "what aws_credential_process prints",
        Credentials::Profile { .. } => "a profile",
        Credentials::WebIdentity { .. } => "a web identity, renewed in time",
    }
}

fn metadata(route: &route::Config, patterns: &MatchPatterns, now: EventTime) -> Metadata {
    let keys: &ChunkKeys = &route.chunk_keys;
    let slots = route.slots.as_ref().filter(|_| keys.has_time());
    Metadata {
        timekey: slots.map(|slots| slots.slot(now)),
        tag: keys.has_tag().then(|| tag(patterns)),
        variables: keys
            .fields()
            .map(|name| (name.to_owned(), Some(format!("<{name}>"))))
            .collect(),
    }
}

/// A tag that the pattern takes, such as a user might send.
fn tag(patterns: &MatchPatterns) -> Tag {
    let first = patterns.source().split_whitespace().next();
    let filled = first.unwrap_or_default().replace("**", "log");
    let filled = filled.replace('*', "0a1b2c3d");
    let mut candidates = TAGS.into_iter().chain([filled.as_str()]);
    let tag = candidates.find(|tag| patterns.matches(tag));
    Tag::new(tag.unwrap_or("tag"))
}

/// An address without what may stand before its host.
fn without_password(address: &str) -> String {
    match address.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = host.rsplit('@').next().unwrap_or(host);
            format!("{scheme}://{host}{path}")
        }
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_tag_is_one_that_the_pattern_takes() {
        for (pattern, expected) in [
            ("test.log", "test.log"),
            ("session.*.log", "session.0a1b2c3d.log"),
            ("teleport.**", "teleport.log"),
            ("a.*.b", "a.0a1b2c3d.b"),
            ("**", "test.log"),
        ] {
            let patterns = MatchPatterns::parse(pattern).unwrap();
            assert_eq!(tag(&patterns).as_str(), expected, "{pattern}");
            assert!(patterns.matches(expected), "{pattern}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_not_shown() {
        assert_eq!(
            without_password("http://me:hush@minio:9000/a@b"),
            "http://minio:9000/a@b"
        );
    }
}
