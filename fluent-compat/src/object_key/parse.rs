//! From `s3_object_key_format` to its pieces.

use super::{ObjectKeyError, ObjectKeyOptions, ObjectKeyWarning, Piece};
use crate::placeholder::Placeholders;

/// Given up by fluent-plugin-s3, which refuses to start with them.
const REMOVED: [&str; 4] = [
    "%{uuid}",
    "%{uuid:random}",
    "%{uuid:hostname}",
    "%{uuid:timestamp}",
];

pub(super) struct Parsed {
    pub(super) pieces: Vec<Piece>,
    pub(super) warnings: Vec<ObjectKeyWarning>,
}

/// The pieces of the template, in order.
pub(super) fn pieces(options: &ObjectKeyOptions<'_>) -> Result<Parsed, ObjectKeyError> {
    let format = options.format();
    if let Some(placeholder) = REMOVED.into_iter().find(|removed| format.contains(removed)) {
        return Err(ObjectKeyError::Removed {
            placeholder: placeholder.to_owned(),
        });
    }
    // NOTE: the path goes in first, because it may have placeholders of its own.
    let template = format.replace("%{path}", options.path);
    let mut parser = Parser {
        options,
        text: String::new(),
        pieces: Vec::new(),
        warnings: Vec::new(),
    };
    let mut rest = template.as_str();
    while let Some((before, name, after)) = next_placeholder(rest) {
        parser.text.push_str(before);
        parser.placeholder(name);
        rest = after;
    }
    parser.text.push_str(rest);
    parser.end_text();
    Ok(Parsed {
        pieces: parser.pieces,
        warnings: parser.warnings,
    })
}

struct Parser<'a> {
    options: &'a ObjectKeyOptions<'a>,
    /// What has been read since the last piece.
    text: String,
    pieces: Vec<Piece>,
    warnings: Vec<ObjectKeyWarning>,
}

impl Parser<'_> {
    fn placeholder(&mut self, name: &str) {
        let piece = match name {
            "file_extension" => return self.text.push_str(self.options.file_extension),
            "hostname" => return self.text.push_str(self.options.hostname),
            "date_slice" | "time_slice" => Piece::TimeSlice,
            "hex_random" => Piece::HexRandom,
            "hms_slice" => Piece::HmsSlice,
            "index" => Piece::Index,
            "uuid_flush" => Piece::UuidFlush,
            _ => {
                self.warnings.push(ObjectKeyWarning::Unknown {
                    placeholder: format!("%{{{name}}}"),
                });
                return self.end_text();
            }
        };
        self.end_text();
        self.pieces.push(piece);
    }

    fn end_text(&mut self) {
        let text = std::mem::take(&mut self.text);
        if text.is_empty() {
            return;
        }
        let options = self.options;
        let text = Placeholders::parse(&text, options.chunk_keys, options.zone);
        self.warnings.extend(
            text.warnings()
                .iter()
                .cloned()
                .map(ObjectKeyWarning::Placeholder),
        );
        self.pieces.push(Piece::Text(text));
    }
}

/// The text before the first `%{name}`, the name, and the text after it.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, opened) = text.split_once("%{")?;
    let (name, after) = opened.split_once('}')?;
    Some((before, name, after))
}
