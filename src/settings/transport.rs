//! `<transport tls>`: versions, certificates and keys.

mod identity;

use std::path::Path;

use fluent_compat::config::Params;

use self::identity::identity;
use super::context::Context;
use super::remark::no_effect;
use crate::listener::Transport;
use crate::listener::tls::{Clients, TlsConfig, TlsHandle, TlsMaterial, TlsVersion, Versions};

/// Without a section, plain HTTP.
pub(super) fn transport(section: Option<Params<'_>>, context: &Context<'_>) -> Option<Transport> {
    let Some(section) = section else {
        return Some(Transport::Plain);
    };
    let transport = match section.argument() {
        "" | "tcp" => Some(Transport::Plain),
        "tls" => tls(&section, context).map(Transport::Tls),
        other => {
            let message = format!("<transport {other}> is unknown: allowed are tcp and tls");
            context.diagnostics.error(section.argument_span(), message);
            None
        }
    };
    if section.bool("ensure_fips") == Some(true) {
        let message = "`ensure_fips true` cannot be kept: the TLS library here is not validated";
        let span = section.span_of("ensure_fips");
        section.diagnostics().error(span, message);
    }
    let reason = "the system chooses it";
    no_effect(&section, &["receive_buffer_size", "linger_timeout"], reason);
    section.finish();
    transport
}

fn tls(section: &Params<'_>, context: &Context<'_>) -> Option<TlsHandle> {
    let versions = versions(section);
    let ciphers = section.parsed("ciphers", str::parse).unwrap_or_default();
    let clients = match section.bool("client_cert_auth").unwrap_or(false) {
        true => Clients::Certified,
        false => Clients::Anyone,
    };
    if section.is_given("cert_verifier") {
        let message = "`cert_verifier` is Ruby code, and none is ever run";
        context
            .diagnostics
            .error(section.span_of("cert_verifier"), message);
    }
    let identity = identity(section, context);
    let client_ca = client_ca(section, clients, context);
    let config = TlsConfig {
        versions: versions?,
        ciphers,
        clients,
    };
    let material = TlsMaterial {
        identity: identity?,
        client_ca: client_ca?,
    };
    TlsHandle::new(config, material, context.clock.clone())
        .map_err(|error| context.diagnostics.error(section.span(), error.to_string()))
        .ok()
}

/// TLS 1.2 and 1.3 unless the section says otherwise. `version` alone means just that one.
fn versions(section: &Params<'_>) -> Option<Versions> {
    let version = section.parsed("version", str::parse::<TlsVersion>);
    let min = section.parsed("min_version", str::parse::<TlsVersion>);
    let max = section.parsed("max_version", str::parse::<TlsVersion>);
    match (version, min, max) {
        (Some(version), None, None) => Some(Versions::only(version)),
        (_, min, max) => {
            let min = min.unwrap_or(TlsVersion::V1_2);
            let max = max.unwrap_or(TlsVersion::V1_3);
            let span = section.span_of("min_version");
            Versions::new(min, max)
                .map_err(|error| section.diagnostics().error(span, error.to_string()))
                .ok()
        }
    }
}

/// Who may issue client certificates; nobody need be known where none is asked for.
fn client_ca(
    section: &Params<'_>,
    clients: Clients,
    context: &Context<'_>,
) -> Option<Vec<forebay_certs::CertificateDer<'static>>> {
    if clients == Clients::Anyone {
        let _ = section.string("ca_path");
        return Some(Vec::new());
    }
    let pem = required_file(section, "ca_path", context)?;
    let path = section.string("ca_path").unwrap_or_default();
    forebay_certs::load_certificates(&pem)
        .map_err(|error| {
            let span = section.span_of("ca_path");
            context.diagnostics.error(span, format!("{path}: {error}"));
        })
        .ok()
}

/// The content of the file that a parameter names.
fn required_file(section: &Params<'_>, name: &str, context: &Context<'_>) -> Option<Vec<u8>> {
    let path = section.required(name, Params::string)?;
    context
        .loader
        .read(Path::new(path))
        .map_err(|error| {
            let message = format!("{path} cannot be read: {error}");
            context.diagnostics.error(section.span_of(name), message);
        })
        .ok()
}
