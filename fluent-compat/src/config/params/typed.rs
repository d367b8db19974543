//! One reading method a type.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::super::literal::{self, Converted, LiteralError, Reading, RegexpText};
use super::super::secret::Secret;
use super::Params;
use super::nearest::{did_you_mean, one_of};

impl<'a> Params<'a> {
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
}
