//! Fields that are added to records.

use super::Record;
use crate::json::{push_escaped_text, push_member, push_quoted, unescape};

/// Fields to be added to records, in order. One that a record has already is replaced at
/// its place, as in Ruby's Hash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members {
    members: Vec<Member>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    /// The key as it stands between the quotes.
    key: String,
    /// The value's JSON in normal form.
    value: String,
}

impl Members {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a string; a field of the same name is replaced.
    pub fn push_text(&mut self, key: &str, text: &str) {
        let mut value = String::with_capacity(text.len() + 2);
        push_quoted(&mut value, text);
        self.push(key, value);
    }

    /// Adds a whole number; a field of the same name is replaced.
    pub fn push_integer(&mut self, key: &str, number: i128) {
        self.push(key, number.to_string());
    }

    /// Adds a value whose JSON in normal form is `value`.
    pub(crate) fn push(&mut self, name: &str, value: String) {
        match self.place(name).and_then(|at| self.members.get_mut(at)) {
            Some(member) => member.value = value,
            None => {
                let mut key = String::with_capacity(name.len());
                push_escaped_text(&mut key, name);
                self.members.push(Member { key, value });
            }
        }
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.members
            .iter()
            .position(|member| unescape(&member.key) == name)
    }

    /// Whether there is nothing to add.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Appends the record with these fields to `out`, in normal form.
    pub(super) fn add_to(&self, record: Record<'_>, out: &mut String) {
        let mut replaced = vec![false; self.members.len()];
        record.push_rewritten(out, |key, _| {
            let place = self.place(key)?;
            *replaced.get_mut(place)? = true;
            self.members.get(place).map(|member| member.value.clone())
        });
        out.truncate(out.len() - 1);
        for (member, replaced) in self.members.iter().zip(replaced) {
            if !replaced {
                push_member(out, &member.key, &member.value);
            }
        }
        out.push('}');
    }
}
