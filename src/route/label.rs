//! A label: its filters and matches in their order, and what they make of a request.

use fluent_compat::events::Events;
use fluent_compat::tag::{MatchPatterns, Tag};

use super::EmitError;
use super::copy::{self, Action, Plan, Store};
use super::filter::{Filter, Filtered};
use super::output::Output;

/// A `<label>`, or the root: what stands in no label.
pub struct Label {
    /// Its name with the `@`; `None` for the root.
    pub name: Option<String>,
    /// Its `<filter>` and `<match>` sections in order.
    pub steps: Vec<Step>,
}

/// A label's place among all labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelId(usize);

impl LabelId {
    /// The root's, where events of sources without `@label` enter; also `@ROOT`.
    pub const ROOT: Self = Self(0);

    /// That of the label at this place in the list that [`super::Router::new`] gets.
    pub const fn at(place: usize) -> Self {
        Self(place)
    }

    /// The place in that list.
    pub const fn place(self) -> usize {
        self.0
    }
}

/// A section of a label.
pub enum Step {
    /// `<filter>`: changes what the matches after it get.
    Filter(MatchPatterns, Box<Filter>),
    /// `<match>`: the first that takes a tag has it.
    Match(MatchPatterns, Target),
}

/// What a `<match>` or a `<store>` does with events.
pub enum Target {
    /// Gives them to every store: `@type copy`.
    Copy(Vec<Store>),
    /// Drops them: `@type null`.
    Null,
    /// Writes them.
    Output(Box<Output>),
    /// Hands them on: `@type relabel`.
    Relabel(LabelId),
}

/// What becomes of the events in a label. Nothing is stored yet.
pub(super) fn plan<'r>(
    labels: &'r [Label],
    id: LabelId,
    tag: &Tag,
    events: &Events,
) -> Result<Plan<'r>, EmitError> {
    let label = labels
        .get(id.0)
        .expect("invariant: ids are made for the labels that there are");
    let (place, target) = label.target(tag)?;
    let mut filtered: Option<Events> = None;
    let mut printouts = Vec::new();
    for step in label.steps.iter().take(place) {
        if let Step::Filter(patterns, filter) = step
            && patterns.matches(tag.as_str())
        {
            let came = filtered.as_ref().unwrap_or(events);
            match filter.apply(tag, came)? {
                Filtered::Changed(changed) => filtered = Some(changed),
                Filtered::Printed(printout) => printouts.extend(printout),
                Filtered::Unchanged => {}
            }
        }
    }
    let mut plan = target.plan(labels, tag, filtered.as_ref().unwrap_or(events))?;
    if !printouts.is_empty() {
        // Those of the labels that it leads on to come after.
        plan.printouts.splice(..0, printouts);
    }
    Ok(plan)
}

impl Label {
    /// The first match that takes the tag, and its place among the steps. It is looked for
    /// before any filter runs: what nobody takes is not printed by `<filter> @type stdout`.
    fn target(&self, tag: &Tag) -> Result<(usize, &Target), EmitError> {
        let mut matches = self
            .steps
            .iter()
            .enumerate()
            .filter_map(|(place, step)| match step {
                Step::Filter(..) => None,
                Step::Match(patterns, target) => Some((place, patterns, target)),
            });
        matches
            .find(|(_, patterns, _)| patterns.matches(tag.as_str()))
            .map(|(place, _, target)| (place, target))
            .ok_or_else(|| self.unmatched(tag))
    }

    fn unmatched(&self, tag: &Tag) -> EmitError {
        let patterns = self.steps.iter().filter_map(|step| match step {
            Step::Filter(..) => None,
            Step::Match(patterns, _) => Some(patterns.source().to_owned()),
        });
        EmitError::Unmatched {
            tag: tag.clone(),
            label: self.name.clone(),
            patterns: patterns.collect(),
        }
    }
}

impl Target {
    pub(super) fn plan<'r>(
        &'r self,
        labels: &'r [Label],
        tag: &Tag,
        events: &Events,
    ) -> Result<Plan<'r>, EmitError> {
        match self {
            _ if events.is_empty() => Ok(Action::Nothing.into()),
            Self::Copy(stores) => copy::plan(stores, labels, tag, events),
            Self::Null => Ok(Action::Nothing.into()),
            Self::Output(output) => {
                let delivery = output.delivery(tag, events)?;
                Ok(Action::Deliver(delivery).into())
            }
            Self::Relabel(id) => plan(labels, *id, tag, events),
        }
    }
}
