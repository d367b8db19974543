//! `Content-Type`: what a body is.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// What a body is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content<'a> {
    /// `application/x-www-form-urlencoded`
    Form,
    /// `application/json`, and browsers' `application/csp-report`
    Json,
    /// `application/msgpack`
    Msgpack,
    /// `multipart/form-data`
    Multipart { boundary: &'a [u8] },
    /// `application/x-ndjson`
    Ndjson,
    /// Anything else, or nothing.
    Other,
}

impl<'a> Content<'a> {
    /// What the headers say. As in Fluentd the beginning of the type decides; case does not.
    pub(super) fn of(headers: &'a HeaderMap) -> Self {
        let Some(value) = headers.get(CONTENT_TYPE) else {
            return Self::Other;
        };
        let value = value.as_bytes();
        let known = [
            ("application/json", Self::Json),
            ("application/x-ndjson", Self::Ndjson),
            ("application/msgpack", Self::Msgpack),
            ("application/x-www-form-urlencoded", Self::Form),
            ("application/csp-report", Self::Json),
        ];
        for (name, content) in known {
            if starts_with(value, name.as_bytes()) {
                return content;
            }
        }
        if starts_with(value, b"multipart/form-data") {
            return match boundary(value) {
                Some(boundary) => Self::Multipart { boundary },
                None => Self::Other,
            };
        }
        Self::Other
    }
}

fn starts_with(value: &[u8], name: &[u8]) -> bool {
    value
        .get(..name.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(name))
}

/// The value of the `boundary` parameter, less its quotes.
fn boundary(value: &[u8]) -> Option<&[u8]> {
    let parameters = value.split(|byte| *byte == b';').skip(1);
    let boundary = parameters
        .map(<[u8]>::trim_ascii)
        .find(|parameter| starts_with(parameter, b"boundary="))?
        .get(b"boundary=".len()..)?;
    let quoted = boundary.strip_prefix(b"\"");
    let boundary = quoted
        .and_then(|boundary| boundary.strip_suffix(b"\""))
        .unwrap_or(boundary);
    (!boundary.is_empty()).then_some(boundary)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, value.parse().unwrap())])
    }

    #[test]
    fn the_type_is_found_whatever_follows_it() {
        for value in ["application/json", "Application/JSON; charset=utf-8"] {
            assert_eq!(Content::of(&headers(value)), Content::Json, "{value}");
        }
        let ndjson = headers("application/x-ndjson;x");
        assert_eq!(Content::of(&ndjson), Content::Ndjson);
    }

    #[test]
    fn a_boundary_may_be_quoted() {
        let boundary = b"XX".as_slice();
        for value in [
            "multipart/form-data; boundary=XX",
            "multipart/form-data; charset=utf-8; Boundary=\"XX\"",
        ] {
            let headers = headers(value);
            assert_eq!(
                Content::of(&headers),
                Content::Multipart { boundary },
                "{value}"
            );
        }
    }

    #[test]
    fn a_multipart_type_without_a_boundary_says_nothing() {
        for value in ["multipart/form-data", "multipart/form-data; boundary=\"\""] {
            assert_eq!(Content::of(&headers(value)), Content::Other, "{value}");
        }
    }

    #[test]
    fn other_types_and_none_say_nothing() {
        assert_eq!(Content::of(&headers("text/plain")), Content::Other);
        assert_eq!(Content::of(&HeaderMap::new()), Content::Other);
    }
}
