//! Arrays and hashes: as JSON, or as a list with commas.

use serde_json::{Map, Value};

use super::LiteralError;

/// A JSON array, or texts separated by commas; nothing at all is an empty one.
///
/// # Errors
/// A text that begins with `[` and is no JSON.
pub fn array(text: &str) -> Result<Vec<Value>, LiteralError> {
    if text.starts_with('[') {
        return serde_json::from_str(text).map_err(|error| LiteralError::NotArray {
            reason: error.to_string(),
        });
    }
    Ok(split_commas(text)
        .into_iter()
        .map(|part| Value::String(part.to_owned()))
        .collect())
}

/// A JSON object, or `name:value` pairs separated by commas. A name alone has the value
/// null.
///
/// # Errors
/// A text that begins with `{` and is no JSON; a list with nothing between two commas.
pub fn hash(text: &str) -> Result<Map<String, Value>, LiteralError> {
    if text.starts_with('{') {
        return serde_json::from_str(text).map_err(|error| LiteralError::NotHash {
            reason: error.to_string(),
        });
    }
    let pairs = split_commas(text)
        .into_iter()
        .map(|pair| match pair.split_once(':') {
            _ if pair.is_empty() => Err(LiteralError::NotHash {
                reason: "nothing before a comma".to_owned(),
            }),
            Some((name, value)) => Ok((name.to_owned(), Value::String(value.to_owned()))),
            None => Ok((pair.to_owned(), Value::Null)),
        });
    pairs.collect()
}

/// The parts between commas, blanks around them cut; empty ones at the end do not count.
fn split_commas(text: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = text.split(',').map(str::trim).collect();
    while parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_places_count_unless_they_come_last() {
        assert_eq!(split_commas(" ,a,,b , ,"), ["", "a", "", "b"]);
        assert!(split_commas(" , ,").is_empty());
    }

    #[test]
    fn a_hash_has_no_empty_places() {
        assert!(hash("a:1,,b:2").is_err());
        assert_eq!(hash("a: 1,").unwrap()["a"], " 1");
    }

    #[test]
    fn json_must_be_whole() {
        assert!(array("[a]").is_err());
        assert!(hash("{\"a\":1").is_err());
        assert_eq!(
            array("[1,\"b\"]").unwrap(),
            [Value::from(1), Value::from("b")]
        );
    }
}
