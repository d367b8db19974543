//! A buffer is exchanged for one with other parameters while events come.

use tokio::time::timeout;

use super::*;

const SOON: Duration = Duration::from_secs(5);

fn basin(fs: &CrashingFs, config: &Config) -> Basin {
    Basin::new(open_with(fs, config))
}

#[tokio::test]
async fn appends_wait_for_the_new_buffer_and_its_limits_hold() {
    let fs = CrashingFs::default();
    let basin = basin(&fs, &config());
    basin.append(vec![portion("a", "before\n")]).await.unwrap();

    let exchange = basin.begin_exchange().await;
    let waiting = tokio::spawn({
        let basin = basin.clone();
        async move { basin.append(vec![portion("a", "meanwhile\n")]).await }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());

    let next = Config {
        chunk_limit_size: 500,
        ..config()
    };
    exchange.finish(open_with(&fs, &next));
    waiting.await.unwrap().unwrap();
    assert_eq!(basin.portion_limits().bytes, 500);
    let kept = drain(&basin.buffer().unwrap()).await;
    assert_eq!(kept, super::texts(&[("a", &["before\nmeanwhile\n"])]));
}

#[tokio::test]
async fn an_exchange_waits_until_nobody_has_the_old_buffer() {
    let basin = basin(&CrashingFs::default(), &config());
    let held = basin.buffer();
    let exchanging = tokio::spawn({
        let basin = basin.clone();
        async move { drop(basin.begin_exchange().await) }
    });
    tokio::task::yield_now().await;
    assert!(!exchanging.is_finished());
    drop(held);
    timeout(SOON, exchanging).await.unwrap().unwrap();
    assert!(basin.buffer().is_none());
    let refused = basin.append(vec![portion("a", "late\n")]).await;
    assert_eq!(refused, Err(AppendError::Closed));
}

#[tokio::test]
async fn an_exchange_waits_for_the_one_before_it() {
    let fs = CrashingFs::default();
    let basin = basin(&fs, &config());
    let first = basin.begin_exchange().await;
    let second = tokio::spawn({
        let basin = basin.clone();
        async move { drop(basin.begin_exchange().await) }
    });
    tokio::task::yield_now().await;
    assert!(!second.is_finished());
    first.finish(open_with(&fs, &config()));
    timeout(SOON, second).await.unwrap().unwrap();
    let refused = basin.append(vec![portion("a", "late\n")]).await;
    assert_eq!(refused, Err(AppendError::Closed));
}

#[tokio::test]
async fn who_waits_for_room_does_not_hold_up_an_exchange() {
    let full = Config {
        total_limit_size: 10,
        overflow_action: OverflowAction::Block,
        ..config()
    };
    let basin = basin(&CrashingFs::default(), &full);
    basin
        .append(vec![portion("a", "123456789\n")])
        .await
        .unwrap();
    let blocked = tokio::spawn({
        let basin = basin.clone();
        async move { basin.append(vec![portion("a", "more\n")]).await }
    });
    tokio::task::yield_now().await;
    assert!(!blocked.is_finished());
    let _exchange = timeout(SOON, basin.begin_exchange()).await.unwrap();
    let refused = blocked.await.unwrap();
    assert_eq!(
        refused,
        Err(AppendError::Full {
            held: 10,
            limit: 10
        })
    );
}

#[tokio::test]
async fn chunks_that_wait_are_due_at_once_when_they_are_to_hurry() {
    let buffer = open(&CrashingFs::default());
    buffer.append(vec![portion("a", "1\n")]).await.unwrap();
    buffer.seal(|_| true).await;
    let chunk = take(&buffer).await.unwrap();
    buffer.give_back(chunk, Instant::now() + Duration::from_secs(3600));
    assert!(buffer.take(Instant::now()).is_none());
    buffer.hurry();
    assert!(buffer.take(Instant::now()).is_some());
}
