//! The tree that a configuration is read into.

use std::fmt;

use super::secret::{MASK, sounds_secret};
use super::source::Span;

/// The parameters beginning with `@` that Fluentd takes everywhere.
pub(super) const RESERVED: [&str; 4] = ["@type", "@id", "@label", "@log_level"];

/// A section, `<match a.**> … </match>`; the root is one with the name `ROOT`.
#[derive(Clone, PartialEq, Debug)]
pub struct Element {
    /// `match`, `buffer`, …
    pub name: String,
    /// What follows the name, such as a tag pattern; empty if nothing does.
    pub arg: String,
    /// Its attributes: each name once, where it stood first, with its last value.
    pub attributes: Vec<Attribute>,
    /// The sections in it, in order.
    pub children: Vec<Element>,
    /// The name in the opening tag.
    pub span: Span,
    /// The argument in the opening tag; the name again where there is none.
    pub arg_span: Span,
}

/// One line `name value`.
#[derive(Clone, PartialEq)]
pub struct Attribute {
    /// The parameter's name, such as `@type`.
    pub name: String,
    /// Its value, not yet converted.
    pub value: Value,
    /// Where the name stands.
    pub name_span: Span,
    /// Where the value stands, with its quotes; the name again where there is none.
    pub value_span: Span,
}

/// What stands behind a parameter's name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// A text: quotes taken off, escapes and embedded code resolved, arrays and hashes
    /// as compact JSON.
    Text(String),
    /// `"#{use_nil}"`: the parameter is there and has no value.
    Nil,
    /// `"#{use_default}"`: the parameter is as if it were not there.
    Default,
    /// It could not be read and the reason has been reported. A reader of the tree takes
    /// it for given and says nothing more.
    Unreadable,
}

impl Element {
    /// The attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name == name)
    }

    /// The sections of that name directly in it.
    pub fn children<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let Self { name, arg, .. } = self;
        let blank = if arg.is_empty() { "" } else { " " };
        writeln!(f, "{:depth$}<{name}{blank}{arg}>", "")?;
        for attribute in &self.attributes {
            writeln!(
                f,
                "{:depth$}  {} {}",
                "",
                attribute.name,
                attribute.masked()
            )?;
        }
        for child in &self.children {
            child.write(f, depth + 2)?;
        }
        writeln!(f, "{:depth$}</{name}>", "")
    }
}

/// The tree as Fluentd logs it at start: values unquoted, secrets masked by their names.
impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

impl Attribute {
    fn masked(&self) -> &str {
        match &self.value {
            Value::Text(_) if sounds_secret(&self.name) => MASK,
            Value::Text(text) => text,
            Value::Nil | Value::Default | Value::Unreadable => "",
        }
    }
}

/// Masks secrets by their names, so that a tree can be logged while hunting a fault.
impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.name, self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::Sources;
    use super::*;

    #[test]
    fn a_tree_is_shown_without_its_secrets() {
        let span = Span::new(
            Sources::default().add("fluent.conf".into(), "".into()),
            0,
            0,
        );
        let attribute = |name: &str, value: &str| Attribute {
            name: name.into(),
            value: Value::Text(value.into()),
            name_span: span,
            value_span: span,
        };
        let element = |name: &str, arg: &str, attributes, children| Element {
            name: name.into(),
            arg: arg.into(),
            attributes,
            children,
            span,
            arg_span: span,
        };
        let tls = element(
            "transport",
            "tls",
            vec![attribute("private_key_passphrase", "pw")],
            vec![],
        );
        let root = element("source", "", vec![attribute("port", "8888")], vec![tls]);
        let expected = "<source>\n  port 8888\n  <transport tls>\n    private_key_passphrase xxxxxx\n  </transport>\n</source>\n";
        assert_eq!(root.to_string(), expected);
        assert!(!format!("{root:?}").contains("pw"));
    }
}
