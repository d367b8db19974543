//! Group commit: one thread a file buffer gathers the appends that wait at a time.
//!
//! While a sync runs, requests pile up in the mailbox; the next sync is for all of them.
//! So a lone client waits for one sync, and the cost of a sync is shared by however many
//! clients there are. A request that is alone does without the thread: see [`in_place`].

mod gathered;
mod in_place;

use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use tokio::sync::oneshot;
use tracing::error;

use self::gathered::Gathered;
use self::in_place::{KeptWorker, SMALL, Writer, is_small};
use super::chunk_file::Header;
use super::commit::{Answers, Append, Committer, Outcome, tell};
use super::limits::Limits;
use super::payload::{self, Payloads};
use super::{AppendError, lock};

/// A rule that says which staged chunks are due.
pub(super) type Due = Box<dyn Fn(&Header) -> bool + Send>;

/// The committer, and those who wait for it. Locks are taken in this order: the writer, the
/// letters.
pub(super) struct Group {
    writer: Arc<Mutex<Writer>>,
    mailbox: Arc<Mailbox>,
    limits: Arc<Limits>,
}

#[derive(Default)]
struct Mailbox {
    letters: Mutex<Letters>,
    arrived: Condvar,
    /// Whether requests have come together lately. A hint: nothing but time is lost by a wrong
    /// one.
    crowded: AtomicBool,
}

#[derive(Default)]
struct Letters {
    gathered: Gathered,
    /// How often the appends have been taken.
    batch: u64,
    gatherer: Gatherer,
    seals: Vec<Seal>,
    /// Answered when the last append is.
    closing: Option<oneshot::Sender<()>>,
    intake: Intake,
    /// Nobody can send a letter any more.
    orphaned: bool,
}

/// Who gathers the appends in the mailbox, if there are any.
#[derive(Default)]
enum Gatherer {
    /// It was given up. What is there is to be committed.
    #[default]
    Gone,
    /// There may be more to come.
    Gathering,
    /// All are here; the answers go to it.
    Waits(oneshot::Sender<Answers>),
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
        let group = Self::without_thread(committer, limits);
        let (writer, mailbox) = (Arc::clone(&group.writer), Arc::clone(&group.mailbox));
        let thread = thread::Builder::new().name(format!("commit {name}"));
        thread.spawn(move || run(&writer, &mailbox))?;
        Ok(group)
    }

    fn without_thread(committer: Committer, limits: Arc<Limits>) -> Self {
        Self {
            writer: Arc::new(Mutex::new(Writer::new(committer))),
            mailbox: Arc::default(),
            limits,
        }
    }

    /// Stores what a request has, for which there is room, or gives the room back.
    pub(super) async fn append(&self, payloads: Payloads) -> Outcome {
        let payloads = match self.commit_alone(payloads) {
            Ok(outcome) => return outcome,
            Err(payloads) => payloads,
        };
        let bytes = payload::length(&payloads);
        let (append, answer) = Append::new(payloads);
        let answered = match self.hand_over(append).await {
            Ok(()) => answer.await.map_err(|_| AppendError::broken()),
            Err(refused) => Err(refused),
        };
        answered.unwrap_or_else(|refused| {
            // The committer has released what it has answered.
            self.limits.release(bytes);
            Err(refused)
        })
    }

    /// Commits on this thread if that keeps nobody waiting, or gives the payloads back.
    fn commit_alone(&self, payloads: Payloads) -> Result<Outcome, Payloads> {
        if self.mailbox.is_crowded() || !is_small(&payloads) {
            return Err(payloads);
        }
        let Some(_kept) = KeptWorker::permit() else {
            return Err(payloads);
        };
        let Ok(mut writer) = self.writer.try_lock() else {
            self.mailbox.say_crowded(true);
            return Err(payloads);
        };
        let _attended = Attended(&self.mailbox);
        // NOTE: asked with the writer in hand: what comes later finds it locked.
        if !writer.is_quick(Writer::QUICK) || !lock(&self.mailbox.letters).are_none() {
            return Err(payloads);
        }
        Ok(writer.commit(|committer| committer.commit_one(payloads)))
    }

    /// Hands an append over. Who comes first gathers those that come at the same time, and
    /// hands the answers out: one commit for all of them, and one change of thread there and
    /// back.
    async fn hand_over(&self, append: Append) -> Result<(), AppendError> {
        let Some(mut gathering) = self.post(append)? else {
            return Ok(());
        };
        if self.mailbox.is_crowded() {
            gathering.until_all_are_here().await;
        }
        if !self.commit_here(&gathering) {
            gathering.commit().await;
        }
        Ok(())
    }

    /// Commits what is gathered on this thread, if that takes no longer than to wake the other.
    fn commit_here(&self, gathering: &Gathering<'_>) -> bool {
        let Some(_kept) = KeptWorker::permit() else {
            return false;
        };
        let Ok(mut writer) = self.writer.try_lock() else {
            return false;
        };
        let _attended = Attended(&self.mailbox);
        if !writer.is_quick(Writer::AS_A_CHANGE_OF_THREAD) {
            return false;
        }
        let mut letters = lock(&self.mailbox.letters);
        if letters.batch != gathering.batch || letters.gathered.bytes() > SMALL {
            return false;
        }
        letters.hand_to(&mut writer);
        drop(letters);
        self.mailbox.say_crowded(writer.batch.len() > 1);
        writer.commit_batch(tell);
        true
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
        letters.gathered.push(append);
        // A disk that hangs must not make a heap of what clients send again and again. Looked
        // at when their number has doubled, each is looked at a few times at most.
        if letters.gathered.len().is_power_of_two() {
            letters.gathered.forget_abandoned(&self.limits);
        }
        let first = letters.gathered.len() == 1;
        Ok(first.then(|| {
            letters.gatherer = Gatherer::Gathering;
            Gathering {
                mailbox: &self.mailbox,
                batch: letters.batch,
                answers: None,
            }
        }))
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

/// Appends are being gathered by the request that has this. The others rely on it: when it is
/// dropped the thread has the appends, and those that are answered know.
struct Gathering<'a> {
    mailbox: &'a Mailbox,
    /// The [`Letters::batch`] that is gathered.
    batch: u64,
    /// Once the thread has been told to commit.
    answers: Option<oneshot::Receiver<Answers>>,
}

