//! The scanner: one pass over a text, recursion only for what is nested.
//!
//! It is most of what a request costs, so its steps hand the offset of the next byte from one to
//! the other, where it stays in a register, and an error is a pointer.

use std::borrow::Cow;

use super::block::{next_special, skip_short_escapes};
use super::error::{Fault, Found, Problem};
use super::keys::{Keys, Span};
use super::number::end_of_number;
use super::string::{end_of_escape, push_escaped};
use super::unique::push_unique;

/// How many objects and arrays may stand inside one another in a record, itself
/// included: 1 to 127, and 127 by default, which is as deep as `serde_json` follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NestingLimit(u8);

impl NestingLimit {
    /// `None` for 0 and for more than 127 levels.
    pub fn new(levels: u8) -> Option<Self> {
        (1..=Self::default().0)
            .contains(&levels)
            .then_some(Self(levels))
    }
}

impl Default for NestingLimit {
    fn default() -> Self {
        Self(127)
    }
}

/// The top-level key whose value is wanted beside the record (`time_key` of `<parse>`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeKey {
    /// The key, unescaped.
    pub name: String,
    /// Whether it stays in the record as well (`keep_time_key`).
    pub keep: bool,
}

const BYTE_ORDER_MARK: char = '\u{feff}';

/// The offset after what a step has read.
type Step = Result<usize, Box<Fault>>;

/// Reads JSON from `input` and writes its normal form.
#[derive(Debug)]
pub(crate) struct Scanner<'i> {
    input: &'i str,
    limit: NestingLimit,
    /// Between two records: the offset of the next byte to look at.
    position: usize,
    /// Input before this offset is in the output, or is not to be. What stands between it and
    /// where the scanner is is still to be copied: in one go, and as late as possible.
    copied: usize,
    /// Whether the last string has escapes or raw control characters in it.
    escaped: bool,
    keys: Keys,
    /// Whether an object of the record had a key twice.
    repeated: bool,
    /// The raw value of the time key, if the record had one.
    time: Option<&'i str>,
}

impl<'i> Scanner<'i> {
    pub(crate) fn new(input: &'i str, limit: NestingLimit) -> Self {
        Self {
            input,
            limit,
            position: 0,
            copied: 0,
            escaped: false,
            keys: Keys::default(),
            repeated: false,
            time: None,
        }
    }

    /// Goes past a byte order mark at the start of the text.
    pub(crate) fn skip_byte_order_mark(&mut self) {
        if self.position == 0 && self.input.starts_with(BYTE_ORDER_MARK) {
            self.position = BYTE_ORDER_MARK.len_utf8();
        }
    }

    /// The offset of what is next.
    pub(crate) fn offset(&self) -> usize {
        self.position
    }

    /// What is next, for an error.
    pub(crate) fn found(&self) -> Found {
        Found::at(self.input, self.position)
    }

    /// The next byte that is no white space; `None` at the end.
    pub(crate) fn peek_token(&mut self) -> Option<u8> {
        self.position = self.end_of_space(self.position);
        self.byte(self.position)
    }

    /// Goes past the next token if it is `byte`.
    pub(crate) fn take_token(&mut self, byte: u8) -> bool {
        let found = self.peek_token() == Some(byte);
        self.position += usize::from(found);
        found
    }

    /// The fault of finding what is next where `expected` should be.
    pub(crate) fn unexpected(&self, expected: &'static str) -> Fault {
        Fault::unexpected(self.input, self.position, expected)
    }

