//! From a text to its parts.

use super::{Part, PlaceholderWarning};
use crate::chunk::ChunkKeys;
use crate::time::Strftime;

/// The parts of a text, in order, and the placeholders in it that nothing will fill.
pub(super) fn parts(source: &str, keys: &ChunkKeys) -> (Vec<Part>, Vec<PlaceholderWarning>) {
    let mut parser = Parser {
        keys,
        literal: String::new(),
        parts: Vec::new(),
        warnings: Vec::new(),
    };
    let mut rest = source;
    while let Some((before, name, after)) = next_placeholder(rest) {
        parser.literal.push_str(before);
        parser.placeholder(name);
        rest = after;
    }
    parser.literal.push_str(rest);
    parser.end_literal();
    (parser.parts, parser.warnings)
}

struct Parser<'a> {
    keys: &'a ChunkKeys,
    literal: String,
    parts: Vec<Part>,
    warnings: Vec<PlaceholderWarning>,
}

impl Parser<'_> {
    fn placeholder(&mut self, name: &str) {
        if name == "chunk_id" {
            self.push(Part::ChunkId);
        } else if let Some(part) = tag(name) {
            if self.keys.has_tag() {
                self.push(part);
            } else {
                self.keep(name);
            }
        } else if self.keys.fields().any(|field| field == name) {
            self.push(Part::Field(name.to_owned()));
        } else if !is_key_like(name) {
            self.literal.push_str(&written(name));
        } else if self.keys.fields().len() > 0 {
            self.end_literal();
            let placeholder = written(name);
            self.warnings
                .push(PlaceholderWarning::Dropped { placeholder });
        } else {
            self.keep(name);
        }
    }

    fn keep(&mut self, name: &str) {
        let placeholder = written(name);
        self.literal.push_str(&placeholder);
        self.warnings.push(PlaceholderWarning::Kept { placeholder });
    }

    fn push(&mut self, part: Part) {
        self.end_literal();
        self.parts.push(part);
    }

    fn end_literal(&mut self) {
        let source = std::mem::take(&mut self.literal);
        if source.is_empty() {
            return;
        }
        if !source.contains('%') {
            self.parts.push(Part::Text(source));
        } else if self.keys.has_time() {
            let format = Strftime::new(&source);
            self.parts.push(Part::Time { source, format });
        } else {
            if looks_like_time(&source) {
                let format = source.clone();
                self.warnings.push(PlaceholderWarning::Timeless { format });
            }
            self.parts.push(Part::Text(source));
        }
    }
}

/// The text before the first `${name}`, the name, and the text after it.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, opened) = text.split_once("${")?;
    let (name, after) = opened.split_once('}')?;
    Some((before, name, after))
}

fn tag(name: &str) -> Option<Part> {
    if name == "tag" {
        return Some(Part::Tag);
    }
    let index = name.strip_prefix("tag[")?.strip_suffix(']')?;
    let digits = index.strip_prefix('-').unwrap_or(index);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    index.parse().ok().map(Part::TagAt)
}

/// Whether Fluentd would take it for a chunk key's placeholder at all.
fn is_key_like(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@$".contains(&byte);
    !name.is_empty() && name.bytes().all(allowed)
}

fn written(name: &str) -> String {
    format!("${{{name}}}")
}

/// Whether there is a conversion such as `%Y` or `%-d` in the text.
fn looks_like_time(text: &str) -> bool {
    text.split('%').skip(1).any(|conversion| {
        conversion
            .trim_start_matches(|flag: char| "-0^#_:".contains(flag) || flag.is_ascii_digit())
            .starts_with(|letter: char| letter.is_ascii_alphabetic())
    })
}
