//! Sections in a section.

use super::super::element::Element;
use super::Params;

impl<'a> Params<'a> {
    /// The section of that name. A second one is a mistake, as in Fluentd.
    pub fn section(&self, name: &str) -> Option<Params<'a>> {
        let mut sections = self.elements(name);
        let first = sections.next()?;
        for again in sections {
            let message = format!("<{name}> can stand only once in <{}>", self.name);
            self.diagnostics.error(again.span, message);
        }
        Some(Params::new(first, self.diagnostics))
    }

    /// The section of that name, or in its place one in which nothing is given.
    pub fn section_or_empty(&self, name: &'a str) -> Params<'a> {
        let section = self.section(name);
        section.unwrap_or_else(|| Params::of(None, name, self.span, self.diagnostics))
    }

    /// The section of that name; one that is not there is reported.
    pub fn required_section(&self, name: &str) -> Option<Params<'a>> {
        let section = self.section(name);
        if section.is_none() {
            let message = format!("section <{name}> is missing in <{}>", self.name);
            self.diagnostics.error(self.span, message);
        }
        section
    }

    /// All sections of that name, in order.
    pub fn sections(&self, name: &str) -> Vec<Params<'a>> {
        self.elements(name)
            .map(|element| Params::new(element, self.diagnostics))
            .collect()
    }

    /// All sections of these names, in the order in which they stand.
    pub fn sections_among(&self, names: &[&str]) -> Vec<Params<'a>> {
        let known = names.iter().map(|name| (*name).to_owned());
        self.known_sections.borrow_mut().extend(known);
        let children = self.element.map_or(&[][..], |element| &element.children);
        children
            .iter()
            .filter(|child| names.contains(&child.name.as_str()))
            .map(|element| Params::new(element, self.diagnostics))
            .collect()
    }

    /// Sections that are tolerated and not read, with the reason for the warning.
    pub fn ignore_section(&self, name: &str, reason: &str) {
        for element in self.elements(name) {
            let message = format!("<{name}> in <{}> has no effect: {reason}", self.name);
            self.diagnostics.warning(element.span, message);
        }
    }

    fn elements<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a Element> + use<'a, 'n> {
        self.known_sections.borrow_mut().insert(name.to_owned());
        let children = self.element.map_or(&[][..], |element| &element.children);
        children.iter().filter(move |child| child.name == name)
    }
}
