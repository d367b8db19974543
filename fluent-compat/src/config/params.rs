//! Typed reading of an element's parameters and sections.
//!
//! A reader asks for every parameter it knows by name and type and goes on whatever it
//! finds; mistakes go to the [`Diagnostics`]. [`Params::finish`] then warns of all that
//! nobody asked for.

mod nearest;
mod sections;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::diagnostic::Diagnostics;
use super::element::{Attribute, Element, Value};
use super::literal::{self, Converted, LiteralError, Reading, RegexpText};
use super::secret::Secret;
use super::source::Span;
use nearest::{did_you_mean, one_of};

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

    /// A text.
    pub fn string(&self, name: &str) -> Option<&'a str> {
        self.text(name).map(|(text, _)| text)
    }

    /// A text that no output may show: neither remarks nor the line in them.
    pub fn secret(&self, name: &str) -> Option<Secret> {
        let attribute = self.attribute(name);
        if let Some(attribute) = attribute {
            self.diagnostics.conceal(attribute.value_span);
        }
        self.text(name).map(|(text, _)| Secret::new(text))
    }

    /// A size in bytes, not negative: digits and k, m, g or t.
    pub fn size(&self, name: &str) -> Option<u64> {
        let bytes = self.number(name, literal::size, "bytes", "digits and one of k, m, g, t")?;
        self.checked(
            name,
            u64::try_from(bytes).map_err(|_| "a size cannot be negative"),
        )
    }

    /// A duration, not negative: seconds, or digits and s, m, h or d.
    pub fn time(&self, name: &str) -> Option<Duration> {
        let units = "digits and one of s, m, h, d";
        let seconds = self.number(name, literal::time, "seconds", units)?;
        let duration = Duration::try_from_secs_f64(seconds);
        self.checked(
            name,
            duration.map_err(|_| "a time cannot be negative or endless"),
        )
    }

    /// A whole number.
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.number(name, literal::integer, "", "digits")
    }

    /// A whole number within bounds.
    pub fn integer_in<T>(&self, name: &str, bounds: RangeInclusive<T>) -> Option<T>
    where
        T: TryFrom<i64> + PartialOrd + Display,
    {
        let found = self.integer(name)?;
        let value = T::try_from(found)
            .ok()
            .filter(|value| bounds.contains(value));
        let (low, high) = (bounds.start(), bounds.end());
        self.checked(
            name,
            value.ok_or_else(|| format!("expected {low} to {high}, found {found}")),
        )
    }

    /// A number that may have a fraction.
    pub fn float(&self, name: &str) -> Option<f64> {
        self.number(
            name,
            |text| Ok(literal::float(text)),
            "",
            "digits, a point, digits",
        )
    }

    /// `true`, `yes` or nothing behind the name; `false` or `no`.
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.parsed(name, |text| {
            literal::boolean(text).map_err(|error| format!("{error}, found `{text}`"))
        })
    }

    /// One of a list of words.
    pub fn enumeration<T: Clone>(&self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let (text, span) = self.text(name)?;
        let choice = choices.iter().find(|(word, _)| *word == text);
        if choice.is_none() {
            let words = || choices.iter().map(|(word, _)| *word);
            let message = format!("expected {}, found `{text}`", one_of(words()));
            match did_you_mean(text, words()) {
                Some(help) => self.diagnostics.error_with_help(span, message, help),
                None => self.diagnostics.error(span, message),
            }
        }
        choice.map(|(_, value)| value.clone())
    }

    /// Texts: a JSON array, or separated by commas. Other JSON values in it are taken as
    /// their text.
    pub fn array(&self, name: &str) -> Option<Vec<String>> {
        let values = self.parsed(name, literal::array)?;
        let text = |value| {
            if let Json::String(text) = value {
                text
            } else {
                value.to_string()
            }
        };
        Some(values.into_iter().map(text).collect())
    }

    /// Names and values: a JSON object, or `name:value` pairs separated by commas.
    pub fn hash(&self, name: &str) -> Option<Map<String, Json>> {
        self.parsed(name, literal::hash)
    }

    /// A regular expression, with or without slashes.
    pub fn regexp(&self, name: &str) -> Option<RegexpText> {
        self.parsed(name, literal::regexp)
    }

    /// Any other type: a mistake that `parse` finds is reported at the value.
    pub fn parsed<T, E: Display>(
        &self,
        name: &str,
        parse: impl FnOnce(&'a str) -> Result<T, E>,
    ) -> Option<T> {
        let (text, _) = self.text(name)?;
        self.checked(name, parse(text))
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
            if !known.contains(&attribute.name) {
                self.warn_of_unknown("parameter", &attribute.name, attribute.name_span, &known);
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

    /// A number and, if only a part of its text went into it, a warning.
    fn number<T: Display + Copy>(
        &self,
        name: &str,
        convert: impl FnOnce(&str) -> Result<Converted<T>, LiteralError>,
        unit: &str,
        expected: &str,
    ) -> Option<T> {
        let (text, span) = self.text(name)?;
        let Converted { value, reading } = self.checked(name, convert(text))?;
        if reading == Reading::Partial {
            let message = format!("`{text}` is taken for {value} {unit}");
            let help = format!("expected {expected} and nothing else");
            self.diagnostics
                .warning_with_help(span, message.trim_end(), help);
        }
        Some(value)
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
