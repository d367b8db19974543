//! Whether the keys of an object are all different.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::string::unescape;

/// A string of the scanned text, without its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether there are escapes or raw control characters in it: whether its text may
    /// differ from what it stands for.
    pub(super) escaped: bool,
}

impl Span {
    pub(super) fn text<'i>(&self, input: &'i str) -> &'i str {
        input.get(self.start..self.end).unwrap_or_default()
    }

    /// Whether it is `name` once its escapes are undone.
    pub(super) fn stands_for(&self, name: &str, input: &str) -> bool {
        match self.escaped {
            true => unescape(self.text(input)) == name,
            false => self.end - self.start == name.len() && self.text(input) == name,
        }
    }

    /// The first eight bytes as a number, with zeros behind a shorter text: texts without
    /// control characters whose numbers differ are in the order of the numbers.
    fn head(&self, input: &str) -> u64 {
        let rest = input.as_bytes().get(self.start..).unwrap_or_default();
        let word = match rest.first_chunk() {
            Some(bytes) => u64::from_be_bytes(*bytes),
            None => {
                let bytes = rest.iter().chain(std::iter::repeat(&0)).take(8);
                bytes.fold(0, |word, byte| word << 8 | u64::from(*byte))
            }
        };
        match self.end - self.start {
            length @ 0..8 => word & !(u64::MAX >> (8 * length)),
            _ => word,
        }
    }
}

/// The keys of all objects that are open at the moment, the innermost one's last.
/// One list for a whole body, so that no object costs an allocation.
#[derive(Debug)]
pub(super) struct Keys {
    open: Vec<Span>,
}

impl Default for Keys {
    fn default() -> Self {
        // Enough for most records, so that the list need not grow for them.
        let open = Vec::with_capacity(32);
        Self { open }
    }
}

/// What is known of one open object's keys.
#[derive(Debug)]
pub(super) struct ObjectKeys {
    /// Where they begin in [`Keys::open`].
    base: usize,
    /// Every key so far is greater than the one before: they need no further look.
    /// Many senders sort their keys.
    ascending: bool,
    escaped: bool,
    /// The [`Span::head`] of the last key.
    head: u64,
}

impl Keys {
    pub(super) fn open(&self) -> ObjectKeys {
        ObjectKeys {
            base: self.open.len(),
            ascending: true,
            escaped: false,
            head: 0,
        }
    }

    pub(super) fn add(&mut self, object: &mut ObjectKeys, input: &str, key: Span) {
        object.escaped |= key.escaped;
        let head = key.head(input);
        if object.ascending && head <= object.head {
            let previous = self.open.get(object.base..).and_then(<[Span]>::last);
            object.ascending = head == object.head
                && previous.is_none_or(|previous| previous.text(input) < key.text(input));
        }
        object.head = head;
        self.open.push(key);
    }

    /// Forgets the object's keys; says whether two of them were the same.
    pub(super) fn close(&mut self, object: ObjectKeys, input: &str) -> bool {
        let repeated = match object {
            ObjectKeys { escaped: true, .. } => self.repeated_unescaped(&object, input),
            ObjectKeys {
                ascending: true, ..
            } => false,
            _ => self.repeated(&object, input),
        };
        self.open.truncate(object.base);
        repeated
    }

    fn repeated(&mut self, object: &ObjectKeys, input: &str) -> bool {
        let keys = self.open.get_mut(object.base..).unwrap_or_default();
        // Any order will do that brings equal keys together; lengths are the cheapest.
        let order = |a: &Span, b: &Span| match (a.end - a.start).cmp(&(b.end - b.start)) {
            Ordering::Equal => a.text(input).cmp(b.text(input)),
            unequal => unequal,
        };
        keys.sort_unstable_by(order);
        !keys.is_sorted_by(|a, b| order(a, b).is_lt())
    }

    fn repeated_unescaped(&self, object: &ObjectKeys, input: &str) -> bool {
        let keys = self.open.get(object.base..).unwrap_or_default();
        let mut texts: Vec<Cow<'_, str>> = keys.iter().map(|k| unescape(k.text(input))).collect();
        texts.sort_unstable();
        !texts.is_sorted_by(|a, b| a < b)
    }
}
