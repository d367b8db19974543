//! `<label>`, and the order of `<filter>` and `<match>` in it and outside of all.

use std::collections::BTreeSet;

use fluent_compat::config::{Params, Span};
use fluent_compat::tag::MatchPatterns;

use super::context::Context;
use super::output::Outputs;
use super::{LabelSettings, StepSettings, filter, traps};
use crate::route::LabelId;

/// What Fluentd calls the root where a label is named.
const ROOT: &str = "@ROOT";

/// Labels to which Fluentd itself sends events.
const FED_BY_FLUENTD: [(&str, &str); 2] = [
    (
        "@ERROR",
        "what Fluentd would send there is refused, and its sender has it still",
    ),
    ("@FLUENT_LOG", "forebay's own log goes to stderr alone"),
];

/// The labels there are, and who refers to them.
pub(super) struct Labels<'a> {
    context: &'a Context<'a>,
    /// In the order of their ids; the root is none of them.
    names: Vec<&'a str>,
    sections: Vec<Params<'a>>,
    /// Labels that sources' events enter.
    entered: BTreeSet<LabelId>,
    /// The label that is read at the moment.
    current: LabelId,
    relabels: Vec<Relabel>,
}

/// `@type relabel` in one label that leads to another.
struct Relabel {
    from: LabelId,
    to: LabelId,
    span: Span,
}

impl<'a> Labels<'a> {
    /// The labels in all scopes: the file, and the `<worker>` sections that are taken in.
    pub(super) fn of(scopes: &[&Params<'a>], context: &'a Context<'a>) -> Self {
        let (mut names, mut sections) = (Vec::new(), Vec::new());
        for label in scopes.iter().flat_map(|scope| scope.sections("label")) {
            let name = label.argument();
            let problem = match name {
                "" => Some("a label needs a name, as in <label @AUDIT>".to_owned()),
                ROOT => Some(format!(
                    "{ROOT} is what stands in no label: choose another name"
                )),
                _ if names.contains(&name) => Some(format!("<label {name}> can stand only once")),
                _ => None,
            };
            match problem {
                Some(message) => context.diagnostics.error(label.argument_span(), message),
                None => {
                    names.push(name);
                    sections.push(label);
                }
            }
        }
        Self {
            context,
            names,
            sections,
            entered: BTreeSet::new(),
            current: LabelId::ROOT,
            relabels: Vec::new(),
        }
    }

    /// Where a source's events go: its `@label`, or the root.
    pub(super) fn entered_by(&mut self, source: &Params<'_>) -> Option<LabelId> {
        let id = match source.label() {
            None => LabelId::ROOT,
            Some(name) => self.find(source, name)?,
        };
        self.entered.insert(id);
        Some(id)
    }

    /// Where `@type relabel` leads.
    pub(super) fn relabel(&mut self, section: &Params<'_>) -> Option<LabelId> {
        let name = section.required("@label", |section, _| section.label())?;
        let to = self.find(section, name)?;
        self.relabels.push(Relabel {
            from: self.current,
            to,
            span: section.span_of("@label"),
        });
        Some(to)
    }

    /// Reads everything that events come to, after the sources.
    pub(super) fn read(mut self, scopes: &[&Params<'a>]) -> Option<Vec<LabelSettings>> {
        let mut outputs = Outputs::new(self.context);
        let sections = scopes
            .iter()
            .flat_map(|scope| scope.sections_among(&["filter", "match"]))
            .collect();
        let mut labels = vec![self.label(None, sections, &mut outputs)];
        for (place, label) in std::mem::take(&mut self.sections).into_iter().enumerate() {
            self.current = LabelId::at(place + 1);
            let name = label.argument().to_owned();
            if let Some((_, reason)) = FED_BY_FLUENTD.iter().find(|(fed, _)| *fed == name) {
                let message = format!("nothing is sent to {name} of itself: {reason}");
                let span = label.argument_span();
                self.context.diagnostics.warning(span, message);
            }
            let sections = label.sections_among(&["filter", "match"]);
            labels.push(self.label(Some(name), sections, &mut outputs));
            label.finish();
        }
        self.refuse_circles();
        labels.into_iter().collect()
    }

    fn label(
        &mut self,
        name: Option<String>,
        sections: Vec<Params<'_>>,
        outputs: &mut Outputs<'_>,
    ) -> Option<LabelSettings> {
        let mut matches = Vec::new();
        let mut steps = Vec::new();
        for section in sections {
            let patterns = self.patterns(&section);
            let span = section.argument_span();
            if let Some(patterns) = &patterns {
                traps::warn_of_never_reached(&section, patterns, &matches);
            }
            let step = if section.name() == "filter" {
                let filter = filter::filter(section, self.context);
                (|| Some(StepSettings::Filter(patterns?, Box::new(filter?))))()
            } else {
                matches.extend(patterns.clone().map(|patterns| (patterns, span)));
                let name = section.argument();
                let target = outputs.read(section, name, self);
                (|| Some(StepSettings::Match(patterns?, target?)))()
            };
            steps.push(step);
        }
        if self.entered.contains(&self.current) {
            traps::warn_of_unmatched_sessions(&matches, self.context);
        }
        let steps = steps.into_iter().collect::<Option<_>>()?;
        Some(LabelSettings { name, steps })
    }

    fn patterns(&self, section: &Params<'_>) -> Option<MatchPatterns> {
        let patterns = MatchPatterns::parse(section.argument());
        let report = |error: fluent_compat::tag::PatternError| {
            let span = section.argument_span();
            self.context.diagnostics.error(span, error.to_string());
        };
        patterns.map_err(report).ok()
    }

    fn find(&self, section: &Params<'_>, name: &str) -> Option<LabelId> {
        if name == ROOT {
            return Some(LabelId::ROOT);
        }
        let place = self.names.iter().position(|known| *known == name);
        if place.is_none() {
            let known = self.names.join(", ");
            let message = match known.is_empty() {
                true => format!("there is no <label {name}>, nor any other"),
                false => format!("there is no <label {name}>: there are {known}"),
            };
            let span = section.span_of("@label");
            self.context.diagnostics.error(span, message);
        }
        place.map(|place| LabelId::at(place + 1))
    }

    /// Fluentd would send an event round until it has no stack left.
    fn refuse_circles(&self) {
        for relabel in &self.relabels {
            if self.leads(relabel.to, relabel.from, &mut BTreeSet::new()) {
                let message = "events could come back here by this label, and go round for ever";
                self.context.diagnostics.error(relabel.span, message);
            }
        }
    }

    fn leads(&self, from: LabelId, to: LabelId, seen: &mut BTreeSet<LabelId>) -> bool {
        from == to
            || seen.insert(from)
                && self
                    .relabels
                    .iter()
                    .any(|relabel| relabel.from == from && self.leads(relabel.to, to, seen))
    }
}

#[cfg(test)]
mod tests;
