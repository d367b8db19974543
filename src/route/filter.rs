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

    fn print(&self, tag: &Tag, events: &Events) {
        let inject = self.inject.as_ref();
        let printed = output::lines(&self.formatter, inject, tag, events)
            .and_then(|lines| output::write(self.writer.as_ref(), &lines));
        if let Err(reason) = printed
            && let Some(others) = self.complaints.pass()
        {
            warn!(%tag, others, %reason, "<filter> @type stdout cannot print events");
        }
    }
}

impl Filter {
    /// The events as they go on; `None` where they go on as they came.
    pub(super) fn apply(&self, tag: &Tag, events: &Events) -> Result<Option<Events>, EmitError> {
        match self {
            Self::Grep(grep) => Ok(grep.apply(events)),
            Self::RecordTransformer(transformer) => transformer
                .apply(tag.as_str(), events)
                .map(Some)
                .map_err(|(index, error)| EmitError::Unfilterable {
                    index,
                    reason: error.to_string(),
                }),
            Self::Stdout(printer) => {
                printer.print(tag, events);
                Ok(None)
            }
        }
    }
}
