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
        let text = self.text(input);
        text == name || (self.escaped && unescape(text) == name)
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
}

impl Keys {
    pub(super) fn open(&self) -> ObjectKeys {
        ObjectKeys {
            base: self.open.len(),
            ascending: true,
            escaped: false,
        }
    }

    pub(super) fn add(&mut self, object: &mut ObjectKeys, input: &str, key: Span) {
        object.escaped |= key.escaped;
        if object.ascending
            && self.open.len() > object.base
            && let Some(previous) = self.open.last()
        {
            object.ascending = previous.text(input) < key.text(input);
        }
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
