//! Fluentd's configuration language, version 1: `fluent.conf`.
//!
//! Reading goes in two steps. [`parse`] turns text into a tree of [`Element`]s in which every
//! name and value knows its place; [`Params`] reads typed values out of an element. Both
//! report what they find wrong to one [`Diagnostics`] and go on, so that all mistakes of a
//! configuration are told in one run.
//!
//! Nothing here touches the disk or the process: files come through a [`Loader`], variables
//! and the host's name through an [`Environment`].

mod diagnostic;
mod element;
mod embedded;
mod glob;
mod include;
mod ink;
mod lexer;
pub mod literal;
mod params;
mod parser;
mod secret;
mod source;

use std::path::Path;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use element::{Attribute, Element, Value};
pub use embedded::Environment;
pub use include::{Entry, EntryKind, Loader, Texts};
pub use ink::Ink;
pub use params::Params;
pub use secret::Secret;
pub use source::{FileId, Location, Sources, Span};

/// A configuration as it was read, with whatever is wrong with it.
#[derive(Debug)]
#[must_use = "the diagnostics say whether the tree is whole"]
pub struct Document {
    /// The files that were read.
    pub sources: Sources,
    /// The element `ROOT`. It holds all that could be read: where [`Diagnostics::has_errors`],
    /// the tree is good for finding further mistakes, not for running.
    pub root: Element,
    /// Mistakes and warnings; those who read the tree add theirs.
    pub diagnostics: Diagnostics,
}

impl Document {
    /// All remarks as plain text, secrets masked.
    pub fn render_diagnostics(&self) -> String {
        self.show_diagnostics(Ink::Plain)
    }

    /// All remarks for a terminal or a log, secrets masked.
    pub fn show_diagnostics(&self, ink: Ink) -> String {
        self.diagnostics.render(&self.sources, ink)
    }
}

/// Reads the file at `path` and what it includes.
///
/// It never fails and never stops at the first mistake; a file that cannot be read is a
/// mistake like others, and gives an empty tree.
pub fn parse(path: &Path, loader: &dyn Loader, environment: &Environment) -> Document {
    parser::parse(path, loader, environment)
}
