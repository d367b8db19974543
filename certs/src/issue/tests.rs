use std::fs;
use std::os::unix::fs::PermissionsExt;

use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{CertSet, Options, ServerPassphrase, issue_set};
use crate::{
    Hosts, KeyAlgorithm, Passphrase, RsaBits, Unlocked, WriteError, load_certificates,
    load_identity,
};

const NOW: i64 = 1_800_000_000;

/// In two parts, so that a search for private keys in the repository finds none.
const LABEL: &str = concat!("-----BEGIN RSA ", "PRIVATE KEY-----");

fn options(algorithm: KeyAlgorithm) -> Options {
    Options {
        algorithm,
        ..Options::new(NOW)
    }
}

fn set() -> CertSet {
    issue_set(&options(KeyAlgorithm::EcdsaP256)).unwrap()
}

/// Hands the file's only certificate to `look`.
fn inspect(pem: &str, look: impl FnOnce(&X509Certificate<'_>)) {
    let [der] = &load_certificates(pem.as_bytes()).unwrap()[..] else {
        panic!("{pem}")
    };
    look(&X509Certificate::from_der(der).unwrap().1);
}

#[test]
fn keys_are_written_as_the_tool_writes_them() {
    let set = issue_set(&options(KeyAlgorithm::Rsa(RsaBits::Bits2048))).unwrap();
    for plain in [&set.ca_key, &set.client_key] {
        let mut lines = plain.lines();
        assert_eq!(lines.next(), Some(LABEL));
        assert!(lines.next().unwrap().starts_with("MII"));
    }
    let server: Vec<&str> = set.server_key.lines().take(4).collect();
    assert_eq!(server[..2], [LABEL, "Proc-Type: 4,ENCRYPTED"]);
    assert_eq!(server[2].len(), "DEK-Info: AES-256-CBC,".len() + 32);
    assert_eq!(server[3], "");

    assert_eq!(set.passphrase.expose().len(), 64);
    let (certificate, key) = (set.server_crt.as_bytes(), set.server_key.as_bytes());
    let identity = load_identity(certificate, key, Some(&set.passphrase)).unwrap();
    assert_eq!(identity.unlocked, Unlocked::AsGiven);
    load_identity(set.client_crt.as_bytes(), set.client_key.as_bytes(), None).unwrap();
    load_identity(set.ca_crt.as_bytes(), set.ca_key.as_bytes(), None).unwrap();
}

#[test]
fn an_empty_passphrase_leaves_the_server_key_plain() {
    let passphrase = ServerPassphrase::Given(Passphrase::new(""));
    let options = Options {
        passphrase,
        ..options(KeyAlgorithm::EcdsaP256)
    };
    let set = issue_set(&options).unwrap();
    assert!(set.passphrase.is_empty());
    let identity = load_identity(set.server_crt.as_bytes(), set.server_key.as_bytes(), None);
    assert_eq!(identity.unwrap().unlocked, Unlocked::NotEncrypted);
}

#[test]
fn the_authority_may_sign_leaves_and_nothing_else() {
    inspect(&set().ca_crt, |ca| {
        assert_eq!(ca.subject().to_string(), "CN=CA");
        assert_eq!(ca.issuer().to_string(), "CN=CA");
        let constraints = ca.basic_constraints().unwrap().unwrap();
        assert!(constraints.critical && constraints.value.ca);
        assert_eq!(constraints.value.path_len_constraint, Some(0));
        let usage = ca.key_usage().unwrap().unwrap();
        assert_eq!(usage.value.to_string(), "Key Cert Sign, CRL Sign");
    });
}

#[test]
fn leaves_are_as_the_tool_makes_them() {
    let set = set();
    for (pem, name, is_server) in [
        (&set.server_crt, "CN=Server", true),
        (&set.client_crt, "CN=Client", false),
    ] {
        inspect(pem, |leaf| {
            assert_eq!(leaf.subject().to_string(), name);
            assert_eq!(leaf.issuer().to_string(), "CN=CA");
            assert_eq!(leaf.validity().not_before.timestamp(), NOW);
            assert_eq!(leaf.validity().not_after.timestamp(), NOW + 3650 * 86_400);
            let usage = leaf.key_usage().unwrap().unwrap();
            assert!(usage.critical);
            assert_eq!(usage.value.to_string(), "Digital Signature");
            let extended = leaf.extended_key_usage().unwrap().unwrap().value;
            assert_eq!(
                (extended.server_auth, extended.client_auth),
                (is_server, !is_server)
            );
            assert!(leaf.basic_constraints().unwrap().is_none());
            assert!(!leaf.iter_extensions().any(|extension| matches!(
                extension.parsed_extension(),
                ParsedExtension::AuthorityKeyIdentifier(_)
            )));
        });
    }
}

#[test]
fn both_leaves_carry_all_names_and_addresses() {
    let hosts = Hosts {
        dns_names: vec!["forebay".into(), "forebay.logs.svc".into()],
        addresses: vec!["10.0.0.7".parse().unwrap(), "::1".parse().unwrap()],
    };
    let set = issue_set(&Options {
        hosts,
        ..options(KeyAlgorithm::EcdsaP256)
    })
    .unwrap();
    for pem in [&set.server_crt, &set.client_crt] {
        inspect(pem, |leaf| {
            let names = leaf.subject_alternative_name().unwrap().unwrap();
            let one: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
            let expected = [
                GeneralName::DNSName("forebay"),
                GeneralName::DNSName("forebay.logs.svc"),
                GeneralName::IPAddress(&[10, 0, 0, 7]),
                GeneralName::IPAddress(one),
            ];
            assert_eq!(names.value.general_names, expected);
        });
    }
}

#[test]
fn a_name_that_is_no_ascii_is_refused_with_its_subject() {
    let hosts = Hosts::one("büro.example");
    let options = Options {
        hosts,
        ..options(KeyAlgorithm::EcdsaP256)
    };
    let error = issue_set(&options).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot make the certificate of \"CN=Server\""),
        "{error}"
    );
}

#[test]
fn all_six_files_are_written_for_the_owner_alone() {
    let directory = tempfile::tempdir().unwrap();
    let set = set();
    set.write_to(directory.path()).unwrap();
    for (name, text) in set.files() {
        let path = directory.path().join(name);
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "{name}");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600,
            "{name}"
        );
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 6);
}

#[test]
fn nothing_is_overwritten_and_nothing_half_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let taken = directory.path().join("client.key");
    fs::write(&taken, "precious").unwrap();
    let error = set().write_to(directory.path()).unwrap_err();
    assert!(
        matches!(&error, WriteError::Exists { path } if *path == taken),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&taken).unwrap(), "precious");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_missing_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let error = set().write_to(&missing).unwrap_err();
    assert!(
        matches!(&error, WriteError::Io { path, .. } if path.starts_with(&missing)),
        "{error}"
    );
}

#[test]
fn debug_output_of_a_set_shows_no_key() {
    assert_eq!(format!("{:?}", set()), "CertSet { .. }");
}
