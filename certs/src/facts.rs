//! What a certificate says of itself: when it ends, and for which hosts it is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustls_pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

use crate::{Hosts, KeyError};

/// The certificate's `notAfter` in unix seconds: the last second in which it is valid.
///
/// # Errors
/// [`KeyError::UnusableCertificate`] if it is no X.509 certificate.
pub fn expiry(certificate: &CertificateDer<'_>) -> Result<i64, KeyError> {
    Ok(parse(certificate)?.validity().not_after.timestamp())
}

/// The certificate's subject alternative names, as far as they are DNS names and addresses.
///
/// # Errors
/// [`KeyError::UnusableCertificate`] if it is no X.509 certificate.
pub fn hosts(certificate: &CertificateDer<'_>) -> Result<Hosts, KeyError> {
    let parsed = parse(certificate)?;
    let names = parsed.subject_alternative_name().map_err(unusable)?;
    let mut hosts = Hosts::default();
    for name in names.iter().flat_map(|names| &names.value.general_names) {
        match name {
            GeneralName::DNSName(name) => hosts.dns_names.push((*name).to_owned()),
            GeneralName::IPAddress(bytes) => hosts.addresses.extend(address(bytes)),
            _ => {}
        }
    }
    Ok(hosts)
}

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, KeyError> {
    let (_, parsed) = parse_x509_certificate(certificate).map_err(unusable)?;
    Ok(parsed)
}

fn unusable(error: impl ToString) -> KeyError {
    KeyError::UnusableCertificate {
        position: 1,
        reason: error.to_string(),
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes)
            .ok()
            .map(|it| Ipv4Addr::from(it).into()),
        _ => <[u8; 16]>::try_from(bytes)
            .ok()
            .map(|it| Ipv6Addr::from(it).into()),
    }
}
