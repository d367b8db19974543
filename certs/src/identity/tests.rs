use std::sync::LazyLock;
use std::time::Duration;

use pem::Pem;
use pkcs8::PrivateKeyInfoRef;
use pkcs8::der::asn1::ObjectIdentifier;
use pkcs8::pkcs5::pbes2::{EncryptionScheme, Kdf, Parameters, Pbkdf2Params, Pbkdf2Prf, Salt};

use super::{Unlocked, load_identity};
use crate::traditional::Cipher;
use crate::{
    Authority, Hosts, Issued, KeyAlgorithm, KeyError, LeafRequest, Passphrase, Role, RsaBits,
    Subject, Validity, encode, expiry, load_certificates,
};

const NOW: i64 = 1_800_000_000;
const PASSPHRASE: &str = "correct horse";

/// An RSA key takes its time: one for all tests.
static RSA: LazyLock<Issued> = LazyLock::new(|| issue(KeyAlgorithm::Rsa(RsaBits::Bits2048)));

fn issue(algorithm: KeyAlgorithm) -> Issued {
    let validity = Validity::starting(NOW, Duration::from_secs(60));
    let authority = Authority::new(
        &Subject::common_name("CA"),
        KeyAlgorithm::EcdsaP256,
        validity,
    )
    .unwrap();
    let request = LeafRequest {
        subject: Subject::common_name("Server"),
        hosts: Hosts::localhost(),
        role: Role::Server,
        algorithm,
        validity,
    };
    authority.issue(&request).unwrap()
}

fn rsa_pkcs1() -> Vec<u8> {
    encode::pkcs1(RSA.key()).unwrap().unwrap()
}

fn passphrase() -> Passphrase {
    Passphrase::new(PASSPHRASE)
}

/// Opens a key beside the RSA certificate.
fn open(key_pem: &str, passphrase: &str) -> Result<Unlocked, KeyError> {
    let passphrase = Passphrase::new(passphrase);
    let certificate = RSA.certificate_pem();
    let identity = load_identity(
        certificate.as_bytes(),
        key_pem.as_bytes(),
        Some(&passphrase),
    )?;
    Ok(identity.unlocked)
}

fn encrypted_with(parameters: Parameters) -> String {
    let info = PrivateKeyInfoRef::try_from(RSA.key().serialized_der()).unwrap();
    let encrypted = info.encrypt_with_params(parameters, PASSPHRASE).unwrap();
    pem::encode(&Pem::new("ENCRYPTED PRIVATE KEY", encrypted.as_bytes()))
}

#[test]
fn every_cipher_of_traditional_pem_is_opened() {
    for cipher in Cipher::ALL {
        let key = encode::traditional_key("RSA PRIVATE KEY", &rsa_pkcs1(), cipher, &passphrase())
            .unwrap();
        assert!(key.contains(cipher.name()), "{key}");
        let certificate = RSA.certificate_pem();
        let identity =
            load_identity(certificate.as_bytes(), key.as_bytes(), Some(&passphrase())).unwrap();
        assert_eq!(identity.unlocked, Unlocked::AsGiven, "{cipher:?}");
        assert_eq!(identity.key.secret_der(), rsa_pkcs1(), "{cipher:?}");
    }
}

#[test]
fn an_encrypted_key_of_an_elliptic_curve_is_opened() {
    let issued = issue(KeyAlgorithm::EcdsaP256);
    let info = PrivateKeyInfoRef::try_from(issued.key().serialized_der()).unwrap();
    let sec1 = info.private_key.as_bytes();
    let certificate = issued.certificate_pem();
    for key in [
        encode::traditional_key("EC PRIVATE KEY", sec1, Cipher::Aes128, &passphrase()).unwrap(),
        issued.encrypted_key_pem(&passphrase()).unwrap(),
    ] {
        let identity = load_identity(certificate.as_bytes(), key.as_bytes(), Some(&passphrase()));
        assert_eq!(identity.unwrap().unlocked, Unlocked::AsGiven);
    }
}

#[test]
fn encrypted_pkcs8_is_opened_whatever_its_parameters() {
    let iv = [7; 16];
    let salt = Salt::new([9; 8]).unwrap();
    let old = |encryption| Parameters {
        kdf: Kdf::Pbkdf2(Pbkdf2Params {
            salt,
            iteration_count: 2048,
            key_length: None,
            prf: Pbkdf2Prf::HmacWithSha1,
        }),
        encryption,
    };
    let cases = [
        (
            "3DES, SHA-1",
            old(EncryptionScheme::DesEde3Cbc { iv: [7; 8] }),
        ),
        ("AES-192, SHA-1", old(EncryptionScheme::Aes192Cbc { iv })),
        (
            "AES-128",
            Parameters::generate_pbkdf2_sha256_aes128cbc(2048, &[9; 8], iv).unwrap(),
        ),
        (
            "AES-256",
            Parameters::generate_pbkdf2_sha256_aes256cbc(2048, &[9; 8], iv).unwrap(),
        ),
        ("scrypt", {
            let cost = pkcs8::pkcs5::scrypt::Params::new(4, 8, 1).unwrap();
            Parameters::generate_scrypt_aes256cbc(cost, &[9; 16], iv).unwrap()
        }),
    ];
    for (name, parameters) in cases {
        let key = encrypted_with(parameters);
        assert_eq!(open(&key, PASSPHRASE).unwrap(), Unlocked::AsGiven, "{name}");
        let error = open(&key, "wrong").unwrap_err();
        assert!(
            matches!(error, KeyError::WrongPassphrase { .. }),
            "{name}: {error}"
        );
    }
}

