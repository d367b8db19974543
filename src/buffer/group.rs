//! Group commit: one thread a file buffer gathers the appends that wait at a time.
//!
//! While a sync runs, requests pile up in the mailbox; the next sync is for all of them.
//! So a lone client waits for one sync, and the cost of a sync is shared by however many
//! clients there are.

use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use tokio::sync::oneshot;
use tracing::error;

use super::chunk_file::Header;
use super::commit::{Append, Committer};
use super::limits::Limits;
use super::{AppendError, lock};

/// A rule that says which staged chunks are due.
pub(super) type Due = Box<dyn Fn(&Header) -> bool + Send>;

/// The thread that owns the committer.
pub(super) struct Group {
    mailbox: Arc<Mailbox>,
    limits: Arc<Limits>,
}

#[derive(Default)]
struct Mailbox {
    letters: Mutex<Letters>,
    arrived: Condvar,
}

#[derive(Default)]
struct Letters {
    appends: Vec<Append>,
    /// Whether the appends are to be committed: nobody gathers any more.
    gathered: bool,
    seals: Vec<Seal>,
    /// Answered when the last append is.
    closing: Option<oneshot::Sender<()>>,
    intake: Intake,
    /// Nobody can send a letter any more.
    orphaned: bool,
}

/// Asks for staged chunks to be sealed.
struct Seal {
    due: Due,
    /// How many chunks may be queued then; `None` is any number.
    queued: Option<NonZeroUsize>,
    done: oneshot::Sender<()>,
}

/// Whether appends are taken.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Intake {
    #[default]
    Open,
    /// No more; staged chunks can still be sealed.
    Closed,
    /// The thread has panicked, and nobody reads letters any more.
    Broken,
}

impl Group {
    /// Starts the thread. It ends when its handle is dropped.
    pub(super) fn start(committer: Committer, limits: Arc<Limits>, name: &str) -> io::Result<Self> {
        let mailbox = Arc::new(Mailbox::default());
        let thread = thread::Builder::new().name(format!("commit {name}"));
        let letters = Arc::clone(&mailbox);
        thread.spawn(move || run(committer, &letters))?;
        Ok(Self { mailbox, limits })
    }

    /// Hands an append over. Who comes first gathers those that come at the same time: one
    /// commit for all of them, and one change of thread.
    pub(super) async fn append(&self, append: Append) -> Result<(), AppendError> {
        if let Some(gathering) = self.post(append)? {
            gathering.until_all_are_here().await;
        }
        Ok(())
    }

    /// Puts an append into the mailbox; if it is the first one there, others are to be
    /// gathered.
    fn post(&self, append: Append) -> Result<Option<Gathering<'_>>, AppendError> {
        let mut letters = lock(&self.mailbox.letters);
        match letters.intake {
            Intake::Open => {}
            Intake::Closed => return Err(AppendError::Closed),
            Intake::Broken => return Err(AppendError::broken()),
        }
        letters.appends.push(append);
        // A disk that hangs must not make a heap of what clients send again and again. Looked
        // at when their number has doubled, each is looked at a few times at most.
        if letters.appends.len().is_power_of_two() {
            letters.forget_abandoned(&self.limits);
        }
        if letters.appends.len() > 1 {
            return Ok(None);
        }
        letters.gathered = false;
        Ok(Some(Gathering(&self.mailbox)))
    }

    pub(super) async fn seal(&self, queued: Option<NonZeroUsize>, due: Due) {
        let (done, answer) = oneshot::channel();
        {
            let mut letters = lock(&self.mailbox.letters);
            if letters.intake == Intake::Broken {
                return;
            }
            letters.seals.push(Seal { due, queued, done });
        }
        self.mailbox.arrived.notify_one();
        // An error says that the thread has ended; then there is nothing left to seal.
        let _ = answer.await;
    }

    pub(super) async fn close(&self) {
        let (done, answer) = oneshot::channel();
        {
            let mut letters = lock(&self.mailbox.letters);
            if letters.intake == Intake::Broken {
                return;
            }
            letters.intake = Intake::Closed;
            letters.closing = Some(done);
        }
        self.mailbox.arrived.notify_one();
        let _ = answer.await;
    }
}

