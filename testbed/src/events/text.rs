//! The text form protojson gives an object: one line, and after every comma a space or none,
//! which differs from build to build of the sender.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::Formatter;
use serde_json::{Map, Serializer, Value};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Spacing {
    Tight,
    AfterComma,
}

pub(super) fn write(record: &Map<String, Value>, spacing: Spacing) -> String {
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, spacing);
    record
        .serialize(&mut serializer)
        .expect("invariant: a record goes into memory without fail");
    String::from_utf8(text).expect("invariant: JSON is written as UTF-8")
}

impl Spacing {
    fn separate<W: ?Sized + Write>(self, writer: &mut W, first: bool) -> io::Result<()> {
        match (first, self) {
            (true, _) => Ok(()),
            (false, Spacing::Tight) => writer.write_all(b","),
            (false, Spacing::AfterComma) => writer.write_all(b", "),
        }
    }
}

impl Formatter for Spacing {
    fn begin_array_value<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.separate(w, first)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.separate(w, first)
    }
}
