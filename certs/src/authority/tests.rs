use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::Authority;
use crate::{
    Digest, Hosts, IssueError, KeyAlgorithm, KeyError, LeafRequest, Passphrase, Role, RsaBits,
    Subject, Validity,
};

const NOW: i64 = 1_800_000_000;

fn authority(algorithm: KeyAlgorithm) -> Authority {
    Authority::new(
        &Subject::common_name("CA"),
        algorithm,
        Validity::ten_years(NOW),
    )
    .unwrap()
}

fn request() -> LeafRequest {
    LeafRequest {
        subject: Subject::common_name("Client"),
        hosts: Hosts::default(),
        role: Role::Client,
        algorithm: KeyAlgorithm::EcdsaP256,
        validity: Validity::ten_years(NOW),
    }
}

#[test]
fn a_loaded_authority_signs_with_the_digest_it_is_told() {
    let made = authority(KeyAlgorithm::Rsa(RsaBits::Bits2048));
    let (certificate, key) = (made.certificate_pem(), made.key_pem().unwrap());
    let digests = [
        (Digest::Sha256, "1.2.840.113549.1.1.11"),
        (Digest::Sha384, "1.2.840.113549.1.1.12"),
        (Digest::Sha512, "1.2.840.113549.1.1.13"),
    ];
    for (digest, oid) in digests {
        let loaded = Authority::load(certificate.as_bytes(), key.as_bytes(), None, digest).unwrap();
        let issued = loaded.issue(&request()).unwrap();
        let (_, leaf) = X509Certificate::from_der(issued.certificate()).unwrap();
        assert_eq!(leaf.signature_algorithm.algorithm.to_id_string(), oid);
        assert_eq!(leaf.issuer().to_string(), "CN=CA");
    }
}

#[test]
fn a_loaded_authority_may_have_an_elliptic_curve() {
    let made = authority(KeyAlgorithm::EcdsaP256);
    let (certificate, key) = (made.certificate_pem(), made.key_pem().unwrap());
    let loaded =
        Authority::load(certificate.as_bytes(), key.as_bytes(), None, Digest::Sha512).unwrap();
    loaded.issue(&request()).unwrap();
}

#[test]
fn an_authority_that_cannot_be_opened_says_why() {
    let certificate = authority(KeyAlgorithm::EcdsaP256).certificate_pem();
    let key = authority(KeyAlgorithm::EcdsaP256).key_pem().unwrap();
    let passphrase = Passphrase::new("x");
    let error = Authority::load(
        certificate.as_bytes(),
        key.as_bytes(),
        Some(&passphrase),
        Digest::Sha256,
    )
    .unwrap_err();
    assert!(
        matches!(error, IssueError::Authority(KeyError::Mismatch)),
        "{error}"
    );
}

#[test]
fn an_authority_whose_name_would_be_cut_is_refused() {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters
        .distinguished_name
        .push(DnType::OrganizationalUnitName, "a");
    parameters
        .distinguished_name
        .push(DnType::CustomDnType(vec![2, 5, 4, 11]), "b");
    let key = rcgen::KeyPair::generate().unwrap();
    let (certificate, key) = (
        parameters.self_signed(&key).unwrap().pem(),
        key.serialize_pem(),
    );
    let error = Authority::load(certificate.as_bytes(), key.as_bytes(), None, Digest::Sha256)
        .unwrap_err()
        .to_string();
    assert!(error.contains("OU=a, OU=b"), "{error}");
}

#[test]
fn serial_numbers_differ() {
    let authority = authority(KeyAlgorithm::EcdsaP256);
    let serial = || {
        let issued = authority.issue(&request()).unwrap();
        X509Certificate::from_der(issued.certificate())
            .unwrap()
            .1
            .raw_serial()
            .to_vec()
    };
    assert_ne!(serial(), serial());
}

#[test]
fn a_date_beyond_the_calendar_is_refused() {
    let validity = Validity::ten_years(253_402_300_799);
    let error = authority_error(validity);
    assert!(
        matches!(
            error,
            IssueError::Date {
                found: 253_717_660_799
            }
        ),
        "{error}"
    );
    assert!(matches!(
        authority_error(Validity::ten_years(i64::MAX)),
        IssueError::Date { .. }
    ));
}

fn authority_error(validity: Validity) -> IssueError {
    Authority::new(&Subject::default(), KeyAlgorithm::EcdsaP256, validity).unwrap_err()
}

#[test]
fn names_of_digests_and_lengths_of_keys_are_read_as_fluentd_spells_them() {
    assert_eq!("sha384".parse::<Digest>().unwrap(), Digest::Sha384);
    let error = "sha1".parse::<Digest>().unwrap_err().to_string();
    assert!(
        error.contains("\"sha1\"; allowed are sha256, sha384 and sha512"),
        "{error}"
    );
    assert_eq!(RsaBits::try_from(3072).unwrap(), RsaBits::Bits3072);
    let error = RsaBits::try_from(1024).unwrap_err().to_string();
    assert!(
        error.contains("1024 bits; allowed are 2048, 3072 and 4096"),
        "{error}"
    );
}
