//! Which output takes a tag, and what its events become on the way there.
//!
//! A request is planned first and carried out then: filters run, copies are made, events are
//! formatted, each behind the last of its chunk key. Only what is known to be possible in
//! every place is handed to a buffer, and to each buffer as one append.

mod copy;
mod filter;
mod label;
mod output;

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use fluent_compat::events::Events;
use fluent_compat::tag::Tag;
use tokio_util::either::Either;

pub use copy::{OnError, Store, StorePolicy, Turn};
pub use filter::{Filter, Printer};
pub use label::{Label, LabelId, Step, Target};
pub use output::{Config, Destination, LineWriter, Output};

/// Takes a request's events; an answer means that they are stored, or that none is.
pub trait Emit: Send + Sync + 'static {
    /// Stores the events as safely as the output's buffer promises.
    fn emit(&self, tag: Tag, events: Events) -> impl Future<Output = Result<(), EmitError>> + Send;
}

/// Why events were refused; nothing of the request is stored then, unless a `copy` had come
/// as far as its second store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// No `<match>` takes the tag.
    #[error(
        "no <match>{} takes the tag \"{tag}\"; {}",
        in_label(label.as_deref()),
        there_are(patterns)
    )]
    Unmatched {
        /// The tag.
        tag: Tag,
        /// The label it came to; `None` for the root.
        label: Option<String>,
        /// The patterns there are, in order.
        patterns: Vec<String>,
    },
    /// The buffer is full.
    #[error("{reason}")]
    BufferFull {
        /// How full.
        reason: String,
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// An event is larger than any chunk may be.
    #[error("an event of {found} bytes is larger than chunk_limit_size, {limit} bytes")]
    TooLarge {
        /// The formatted event's bytes.
        found: usize,
        /// `chunk_limit_size`.
        limit: usize,
    },
    /// A request is larger than the whole buffer may be.
    #[error("the request's events have {found} bytes and total_limit_size is {limit}")]
    TooMuch {
        /// The formatted events' bytes.
        found: u64,
        /// `total_limit_size`.
        limit: u64,
    },
    /// A filter cannot make of an event what it should.
    #[error("event {index} cannot be filtered: {reason}")]
    Unfilterable {
        /// Its place among those that came to the filter, from 0.
        index: usize,
        /// Why.
        reason: String,
    },
    /// An event cannot be written in the output's format.
    #[error("event {index} cannot be formatted: {reason}")]
    Unformattable {
        /// Its place among those that came to the output, from 0.
        index: usize,
        /// Why.
        reason: String,
    },
    /// The events could not be stored.
    #[error("{reason}")]
    Storage {
        /// Why.
        reason: String,
    },
    /// The server is shutting down.
    #[error("the server is stopping")]
    Stopping,
}

fn in_label(label: Option<&str>) -> String {
    label.map_or_else(String::new, |label| format!(" in <label {label}>"))
}

fn there_are(patterns: &[String]) -> String {
    match patterns {
        [] => "there is none".to_owned(),
        patterns => format!("there are: {}", patterns.join(", ")),
    }
}

/// All labels, and the one that a source's events enter. Clones are handles on the same
/// ones.
#[derive(Clone)]
pub struct Router {
    /// The root first. No relabel leads back to where it came from, by whatever way.
    labels: Arc<[Label]>,
    entry: LabelId,
}

impl Router {
    /// A router that events enter at the root, which is the first of the labels.
    pub fn new(labels: Vec<Label>) -> Self {
        Self {
            labels: labels.into(),
            entry: LabelId::ROOT,
        }
    }

    /// The same router for a source with `@label`.
    pub fn entered_at(&self, entry: LabelId) -> Self {
        let labels = Arc::clone(&self.labels);
        Self { labels, entry }
    }
}

impl Emit for Router {
    fn emit(&self, tag: Tag, events: Events) -> impl Future<Output = Result<(), EmitError>> + Send {
        // What is to be stored is formatted before anything waits: a future that kept tag and
        // events would be twice as large.
        match label::plan(&self.labels, self.entry, &tag, &events) {
            Ok(plan) => Either::Left(plan.carry_out()),
            Err(refused) => Either::Right(ready(Err(refused))),
        }
    }
}

#[cfg(test)]
mod tests;