impl Gathering<'_> {
    /// However many requests come, those that are here do not wait for longer.
    const TURNS: usize = 8;

    /// Lets all requests have their turn that are ready, until that brings no more appends. A
    /// lone client loses no time by it.
    async fn until_all_are_here(&self) {
        let mut here = 1;
        for _ in 0..Self::TURNS {
            tokio::task::yield_now().await;
            let now = lock(&self.mailbox.letters).gathered.len();
            if now <= here {
                return;
            }
            here = now;
        }
    }

    /// Has the appends committed, and hands the answers out. The thread itself would have to
    /// wake each request from outside of the runtime, under a lock and perhaps with a call of
    /// the system each.
    async fn commit(&mut self) {
        let (sender, answers) = oneshot::channel();
        self.ring(Gatherer::Waits(sender));
        // An error says that there is nothing to hand out: the thread has done it, or is gone.
        if let Ok(answers) = self.answers.insert(answers).await {
            tell(answers);
        }
    }

    /// Tells the thread that the appends are gathered, unless it has taken them already.
    fn ring(&self, gatherer: Gatherer) {
        let mut letters = lock(&self.mailbox.letters);
        if letters.batch == self.batch && letters.intake != Intake::Broken {
            letters.gatherer = gatherer;
            drop(letters);
            self.mailbox.arrived.notify_one();
        }
    }
}

impl Drop for Gathering<'_> {
    fn drop(&mut self) {
        let Some(answers) = &mut self.answers else {
            return self.ring(Gatherer::Gone);
        };
        // From here on the thread tells them itself, unless it has handed them over.
        answers.close();
        if let Ok(answers) = answers.try_recv() {
            tell(answers);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        lock(&self.mailbox.letters).orphaned = true;
        self.mailbox.arrived.notify_one();
    }
}

impl Mailbox {
    fn is_crowded(&self) -> bool {
        self.crowded.load(Ordering::Relaxed)
    }

    fn say_crowded(&self, crowded: bool) {
        self.crowded.store(crowded, Ordering::Relaxed);
    }

    /// Waits until there is something for the thread to do, which stays until it is done.
    fn wait(&self) {
        let mut letters = lock(&self.letters);
        while !letters.are_due() {
            letters = self
                .arrived
                .wait(letters)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }
}

/// Tells those who wait, and those who come, when a commit panics.
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
        error!("a buffer's committer has failed; its outputs refuse all events until a restart");
    }
}

fn run(writer: &Mutex<Writer>, mailbox: &Mailbox) {
    let _attended = Attended(mailbox);
    loop {
        mailbox.wait();
        // An error says that a commit of a request's own has panicked; everybody knows.
        let Ok(mut writer) = writer.lock() else {
            return;
        };
        let mut letters = lock(&mailbox.letters);
        let gatherer = letters.hand_to(&mut writer);
        let seals = std::mem::take(&mut letters.seals);
        let closing = letters.closing.take();
        let last = letters.orphaned;
        drop(letters);
        if !writer.batch.is_empty() {
            mailbox.say_crowded(writer.batch.len() > 1);
            writer.commit_batch(|answers| gatherer.take(answers));
        }
        for seal in seals {
            writer.committer.seal_due(seal.queued, &seal.due);
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

impl Gatherer {
    /// Hands the answers over, or out.
    fn take(self, answers: Answers) {
        let left = match self {
            Self::Waits(gatherer) => gatherer.send(answers),
            Self::Gone | Self::Gathering => Err(answers),
        };
        if let Err(answers) = left {
            tell(answers);
        }
    }
}

impl Letters {
    /// Gives the appends to the writer, and says who has gathered them.
    fn hand_to(&mut self, writer: &mut Writer) -> Gatherer {
        std::mem::swap(&mut writer.batch, &mut self.gathered);
        self.batch += 1;
        std::mem::take(&mut self.gatherer)
    }

    /// Whether nobody waits for anything, and appends are taken.
    fn are_none(&self) -> bool {
        self.intake == Intake::Open && self.gathered.is_empty() && !self.are_due()
    }

    /// Whether there is anything for the thread to do. What else has come takes appends along
    /// that are still being gathered.
    fn are_due(&self) -> bool {
        let gathered = !matches!(self.gatherer, Gatherer::Gathering);
        let committing = gathered && !self.gathered.is_empty();
        committing || !self.seals.is_empty() || self.closing.is_some() || self.orphaned
    }
}

#[cfg(test)]
mod tests;
