//! An output: formatting, chunk keys, and where the bytes go.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use fluent_compat::chunk::{ChunkKeys, Metadata};
use fluent_compat::events::{Event, Events};
use fluent_compat::format::{FormatError, Formatter};
use fluent_compat::inject::Inject;
use fluent_compat::tag::Tag;
use fluent_compat::timekey::TimekeySlots;
use tokio_util::either::Either;

use super::EmitError;
use crate::buffer::{AppendError, Basin, FormattedEvents, Portion, Portions, RETRY_AFTER};

/// What a `<match>` or `<store>` section says about writing events.
#[derive(Clone, Debug)]
pub struct Config {
    /// `<format>`.
    pub formatter: Formatter,
    /// `<inject>`.
    pub inject: Option<Inject>,
    /// The argument of `<buffer>`.
    pub chunk_keys: ChunkKeys,
    /// `timekey`, for buffers keyed by time.
    pub slots: Option<TimekeySlots>,
}

/// Writes whole lines at once, for outputs without a buffer.
pub trait LineWriter: Send + Sync + 'static {
    /// Writes and flushes. Blocks.
    ///
    /// # Errors
    /// The lines may have been written in part.
    fn write_lines(&self, lines: &[u8]) -> io::Result<()>;
}

/// Where an output's events go.
pub enum Destination {
    /// Into chunks.
    Buffered(Basin),
    /// Straight out, as Fluentd's `stdout` does without a `<buffer>`.
    Direct(Arc<dyn LineWriter>),
}

/// A `<match>` or `<store>` that is in force.
pub struct Output {
    config: Config,
    destination: Destination,
}

/// Formatted events and their destination.
pub(super) enum Delivery<'r> {
    Append(&'r Basin, Portions),
    Write(Arc<dyn LineWriter>, Vec<u8>),
}

impl Output {
    /// An output that writes to `destination`.
    pub fn new(config: Config, destination: Destination) -> Self {
        Self {
            config,
            destination,
        }
    }

    /// What is to be stored of the events, formatted.
    pub(super) fn delivery(&self, tag: &Tag, events: &Events) -> Result<Delivery<'_>, EmitError> {
        match &self.destination {
            Destination::Buffered(basin) => {
                let portions = self.portions(tag, events, Limits::of(basin))?;
                Ok(Delivery::Append(basin, portions))
            }
            Destination::Direct(writer) => {
                let inject = self.config.inject.as_ref();
                let lines = lines(&self.config.formatter, inject, tag, events)?;
                Ok(Delivery::Write(Arc::clone(writer), lines))
            }
        }
    }

    /// Formats the events, those of one chunk key behind each other.
    fn portions(&self, tag: &Tag, events: &Events, limits: Limits) -> Result<Portions, EmitError> {
        let (formatter, inject) = (&self.config.formatter, self.config.inject.as_ref());
        let mut gathered = Gathered::new(limits, events.text_len() + 64 * events.len());
        let mut scratch = String::new();
        for (index, event) in events.iter().enumerate() {
            // What is injected is no chunk key, as in Fluentd.
            let slots = self.config.slots.as_ref();
            let metadata = self.config.chunk_keys.metadata(slots, tag, &event);
            gathered.add(metadata, |out| {
                let formatted = format(formatter, inject, tag, &event, &mut scratch, out);
                formatted.map_err(|error| unformattable(index, &error))
            })?;
        }
        Ok(gathered.finish())
    }
}

impl<'r> Delivery<'r> {
    /// Stores the events as safely as the output's buffer promises.
    pub(super) fn complete(self) -> impl Future<Output = Result<(), EmitError>> + Send + 'r {
        match self {
            Self::Append(basin, portions) => {
                Either::Left(async move { Ok(basin.append(portions).await?) })
            }
            Self::Write(writer, lines) => Either::Right(write(writer, lines)),
        }
    }
}

/// The events as lines, with what is injected.
pub(super) fn lines(
    formatter: &Formatter,
    inject: Option<&Inject>,
    tag: &Tag,
    events: &Events,
) -> Result<Vec<u8>, EmitError> {
    let mut lines = Vec::with_capacity(events.text_len() + 128 * events.len());
    let mut scratch = String::new();
    for (index, event) in events.iter().enumerate() {
        let formatted = format(formatter, inject, tag, &event, &mut scratch, &mut lines);
        formatted.map_err(|error| unformattable(index, &error))?;
    }
    Ok(lines)
}

