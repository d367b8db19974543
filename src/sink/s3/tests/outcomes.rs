//! What becomes of a chunk when something is in the way.

use fluent_compat::timekey::Timekey;

use super::*;

#[tokio::test]
async fn a_chunk_becomes_one_object() {
    let bench = Bench::new().await;
    assert_eq!(
        bench.put(&chunk(1), Earlier::None).await.unwrap(),
        Put::Stored
    );
    let objects = bench.store.objects().unwrap();
    assert_eq!(objects.len(), 1);
    assert_eq!(objects[0].key, "logs/test.log_0.gz");
    assert_eq!(objects[0].text().unwrap(), LINES);
    assert_eq!(
        objects[0].metadata["forebay-chunk"],
        chunk(1).id.to_string()
    );
    assert_eq!(bench.log(), ["PUT 200"], "no read permission is needed");
}

#[tokio::test]
async fn a_chunk_stored_without_an_answer_is_recognised() {
    for fault in [
        Fault::StoreThenCut,
        Fault::StoreThenFail,
        Fault::StoreThenRefuse(Refusal::BadGateway),
        Fault::StoreThenRefuse(Refusal::Portal),
    ] {
        let bench = Bench::new().await;
        bench.store.faults().next(1, fault);
        let error = bench.put(&chunk(1), Earlier::None).await.unwrap_err();
        assert_eq!(error.leaves(), Earlier::MaybeStored, "{error}");
        assert!(error.is_retryable(), "{error}");
        let again = bench.put(&chunk(1), error.leaves()).await.unwrap();
        assert_eq!(again, Put::AlreadyThere, "{fault:?}");
        assert_eq!(bench.keys(), ["logs/test.log_0.gz"]);
    }
}

#[tokio::test]
async fn a_cut_before_storing_is_put_again() {
    let bench = Bench::new().await;
    bench.store.faults().next(1, Fault::Cut);
    let error = bench.put(&chunk(1), Earlier::None).await.unwrap_err();
    assert_eq!(
        bench.put(&chunk(1), error.leaves()).await.unwrap(),
        Put::Stored
    );
    assert_eq!(bench.log(), ["PUT cut", "PUT 200"]);
}

#[tokio::test]
async fn a_name_that_another_has_is_left_to_it() {
    let bench = Bench::new().await;
    bench.put(&chunk(1), Earlier::None).await.unwrap();
    assert_eq!(
        bench.put(&chunk(2), Earlier::None).await.unwrap(),
        Put::NameTaken
    );
    assert_eq!(
        bench.put_at(&chunk(2), 1, Earlier::None).await.unwrap(),
        Put::Stored
    );
    assert_eq!(bench.keys(), ["logs/test.log_0.gz", "logs/test.log_1.gz"]);
    assert_eq!(bench.log(), ["PUT 200", "PUT 412", "HEAD 200", "PUT 200"]);
}

#[tokio::test]
async fn an_object_that_a_proxy_has_put_twice_is_recognised_at_the_first_attempt() {
    let bench = Bench::new().await;
    let fault = Fault::StoreThenRefuse(Refusal::Taken);
    bench.store.faults().next(1, fault);
    let put = bench.put(&chunk(1), Earlier::None).await.unwrap();
    assert_eq!(put, Put::AlreadyThere);
    assert_eq!(bench.log(), ["PUT 412", "HEAD 200"]);
}

#[tokio::test]
async fn where_looking_is_forbidden_it_is_not_tried_for_every_name() {
    let bench = Bench::new().await;
    bench.store.faults().reads(Reads::Denied);
    bench.put(&chunk(1), Earlier::None).await.unwrap();
    for _ in 0..3 {
        let found = bench.put(&chunk(2), Earlier::None).await.unwrap();
        assert_eq!(found, Put::NameTaken);
    }
    let log = bench.log();
    let heads = log.iter().filter(|line| line.starts_with("HEAD")).count();
    assert_eq!(heads, 1, "{log:?}");
}

#[tokio::test]
async fn after_an_unknown_outcome_anothers_object_is_told_from_ours() {
    let bench = Bench::new().await;
    bench.put(&chunk(1), Earlier::None).await.unwrap();
    let found = bench.put(&chunk(2), Earlier::MaybeStored).await.unwrap();
    assert_eq!(found, Put::NameTaken);
    let found = bench.put(&chunk(1), Earlier::MaybeStored).await.unwrap();
    assert_eq!(found, Put::AlreadyThere);
}

