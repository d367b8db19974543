//! Group commit: one thread a file buffer gathers the appends that wait at a time.
//!
//! While a sync runs, requests pile up in the mailbox; the next sync is for all of them.
//! So a lone client waits for one sync, and the cost of a sync is shared by however many
//! clients there are.

use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use tokio::sync::oneshot;

use super::chunk_file::Header;
use super::commit::{Append, Committer};
use super::lock;

/// A rule that says which staged chunks are due.
pub(super) type Due = Box<dyn Fn(&Header) -> bool + Send>;

/// The thread that owns the committer.
pub(super) struct Group {
    mailbox: Arc<Mailbox>,
}

#[derive(Default)]
struct Mailbox {
    letters: Mutex<Letters>,
    arrived: Condvar,
}

#[derive(Default)]
struct Letters {
    appends: Vec<Append>,
    seals: Vec<(Due, oneshot::Sender<()>)>,
    /// Answered when the last append is.
    closing: Option<oneshot::Sender<()>>,
    /// No more appends are taken; staged chunks can still be sealed.
    closed: bool,
    /// Nobody can send a letter any more.
    orphaned: bool,
}

impl Group {
    /// Starts the thread. It ends when its handle is dropped.
    pub(super) fn start(committer: Committer, name: &str) -> io::Result<Self> {
        let mailbox = Arc::new(Mailbox::default());
        let thread = thread::Builder::new().name(format!("commit {name}"));
        let letters = Arc::clone(&mailbox);
        thread.spawn(move || run(committer, &letters))?;
        Ok(Self { mailbox })
    }

    /// Hands an append over; `false` when the buffer is closed.
    pub(super) fn append(&self, append: Append) -> bool {
        let mut letters = lock(&self.mailbox.letters);
        if letters.closed {
            return false;
        }
        letters.appends.push(append);
        // The thread is awake, or has been woken, while there is an earlier letter.
        let first = letters.appends.len() == 1;
        drop(letters);
        if first {
            self.mailbox.arrived.notify_one();
        }
        true
    }

    pub(super) async fn seal(&self, due: Due) {
        let (done, answer) = oneshot::channel();
        lock(&self.mailbox.letters).seals.push((due, done));
        self.mailbox.arrived.notify_one();
        // An error says that the thread has ended; then there is nothing left to seal.
        let _ = answer.await;
    }

    pub(super) async fn close(&self) {
        let (done, answer) = oneshot::channel();
        {
            let mut letters = lock(&self.mailbox.letters);
            letters.closed = true;
            letters.closing = Some(done);
        }
        self.mailbox.arrived.notify_one();
        let _ = answer.await;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        lock(&self.mailbox.letters).orphaned = true;
        self.mailbox.arrived.notify_one();
    }
}

fn run(mut committer: Committer, mailbox: &Mailbox) {
    loop {
        let mut letters = lock(&mailbox.letters);
        while letters.is_empty() && !letters.orphaned {
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
        for (due, done) in seals {
            committer.seal_due(&due);
            let _ = done.send(());
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
    fn is_empty(&self) -> bool {
        self.appends.is_empty() && self.seals.is_empty() && self.closing.is_none()
    }
}