#[test]
fn plain_keys_are_opened_and_a_passphrase_is_left_aside() {
    let pkcs8 = pem::encode(&Pem::new("PRIVATE KEY", RSA.key().serialized_der()));
    for key in [RSA.key_pem().unwrap(), pkcs8] {
        assert_eq!(open(&key, "").unwrap(), Unlocked::NotEncrypted);
        assert_eq!(open(&key, "unused").unwrap(), Unlocked::NotEncrypted);
        let certificate = RSA.certificate_pem();
        load_identity(certificate.as_bytes(), key.as_bytes(), None).unwrap();
    }
}

#[test]
fn a_newline_too_many_or_too_few_in_the_passphrase_is_forgiven_and_told() {
    let bare = RSA.encrypted_key_pem(&passphrase()).unwrap();
    let piped = RSA
        .encrypted_key_pem(&Passphrase::new("correct horse\n"))
        .unwrap();
    assert_eq!(
        open(&bare, "correct horse\n").unwrap(),
        Unlocked::NewlineRemoved
    );
    assert_eq!(
        open(&bare, "correct horse\r\n").unwrap(),
        Unlocked::NewlineRemoved
    );
    assert_eq!(open(&piped, "correct horse\n").unwrap(), Unlocked::AsGiven);
    assert_eq!(
        open(&piped, "correct horse").unwrap(),
        Unlocked::NewlineAdded
    );
    assert!(open(&piped, "correct horse ").is_err());
}