#[tokio::test]
async fn where_looking_is_forbidden_an_unknown_outcome_takes_the_next_name() {
    let bench = Bench::new().await;
    bench.store.faults().reads(Reads::Denied);
    bench.put(&chunk(1), Earlier::None).await.unwrap();
    let found = bench.put(&chunk(1), Earlier::MaybeStored).await.unwrap();
    assert_eq!(found, Put::NameTaken);
    assert_eq!(bench.log(), ["PUT 200", "PUT 412", "HEAD 403"]);
}

#[tokio::test]
async fn with_the_chunk_id_in_the_name_nothing_needs_to_be_looked_at() {
    for format in ["${chunk_id}.gz", "%{uuid_flush}.gz"] {
        let bench = Bench::with(format, |_| ()).await;
        bench.store.faults().reads(Reads::Denied);
        bench.put(&chunk(1), Earlier::None).await.unwrap();
        let found = bench.put(&chunk(1), Earlier::MaybeStored).await.unwrap();
        assert_eq!(found, Put::AlreadyThere, "{format}");
        assert_eq!(bench.log(), ["PUT 200", "PUT 412"]);
    }
}

#[tokio::test]
async fn refusals_that_time_or_people_cure_are_retryable() {
    for (refusal, code, leaves) in [
        (Refusal::SlowDown, "SlowDown", Earlier::None),
        (Refusal::AccessDenied, "AccessDenied", Earlier::None),
        (
            Refusal::Conflict,
            "ConditionalRequestConflict",
            Earlier::None,
        ),
        (
            Refusal::InternalError,
            "InternalError",
            Earlier::MaybeStored,
        ),
    ] {
        let bench = Bench::new().await;
        bench.store.faults().next(1, Fault::Refuse(refusal));
        let error = bench.put(&chunk(1), Earlier::None).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert_eq!(error.leaves(), leaves, "{error}");
        assert!(error.to_string().contains(code), "{error}");
        assert_eq!(bench.log().len(), 1, "one attempt is one request");
    }
}

#[tokio::test]
async fn an_error_says_where_and_why_and_keeps_the_secret() {
    let bench = Bench::new().await;
    bench.store.remove_bucket(BUCKET).unwrap();
    let error = bench.put(&chunk(1), Earlier::None).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with(
            "s3://audit/logs/test.log_0.gz: PutObject was answered with status 404, NoSuchBucket"
        ),
        "{text}"
    );
    assert!(!format!("{error:?} {:?}", bench.sink).contains(SECRET_KEY));
    assert!(matches!(
        error,
        PutError::Refused {
            remedy: Remedy::Retry,
            ..
        }
    ));
}

#[tokio::test]
async fn a_store_that_is_away_is_retryable() {
    let bench = Bench::with("x", |config| {
        config.endpoint = Some(Endpoint::parse("http://127.0.0.1:1").unwrap());
    })
    .await;
    let error = bench.put(&chunk(1), Earlier::None).await.unwrap_err();
    assert!(error.is_retryable());
    assert!(
        error.to_string().contains("PutObject has no outcome"),
        "{error}"
    );
}

#[tokio::test]
async fn a_store_that_never_answers_is_given_up() {
    let bench = Bench::with("x", |config| {
        config.put_timeout = Duration::from_millis(100)
    })
    .await;
    bench.store.faults().next(1, Fault::Stall);
    let error = bench.put(&chunk(1), Earlier::None).await.unwrap_err();
    assert_eq!(error.leaves(), Earlier::MaybeStored);
    assert!(error.to_string().contains("no answer within"), "{error}");
}

#[tokio::test]
async fn an_object_that_was_stored_without_an_answer_in_time_is_recognised() {
    let bench = Bench::with("x", |config| {
        config.put_timeout = Duration::from_millis(500)
    })
    .await;
    bench.store.faults().next(1, Fault::StoreThenStall);
    let error = bench.put(&chunk(1), Earlier::None).await.unwrap_err();
    assert!(error.to_string().contains("no answer within"), "{error}");
    let again = bench.put(&chunk(1), error.leaves()).await.unwrap();
    assert_eq!(again, Put::AlreadyThere);
}

#[tokio::test]
async fn a_page_for_people_is_no_success_whatever_its_status() {
    for (refusal, expected) in [
        (
            Refusal::BadGateway,
            "status 502, a page for people: something before the store has answered",
        ),
        (Refusal::Portal, "no store has given it"),
    ] {
        let bench = Bench::new().await;
        bench.store.faults().next(1, Fault::Refuse(refusal));
        let error = bench.put(&chunk(1), Earlier::None).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.is_retryable(), "{error}");
        let again = bench.put(&chunk(1), error.leaves()).await.unwrap();
        assert_eq!(again, Put::Stored);
    }
}

