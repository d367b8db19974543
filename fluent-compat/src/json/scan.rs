//! The scanner: one pass over a text, recursion only for what is nested.

use std::borrow::Cow;

use super::error::{Fault, Found, Problem};
use super::keys::{Keys, Span};
use super::number::end_of_number;
use super::string::{end_of_escape, next_special, push_escaped};
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

/// Reads JSON from `input` and writes its normal form.
#[derive(Debug)]
pub(crate) struct Scanner<'i> {
    input: &'i str,
    limit: NestingLimit,
    /// The offset of the next byte to look at.
    position: usize,
    /// Input before this offset is in the output, or is not to be. What stands between
    /// it and `position` is still to be copied: in one go, and as late as possible.
    copied: usize,
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
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.position += 1;
        }
        self.peek()
    }

    /// Goes past the next token if it is `byte`.
    pub(crate) fn take_token(&mut self, byte: u8) -> bool {
        self.peek_token();
        self.take(byte)
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
        self.object(out, 0, time_key)?;
        self.copy(out);
        Ok(start)
    }

    fn value(&mut self, out: &mut String, depth: u8) -> Result<(), Fault> {
        match self.peek() {
            Some(b'"') => self.string(out).map(drop),
            Some(b'{') => self.object(out, depth, None),
            Some(b'[') => self.array(out, depth),
            Some(b'-' | b'0'..=b'9') => {
                self.position = end_of_number(self.input, self.position)?;
                Ok(())
            }
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn word(&mut self, word: &'static str) -> Result<(), Fault> {
        let rest = self.input.as_bytes().get(self.position..);
        if !rest.is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            return Err(self.unexpected("true, false, null or another value"));
        }
        self.position += word.len();
        Ok(())
    }

    /// An object; `position` is at its brace. Only the record itself has a time key.
    fn object(
        &mut self,
        out: &mut String,
        depth: u8,
        time_key: Option<&TimeKey>,
    ) -> Result<(), Fault> {
        let depth = self.enter(depth)?;
        self.skip_space(out);
        if self.take(b'}') {
            return Ok(());
        }
        let mut keys = self.keys.open();
        let mut kept_none = true;
        loop {
            let member = self.mark(out);
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a key in double quotes"));
            }
            let key = self.string(out)?;
            self.keys.add(&mut keys, self.input, key);
            let start = self.colon(out)?;
            self.value(out, depth)?;
            match time_key {
                Some(time_key) if key.stands_for(&time_key.name, self.input) => {
                    self.time = self.input.get(start..self.position);
                    if time_key.keep {
                        kept_none = false;
                    } else {
                        self.cut(out, &member);
                    }
                }
                _ => kept_none = false,
            }
            self.skip_space(out);
            if self.take(b',') {
                if kept_none {
                    self.copied = self.position;
                }
                self.skip_space(out);
            } else if self.take(b'}') {
                break;
            } else {
                return Err(self.unexpected("',' or '}' after a value"));
            }
        }
        self.repeated |= self.keys.close(keys, self.input);
        Ok(())
    }

    /// Goes past the colon after a key; gives the offset of the value.
    fn colon(&mut self, out: &mut String) -> Result<usize, Fault> {
        self.skip_space(out);
        if !self.take(b':') {
            return Err(self.unexpected("':' after a key"));
        }
        self.skip_space(out);
        Ok(self.position)
    }

    fn array(&mut self, out: &mut String, depth: u8) -> Result<(), Fault> {
        let depth = self.enter(depth)?;
        self.skip_space(out);
        if self.take(b']') {
            return Ok(());
        }
        loop {
            self.value(out, depth)?;
            self.skip_space(out);
            if self.take(b',') {
                self.skip_space(out);
            } else if self.take(b']') {
                return Ok(());
            } else {
                return Err(self.unexpected("',' or ']' after a value"));
            }
        }
    }

    /// Goes past an opening brace or bracket; gives the depth inside.
    fn enter(&mut self, depth: u8) -> Result<u8, Fault> {
        let NestingLimit(limit) = self.limit;
        if depth == limit {
            let (offset, problem) = (self.position, Problem::TooDeep { limit });
            return Err(Fault { offset, problem });
        }
        self.position += 1;
        Ok(depth + 1)
    }

    /// A string; `position` is at its first quote.
    fn string(&mut self, out: &mut String) -> Result<Span, Fault> {
        let start = self.position + 1;
        let mut escaped = false;
        self.position = start;
        loop {
            self.position = next_special(self.input.as_bytes(), self.position);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.position = end_of_escape(self.input, self.position)?,
                Some(control) => {
                    self.copy(out);
                    push_escaped(out, char::from(control));
                    self.position += 1;
                    self.copied = self.position;
                }
                None => return Err(self.unexpected("'\"' at the end of a string")),
            }
            escaped = true;
        }
        let end = self.position;
        self.position += 1;
        Ok(Span {
            start,
            end,
            escaped,
        })
    }

    fn peek(&self) -> Option<u8> {
        self.input.as_bytes().get(self.position).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.position += usize::from(found);
        found
    }

    /// Goes past white space, which is not copied.
    fn skip_space(&mut self, out: &mut String) {
        if self.peek().is_some_and(|byte| byte <= b' ') {
            self.copy(out);
            self.peek_token();
            self.copied = self.position;
        }
    }

    /// Copies what is still to be copied.
    fn copy(&mut self, out: &mut String) {
        let text = self.input.get(self.copied..self.position);
        out.push_str(text.expect("invariant: both offsets are beside ASCII characters"));
        self.copied = self.position;
    }

    fn mark(&self, out: &str) -> Mark {
        Mark {
            position: self.position,
            copied: self.copied,
            length: out.len(),
        }
    }

    /// Takes out what was read since `member`, and the comma before it. If there is
    /// none it was the first member, and the comma after it is for the caller to drop.
    fn cut(&mut self, out: &mut String, member: &Mark) {
        let end = self.position;
        out.truncate(member.length);
        self.copied = member.copied;
        self.position = member.position;
        self.copy(out);
        if out.ends_with(',') {
            out.pop();
        }
        self.position = end;
        self.copied = end;
    }
}

/// Where input and output were when a member began.
#[derive(Debug)]
struct Mark {
    position: usize,
    copied: usize,
    length: usize,
}
