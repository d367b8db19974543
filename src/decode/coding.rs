//! `Content-Encoding`: compressed bodies.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use flate2::bufread::{MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// RFC 8878 recommends to allow 8 MiB. More would let a few bytes take a lot of memory.
const ZSTD_WINDOW_LOG: u32 = 23;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
    /// zlib's format, as HTTP means it.
    Deflate,
    Zstd,
}

/// Why a body was not decompressed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CodingError {
    #[error("the {coding} body is damaged: {source}")]
    Damaged {
        coding: &'static str,
        source: io::Error,
    },
    #[error("the body is larger than decompression_size_limit, {limit} bytes")]
    TooLarge { limit: usize },
    #[error("found Content-Encoding \"{found}\"; allowed are gzip, deflate and zstd")]
    Unknown { found: String },
}

impl Coding {
    /// What the headers say; without one a body is taken as it is.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, CodingError> {
        let mut found = headers.get_all(CONTENT_ENCODING).iter();
        let Some(value) = found.next() else {
            return Ok(Self::Identity);
        };
        let name = value.as_bytes().trim_ascii();
        let known = [
            ("", Self::Identity),
            ("identity", Self::Identity),
            ("gzip", Self::Gzip),
            ("x-gzip", Self::Gzip),
            ("deflate", Self::Deflate),
            ("zstd", Self::Zstd),
        ];
        let known = known
            .into_iter()
            .find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
        match (known, found.next()) {
            (Some((_, coding)), None) => Ok(coding),
            _ => {
                let all = headers.get_all(CONTENT_ENCODING).iter();
                let all: Vec<_> = all.map(|value| value.as_bytes()).collect();
                let found = String::from_utf8_lossy(&all.join(&b", "[..])).into_owned();
                Err(CodingError::Unknown { found })
            }
        }
    }

    /// The body as it was before it was compressed, `limit` bytes at most.
    pub(super) fn decode(self, body: &[u8], limit: usize) -> Result<Cow<'_, [u8]>, CodingError> {
        if self == Self::Identity {
            return Ok(Cow::Borrowed(body));
        }
        let mut decoded = Vec::new();
        self.unpack(body, limit, &mut decoded)?;
        Ok(Cow::Owned(decoded))
    }

    /// How many bytes `decode` would give. Takes no memory worth mentioning.
    pub(super) fn measure(self, body: &[u8], limit: usize) -> Result<usize, CodingError> {
        self.unpack(body, limit, &mut io::sink())
    }

    fn unpack(self, body: &[u8], limit: usize, out: &mut impl Write) -> Result<usize, CodingError> {
        let (coding, unpacked) = match self {
            Self::Identity => return Ok(body.len()),
            Self::Gzip => ("gzip", copy(MultiGzDecoder::new(body), limit, out)),
            Self::Deflate => ("deflate", inflate(body, limit, out)),
            Self::Zstd => {
                let decoder = zstd::stream::read::Decoder::with_buffer(body);
                let unpacked = decoder.and_then(|mut decoder| {
                    decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                    copy(decoder, limit, out)
                });
                ("zstd", unpacked)
            }
        };
        match unpacked {
            Ok(Some(length)) => Ok(length),
            Ok(None) => Err(CodingError::TooLarge { limit }),
            Err(source) => Err(CodingError::Damaged { coding, source }),
        }
    }
}

/// The length of everything, or `None` if it is more than `limit` bytes.
fn copy(decoder: impl Read, limit: usize, out: &mut impl Write) -> io::Result<Option<usize>> {
    let just_too_much = (limit as u64).saturating_add(1);
    let length = io::copy(&mut decoder.take(just_too_much), out)?;
    Ok(usize::try_from(length)
        .ok()
        .filter(|length| *length <= limit))
}

