//! `<parse> @type msgpack`.

use rmp::Marker;

use super::error::{Failure, Reason};
use super::json::JsonParser;
use crate::events::Events;
use crate::json::{Problem, push_quoted};
use crate::time::EventTime;

/// `<parse> @type msgpack`: maps, and arrays of maps, one after another; each map is an
/// event. Binary strings are taken as text; extension types are refused.
///
/// Each value is written as JSON first, which the parser in here then reads.
#[derive(Debug, Clone)]
pub struct MsgpackParser(pub JsonParser);

impl MsgpackParser {
    pub(super) fn parse(
        &self,
        body: &[u8],
        now: EventTime,
        events: &mut Events,
    ) -> Result<(), Failure> {
        let mut reader = Reader { body, position: 0 };
        let mut json = String::new();
        while reader.position < body.len() {
            let start = reader.position;
            json.clear();
            reader.value(&mut json, 0)?;
            self.0
                .parse(&json, now, events)
                .map_err(|Failure { reason, .. }| Failure::at(start, reason))?;
        }
        Ok(())
    }
}

/// Two levels more than any record may have, so that the JSON parser is the one who
/// says that a record is too deep.
const DEPTH_LIMIT: u8 = 130;

struct Reader<'b> {
    body: &'b [u8],
    position: usize,
}

impl<'b> Reader<'b> {
    /// Writes the next value as JSON.
    fn value(&mut self, out: &mut String, depth: u8) -> Result<(), Failure> {
        let start = self.position;
        let [marker] = self.array()?;
        match Marker::from_u8(marker) {
            Marker::Null => out.push_str("null"),
            Marker::False => out.push_str("false"),
            Marker::True => out.push_str("true"),
            Marker::FixPos(number) => out.push_str(&number.to_string()),
            Marker::FixNeg(number) => out.push_str(&number.to_string()),
            Marker::U8 => out.push_str(&u8::from_be_bytes(self.array()?).to_string()),
            Marker::U16 => out.push_str(&u16::from_be_bytes(self.array()?).to_string()),
            Marker::U32 => out.push_str(&u32::from_be_bytes(self.array()?).to_string()),
            Marker::U64 => out.push_str(&u64::from_be_bytes(self.array()?).to_string()),
            Marker::I8 => out.push_str(&i8::from_be_bytes(self.array()?).to_string()),
            Marker::I16 => out.push_str(&i16::from_be_bytes(self.array()?).to_string()),
            Marker::I32 => out.push_str(&i32::from_be_bytes(self.array()?).to_string()),
            Marker::I64 => out.push_str(&i64::from_be_bytes(self.array()?).to_string()),
            Marker::F32 => float(out, start, f32::from_be_bytes(self.array()?).into())?,
            Marker::F64 => float(out, start, f64::from_be_bytes(self.array()?))?,
            Marker::FixStr(_)
            | Marker::Str8
            | Marker::Str16
            | Marker::Str32
            | Marker::Bin8
            | Marker::Bin16
            | Marker::Bin32 => {
                self.position = start;
                push_quoted(out, self.text()?);
            }
            Marker::FixArray(length) => self.items(out, depth, length.into())?,
            Marker::Array16 => {
                let length = u16::from_be_bytes(self.array()?).into();
                self.items(out, depth, length)?;
            }
            Marker::Array32 => {
                let length = u32::from_be_bytes(self.array()?);
                self.items(out, depth, length)?;
            }
            Marker::FixMap(length) => self.members(out, depth, length.into())?,
            Marker::Map16 => {
                let length = u16::from_be_bytes(self.array()?).into();
                self.members(out, depth, length)?;
            }
            Marker::Map32 => {
                let length = u32::from_be_bytes(self.array()?);
                self.members(out, depth, length)?;
            }
            _ => return Err(refused(start, "an extension type", "what JSON has as well")),
        }
        Ok(())
    }

    fn items(&mut self, out: &mut String, depth: u8, length: u32) -> Result<(), Failure> {
        let depth = self.enter(depth)?;
        out.push('[');
        for n in 0..length {
            out.push_str(if n == 0 { "" } else { "," });
            self.value(out, depth)?;
        }
        out.push(']');
        Ok(())
    }

    fn members(&mut self, out: &mut String, depth: u8, length: u32) -> Result<(), Failure> {
        let depth = self.enter(depth)?;
        out.push('{');
        for n in 0..length {
            out.push_str(if n == 0 { "" } else { "," });
            push_quoted(out, self.text()?);
            out.push(':');
            self.value(out, depth)?;
        }
        out.push('}');
        Ok(())
    }

    fn enter(&self, depth: u8) -> Result<u8, Failure> {
        match depth {
            DEPTH_LIMIT => Err(refused(
                self.position,
                "deeper nesting",
                "127 levels at most",
            )),
            _ => Ok(depth + 1),
        }
    }

    /// The next value, which must be a string, binary or not.
    fn text(&mut self) -> Result<&'b str, Failure> {
        let start = self.position;
        let [marker] = self.array()?;
        let length = match Marker::from_u8(marker) {
            Marker::FixStr(length) => length.into(),
            Marker::Str8 | Marker::Bin8 => u8::from_be_bytes(self.array()?).into(),
            Marker::Str16 | Marker::Bin16 => u16::from_be_bytes(self.array()?).into(),
            Marker::Str32 | Marker::Bin32 => u32::from_be_bytes(self.array()?),
            _ => return Err(refused(start, "a key that is no string", "a string")),
        };
        let begin = self.position;
        let bytes = usize::try_from(length)
            .ok()
            .and_then(|length| self.body.get(begin..)?.get(..length))
            .ok_or_else(|| self.ended())?;
        self.position += bytes.len();
        std::str::from_utf8(bytes)
            .map_err(|error| Failure::at(begin + error.valid_up_to(), Problem::NotUtf8))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Failure> {
        let rest = self.body.get(self.position..).unwrap_or_default();
        let bytes = rest.first_chunk().ok_or_else(|| self.ended())?;
        self.position += N;
        Ok(*bytes)
    }

    fn ended(&self) -> Failure {
        refused(self.body.len(), "the end", "the rest of a value")
    }
}

fn float(out: &mut String, offset: usize, number: f64) -> Result<(), Failure> {
    let number = serde_json::Number::from_f64(number);
    let number = number.ok_or_else(|| refused(offset, "NaN or Infinity", "a number"))?;
    out.push_str(&number.to_string());
    Ok(())
}

fn refused(offset: usize, found: &'static str, expected: &'static str) -> Failure {
    Failure::at(offset, Reason::Msgpack { found, expected })
}
