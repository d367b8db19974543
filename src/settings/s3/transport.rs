//! How the store is reached.

use std::path::{Path, PathBuf};

use fluent_compat::config::{EntryKind, Params};

use super::super::context::Context;
use super::super::remark::{no_effect, reported};
use crate::sink::s3::{Addressing, AmazonEndpoints, Endpoint, Proxy};

/// The way to the store.
pub(super) struct Transport {
    pub(super) endpoint: Option<Endpoint>,
    pub(super) addressing: Addressing,
    pub(super) amazon: AmazonEndpoints,
    pub(super) proxy: Option<Proxy>,
    /// PEM.
    pub(super) ca_bundle: Option<Vec<u8>>,
}

pub(super) fn transport(section: &Params<'_>, context: &Context<'_>) -> Transport {
    let endpoint = section.string("s3_endpoint").map(Endpoint::parse);
    let proxy = section
        .secret("proxy_uri")
        .map(|url| Proxy::parse(url.expose()));
    warn_of_what_is_not_done(section);
    Transport {
        endpoint: endpoint.and_then(|endpoint| reported(section, "s3_endpoint", endpoint)),
        addressing: match section.bool("force_path_style").unwrap_or(false) {
            true => Addressing::Path,
            false => Addressing::VirtualHost,
        },
        amazon: AmazonEndpoints {
            dual_stack: section.bool("enable_dual_stack").unwrap_or(false),
            accelerate: section
                .bool("enable_transfer_acceleration")
                .unwrap_or(false),
        },
        proxy: proxy.and_then(|proxy| reported(section, "proxy_uri", proxy)),
        ca_bundle: ca_bundle(section, context),
    }
}

fn warn_of_what_is_not_done(section: &Params<'_>) {
    if section.bool("ssl_verify_peer") == Some(false) {
        let message = "`ssl_verify_peer false` has no effect: who the store is, is always checked";
        let help = "name the certificate of the store's CA as `ssl_ca_bundle`";
        let span = section.span_of("ssl_verify_peer");
        section.diagnostics().warning_with_help(span, message, help);
    }
    if section.bool("use_bundled_cert") == Some(true) {
        let reason = "the system's certificates are trusted";
        no_effect(section, &["use_bundled_cert"], reason);
    }
    let version = section.enumeration("signature_version", &[("v4", "v4"), ("s3", "s3")]);
    if version == Some("s3") {
        no_effect(
            section,
            &["signature_version"],
            "requests are signed by version 4",
        );
    }
}

/// The certificates of `ssl_ca_bundle` and of all files in `ssl_ca_directory`, one behind
/// the other.
fn ca_bundle(section: &Params<'_>, context: &Context<'_>) -> Option<Vec<u8>> {
    let bundle = section.string("ssl_ca_bundle").and_then(|path| {
        let pem = read(section, "ssl_ca_bundle", Path::new(path), context)?;
        checked(section, "ssl_ca_bundle", path, pem)
    });
    let directory = section.string("ssl_ca_directory").and_then(|path| {
        let pem = read_all(section, Path::new(path), context)?;
        checked(section, "ssl_ca_directory", path, pem)
    });
    match (bundle, directory) {
        (Some(bundle), Some(directory)) => Some([bundle, directory].concat()),
        (bundle, directory) => bundle.or(directory),
    }
}

fn checked(section: &Params<'_>, name: &str, path: &str, pem: Vec<u8>) -> Option<Vec<u8>> {
    let certificates = forebay_certs::load_certificates(&pem);
    let certificates = certificates.map_err(|error| format!("{path}: {error}"));
    reported(section, name, certificates).map(|_| pem)
}

fn read_all(section: &Params<'_>, directory: &Path, context: &Context<'_>) -> Option<Vec<u8>> {
    let name = "ssl_ca_directory";
    let entries = context.loader.list(directory);
    let entries =
        entries.map_err(|error| format!("{} cannot be read: {error}", directory.display()));
    let mut files: Vec<PathBuf> = reported(section, name, entries)?
        .into_iter()
        .filter(|entry| entry.kind == EntryKind::File)
        .map(|entry| directory.join(entry.name))
        .collect();
    files.sort();
    let texts: Option<Vec<_>> = files
        .iter()
        .map(|file| read(section, name, file, context))
        .collect();
    Some(texts?.join(&b'\n'))
}

fn read(section: &Params<'_>, name: &str, path: &Path, context: &Context<'_>) -> Option<Vec<u8>> {
    let content = context.loader.read(path);
    let content = content.map_err(|error| format!("{} cannot be read: {error}", path.display()));
    reported(section, name, content)
}
