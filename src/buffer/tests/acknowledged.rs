use super::*;

#[tokio::test(start_paused = true)]
async fn an_acknowledged_append_survives_a_power_cut() {
    let fs = CrashingFs::default();
    let buffer = open(&fs);
    buffer.append(vec![portion("a", "one\n")]).await.unwrap();
    buffer.append(vec![portion("a", "two\n")]).await.unwrap();
    buffer.append(vec![portion("b", "three\n")]).await.unwrap();
    let expected = texts(&[("a", &["one\ntwo\n"]), ("b", &["three\n"])]);
    assert_eq!(after_a_crash(&fs).await, expected);
}

#[tokio::test(start_paused = true)]
async fn without_syncs_a_power_cut_may_take_what_was_acknowledged() {
    let fs = CrashingFs::default();
    let mut config = config();
    config.place = Place::File {
        path: PathBuf::from("/buffer"),
        durability: Durability::Unsynced,
    };
    let buffer = open_with(&fs, &config);
    buffer.append(vec![portion("a", "one\n")]).await.unwrap();
    assert_eq!(after_a_crash(&fs).await, texts(&[]));
}

#[tokio::test(start_paused = true)]
async fn many_appends_at_a_time_are_all_kept() {
    let fs = CrashingFs::default();
    let mut config = config();
    config.chunk_limit_size = 100_000;
    let buffer = open_with(&fs, &config);
    let appends = (0..200).map(|n| {
        let buffer = buffer.clone();
        tokio::spawn(async move { buffer.append(vec![portion("a", &format!("{n}\n"))]).await })
    });
    for append in appends.collect::<Vec<_>>() {
        append.await.unwrap().unwrap();
    }
    let found = after_a_crash(&fs).await;
    let mut lines: Vec<u32> = found["a"][0]
        .lines()
        .map(|line| line.parse().unwrap())
        .collect();
    lines.sort_unstable();
    assert_eq!(lines, (0..200).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_with_the_chunk_that_was_open() {
    let fs = CrashingFs::default();
    open(&fs).append(vec![portion("a", "one\n")]).await.unwrap();
    fs.crash_hard();
    let buffer = open(&fs);
    buffer.append(vec![portion("a", "two\n")]).await.unwrap();
    assert_eq!(drain(&buffer).await, texts(&[("a", &["one\ntwo\n"])]));
}

#[tokio::test(start_paused = true)]
async fn a_full_chunk_is_queued_and_the_next_event_opens_another() {
    let fs = CrashingFs::default();
    let buffer = open(&fs);
    let big = "x".repeat(600);
    buffer.append(vec![portion("a", &big)]).await.unwrap();
    assert!(take(&buffer).await.is_none());
    buffer.append(vec![portion("a", &big)]).await.unwrap();
    let first = take(&buffer).await.unwrap();
    assert_eq!((first.bytes, first.records), (600, 1));
    assert_eq!(drain(&buffer).await, texts(&[("a", &[big.as_str()])]));
}

#[tokio::test(start_paused = true)]
async fn a_chunk_filled_to_its_threshold_is_queued_at_once() {
    let fs = CrashingFs::default();
    let buffer = open(&fs);
    buffer
        .append(vec![portion("a", &"x".repeat(950))])
        .await
        .unwrap();
    assert_eq!(take(&buffer).await.unwrap().bytes, 950);
}

#[tokio::test(start_paused = true)]
async fn immediate_sealing_queues_a_chunk_for_every_append() {
    let fs = CrashingFs::default();
    let mut config = config();
    config.sealing = Sealing::AfterEveryAppend;
    let buffer = open_with(&fs, &config);
    buffer.append(vec![portion("a", "one\n")]).await.unwrap();
    buffer.append(vec![portion("a", "two\n")]).await.unwrap();
    assert_eq!(drain(&buffer).await, texts(&[("a", &["one\n", "two\n"])]));
}

#[tokio::test(start_paused = true)]
async fn a_full_buffer_refuses_and_takes_again_once_a_chunk_is_purged() {
    let fs = CrashingFs::default();
    let mut config = config();
    config.total_limit_size = 1000;
    let buffer = open_with(&fs, &config);
    buffer
        .append(vec![portion("a", &"x".repeat(960))])
        .await
        .unwrap();
    let refused = buffer.append(vec![portion("a", &"y".repeat(50))]).await;
    let (held, limit) = (960, 1000);
    assert_eq!(refused, Err(AppendError::Full { held, limit }));
    buffer.purge(take(&buffer).await.unwrap()).unwrap();
    buffer
        .append(vec![portion("a", &"y".repeat(50))])
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn drop_oldest_chunk_makes_room_for_new_events() {
    let fs = CrashingFs::default();
    let mut config = config();
    config.total_limit_size = 2000;
    config.overflow_action = OverflowAction::DropOldestChunk;
    let buffer = open_with(&fs, &config);
    for text in ["x", "y", "z"] {
        buffer
            .append(vec![portion(text, &text.repeat(960))])
            .await
            .unwrap();
    }
    let left: Vec<String> = drain(&buffer).await.into_keys().collect();
    assert_eq!(left, ["y", "z"]);
}

#[tokio::test(start_paused = true)]
async fn a_portion_larger_than_a_chunk_is_refused() {
    let buffer = open(&CrashingFs::default());
    let refused = buffer.append(vec![portion("a", &"x".repeat(1001))]).await;
    let (found, limit) = (1001, 1000);
    assert_eq!(refused, Err(AppendError::TooLarge { found, limit }));
}

#[tokio::test(start_paused = true)]
async fn a_memory_buffer_keeps_and_hands_out_what_it_took() {
    let mut config = config();
    config.place = Place::Memory;
    let clock = Arc::new(PausedClock::starting_at(0));
    let buffer = Buffer::open(&config, clock).unwrap();
    buffer
        .append(vec![portion("a", "one\n"), portion("b", "two\n")])
        .await
        .unwrap();
    assert_eq!(
        drain(&buffer).await,
        texts(&[("a", &["one\n"]), ("b", &["two\n"])])
    );
}

#[tokio::test(start_paused = true)]
async fn a_closed_buffer_takes_no_more() {
    let fs = CrashingFs::default();
    let buffer = open(&fs);
    buffer.append(vec![portion("a", "one\n")]).await.unwrap();
    buffer.close().await;
    let refused = buffer.append(vec![portion("a", "two\n")]).await;
    assert_eq!(refused, Err(AppendError::Closed));
    assert_eq!(after_a_crash(&fs).await, texts(&[("a", &["one\n"])]));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_can_never_fit_drops_nothing_and_does_not_wait() {
    for action in [OverflowAction::DropOldestChunk, OverflowAction::Block] {
        let mut config = config();
        config.total_limit_size = 2000;
        config.overflow_action = action;
        let buffer = open_with(&CrashingFs::default(), &config);
        let full = "x".repeat(960);
        buffer.append(vec![portion("a", &full)]).await.unwrap();
        let keys = ["b", "c", "d"];
        let too_much = keys.map(|key| portion(key, &full)).to_vec();
        let refusal = tokio::time::timeout(Duration::from_secs(60), buffer.append(too_much));
        assert!(refusal.await.unwrap().is_err(), "{action:?}");
        let kept: Vec<String> = drain(&buffer).await.into_keys().collect();
        assert_eq!(kept, ["a"], "{action:?}");
    }
}

#[tokio::test]
async fn a_request_that_is_given_up_wakes_the_committer_for_those_behind_it() {
    let fs = CrashingFs::default();
    let buffer = open(&fs);
    let mut first = Box::pin(buffer.append(vec![portion("a", "1\n")]));
    let is_pending = std::future::poll_fn(|context| {
        std::task::Poll::Ready(first.as_mut().poll(context).is_pending())
    });
    assert!(is_pending.await);
    let second = buffer.append(vec![portion("a", "2\n")]);
    let (stored, ()) = tokio::join!(second, async { drop(first) });
    stored.unwrap();
}

#[tokio::test]
async fn requests_that_come_at_the_same_time_share_a_sync() {
    let fs = CrashingFs::default();
    let buffer = open(&fs);
    let mut requests = tokio::task::JoinSet::new();
    for number in 0..64 {
        let buffer = buffer.clone();
        requests.spawn(async move {
            let portion = portion("a", &format!("{number}\n"));
            buffer.append(vec![portion]).await
        });
    }
    for stored in requests.join_all().await {
        stored.unwrap();
    }
    assert_eq!(buffer.meters().sync.lengths().count, 1);
}

#[tokio::test]
async fn a_request_that_is_given_up_while_it_waits_keeps_no_answer_from_the_others() {
    for turns in 0..30 {
        let fs = CrashingFs::default();
        let buffer = open(&fs);
        let append = |text: &'static str| {
            let buffer = buffer.clone();
            tokio::spawn(async move { buffer.append(vec![portion("a", text)]).await })
        };
        let (first, second) = (append("1\n"), append("2\n"));
        // The first gathers; how far it and the thread have come by then is chance.
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        first.abort();
        second.await.unwrap().unwrap();
    }
}
