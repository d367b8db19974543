//! Typed reading of an element's parameters and sections.
//!
//! A reader asks for every parameter it knows by name and type and goes on whatever it
//! finds; mistakes go to the [`Diagnostics`]. [`Params::finish`] then warns of all that
//! nobody asked for.

mod nearest;
mod sections;
mod typed;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;

use super::diagnostic::Diagnostics;
use super::element::{Attribute, Element, RESERVED, Value};
use super::source::Span;
use nearest::did_you_mean;

/// Reads the parameters of one section, which need not be there: then none is given.
///
/// Every reading method gives `None` for a parameter that is absent, that is `use_default`
/// or `use_nil`, or whose text is wrong; the last is reported. What an absent one defaults
/// to is the caller's to say.
#[derive(Debug)]
pub struct Params<'a> {
    element: Option<&'a Element>,
    /// The name of the section in messages.
    name: &'a str,
    /// Where to point when something is missing: the section's name, or its parent's.
    span: Span,
    diagnostics: &'a Diagnostics,
    known: RefCell<BTreeSet<String>>,
    known_sections: RefCell<BTreeSet<String>>,
}

impl<'a> Params<'a> {
    /// Begins to read an element.
    pub fn new(element: &'a Element, diagnostics: &'a Diagnostics) -> Self {
        Self::of(Some(element), &element.name, element.span, diagnostics)
    }

    fn of(
        element: Option<&'a Element>,
        name: &'a str,
        span: Span,
        diagnostics: &'a Diagnostics,
    ) -> Self {
        let known = RefCell::default();
        Self {
            element,
            name,
            span,
            diagnostics,
            known,
            known_sections: RefCell::default(),
        }
    }

    /// Whether the section is there.
    pub fn is_present(&self) -> bool {
        self.element.is_some()
    }

    /// The section's name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// All parameters, for a section whose writer names them.
    pub fn attributes(&self) -> &'a [Attribute] {
        let attributes = self.element.map_or(&[][..], |element| &element.attributes);
        let names = attributes.iter().map(|attribute| attribute.name.clone());
        self.known.borrow_mut().extend(names);
        attributes
    }

    /// What stands behind the section's name; empty if nothing does.
    pub fn argument(&self) -> &'a str {
        self.element.map_or("", |element| &element.arg)
    }

    /// Where the argument stands, or the section's name if it has none.
    pub fn argument_span(&self) -> Span {
        self.element.map_or(self.span, |element| element.arg_span)
    }

    /// Where the section's name stands; its parent's for a section that is not there.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Where the parameter's value stands, or the section's name if it is not given: for
    /// mistakes that only show when parameters are taken together.
    pub fn span_of(&self, name: &str) -> Span {
        self.attribute(name)
            .map_or(self.span, |attribute| attribute.value_span)
    }

    /// Where all remarks go.
    pub fn diagnostics(&self) -> &'a Diagnostics {
        self.diagnostics
    }

    /// Whether the parameter stands in the section, whatever its value.
    pub fn is_given(&self, name: &str) -> bool {
        self.known.borrow_mut().insert(name.to_owned());
        self.attribute(name).is_some()
    }

    /// Reads a parameter by any of the methods here and reports it if it is not given.
    pub fn required<T>(
        &self,
        name: &str,
        read: impl FnOnce(&Self, &str) -> Option<T>,
    ) -> Option<T> {
        match self.attribute(name).map(|attribute| &attribute.value) {
            Some(Value::Text(_) | Value::Unreadable) => {}
            Some(Value::Nil | Value::Default) => {
                let message = format!("`{name}` needs a value: there is no default for it");
                self.diagnostics.error(self.span_of(name), message);
            }
            None => {
                let message = format!("parameter `{name}` is missing in <{}>", self.name);
                self.diagnostics.error(self.span, message);
            }
        }
        read(self, name)
    }

    /// `@type`, or `type` as it was called once.
    pub fn plugin_type(&self) -> Option<&'a str> {
        self.reserved("@type", "type")
    }

    /// `@id`, or `id` as it was called once.
    pub fn plugin_id(&self) -> Option<&'a str> {
        self.reserved("@id", "id")
    }

    /// `@log_level`, or `log_level` as it was called once.
    pub fn log_level(&self) -> Option<&'a str> {
        self.reserved("@log_level", "log_level")
    }

    /// `@label`.
    pub fn label(&self) -> Option<&'a str> {
        self.string("@label")
    }

    /// Parameters that Fluentd knows and we do not act on: a warning each, where given.
    pub fn known_but_ignored(&self, names: &[&str]) {
        for name in names {
            if self.is_given(name) {
                let message = format!("`{name}` is known, but not acted on");
                self.diagnostics.warning(self.name_span_of(name), message);
            }
        }
    }

    /// Warns of every parameter and section that nobody has asked for, as Fluentd does,
    /// with the nearest name that somebody has.
    pub fn finish(self) {
        let Some(element) = self.element else {
            return;
        };
        let known = self.known.borrow();
        for attribute in &element.attributes {
            let name = attribute.name.as_str();
            if !known.contains(name) && !RESERVED.contains(&name) {
                self.warn_of_unknown("parameter", name, attribute.name_span, &known);
            }
        }
        let known = self.known_sections.borrow();
        for child in &element.children {
            if !known.contains(&child.name) {
                self.warn_of_unknown("section", &child.name, child.span, &known);
            }
        }
    }

    fn warn_of_unknown(&self, kind: &str, name: &str, span: Span, known: &BTreeSet<String>) {
        let message = format!(
            "unknown {kind} `{name}` in <{}>: it has no effect",
            self.name
        );
        match did_you_mean(name, known.iter().map(String::as_str)) {
            Some(help) => self.diagnostics.warning_with_help(span, message, help),
            None => self.diagnostics.warning(span, message),
        }
    }

    fn reserved(&self, name: &str, old_name: &str) -> Option<&'a str> {
        let is_old = !self.is_given(name) && self.attribute(old_name).is_some();
        if is_old {
            let message = format!("`{old_name}` is deprecated: write `{name}`");
            self.diagnostics
                .warning(self.name_span_of(old_name), message);
        }
        self.string(if is_old { old_name } else { name })
    }

    /// Reports a mistake in a parameter's value.
    fn checked<T, E: Display>(&self, name: &str, result: Result<T, E>) -> Option<T> {
        result
            .map_err(|error| {
                self.diagnostics
                    .error(self.span_of(name), format!("`{name}`: {error}"))
            })
            .ok()
    }

    /// The parameter's text and its place.
    fn text(&self, name: &str) -> Option<(&'a str, Span)> {
        self.known.borrow_mut().insert(name.to_owned());
        let attribute = self.attribute(name)?;
        match &attribute.value {
            Value::Text(text) => Some((text, attribute.value_span)),
            Value::Nil | Value::Default | Value::Unreadable => None,
        }
    }

    fn name_span_of(&self, name: &str) -> Span {
        self.attribute(name)
            .map_or(self.span, |attribute| attribute.name_span)
    }

    fn attribute(&self, name: &str) -> Option<&'a Attribute> {
        self.element?.attribute(name)
    }
}

#[cfg(test)]
mod tests;
