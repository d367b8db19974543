//! A made-up host on which tests read sections.

use std::path::Path;
use std::sync::Arc;

use fluent_compat::config::{Document, Environment, Params, Severity, Texts, parse};
use fluent_compat::time::{EventTime, Zone};
use jiff::tz::TimeZone;

use super::compat::modernised;
use super::context::Context;
use super::system::FileDefaults;
use crate::host::clock::Clock;

const CONF: &str = "fluent.conf";

pub(super) struct Bench {
    files: Texts,
    environment: Environment,
    zone: Zone,
    defaults: FileDefaults,
}

impl Bench {
    /// The host `box` in UTC, without files and variables.
    pub(super) fn new() -> Self {
        Self {
            files: Texts::default(),
            environment: Environment::new("box"),
            zone: Zone::Named(TimeZone::UTC),
            defaults: FileDefaults::default(),
        }
    }

    pub(super) fn in_zone(mut self, name: &str) -> Self {
        self.zone = Zone::Named(TimeZone::get(name).unwrap());
        self
    }

    pub(super) fn with_file(mut self, path: &str, text: &str) -> Self {
        self.files = self.files.with(path, text);
        self
    }

    pub(super) fn with_variable(mut self, name: &str, value: &str) -> Self {
        let variable = (name.to_owned(), value.to_owned());
        self.environment = self.environment.with_variables([variable]);
        self
    }

    /// With this in `<system>`.
    pub(super) fn with_defaults(mut self, defaults: FileDefaults) -> Self {
        self.defaults = defaults;
        self
    }

    /// What is made of a configuration with one section, and the remarks on it as
    /// `line:column severity: message [help]`.
    pub(super) fn read<T>(
        &self,
        conf: &str,
        read: impl FnOnce(Params<'_>, &Context<'_>) -> T,
    ) -> (T, Vec<String>) {
        let loader = self.files.clone().with(CONF, conf);
        let document = parse(Path::new(CONF), &loader, &self.environment);
        let context = Context {
            diagnostics: &document.diagnostics,
            loader: &loader,
            environment: &self.environment,
            files: self.defaults.clone(),
            local_zone: self.zone.clone(),
            hostname: "box".to_owned(),
            clock: Arc::new(Stopped),
        };
        let root = modernised(&document.root, &document.diagnostics);
        let section = Params::new(&root.children[0], &document.diagnostics);
        let value = read(section, &context);
        (value, remarks(&document))
    }
}

fn remarks(document: &Document) -> Vec<String> {
    let remark = |remark: fluent_compat::config::Diagnostic| {
        let place = document.sources.locate(remark.span).unwrap();
        let severity = match remark.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let help = remark
            .help
            .map_or_else(String::new, |help| format!(" [{help}]"));
        let (line, column, message) = (place.line, place.column, remark.message);
        format!("{line}:{column} {severity}: {message}{help}")
    };
    document
        .diagnostics
        .to_vec()
        .into_iter()
        .map(remark)
        .collect()
}

/// Always the same moment.
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> EventTime {
        EventTime::new(1_700_000_000, 0)
    }
}