/// Writes in a thread that may block: whoever reads the output may have stopped reading.
pub(super) async fn write(writer: Arc<dyn LineWriter>, lines: Vec<u8>) -> Result<(), EmitError> {
    let written = tokio::task::spawn_blocking(move || writer.write_lines(&lines)).await;
    match written {
        Ok(written) => written.map_err(|error| unwritten(&error)),
        Err(panic) => Err(unwritten(&panic)),
    }
}

fn unwritten(error: &dyn std::error::Error) -> EmitError {
    EmitError::Storage {
        reason: format!("writing to the output failed: {error}"),
    }
}

/// Appends the event, with what is injected, in the format.
fn format(
    formatter: &Formatter,
    inject: Option<&Inject>,
    tag: &Tag,
    event: &Event<'_>,
    scratch: &mut String,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let tag = tag.as_str();
    match inject {
        None => formatter.format(tag, event, out),
        Some(inject) => formatter.format(tag, &inject.apply(tag, event, scratch), out),
    }
}

/// What a portion may have, so that it fits into one chunk.
#[derive(Clone, Copy)]
struct Limits {
    bytes: usize,
    records: u32,
}

impl Limits {
    fn of(basin: &Basin) -> Self {
        let limits = basin.portion_limits();
        let records = limits.records.unwrap_or(u64::MAX);
        Self {
            bytes: usize::try_from(limits.bytes).unwrap_or(usize::MAX),
            records: u32::try_from(records).unwrap_or(u32::MAX),
        }
    }
}

/// Portions in the making. Mostly all events of a request have one key; that case does
/// not touch the map.
struct Gathered {
    current: Option<Portion>,
    others: HashMap<Metadata, Portion>,
    closed: Portions,
    limits: Limits,
    /// Bytes the first portion is expected to get.
    capacity: usize,
}

impl Gathered {
    fn new(limits: Limits, capacity: usize) -> Self {
        Self {
            current: None,
            others: HashMap::new(),
            closed: Portions::new(),
            limits,
            capacity,
        }
    }

    /// Appends an event to its key's portion; one that would grow beyond a limit is
    /// closed and a new one begun.
    fn add(
        &mut self,
        metadata: Metadata,
        format: impl FnOnce(&mut Vec<u8>) -> Result<(), EmitError>,
    ) -> Result<(), EmitError> {
        let mut portion = self.take(metadata);
        let start = portion.events.len();
        format(portion.events.out())?;
        let (found, limit) = (portion.events.len() - start, self.limits.bytes);
        if found > limit {
            return Err(EmitError::TooLarge { found, limit });
        }
        if portion.events.len() > limit || portion.records >= self.limits.records {
            let events = portion.events.split_off(start);
            let next = Portion {
                metadata: portion.metadata.clone(),
                events,
                records: 0,
            };
            self.closed.push(std::mem::replace(&mut portion, next));
        }
        portion.records += 1;
        self.current = Some(portion);
        Ok(())
    }

    /// The key's open portion, taken out of here.
    fn take(&mut self, metadata: Metadata) -> Portion {
        if let Some(current) = self.current.take() {
            if current.metadata == metadata {
                return current;
            }
            self.others.insert(current.metadata.clone(), current);
        }
        let other = match self.others.is_empty() {
            true => None,
            false => self.others.remove(&metadata),
        };
        other.unwrap_or_else(|| Portion {
            metadata,
            events: FormattedEvents::with_capacity(std::mem::take(&mut self.capacity)),
            records: 0,
        })
    }

    fn finish(self) -> Portions {
        let mut portions = self.closed;
        portions.extend(self.others.into_values());
        portions.extend(self.current);
        portions
    }
}

fn unformattable(index: usize, error: &FormatError) -> EmitError {
    let reason = error.to_string();
    EmitError::Unformattable { index, reason }
}

impl From<AppendError> for EmitError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Full { .. } => Self::BufferFull {
                reason: error.to_string(),
                retry_after: RETRY_AFTER,
            },
            AppendError::TooMuch { found, limit } => Self::TooMuch { found, limit },
            // Portions are cut to the limit before they get there.
            AppendError::TooLarge { .. } | AppendError::Storage { .. } => Self::Storage {
                reason: error.to_string(),
            },
            AppendError::Closed => Self::Stopping,
        }
    }
}

#[cfg(test)]
mod tests;
