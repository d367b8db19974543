//! `<filter>`, as a part of a label.

use std::sync::Arc;
use std::time::Duration;

use fluent_compat::events::Events;
use fluent_compat::filter::{Grep, RecordTransformer};
use fluent_compat::format::Formatter;
use fluent_compat::inject::Inject;
use fluent_compat::tag::Tag;
use tracing::warn;

use super::EmitError;
use super::output::{self, LineWriter};
use crate::host::throttle::Throttle;

/// At most one line in this time says that lines are lost.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// What a `<filter>` does with events.
pub enum Filter {
    /// Drops some.
    Grep(Grep),
    /// Rewrites them.
    RecordTransformer(Box<RecordTransformer>),
    /// Prints them.
    Stdout(Box<Printer>),
}

/// `<filter> @type stdout`. What cannot be printed goes on all the same: it is for people
/// who look.
pub struct Printer {
    formatter: Formatter,
    inject: Option<Inject>,
    writer: Arc<dyn LineWriter>,
    complaints: Throttle,
}

impl Printer {
    /// A printer with its `<format>` and `<inject>`.
    pub fn new(formatter: Formatter, inject: Option<Inject>, writer: Arc<dyn LineWriter>) -> Self {
        Self {
            formatter,
            inject,
            writer,
            complaints: Throttle::new(LOG_INTERVAL),
        }
    }

    /// The events as lines; `None` where there are none, or they cannot be lines, which the
    /// log says then.
    fn printout(&self, tag: &Tag, events: &Events) -> Option<Printout<'_>> {
        if events.is_empty() {
            return None;
        }
        let inject = self.inject.as_ref();
        let lines = output::lines(&self.formatter, inject, tag, events);
        let lines = lines.map_err(|reason| self.complain(&reason)).ok()?;
        Some(Printout {
            printer: self,
            lines,
        })
    }

    fn complain(&self, reason: &EmitError) {
        if let Some(others) = self.complaints.pass() {
            warn!(others, %reason, "<filter> @type stdout cannot print events");
        }
    }
}

/// Lines that a [`Printer`] is about to print.
pub(super) struct Printout<'r> {
    printer: &'r Printer,
    lines: Vec<u8>,
}

impl Printout<'_> {
    pub(super) async fn print(self) {
        let writer = Arc::clone(&self.printer.writer);
        if let Err(reason) = output::write(writer, self.lines).await {
            self.printer.complain(&reason);
        }
    }
}

/// What a filter has made of events.
pub(super) enum Filtered<'r> {
    /// They go on like this.
    Changed(Events),
    /// They go on as they came; what there is of a printout is printed if they do.
    Printed(Option<Printout<'r>>),
    /// They go on as they came.
    Unchanged,
}

impl Filter {
    /// What becomes of the events. Nothing is written yet.
    pub(super) fn apply(&self, tag: &Tag, events: &Events) -> Result<Filtered<'_>, EmitError> {
        match self {
            Self::Grep(grep) => Ok(grep
                .apply(events)
                .map_or(Filtered::Unchanged, Filtered::Changed)),
            Self::RecordTransformer(transformer) => transformer
                .apply(tag.as_str(), events)
                .map(Filtered::Changed)
                .map_err(|(index, error)| EmitError::Unfilterable {
                    index,
                    reason: error.to_string(),
                }),
            Self::Stdout(printer) => Ok(Filtered::Printed(printer.printout(tag, events))),
        }
    }
}
