//! Parameters as Fluentd 0.12 had them, directly in `<source>` and `<match>`.
//!
//! Fluentd 1 still takes them: where the section they belong to is not there, it makes one
//! of them. So is it done here, before anything is read; the parameters keep their places,
//! so that remarks on them point at the user's own words.

mod out_file;
mod sections;

use fluent_compat::config::{Attribute, Diagnostics, Element, Value, literal};

use out_file::{RootDir, complete_buffer};
use sections::{BUFFER, FORMAT, INJECT, PARSE};

/// Says something about a section that others have brought about, and brings about none.
const NOT_ENOUGH: &str = "time_as_epoch";

/// How one section is made of parameters.
struct Conversion {
    section: &'static str,
    /// Parameters that only move, and what they are called in the section.
    moved: &'static [(&'static str, &'static str)],
    /// Parameters that are said in another way in the section.
    translated: &'static [&'static str],
    translate: fn(&mut Draft<'_>),
}

/// The configuration with the sections that its old parameters stand for.
pub(super) fn modernised(root: &Element, diagnostics: &Diagnostics) -> Element {
    let mut root = root.clone();
    let root_dir = RootDir::of(&root);
    modernise_sections(&mut root, root_dir, diagnostics);
    root
}

fn modernise_sections(parent: &mut Element, root_dir: RootDir, diagnostics: &Diagnostics) {
    for element in &mut parent.children {
        let conversions: &[&Conversion] = match (element.name.as_str(), plugin_type(element)) {
            ("source", Some("http")) => &[&PARSE],
            ("match" | "store", Some("s3" | "file")) => &[&BUFFER, &FORMAT, &INJECT],
            ("match" | "store" | "filter", Some("stdout")) => &[&FORMAT, &INJECT],
            ("match" | "store", Some("copy")) | ("label" | "worker", _) => {
                modernise_sections(element, root_dir, diagnostics);
                continue;
            }
            _ => continue,
        };
        modernise(element, conversions, diagnostics);
        if plugin_type(element) == Some("file") {
            complete_buffer(element, root_dir);
        }
    }
}

fn plugin_type(element: &Element) -> Option<&str> {
    let attribute = element.attribute("@type").or(element.attribute("type"));
    text(attribute?)
}

fn modernise(element: &mut Element, conversions: &[&Conversion], diagnostics: &Diagnostics) {
    let needed: Vec<_> = conversions
        .iter()
        .filter(|conversion| conversion.is_needed(element))
        .collect();
    let sections: Vec<_> = needed
        .iter()
        .map(|conversion| conversion.apply(element, diagnostics))
        .collect();
    element.attributes.retain(|attribute| {
        let name = attribute.name.as_str();
        let places = needed
            .iter()
            .filter_map(|conversion| conversion.place_of(name));
        let places: Vec<_> = places.collect();
        if places.is_empty() {
            return true;
        }
        let places = places.join(" and ");
        let message = format!("`{name}` is where Fluentd 0.12 had it, and is read as {places}");
        diagnostics.warning(attribute.name_span, message);
        // The names of objects are made of it as well.
        name == "time_slice_format"
    });
    element.children.extend(sections);
}

impl Conversion {
    /// A section that is there is not touched, and none is made of nothing.
    fn is_needed(&self, element: &Element) -> bool {
        let mut names = element
            .attributes
            .iter()
            .map(|attribute| attribute.name.as_str());
        element.children(self.section).next().is_none()
            && names.any(|name| name != NOT_ENOUGH && self.place_of(name).is_some())
    }

    /// What a parameter of that name is in the section, for a message.
    fn place_of(&self, name: &str) -> Option<String> {
        let section = self.section;
        if let Some((_, new_name)) = self.moved.iter().find(|(old_name, _)| *old_name == name) {
            return Some(format!("`{new_name}` in <{section}>"));
        }
        self.translated
            .contains(&name)
            .then(|| format!("<{section}>"))
    }

    fn apply(&self, old: &Element, diagnostics: &Diagnostics) -> Element {
        let moved = self.moved.iter().filter_map(|(old_name, name)| {
            let attribute = old.attribute(old_name)?.clone();
            let name = (*name).to_owned();
            Some(Attribute { name, ..attribute })
        });
        let section = Element {
            name: self.section.to_owned(),
            arg: String::new(),
            attributes: moved.collect(),
            children: Vec::new(),
            span: old.span,
            arg_span: old.span,
        };
        let mut draft = Draft {
            old,
            section,
            diagnostics,
        };
        (self.translate)(&mut draft);
        draft.section
    }
}

/// A section in the making.
struct Draft<'a> {
    old: &'a Element,
    section: Element,
    diagnostics: &'a Diagnostics,
}

impl<'a> Draft<'a> {
    /// An old parameter's text.
    fn old(&self, name: &str) -> Option<&'a str> {
        text(self.old.attribute(name)?)
    }

    /// Whether an old parameter says yes; what is neither yes nor no is a mistake.
    fn says_yes(&self, name: &str) -> bool {
        let Some(text) = self.old(name) else {
            return false;
        };
        literal::boolean(text).unwrap_or_else(|error| {
            self.report(name, format!("`{name}`: {error}, found `{text}`"));
            false
        })
    }

    /// Reports a mistake in an old parameter.
    fn report(&self, name: &str, message: String) {
        if let Some(attribute) = self.old.attribute(name) {
            self.diagnostics.error(attribute.value_span, message);
        }
    }

    /// Gives the section a parameter because of an old one, at whose place it then stands.
    fn set(&mut self, name: &str, value: &str, because_of: &str) {
        let Some(old) = self.old.attribute(because_of) else {
            return;
        };
        let attributes = &mut self.section.attributes;
        attributes.retain(|attribute| attribute.name != name);
        attributes.push(Attribute {
            name: name.to_owned(),
            value: Value::Text(value.to_owned()),
            ..old.clone()
        });
    }

    /// The same, unless the section has the parameter.
    fn set_default(&mut self, name: &str, value: &str, because_of: &str) {
        if self.section.attribute(name).is_none() {
            self.set(name, value, because_of);
        }
    }
}

fn text(attribute: &Attribute) -> Option<&str> {
    match &attribute.value {
        Value::Text(text) => Some(text),
        Value::Nil | Value::Default | Value::Unreadable => None,
    }
}

#[cfg(test)]
mod tests;
