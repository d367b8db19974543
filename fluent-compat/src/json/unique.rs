//! The rare case: an object that has a key twice.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::string::unescape;
use super::walk::{elements, members, push_member};

/// Appends `value`, which is minified JSON, so that at every level each key is there
/// once: with its last value, at its first place.
pub(super) fn push_unique(out: &mut String, value: &str) {
    match value.as_bytes().first() {
        Some(b'{') => {
            out.push('{');
            for (key, value) in last_values(value) {
                push_member(out, key, "");
                push_unique(out, value);
            }
            out.push('}');
        }
        Some(b'[') => {
            out.push('[');
            for (n, value) in elements(value).enumerate() {
                out.push_str(if n == 0 { "" } else { "," });
                push_unique(out, value);
            }
            out.push(']');
        }
        _ => out.push_str(value),
    }
}

fn last_values(object: &str) -> Vec<(&str, &str)> {
    let mut kept: Vec<(&str, &str)> = Vec::new();
    let mut places = HashMap::new();
    for (key, value) in members(object) {
        match places.entry(unescape(key)) {
            Entry::Vacant(place) => {
                place.insert(kept.len());
                kept.push((key, value));
            }
            Entry::Occupied(place) => {
                if let Some((_, first)) = kept.get_mut(*place.get()) {
                    *first = value;
                }
            }
        }
    }
    kept
}