#[tokio::test]
async fn a_bucket_in_another_region_is_named_with_its_region() {
    let bench = Bench::new().await;
    let fault = Fault::Refuse(Refusal::WrongRegion);
    bench.store.faults().next(1, fault);
    let error = bench.put(&chunk(1), Earlier::None).await.unwrap_err();
    let expected = "the bucket is in eu-west-1, and s3_region is us-east-1";
    assert!(error.to_string().ends_with(expected), "{error}");
    assert!(error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_and_made_up_for() {
    let bench = Bench::new().await;
    let fault = Fault::Refuse(Refusal::ClockSkewed);
    bench.store.faults().next(1, fault);
    let error = bench.put(&chunk(1), Earlier::None).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("the store's clock says "), "{text}");
    assert!(text.ends_with("so this host's is off"), "{text}");

    let signed_at = |bench: &Bench| bench.header("x-amz-date").unwrap();
    let before = signed_at(&bench);
    bench.put(&chunk(1), error.leaves()).await.ok();
    let after = signed_at(&bench);
    assert!(after > before, "{after} is not two hours after {before}");
    let hours = |date: &str| date[9..11].parse::<u32>().unwrap();
    assert_eq!((hours(&before) + 2) % 24, hours(&after) % 24);
}

#[tokio::test]
async fn an_object_that_is_too_large_is_not_tried_again() {
    let bench = Bench::new().await;
    let fault = Fault::Refuse(Refusal::EntityTooLarge);
    bench.store.faults().next(1, fault);
    let error = bench.put(&chunk(1), Earlier::None).await.unwrap_err();
    assert!(!error.is_retryable(), "{error}");
}

#[tokio::test]
async fn only_overwrite_without_an_index_overwrites() {
    let overwrite = |config: &mut S3Config| config.existing = Existing::Overwrite;
    for (format, expected) in [("x.gz", Put::Stored), ("x%{index}.gz", Put::NameTaken)] {
        let bench = Bench::with(format, overwrite).await;
        bench.put(&chunk(1), Earlier::None).await.unwrap();
        assert_eq!(
            bench.put(&chunk(2), Earlier::None).await.unwrap(),
            expected,
            "{format}"
        );
    }
}

#[tokio::test]
async fn two_chunks_at_once_never_get_one_name() {
    let bench = Bench::new().await;
    let (one, two) = (chunk(1), chunk(2));
    let (first, second) = tokio::join!(
        bench.put(&one, Earlier::None),
        bench.put(&two, Earlier::None)
    );
    let mut outcomes = [first.unwrap(), second.unwrap()];
    outcomes.sort_by_key(|put| *put == Put::Stored);
    assert_eq!(outcomes, [Put::NameTaken, Put::Stored]);
}

#[tokio::test]
async fn a_missing_bucket_is_created_if_it_is_to() {
    let bench = Bench::with("x_%{index}", |config| {
        config.missing_bucket = MissingBucket::Create;
    })
    .await;
    bench.store.remove_bucket(BUCKET).unwrap();
    for seed in [1, 2] {
        let index = u64::from(seed);
        let put = bench.put_at(&chunk(seed), index, Earlier::None).await;
        assert_eq!(put.unwrap(), Put::Stored);
    }
    assert_eq!(bench.keys(), ["x_1", "x_2"]);
    assert_eq!(bench.log(), ["PUT 404", "PUT 200", "PUT 200", "PUT 200"]);
}

#[tokio::test]
async fn a_missing_bucket_is_waited_for_by_default() {
    let bench = Bench::new().await;
    bench.store.remove_bucket(BUCKET).unwrap();
    let error = bench.put(&chunk(1), Earlier::None).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert_eq!(error.leaves(), Earlier::None, "{error}");
    assert_eq!(bench.log(), ["PUT 404"]);
}

#[tokio::test]
async fn a_chunk_is_late_when_its_slot_began_before_the_delay_to_warn_for() {
    for (delay, timekey, is_late) in [
        (Some(3600), Some(1_707_988_601), true),
        (Some(3600), Some(1_707_988_602), false),
        // A clock that was set back.
        (Some(0), Some(1_707_999_999), false),
        (Some(0), None, false),
        (None, Some(0), false),
    ] {
        let bench = Bench::with("x_%{index}", |config| {
            config.warn_for_delay = delay.map(Duration::from_secs);
        })
        .await;
        let mut chunk = chunk(1);
        chunk.metadata.timekey = timekey.map(Timekey::new);
        assert_eq!(bench.sink.is_late(&chunk), is_late, "{delay:?} {timekey:?}");
    }
}