fn inflate(body: &[u8], limit: usize, out: &mut impl Write) -> io::Result<Option<usize>> {
    let mut decoder = ZlibDecoder::new(body);
    let length = copy(&mut decoder, limit, out)?;
    // The decoder stops at the end of its stream and asks for no more.
    if length.is_some() && !decoder.get_ref().is_empty() {
        return Err(io::Error::other("bytes follow its end"));
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;

    const TEXT: &[u8] = b"{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n";

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn compressed() -> [(Coding, Vec<u8>); 3] {
        let mut deflate = ZlibEncoder::new(Vec::new(), Compression::fast());
        deflate.write_all(TEXT).unwrap();
        [
            (Coding::Gzip, gzip(TEXT)),
            (Coding::Deflate, deflate.finish().unwrap()),
            (Coding::Zstd, zstd::encode_all(TEXT, 1).unwrap()),
        ]
    }

    fn of(values: &[&str]) -> Result<Coding, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONTENT_ENCODING, value.parse().unwrap());
        }
        Coding::of(&headers).map_err(|error| error.to_string())
    }

    #[test]
    fn the_case_of_a_coding_does_not_matter() {
        assert_eq!(of(&["GZIP"]), Ok(Coding::Gzip));
        assert_eq!(of(&[" Zstd"]), Ok(Coding::Zstd));
        assert_eq!(of(&[]), Ok(Coding::Identity));
    }

    #[test]
    fn an_unknown_coding_is_refused_with_those_that_are_known() {
        let error = of(&["br"]).unwrap_err();
        assert_eq!(
            error,
            "found Content-Encoding \"br\"; allowed are gzip, deflate and zstd"
        );
        let error = of(&["gzip", "gzip"]).unwrap_err();
        assert!(error.contains("\"gzip, gzip\""), "{error}");
    }

    #[test]
    fn what_was_compressed_comes_back() {
        for (coding, body) in compressed() {
            assert_eq!(coding.decode(&body, 1000).unwrap(), TEXT, "{coding:?}");
            assert_eq!(coding.measure(&body, 1000).unwrap(), TEXT.len());
        }
    }

    #[test]
    fn gzip_may_have_several_members() {
        let body = [gzip(b"{\"a\":"), gzip(b"1}")].concat();
        assert_eq!(Coding::Gzip.decode(&body, 1000).unwrap(), &b"{\"a\":1}"[..]);
    }

    #[test]
    fn a_body_that_is_cut_short_is_damaged_wherever_it_is_cut() {
        for (coding, body) in compressed() {
            for length in 0..body.len() {
                let cut = coding.decode(&body[..length], 1000);
                let damaged = matches!(cut, Err(CodingError::Damaged { .. }));
                assert!(damaged, "{coding:?} cut at {length}: {cut:?}");
            }
        }
    }

    #[test]
    fn bytes_behind_the_end_are_damage() {
        for (coding, mut body) in compressed() {
            body.extend(b"more");
            let longer = coding.decode(&body, 1000);
            let damaged = matches!(longer, Err(CodingError::Damaged { .. }));
            assert!(damaged, "{coding:?}: {longer:?}");
        }
    }

    #[test]
    fn the_limit_is_the_last_size_that_is_taken() {
        for (coding, body) in compressed() {
            assert!(coding.decode(&body, TEXT.len()).is_ok(), "{coding:?}");
            let over = coding.decode(&body, TEXT.len() - 1);
            let refused = matches!(over, Err(CodingError::TooLarge { .. }));
            assert!(refused, "{coding:?}: {over:?}");
        }
    }

    #[test]
    fn zstd_may_not_ask_for_a_huge_window() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(ZSTD_WINDOW_LOG + 1).unwrap();
        encoder.write_all(TEXT).unwrap();
        let body = encoder.finish().unwrap();
        let refused = Coding::Zstd.decode(&body, 1000);
        let damaged = matches!(refused, Err(CodingError::Damaged { .. }));
        assert!(damaged, "{refused:?}");
    }
}
