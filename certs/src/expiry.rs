//! When a certificate ends.

use rustls_pki_types::CertificateDer;
use x509_parser::parse_x509_certificate;

use crate::KeyError;

/// The certificate's `notAfter` in unix seconds: the last second in which it is valid.
///
/// # Errors
/// [`KeyError::UnusableCertificate`] if it is no X.509 certificate.
pub fn expiry(certificate: &CertificateDer<'_>) -> Result<i64, KeyError> {
    let (_, parsed) =
        parse_x509_certificate(certificate).map_err(|error| KeyError::UnusableCertificate {
            position: 1,
            reason: error.to_string(),
        })?;
    Ok(parsed.validity().not_after.timestamp())
}
