//! Group commit: one thread a file buffer gathers the appends that wait at a time.
//!
//! While a sync runs, requests pile up in the mailbox; the next sync is for all of them.
//! So a lone client waits for one sync, and the cost of a sync is shared by however many
//! clients there are.

mod gathered;

use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use tokio::sync::oneshot;
use tracing::error;

use self::gathered::Gathered;
use super::chunk_file::Header;
use super::commit::{Answers, Append, Committer, tell};
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
    gathered: Gathered,
    /// How often the appends have been taken.
    batch: u64,
    gatherer: Gatherer,
    /// How requests have come lately.
    company: Company,
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

/// How many were committed the last time.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Company {
    /// One request.
    None,
    /// More than one, or nobody knows yet.
    #[default]
    Others,
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

    /// Hands an append over. Who comes first gathers those that come at the same time, and
    /// hands the answers out: one commit for all of them, and one change of thread there and
    /// back.
    pub(super) async fn append(&self, append: Append) -> Result<(), AppendError> {
        let Some(mut gathering) = self.post(append)? else {
            return Ok(());
        };
        gathering.until_all_are_here().await;
        gathering.commit().await;
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
                company: letters.company,
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
    company: Company,
    /// Once the thread has been told to commit.
    answers: Option<oneshot::Receiver<Answers>>,
}

impl Gathering<'_> {
    /// However many requests come, those that are here do not wait for longer.
    const TURNS: usize = 8;

    /// Lets all requests have their turn that are ready, until that brings no more appends. Not
    /// for who has come alone lately: after a turn of the others the runtime goes on with it in
    /// another thread, which a lone client would wait for.
    async fn until_all_are_here(&self) {
        if self.company == Company::None {
            return;
        }
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
    // Takes turns with the one in the mailbox, so that neither has to grow again.
    let mut batch = Gathered::default();
    loop {
        let mut letters = lock(&mailbox.letters);
        while !letters.are_due() {
            letters = mailbox
                .arrived
                .wait(letters)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        std::mem::swap(&mut batch, &mut letters.gathered);
        let gatherer = std::mem::take(&mut letters.gatherer);
        letters.batch += 1;
        letters.company = match batch.len() {
            0 => letters.company,
            1 => Company::None,
            _ => Company::Others,
        };
        let seals = std::mem::take(&mut letters.seals);
        let closing = letters.closing.take();
        let last = letters.orphaned;
        drop(letters);
        if !batch.is_empty() {
            let appends = batch.appends.drain(..);
            committer.commit(appends, &batch.joined, |answers| gatherer.take(answers));
            batch.clear();
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
    /// Whether there is anything for the thread to do. What else has come takes appends along
    /// that are still being gathered.
    fn are_due(&self) -> bool {
        let gathered = !matches!(self.gatherer, Gatherer::Gathering);
        let committing = gathered && !self.gathered.is_empty();
        committing || !self.seals.is_empty() || self.closing.is_some() || self.orphaned
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use super::super::payload::Payloads;
    use super::super::{Committing, OverflowAction, tests};
    use super::*;
    use crate::host::fs::crashing::CrashingFs;

    /// Nobody reads its letters, as while a disk hangs.
    fn without_thread(limits: &Arc<Limits>) -> Group {
        Group {
            mailbox: Arc::new(Mailbox::default()),
            limits: Arc::clone(limits),
        }
    }

    #[tokio::test]
    async fn a_request_that_comes_alone_does_not_let_others_have_their_turn_first() {
        let limits = Arc::new(Limits::new(1 << 20, OverflowAction::ThrowException));
        for (company, waits) in [(Company::None, true), (Company::Others, false)] {
            let group = without_thread(&limits);
            lock(&group.mailbox.letters).company = company;
            let (append, _answer) = Append::new(Payloads::new());
            let mut appending = pin!(group.append(append));
            let polled = poll_fn(|context| Poll::Ready(appending.as_mut().poll(context)));
            assert!(polled.await.is_pending());
            let letters = lock(&group.mailbox.letters);
            assert_eq!(matches!(letters.gatherer, Gatherer::Waits(_)), waits);
        }
    }

    #[tokio::test]
    async fn how_requests_come_is_told_by_the_last_commit() {
        let buffer = tests::open(&CrashingFs::default());
        let Committing::Group(group) = &buffer.shared.committing else {
            unreachable!()
        };
        let append = |text| buffer.append(vec![tests::portion("a", text)]);
        append("1\n").await.unwrap();
        assert!(lock(&group.mailbox.letters).company == Company::None);
        lock(&group.mailbox.letters).company = Company::Others;
        let (second, third) = tokio::join!(append("2\n"), append("3\n"));
        second.and(third).unwrap();
        assert!(lock(&group.mailbox.letters).company == Company::Others);
    }

    #[test]
    fn appends_that_nobody_waits_for_do_not_pile_up() {
        let limits = Arc::new(Limits::new(1 << 20, OverflowAction::ThrowException));
        let group = without_thread(&limits);
        let mut waited_for = Vec::new();
        for n in 0..1000 {
            let (append, answer) = Append::new(Payloads::new());
            group.post(append).unwrap();
            if n % 100 == 0 {
                waited_for.push(answer);
            }
        }
        let waiting = lock(&group.mailbox.letters).gathered.len();
        assert!((10..32).contains(&waiting), "{waiting}");
    }
}
