use std::num::NonZeroUsize;

use tokio::time::{Instant, advance};

use super::super::testing::{TestListener, exchange, ok, ok_after_a_second, seconds_until_closed};
use super::super::{Limits, Transport};
use super::*;

/// `EMFILE` of Linux: too many open files.
const OUT_OF_DESCRIPTORS: i32 = 24;

fn limited_to(connections: usize) -> Limits {
    Limits {
        connections: NonZeroUsize::new(connections).unwrap(),
        ..Limits::default()
    }
}

#[tokio::test(start_paused = true)]
async fn when_descriptors_run_out_it_waits_longer_each_time_and_goes_on() {
    let listener = TestListener::plain();
    for _ in 0..3 {
        listener.fail(io::Error::from_raw_os_error(OUT_OF_DESCRIPTORS));
    }
    let start = Instant::now();
    let answer = exchange(&mut listener.connect()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let waited = start.elapsed().as_millis();
    // Pauses of 10, 20 and 40 ms; each timer rounds up to a whole millisecond.
    assert!((70..=73).contains(&waited), "{waited} ms");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_went_away_early_costs_no_pause() {
    let listener = TestListener::plain();
    listener.fail(io::ErrorKind::ConnectionReset.into());
    let start = Instant::now();
    let answer = exchange(&mut listener.connect()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(start.elapsed().as_millis(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_beyond_the_limit_waits_for_a_place() {
    let listener = TestListener::start(Transport::Plain, limited_to(1), ok);
    let mut first = listener.connect();
    exchange(&mut first).await;

    let mut second = listener.connect();
    let start = Instant::now();
    let answered = exchange(&mut second);
    let (answer, ()) = tokio::join!(answered, async {
        advance(Duration::from_secs(5)).await;
        drop(first);
    });
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_holds_nobody_up() {
    let listener = TestListener::plain();
    let _silent = listener.connect();
    let start = Instant::now();
    exchange(&mut listener.connect()).await;
    assert_eq!(start.elapsed().as_millis(), 0);
}

#[tokio::test(start_paused = true)]
async fn draining_answers_the_request_in_flight_and_then_closes() {
    let listener = TestListener::start(Transport::Plain, Limits::default(), ok_after_a_second);
    let mut client = listener.connect();
    let (answer, ()) = tokio::join!(exchange(&mut client), async {
        advance(Duration::from_millis(100)).await;
        listener.stop();
    });
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(seconds_until_closed(&mut client).await, 0);
    assert_eq!(listener.stopped().await, Drained { cut_off: 0 });
}

#[tokio::test(start_paused = true)]
async fn draining_closes_idle_connections_at_once() {
    let listener = TestListener::plain();
    let (mut used, mut fresh) = (listener.connect(), listener.connect());
    exchange(&mut used).await;
    listener.stop();
    assert_eq!(seconds_until_closed(&mut used).await, 0);
    assert_eq!(seconds_until_closed(&mut fresh).await, 0);
    assert_eq!(listener.stopped().await, Drained { cut_off: 0 });
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_is_cut_off_at_the_deadline_and_counted() {
    let never = |_| std::future::pending();
    let listener = TestListener::start(Transport::Plain, Limits::default(), never);
    let mut client = listener.connect();
    let start = Instant::now();
    let (answer, ()) = tokio::join!(exchange(&mut client), async {
        advance(Duration::from_millis(1)).await;
        listener.stop();
    });
    assert_eq!(answer, "");
    assert_eq!(start.elapsed().as_secs(), 30);
    assert_eq!(listener.stopped().await, Drained { cut_off: 1 });
}
