//! `multipart/form-data` (RFC 7578).

use memchr::memmem;

/// Why a body is no form.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum MultipartError {
    #[error("found no line \"--\" and the boundary at the start of the form")]
    NoStart,
    #[error("part {position} of the form has no name in its Content-Disposition")]
    Unnamed { position: usize },
    #[error("part {position} of the form does not end with a line \"--\" and the boundary")]
    Unended { position: usize },
}

/// One field of a form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) name: &'a [u8],
    pub(super) content: &'a [u8],
}

/// The fields of a form, in order.
pub(super) fn parts<'a>(body: &'a [u8], boundary: &[u8]) -> Result<Vec<Part<'a>>, MultipartError> {
    let delimiter = [b"\r\n--", boundary].concat();
    let finder = memmem::Finder::new(&delimiter);
    // The first one needs no line before it.
    let first = delimiter.get(2..).unwrap_or_default();
    let mut rest = match body.strip_prefix(first) {
        Some(rest) => rest,
        None => after(&finder, body).ok_or(MultipartError::NoStart)?.1,
    };

    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let position = parts.len() + 1;
        let unended = MultipartError::Unended { position };
        let (part, next) = after(&finder, rest).ok_or(unended)?;
        let (head, content) = split_head(part);
        let name = name(head).ok_or(MultipartError::Unnamed { position })?;
        parts.push(Part { name, content });
        rest = next;
    }
    Ok(parts)
}

/// What stands before the next delimiter, and what after it.
fn after<'a>(finder: &memmem::Finder<'_>, text: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (before, from) = text.split_at_checked(finder.find(text)?)?;
    Some((before, from.get(finder.needle().len()..)?))
}

/// Headers and content are parted by an empty line.
fn split_head(part: &[u8]) -> (&[u8], &[u8]) {
    const EMPTY_LINE: &[u8] = b"\r\n\r\n";

    memmem::find(part, EMPTY_LINE)
        .and_then(|end| part.split_at_checked(end))
        .map_or((part, &[]), |(head, content)| {
            (head, content.get(EMPTY_LINE.len()..).unwrap_or_default())
        })
}

/// The `name` parameter of the `Content-Disposition` header.
fn name(head: &[u8]) -> Option<&[u8]> {
    let disposition = head.split(|byte| *byte == b'\n').find_map(|line| {
        let (name, value) = line.split_at_checked(b"content-disposition:".len())?;
        name.eq_ignore_ascii_case(b"content-disposition:")
            .then_some(value)
    })?;
    disposition
        .split(|byte| *byte == b';')
        .find_map(|parameter| {
            let parameter = parameter.trim_ascii();
            let (key, value) = parameter.split_at_checked(b"name=".len())?;
            if !key.eq_ignore_ascii_case(b"name=") {
                return None;
            }
            let quoted = value
                .strip_prefix(b"\"")
                .and_then(|value| value.strip_suffix(b"\""));
            Some(quoted.unwrap_or(value))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Vec<(&str, &str)>, MultipartError> {
        let text = |bytes| std::str::from_utf8(bytes).unwrap();
        let parts = parts(body.as_bytes(), b"XX")?.into_iter();
        Ok(parts
            .map(|part| (text(part.name), text(part.content)))
            .collect())
    }

    #[test]
    fn every_part_has_a_name_and_a_content() {
        let body = "--XX\r\nContent-Disposition: form-data; name=\"json\"\r\n\r\n{\"a\":1}\r\n\
                    --XX\r\ncontent-type: text/plain\r\ncontent-disposition: form-data; \
                    filename=\"x\"; name=time\r\n\r\n7\r\n--XX--\r\n";
        assert_eq!(read(body), Ok(vec![("json", "{\"a\":1}"), ("time", "7")]));
    }

    #[test]
    fn a_content_may_hold_lines_and_dashes() {
        let body = "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n--X\r\n\r\n--Y\r\n--XX--";
        assert_eq!(read(body), Ok(vec![("a", "--X\r\n\r\n--Y")]));
    }

    #[test]
    fn a_form_may_have_a_preamble_and_no_parts() {
        assert_eq!(read("hello\r\n--XX--\r\n"), Ok(vec![]));
    }

    #[test]
    fn what_is_missing_is_said() {
        assert_eq!(read("{\"a\":1}"), Err(MultipartError::NoStart));
        let unended = "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n1";
        assert_eq!(read(unended), Err(MultipartError::Unended { position: 1 }));
        let unnamed = "--XX\r\nContent-Disposition: form-data\r\n\r\n1\r\n--XX--";
        assert_eq!(read(unnamed), Err(MultipartError::Unnamed { position: 1 }));
    }
}
