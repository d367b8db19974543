//! The place of a buffer in the server: the buffer there can be exchanged for one with other
//! parameters while events come.
//!
//! While it is exchanged, appends wait; none is refused for it. Only those that have found
//! the buffer full and wait for room (`overflow_action block`) are told that it is full,
//! because the room they wait for would not be this buffer's.

use std::sync::{Arc, Weak};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::{Mutex, MutexGuard, watch};

use super::{AppendError, Buffer, Portions};

/// Appends to whichever buffer is there. Clones name the same place.
#[derive(Clone)]
pub struct Basin {
    shared: Arc<Shared>,
}

/// A look at a place that does not keep it: see [`Basin::is_alone`].
#[derive(Clone)]
pub struct BasinView {
    shared: Weak<Shared>,
}

struct Shared {
    /// `None` while it is exchanged, and for good when no new one could be opened.
    buffer: ArcSwapOption<Buffer>,
    /// Of the buffer that is there, or was there last.
    limits: ArcSwap<PortionLimits>,
    /// Looked at by appends that find no buffer.
    state: watch::Sender<State>,
    /// Held by the exchange that is under way: the next one waits, or the state would be of
    /// either.
    exchanging: Mutex<()>,
}

/// Why there is a buffer, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// There will be another.
    Exchanged,
    /// No new one could be opened.
    Closed,
}

/// What a portion may have, so that a chunk can hold it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortionLimits {
    /// [`Buffer::chunk_limit_size`].
    pub bytes: u64,
    /// [`Buffer::chunk_limit_records`].
    pub records: Option<u64>,
}

/// A basin without a buffer, whose appends wait. They are refused when this is dropped.
pub struct Exchange<'b> {
    basin: &'b Basin,
    _alone: MutexGuard<'b, ()>,
}

impl Basin {
    /// A place that begins with this buffer.
    pub fn new(buffer: Buffer) -> Self {
        let basin = Self {
            shared: Arc::new(Shared {
                buffer: ArcSwapOption::empty(),
                limits: ArcSwap::default(),
                state: watch::Sender::new(State::Open),
                exchanging: Mutex::new(()),
            }),
        };
        basin.hold(buffer);
        basin
    }

    /// The buffer that is there. To be held for a moment only: an exchange waits until
    /// nobody has the old one.
    pub fn buffer(&self) -> Option<Buffer> {
        self.shared.buffer.load().as_deref().cloned()
    }

    /// Lets somebody look without taking part.
    pub fn view(&self) -> BasinView {
        let shared = Arc::downgrade(&self.shared);
        BasinView { shared }
    }

    /// Bytes that the buffer holds, staged and queued; 0 while there is none.
    pub fn held(&self) -> u64 {
        self.buffer().map_or(0, |buffer| buffer.held())
    }

    /// What a portion may have.
    pub fn portion_limits(&self) -> PortionLimits {
        **self.shared.limits.load()
    }

    /// As [`Buffer::append`]; waits while the buffer is exchanged.
    ///
    /// # Errors
    /// See `AppendError`; nothing is stored then.
    pub async fn append(&self, portions: Portions) -> Result<(), AppendError> {
        let buffer = match self.buffer() {
            Some(buffer) => buffer,
            None => Box::pin(self.next_buffer()).await?,
        };
        buffer.append(portions).await
    }

    /// The buffer that comes after the exchange that is under way.
    async fn next_buffer(&self) -> Result<Buffer, AppendError> {
        let mut state = self.shared.state.subscribe();
        loop {
            let exchanged = state.wait_for(|state| *state != State::Exchanged).await;
            if exchanged.is_ok_and(|state| *state == State::Closed) {
                return Err(AppendError::Closed);
            }
            // There is none if the next exchange has begun.
            if let Some(buffer) = self.buffer() {
                return Ok(buffer);
            }
        }
    }

    /// Takes the buffer out, lets new appends wait, and those under way end.
    ///
    /// Returns when the old buffer has left its files alone: whoever had it must give it up
    /// before or meanwhile, its schedule above all.
    pub async fn begin_exchange(&self) -> Exchange<'_> {
        let alone = self.shared.exchanging.lock().await;
        // IMPORTANT: before the buffer is taken out: who finds none looks at the state.
        self.shared.state.send_replace(State::Exchanged);
        let exchange = Exchange {
            basin: self,
            _alone: alone,
        };
        if let Some(old) = self.shared.buffer.swap(None) {
            old.refuse_to_wait();
            Arc::unwrap_or_clone(old).end().await;
        }
        exchange
    }

    /// Whether the two name the same place.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Whether nobody else can append here.
    pub fn is_alone(&self) -> bool {
        Arc::strong_count(&self.shared) == 1
    }

    fn hold(&self, buffer: Buffer) {
        let limits = PortionLimits {
            bytes: buffer.chunk_limit_size(),
            records: buffer.chunk_limit_records(),
        };
        self.shared.limits.store(Arc::new(limits));
        self.shared.buffer.store(Some(Arc::new(buffer)));
        self.shared.state.send_replace(State::Open);
    }
}

impl BasinView {
    /// As [`Basin::buffer`]; `None` too once the place is gone.
    pub fn buffer(&self) -> Option<Buffer> {
        self.shared.upgrade()?.buffer.load().as_deref().cloned()
    }
}

impl Exchange<'_> {
    /// Puts the new buffer in, and lets those go on that have waited.
    pub fn finish(self, buffer: Buffer) {
        self.basin.hold(buffer);
    }
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        let given_up = |state: &mut State| {
            let given_up = *state == State::Exchanged;
            if given_up {
                *state = State::Closed;
            }
            given_up
        };
        self.basin.shared.state.send_if_modified(given_up);
    }
}