    /// Appends the object that comes next to `out`, and gives the raw text of the time
    /// key's value. After an error there may be a part of the object in `out`.
    pub(crate) fn record(
        &mut self,
        out: &mut String,
        time_key: Option<&TimeKey>,
    ) -> Result<Option<Cow<'i, str>>, Fault> {
        let length = out.len();
        let start = self.whole_object(out, time_key)?;
        if self.repeated {
            out.truncate(length);
            self.position = start;
            return self.record_with_repeated_keys(out, time_key);
        }
        Ok(self.time.take().map(Cow::Borrowed))
    }

    /// The rare case: the object is first scanned into a text without repeated keys.
    fn record_with_repeated_keys(
        &mut self,
        out: &mut String,
        time_key: Option<&TimeKey>,
    ) -> Result<Option<Cow<'i, str>>, Fault> {
        let mut checked = String::new();
        self.whole_object(&mut checked, None)?;
        let mut unique = String::with_capacity(checked.len());
        push_unique(&mut unique, &checked);
        let time = Scanner::new(&unique, self.limit).record(out, time_key)?;
        Ok(time.map(|raw| Cow::Owned(raw.into_owned())))
    }

    /// Scans an object from its first byte to its last; gives the offset of the first.
    fn whole_object(
        &mut self,
        out: &mut String,
        time_key: Option<&TimeKey>,
    ) -> Result<usize, Fault> {
        if self.peek_token() != Some(b'{') {
            return Err(self.unexpected("an object"));
        }
        let start = self.position;
        self.copied = start;
        self.repeated = false;
        self.time = None;
        self.position = self
            .object(out, start, 0, time_key)
            .map_err(|fault| *fault)?;
        self.copy(out, self.position);
        Ok(start)
    }

    fn value(&mut self, out: &mut String, at: usize, depth: u8) -> Step {
        match self.byte(at) {
            Some(b'"') => self.string(out, at),
            Some(b'{') => self.object(out, at, depth, None),
            Some(b'[') => self.array(out, at, depth),
            Some(b'-' | b'0'..=b'9') => end_of_number(self.input, at).map_err(Box::new),
            Some(b't') => self.word(at, "true"),
            Some(b'f') => self.word(at, "false"),
            Some(b'n') => self.word(at, "null"),
            _ => Err(self.unexpected_at(at, "a value")),
        }
    }

    fn word(&self, at: usize, word: &'static str) -> Step {
        let rest = self.input.as_bytes().get(at..);
        match rest.is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            true => Ok(at + word.len()),
            false => Err(self.unexpected_at(at, "true, false, null or another value")),
        }
    }

    /// An object whose brace is at `at`. Only the record itself has a time key.
    fn object(
        &mut self,
        out: &mut String,
        at: usize,
        depth: u8,
        time_key: Option<&TimeKey>,
    ) -> Step {
        let depth = self.enter(at, depth)?;
        let mut at = self.skip_space(out, at + 1);
        if self.byte(at) == Some(b'}') {
            return Ok(at + 1);
        }
        let mut keys = self.keys.open();
        let mut kept_none = true;
        loop {
            let member = Mark {
                position: at,
                copied: self.copied,
                length: out.len(),
            };
            if self.byte(at) != Some(b'"') {
                return Err(self.unexpected_at(at, "a key in double quotes"));
            }
            self.escaped = false;
            let after = self.string(out, at)?;
            let key = Span {
                start: at + 1,
                end: after - 1,
                escaped: self.escaped,
            };
            self.keys.add(&mut keys, self.input, key);
            let value = self.colon(out, after)?;
            at = self.value(out, value, depth)?;
            match time_key {
                Some(time_key) if key.stands_for(&time_key.name, self.input) => {
                    self.time = self.input.get(value..at);
                    match time_key.keep {
                        true => kept_none = false,
                        false => self.cut(out, &member, at),
                    }
                }
                _ => kept_none = false,
            }
            at = self.skip_space(out, at);
            match self.byte(at) {
                Some(b',') => at += 1,
                Some(b'}') => break,
                _ => return Err(self.unexpected_at(at, "',' or '}' after a value")),
            }
            if kept_none {
                self.copied = at;
            }
            at = self.skip_space(out, at);
        }
        self.repeated |= self.keys.close(keys, self.input);
        Ok(at + 1)
    }

    /// Goes past the colon after a key, to the value.
    fn colon(&mut self, out: &mut String, at: usize) -> Step {
        let at = self.skip_space(out, at);
        if self.byte(at) != Some(b':') {
            return Err(self.unexpected_at(at, "':' after a key"));
        }
        Ok(self.skip_space(out, at + 1))
    }

    /// An array whose bracket is at `at`.
    fn array(&mut self, out: &mut String, at: usize, depth: u8) -> Step {
        let depth = self.enter(at, depth)?;
        let mut at = self.skip_space(out, at + 1);
        if self.byte(at) == Some(b']') {
            return Ok(at + 1);
        }
        loop {
            at = self.value(out, at, depth)?;
            at = self.skip_space(out, at);
            match self.byte(at) {
                Some(b',') => at = self.skip_space(out, at + 1),
                Some(b']') => return Ok(at + 1),
                _ => return Err(self.unexpected_at(at, "',' or ']' after a value")),
            }
        }
    }

    /// The depth inside of a brace or bracket.
    fn enter(&self, at: usize, depth: u8) -> Result<u8, Box<Fault>> {
        let NestingLimit(limit) = self.limit;
        match depth == limit {
            true => Err(Box::new(Fault {
                offset: at,
                problem: Problem::TooDeep { limit },
            })),
            false => Ok(depth + 1),
        }
    }

    /// A string whose first quote is at `at`.
    #[inline]
    fn string(&mut self, out: &mut String, at: usize) -> Step {
        let end = next_special(self.input.as_bytes(), at + 1);
        match self.byte(end) {
            Some(b'"') => Ok(end + 1),
            _ => self.escaped_string(out, end),
        }
    }

    /// The rest of a string from its first escape or control character on.
    #[inline(never)]
    fn escaped_string(&mut self, out: &mut String, at: usize) -> Step {
        self.escaped = true;
        let mut at = skip_short_escapes(self.input.as_bytes(), at);
        loop {
            at = next_special(self.input.as_bytes(), at);
            match self.byte(at) {
                Some(b'"') => return Ok(at + 1),
                Some(b'\\') => at = end_of_escape(self.input, at).map_err(Box::new)?,
                Some(control) => {
                    self.copy(out, at);
                    push_escaped(out, char::from(control));
                    at += 1;
                    self.copied = at;
                }
                None => return Err(self.unexpected_at(at, "'\"' at the end of a string")),
            }
        }
    }

    #[inline]
    fn byte(&self, at: usize) -> Option<u8> {
        self.input.as_bytes().get(at).copied()
    }

    /// Goes past white space, which is not copied.
    #[inline]
    fn skip_space(&mut self, out: &mut String, at: usize) -> usize {
        match self.byte(at) {
            Some(byte) if byte <= b' ' => {
                self.copy(out, at);
                self.copied = self.end_of_space(at);
                self.copied
            }
            _ => at,
        }
    }

    fn end_of_space(&self, mut at: usize) -> usize {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte(at) {
            at += 1;
        }
        at
    }

    /// Copies what is still to be copied before `end`.
    fn copy(&mut self, out: &mut String, end: usize) {
        let text = self.input.get(self.copied..end);
        out.push_str(text.expect("invariant: both offsets are beside ASCII characters"));
        self.copied = end;
    }

    /// Takes out what was read since `member`, up to `end`, and the comma before it. If there
    /// is none it was the first member, and the comma after it is for the caller to drop.
    fn cut(&mut self, out: &mut String, member: &Mark, end: usize) {
        out.truncate(member.length);
        self.copied = member.copied;
        self.copy(out, member.position);
        if out.ends_with(',') {
            out.pop();
        }
        self.copied = end;
    }

    #[cold]
    fn unexpected_at(&self, at: usize, expected: &'static str) -> Box<Fault> {
        Box::new(Fault::unexpected(self.input, at, expected))
    }
}

/// Where input and output were when a member began.
#[derive(Debug)]
struct Mark {
    position: usize,
    copied: usize,
    length: usize,
}
