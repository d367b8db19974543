//! `<label>`, `<filter>` and `<match>`, in their order.

use fluent_compat::tag::MatchPatterns;
use fluent_compat::time::EventTime;

use super::output;
use super::page::Page;
use crate::route::{LabelId, OnError, Turn};
use crate::settings::{FilterSettings, LabelSettings, Settings, StepSettings, TargetSettings};

/// Every label's steps, the root's first.
pub(super) fn describe(settings: &Settings, now: EventTime, page: &mut Page) {
    for label in settings
        .labels
        .iter()
        .filter(|label| !label.steps.is_empty())
    {
        if let Some(name) = &label.name {
            page.heading(&format!("label {name}"), "──► in this order");
        }
        for step in &label.steps {
            match step {
                StepSettings::Filter(patterns, filter) => {
                    let subject = format!("filter {}", patterns.source());
                    page.heading(&subject, &format!("──► {}", filter_type(filter)));
                }
                StepSettings::Match(patterns, target) => {
                    let subject = format!("match {}", patterns.source());
                    describe_target(&subject, patterns, target, settings, now, page);
                }
            }
        }
        if !takes_everything(label) {
            page.heading("any other tag", "──► 404: no <match> takes it");
        }
    }
}

fn describe_target(
    subject: &str,
    patterns: &MatchPatterns,
    target: &TargetSettings,
    settings: &Settings,
    now: EventTime,
    page: &mut Page,
) {
    match target {
        TargetSettings::Copy(stores) => {
            let count = stores.len();
            page.heading(
                subject,
                &format!("──► {count} stores, answered once all have it"),
            );
            for (place, store) in stores.iter().enumerate() {
                let turn = match store.policy.turn {
                    Turn::Always => "",
                    Turn::UnlessPrevious => " unless the one before has them",
                };
                let errors = match store.policy.on_error {
                    OnError::Refuse => "",
                    OnError::Ignore => ", its errors ignored",
                };
                let subject = format!("store {} of {count}{turn}{errors}", place + 1);
                describe_target(&subject, patterns, &store.target, settings, now, page);
            }
        }
        TargetSettings::Null => page.heading(subject, "──► nowhere: answered with 200 and dropped"),
        TargetSettings::Output(output) => output::describe(subject, patterns, output, now, page),
        TargetSettings::Relabel(id) => {
            page.heading(subject, &format!("──► {}", label_name(*id, settings)));
        }
    }
}

fn filter_type(filter: &FilterSettings) -> &'static str {
    match filter {
        FilterSettings::Grep(_) => "grep: events that do not fit are dropped",
        FilterSettings::RecordTransformer(_) => "record_transformer: records are rewritten",
        FilterSettings::Stdout { .. } => "standard output, and on",
    }
}

fn label_name(id: LabelId, settings: &Settings) -> &str {
    let label = settings.labels.get(id.place());
    label
        .and_then(|label| label.name.as_deref())
        .unwrap_or("@ROOT")
}

/// Whether a `<match>` has the pattern `**`.
fn takes_everything(label: &LabelSettings) -> bool {
    label.steps.iter().any(|step| match step {
        StepSettings::Filter(..) => false,
        StepSettings::Match(patterns, _) => patterns
            .source()
            .split_whitespace()
            .any(|pattern| pattern == "**"),
    })
}