/// Appends are being gathered. The thread has them when this is dropped, and so also when the
/// request that gathers them is given up: others rely on it.
struct Gathering<'a>(&'a Mailbox);

impl Gathering<'_> {
    /// However many requests come, those that are here do not wait for longer.
    const TURNS: usize = 8;

    /// Lets all requests have their turn that are ready, until that brings no more appends. A
    /// lone client loses no time by it.
    async fn until_all_are_here(&self) {
        let mut here = 1;
        for _ in 0..Self::TURNS {
            tokio::task::yield_now().await;
            let now = lock(&self.0.letters).appends.len();
            if now <= here {
                return;
            }
            here = now;
        }
    }
}

impl Drop for Gathering<'_> {
    fn drop(&mut self) {
        lock(&self.0.letters).gathered = true;
        self.0.arrived.notify_one();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        lock(&self.mailbox.letters).orphaned = true;
        self.mailbox.arrived.notify_one();
    }
}

/// Tells those who wait, and those who come, when the thread panics.
struct Attended<'a>(&'a Mailbox);

impl Drop for Attended<'_> {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        let Self(mailbox) = self;
        let abandoned = {
            let mut letters = lock(&mailbox.letters);
            let broken = Letters {
                intake: Intake::Broken,
                ..Letters::default()
            };
            std::mem::replace(&mut *letters, broken)
        };
        // Whoever waits for an answer to one of these learns that there will be none.
        drop(abandoned);
        error!("a buffer's thread has failed; its outputs refuse all events until a restart");
    }
}

fn run(mut committer: Committer, mailbox: &Mailbox) {
    let _attended = Attended(mailbox);
    loop {
        let mut letters = lock(&mailbox.letters);
        while !letters.are_due() {
            letters = mailbox
                .arrived
                .wait(letters)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        let appends = std::mem::take(&mut letters.appends);
        let seals = std::mem::take(&mut letters.seals);
        let closing = letters.closing.take();
        let last = letters.orphaned;
        drop(letters);
        if !appends.is_empty() {
            committer.commit(appends);
        }
        for seal in seals {
            committer.seal_due(seal.queued, &seal.due);
            let _ = seal.done.send(());
        }
        if let Some(done) = closing {
            let _ = done.send(());
        }
        if last {
            return;
        }
    }
}

impl Letters {
    /// Drops the appends whose requests have ended without an answer.
    fn forget_abandoned(&mut self, limits: &Limits) {
        self.appends.retain(|append| {
            let abandoned = append.is_abandoned();
            if abandoned {
                limits.release(append.bytes());
            }
            !abandoned
        });
    }

    /// Whether there is anything for the thread to do. What else has come takes appends along
    /// that are still being gathered.
    fn are_due(&self) -> bool {
        let committing = self.gathered && !self.appends.is_empty();
        committing || !self.seals.is_empty() || self.closing.is_some() || self.orphaned
    }
}

#[cfg(test)]
mod tests {
    use super::super::OverflowAction;
    use super::super::payload::Payloads;
    use super::*;

    #[test]
    fn appends_that_nobody_waits_for_do_not_pile_up() {
        let limits = Arc::new(Limits::new(1 << 20, OverflowAction::ThrowException));
        // Nobody reads these letters, as while a disk hangs.
        let group = Group {
            mailbox: Arc::new(Mailbox::default()),
            limits: Arc::clone(&limits),
        };
        let mut waited_for = Vec::new();
        for n in 0..1000 {
            let (append, answer) = Append::new(Payloads::new());
            group.post(append).unwrap();
            if n % 100 == 0 {
                waited_for.push(answer);
            }
        }
        let waiting = lock(&group.mailbox.letters).appends.len();
        assert!((10..32).contains(&waiting), "{waiting}");
    }
}
