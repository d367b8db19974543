use std::time::Duration;

use x509_parser::prelude::{FromDer, X509Certificate};

use super::{GenerateOptions, issue_server_certificate, self_signed_server_certificate};
use crate::{Authority, Digest, Identity, KeyAlgorithm, RsaBits, Subject, Validity};

const NOW: i64 = 1_800_000_000;

fn inspect(identity: &Identity, look: impl FnOnce(&X509Certificate<'_>)) {
    look(&X509Certificate::from_der(&identity.chain[0]).unwrap().1);
}

#[test]
fn fluentds_defaults_make_a_self_signed_certificate_for_the_host() {
    let options = GenerateOptions::new("collector.example");
    let identity = self_signed_server_certificate(&options, NOW).unwrap();
    inspect(&identity, |certificate| {
        let name = "C=US, ST=CA, L=Mountain View, CN=collector.example";
        assert_eq!(certificate.subject().to_string(), name);
        assert_eq!(certificate.issuer().to_string(), name);
        assert_eq!(certificate.validity().not_before.timestamp(), 0);
        assert_eq!(
            certificate.validity().not_after.timestamp(),
            NOW + 3650 * 86_400
        );
        let names = certificate.subject_alternative_name().unwrap().unwrap();
        assert_eq!(
            names.value.general_names[0].to_string(),
            "DNSName(collector.example)"
        );
    });
}

#[test]
fn the_options_end_up_in_the_certificate() {
    let options = GenerateOptions {
        country: "DE".into(),
        state: "Bayern".into(),
        locality: "München".into(),
        expiration: Duration::from_secs(3600),
        digest: Digest::Sha512,
        ..GenerateOptions::new("10.1.2.3")
    };
    let identity = self_signed_server_certificate(&options, NOW).unwrap();
    inspect(&identity, |certificate| {
        let name = "C=DE, ST=Bayern, L=München, CN=10.1.2.3";
        assert_eq!(certificate.subject().to_string(), name);
        assert_eq!(certificate.validity().not_after.timestamp(), NOW + 3600);
        let oid = certificate.signature_algorithm.algorithm.to_id_string();
        assert_eq!(oid, "1.2.840.113549.1.1.13");
        let names = certificate.subject_alternative_name().unwrap().unwrap();
        assert_eq!(
            names.value.general_names[0].to_string(),
            "IPAddress(0a:01:02:03)"
        );
    });
}

#[test]
fn an_authority_signs_the_generated_certificate_with_the_digest_of_the_options() {
    let subject = Subject::common_name("Our CA");
    let algorithm = KeyAlgorithm::Rsa(RsaBits::Bits2048);
    let authority = Authority::new(&subject, algorithm, Validity::ten_years(NOW)).unwrap();
    let (certificate, key) = (authority.certificate_pem(), authority.key_pem().unwrap());
    let options = GenerateOptions {
        digest: Digest::Sha384,
        ..GenerateOptions::new("localhost")
    };
    let identity =
        issue_server_certificate(certificate.as_bytes(), key.as_bytes(), None, &options, NOW)
            .unwrap();
    assert_eq!(identity.chain.len(), 1);
    inspect(&identity, |certificate| {
        assert_eq!(certificate.issuer().to_string(), "CN=Our CA");
        let oid = certificate.signature_algorithm.algorithm.to_id_string();
        assert_eq!(oid, "1.2.840.113549.1.1.12");
    });
}

#[test]
fn a_country_of_letters_that_cannot_be_printed_is_refused() {
    let options = GenerateOptions {
        country: "Ü".into(),
        ..GenerateOptions::new("localhost")
    };
    assert!(self_signed_server_certificate(&options, NOW).is_err());
}