#[test]
fn no_wrong_passphrase_opens_a_traditional_key() {
    // Enough of them to meet paddings that look right, which come up once in 256.
    let key = RSA.encrypted_key_pem(&passphrase()).unwrap();
    for attempt in 0..1000 {
        let error = open(&key, &format!("wrong {attempt}")).unwrap_err();
        assert!(
            matches!(
                error,
                KeyError::WrongPassphrase {
                    newline: "added",
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn an_encrypted_key_asks_for_its_passphrase() {
    let certificate = RSA.certificate_pem();
    let key = RSA.encrypted_key_pem(&passphrase()).unwrap();
    let error = load_identity(certificate.as_bytes(), key.as_bytes(), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the private key is encrypted (AES-256-CBC) and no passphrase is given"
    );
}

#[test]
fn an_unknown_encryption_is_named() {
    let key = RSA.encrypted_key_pem(&passphrase()).unwrap();
    let key = key.replace("AES-256-CBC", "CAMELLIA-256-CBC");
    let error = open(&key, PASSPHRASE).unwrap_err();
    assert!(
        matches!(&error, KeyError::UnknownEncryption { found } if found == "CAMELLIA-256-CBC"),
        "{error}"
    );

    let cases = [
        ("1.2.840.113549.1.5.3", "pbeWithMD5AndDES-CBC"),
        (
            "1.2.840.113549.1.12.1.3",
            "pbeWithSHA1And3-KeyTripleDES-CBC",
        ),
        ("1.2.3.4", "the algorithm 1.2.3.4"),
    ];
    for (oid, name) in cases {
        let error = open(&encrypted_pkcs8_by(oid), PASSPHRASE).unwrap_err();
        assert!(
            matches!(&error, KeyError::UnknownEncryption { found } if found == name),
            "{oid}: {error}"
        );
    }
}

/// An `EncryptedPrivateKeyInfo` with PBES1's parameters (salt, rounds) under any identifier.
fn encrypted_pkcs8_by(oid: &str) -> String {
    let oid = ObjectIdentifier::new(oid).unwrap();
    let sequence =
        |content: &[u8]| [&[0x30, u8::try_from(content.len()).unwrap()], content].concat();
    let oid = [
        &[0x06, u8::try_from(oid.as_bytes().len()).unwrap()],
        oid.as_bytes(),
    ]
    .concat();
    let parameters = sequence(&[&[0x04, 8][..], &[1; 8], &[0x02, 2, 8, 0]].concat());
    let algorithm = sequence(&[oid, parameters].concat());
    let der = sequence(&[algorithm, [&[0x04, 16][..], &[5; 16]].concat()].concat());
    pem::encode(&Pem::new("ENCRYPTED PRIVATE KEY", der))
}

#[test]
fn a_damaged_key_is_told_from_a_wrong_passphrase() {
    let key = RSA.encrypted_key_pem(&passphrase()).unwrap();
    let (start, end) = key.split_once("-----END").unwrap();
    let lines: Vec<&str> = key.lines().collect();
    let (last_line, rest) = lines.split_last().unwrap();
    let cut_line = rest.last().unwrap();
    let cases = [
        (
            "cut in the middle",
            key.replace(cut_line, "AAAA"),
            "whole blocks of 16",
        ),
        ("no end", start.to_owned(), "does not end"),
        (
            "no base64",
            format!("{start}*\n-----END{end}"),
            "Invalid symbol 42",
        ),
        (
            "short IV",
            key.replace("AES-256-CBC,", "AES-256-CBC,00"),
            "17 bytes, not 16",
        ),
        (
            "odd IV",
            key.replace("AES-256-CBC,", "AES-256-CBC,0"),
            "no hex",
        ),
        (
            "no DEK-Info",
            key.replace("DEK-Info", "X-Info"),
            "DEK-Info is missing",
        ),
        (
            "other end",
            key.replace(last_line, "-----END CERTIFICATE-----"),
            "mismatching",
        ),
    ];
    for (name, text, reason) in cases {
        let error = open(&text, PASSPHRASE).unwrap_err();
        assert!(
            matches!(error, KeyError::DamagedKey { .. }),
            "{name}: {error}"
        );
        assert!(error.to_string().contains(reason), "{name}: {error}");
    }
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    for algorithm in [
        KeyAlgorithm::EcdsaP256,
        KeyAlgorithm::Rsa(RsaBits::Bits2048),
    ] {
        let other = issue(algorithm).key_pem().unwrap();
        assert!(
            matches!(open(&other, ""), Err(KeyError::Mismatch)),
            "{algorithm:?}"
        );
    }
}

#[test]
fn a_key_that_tls_cannot_use_is_refused_with_its_kind() {
    let dsa = pem::encode(&Pem::new("DSA PRIVATE KEY", [0x30, 0x00]));
    let error = open(&dsa, "").unwrap_err();
    assert!(matches!(error, KeyError::UnusableKey { .. }), "{error}");
    assert!(error.to_string().contains("DSA PRIVATE KEY"), "{error}");

    let nonsense = pem::encode(&Pem::new("PRIVATE KEY", [0x30, 0x00]));
    let error = open(&nonsense, "").unwrap_err();
    assert!(matches!(error, KeyError::UnusableKey { .. }), "{error}");
}

#[test]
fn what_a_file_holds_instead_is_said() {
    let certificate = RSA.certificate_pem();
    let error = open(&certificate, "").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("found no private key but CERTIFICATE;"),
        "{error}"
    );

    let key = RSA.key_pem().unwrap();
    let cases: [(&[u8], &str); 4] = [
        (key.as_bytes(), "RSA PRIVATE KEY"),
        (b"\n", "an empty file"),
        (RSA.certificate(), "binary DER"),
        (b"hello", "text that is no PEM"),
    ];
    for (file, found) in cases {
        let error = load_certificates(file).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("found no certificate but {found};")),
            "{error}"
        );
    }
}

#[test]
fn one_file_may_hold_key_and_certificate_in_any_order() {
    let (certificate, key) = (
        RSA.certificate_pem(),
        RSA.encrypted_key_pem(&passphrase()).unwrap(),
    );
    for file in [format!("{certificate}{key}"), format!("{key}{certificate}")] {
        let windows = file.replace('\n', "\r\n");
        let noted = format!("Bag Attributes\n  friendlyName: x\n{file}");
        for text in [file, windows, noted] {
            let identity = load_identity(text.as_bytes(), text.as_bytes(), Some(&passphrase()));
            assert_eq!(identity.unwrap().chain.len(), 1, "{text}");
        }
    }
}

#[test]
fn a_chain_keeps_its_order_and_a_damaged_link_is_numbered() {
    let second = issue(KeyAlgorithm::EcdsaP256);
    let file = RSA.certificate_pem() + &second.certificate_pem();
    let chain = load_certificates(file.as_bytes()).unwrap();
    assert_eq!(
        chain,
        [RSA.certificate().clone(), second.certificate().clone()]
    );

    let nonsense = pem::encode(&Pem::new("CERTIFICATE", [0x30, 0x00]));
    let cut = file.trim_end().trim_end_matches('-').to_owned();
    let no_base64 = RSA.certificate_pem() + &second.certificate_pem().replace("MII", "*II");
    for file in [RSA.certificate_pem() + &nonsense, cut, no_base64] {
        let error = load_certificates(file.as_bytes()).unwrap_err();
        assert!(
            matches!(error, KeyError::UnusableCertificate { position: 2, .. }),
            "{error}: {file}"
        );
    }
}

#[test]
fn the_expiry_is_the_last_valid_second() {
    assert_eq!(expiry(RSA.certificate()).unwrap(), NOW + 60);
    assert!(expiry(&b"nonsense"[..].into()).is_err());
}

#[test]
fn debug_output_shows_no_key() {
    let shown = format!("{:?}", issue(KeyAlgorithm::EcdsaP256).into_identity());
    assert_eq!(
        shown,
        "Identity { certificates: 1, unlocked: NotEncrypted, .. }"
    );
}
