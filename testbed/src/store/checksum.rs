//! The checksums a PUT names, in its headers or its trailer, held against the bytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::HeaderMap;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::dto::Checksum;

const CRC32: &str = "x-amz-checksum-crc32";
const CRC32C: &str = "x-amz-checksum-crc32c";
const CRC64NVME: &str = "x-amz-checksum-crc64nvme";
const SHA1: &str = "x-amz-checksum-sha1";
const SHA256: &str = "x-amz-checksum-sha256";
const CONTENT_MD5: &str = "content-md5";
const TRAILER: &str = "x-amz-trailer";

/// Computes what the headers of a PUT promise, while its body goes by.
pub(super) struct Verifier {
    promised: HeaderMap,
    md5: Md5,
    hasher: ChecksumHasher,
    length: u64,
}

/// A checksum that is another than the one promised.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{header}: `{promised}` was promised, the bytes give `{computed}`")]
pub(super) struct Mismatch {
    header: &'static str,
    promised: String,
    computed: String,
}

/// What the body turned out to be.
#[derive(Debug)]
pub(super) struct Verified {
    /// In hexadecimal.
    pub(super) md5: String,
    pub(super) length: u64,
}

impl Verifier {
    pub(super) fn new(headers: &HeaderMap) -> Verifier {
        let trailer = headers.get(TRAILER).and_then(|value| value.to_str().ok());
        let named = |header: &str| headers.contains_key(header) || trailer == Some(header);
        Verifier {
            promised: headers.clone(),
            md5: Md5::new(),
            hasher: ChecksumHasher {
                crc32: named(CRC32).then(Crc32::new),
                crc32c: named(CRC32C).then(Crc32c::new),
                sha1: named(SHA1).then(Sha1::new),
                sha256: named(SHA256).then(Sha256::new),
                crc64nvme: named(CRC64NVME).then(Crc64Nvme::new),
            },
            length: 0,
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
    }

    /// Compares with the headers and, where there was one, the trailer.
    pub(super) fn finish(self, trailer: Option<HeaderMap>) -> Result<Verified, Mismatch> {
        let mut promised = self.promised;
        promised.extend(trailer.unwrap_or_default());
        let md5 = self.md5.finalize();
        let computed: Checksum = self.hasher.finalize();
        for (header, computed) in [
            (CRC32, computed.checksum_crc32),
            (CRC32C, computed.checksum_crc32c),
            (CRC64NVME, computed.checksum_crc64nvme),
            (SHA1, computed.checksum_sha1),
            (SHA256, computed.checksum_sha256),
            (CONTENT_MD5, Some(BASE64.encode(md5))),
        ] {
            let promised = promised.get(header).and_then(|value| value.to_str().ok());
            if let (Some(promised), Some(computed)) = (promised, computed)
                && promised != computed
            {
                return Err(Mismatch {
                    header,
                    promised: promised.to_owned(),
                    computed,
                });
            }
        }
        Ok(Verified {
            md5: md5.iter().map(|byte| format!("{byte:02x}")).collect(),
            length: self.length,
        })
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    fn verify(headers: &[(&'static str, &'static str)]) -> Result<Verified, Mismatch> {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        let mut verifier = Verifier::new(&headers);
        verifier.update(b"1234");
        verifier.update(b"56789");
        verifier.finish(None)
    }

    #[test]
    fn the_check_values_of_the_catalogue_are_met() {
        let verified = verify(&[
            (CRC32, "y/Q5Jg=="),
            (CRC32C, "4waSgw=="),
            (CONTENT_MD5, "JfnnlDI7RTiF9RgfG2JNCw=="),
        ]);
        assert_eq!(verified.unwrap().length, 9);
    }

    #[test]
    fn a_wrong_checksum_is_told() {
        let mismatch = verify(&[(CRC32C, "AAAAAA==")]).unwrap_err();
        assert_eq!(mismatch.computed, "4waSgw==");
    }

    #[test]
    fn a_wrong_content_md5_is_told() {
        let mismatch = verify(&[(CONTENT_MD5, "AAAAAAAAAAAAAAAAAAAAAA==")]).unwrap_err();
        assert_eq!(mismatch.header, CONTENT_MD5);
    }
}
