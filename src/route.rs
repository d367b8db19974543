//! Which output takes a tag, and what its events become there.
//!
//! A request's events all go to one output. They are formatted here, each behind the
//! last of its chunk key, and handed to the buffer as one append.

mod output;

use std::sync::Arc;
use std::time::Duration;

use fluent_compat::events::Events;
use fluent_compat::tag::Tag;

pub use output::{Config, Destination, LineWriter, Output};

/// Takes a request's events; an answer means that they are stored, or that none is.
pub trait Emit: Send + Sync + 'static {
    /// Stores the events as safely as the output's buffer promises.
    fn emit(&self, tag: Tag, events: Events) -> impl Future<Output = Result<(), EmitError>> + Send;
}

/// Why events were refused; nothing of the request is stored then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// No `<match>` takes the tag.
    #[error("no <match> takes the tag \"{tag}\"; there are: {}", patterns.join(", "))]
    Unmatched {
        /// The tag.
        tag: Tag,
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
    /// An event cannot be written in the output's format.
    #[error("event {index} cannot be formatted: {reason}")]
    Unformattable {
        /// Its place in the request, from 0.
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

/// The routes in their order in the file. Clones are handles on the same ones.
#[derive(Clone)]
pub struct Router {
    outputs: Arc<[Output]>,
}

impl Router {
    /// The first output whose pattern matches takes a tag.
    pub fn new(outputs: Vec<Output>) -> Self {
        Self {
            outputs: outputs.into(),
        }
    }
}

impl Emit for Router {
    async fn emit(&self, tag: Tag, events: Events) -> Result<(), EmitError> {
        let Some(output) = self.outputs.iter().find(|output| output.takes(&tag)) else {
            let patterns = self.outputs.iter().map(|o| o.pattern().to_owned());
            let patterns = patterns.collect();
            return Err(EmitError::Unmatched { tag, patterns });
        };
        output.store(&tag, &events).await
    }
}
