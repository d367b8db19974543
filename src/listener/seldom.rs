//! A future beside a busy one in the same task.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Polls its future only when that was woken, however often the task is woken for something
/// else: a timer and a token that are asked with each request cost what a request has none of.
pub(super) struct Seldom<F> {
    future: Pin<Box<F>>,
    alarm: Arc<Alarm>,
    /// The alarm as a waker, and the task's that it passes wake-ups on to.
    wakers: Option<(Waker, Waker)>,
}

struct Alarm {
    /// The future is to be polled.
    rung: AtomicBool,
    task: Mutex<Waker>,
}

impl<F: Future> Seldom<F> {
    pub(super) fn new(future: F) -> Self {
        let alarm = Alarm {
            rung: AtomicBool::new(true),
            task: Mutex::new(Waker::noop().clone()),
        };
        Self {
            future: Box::pin(future),
            alarm: Arc::new(alarm),
            wakers: None,
        }
    }
}

impl<F: Future> Future for Seldom<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        let waker = match &mut this.wakers {
            Some((waker, task)) if task.will_wake(context.waker()) => waker,
            wakers => {
                let task = context.waker().clone();
                // IMPORTANT: before the alarm is looked at, or it might ring at the old task.
                this.alarm.pass_on_to(task.clone());
                &mut wakers.insert((Arc::clone(&this.alarm).into(), task)).0
            }
        };
        if !this.alarm.rung.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        // Acquire: what was done before the future was woken is to be seen.
        this.alarm.rung.swap(false, Ordering::Acquire);
        this.future.as_mut().poll(&mut Context::from_waker(waker))
    }
}

impl Alarm {
    fn pass_on_to(&self, task: Waker) {
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = task;
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        task.wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::AtomicUsize;

    use tokio::sync::Notify;
    use tokio::time::{Duration, sleep, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_polled_when_it_is_woken_and_not_when_its_neighbour_is() {
        let polls = AtomicUsize::new(0);
        let mut second = std::pin::pin!(sleep(Duration::from_secs(1)));
        let counted = poll_fn(|context| {
            polls.fetch_add(1, Ordering::Relaxed);
            second.as_mut().poll(context)
        });
        let mut seldom = Seldom::new(counted);
        for _ in 0..5 {
            let neighbour = sleep(Duration::from_millis(100));
            tokio::select! {
                biased;
                () = neighbour => {}
                () = &mut seldom => panic!("it is not due yet"),
            }
        }
        assert_eq!(polls.load(Ordering::Relaxed), 1);
        seldom.await;
        assert_eq!(polls.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn it_wakes_the_task_that_polled_it_last() {
        let told = Arc::new(Notify::new());
        let notified = Arc::clone(&told);
        let mut seldom = Seldom::new(async move { notified.notified().await });
        assert!(timeout(Duration::from_secs(1), &mut seldom).await.is_err());
        let moved = tokio::spawn(seldom);
        tokio::task::yield_now().await;
        told.notify_one();
        timeout(Duration::from_secs(1), moved)
            .await
            .unwrap()
            .unwrap();
    }
}
