//! What is found out about a store, and what is done where it does not honour the condition.

use super::*;

#[tokio::test]
async fn amazons_own_store_is_not_asked() {
    let config = |endpoint: Option<&str>| {
        let mut config = S3Config::new(BUCKET.to_owned(), template("x"), "spool".into());
        config.endpoint = endpoint.map(|url| Endpoint::parse(url).unwrap());
        config
    };
    let private = "https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com";
    for (endpoint, way) in [
        (None, Way::Condition),
        (Some(private), Way::Condition),
        (Some("https://minio.example.org"), Way::Look),
    ] {
        let sink = S3Sink::connect(config(endpoint), clock()).await.unwrap();
        assert_eq!(sink.guard.way(), way, "{endpoint:?}");
    }
}

#[tokio::test]
async fn the_first_object_proves_that_the_condition_is_honoured() {
    let bench = Bench::unproven(KEY_FORMAT, |_| ()).await;
    let mut seen = 0;
    bench.put(&chunk(1), Earlier::None).await.unwrap();
    assert_eq!(
        bench.log_since(&mut seen),
        ["HEAD 404", "PUT 200", "PUT 412"]
    );
    bench.put_at(&chunk(2), 1, Earlier::None).await.unwrap();
    assert_eq!(bench.log_since(&mut seen), ["PUT 200"]);
    assert_eq!(bench.keys().len(), 2);
}

#[tokio::test]
async fn the_first_object_proves_that_the_condition_is_ignored() {
    let bench = Bench::unproven(KEY_FORMAT, |_| ()).await;
    bench.store.faults().conditions(Conditions::Ignored);
    let mut seen = 0;
    bench.put(&chunk(1), Earlier::None).await.unwrap();
    assert_eq!(
        bench.log_since(&mut seen),
        ["HEAD 404", "PUT 200", "PUT 200"]
    );
    let objects = bench.store.objects().unwrap();
    assert_eq!(objects.len(), 1);
    assert_eq!(objects[0].text().unwrap(), LINES);

    let taken = bench.put(&chunk(2), Earlier::None).await.unwrap();
    assert_eq!(taken, Put::NameTaken);
    let again = bench.put(&chunk(1), Earlier::MaybeStored).await.unwrap();
    assert_eq!(again, Put::AlreadyThere);
    bench.put_at(&chunk(2), 1, Earlier::None).await.unwrap();
    assert_eq!(
        bench.log_since(&mut seen),
        ["HEAD 200", "HEAD 200", "HEAD 404", "PUT 200"]
    );
}

#[tokio::test]
async fn what_was_there_before_the_proof_is_left_alone() {
    for conditions in [Conditions::Ignored, Conditions::Honoured] {
        let bench = Bench::unproven("x", |_| ()).await;
        bench.put(&chunk(1), Earlier::None).await.unwrap();
        bench.store.faults().conditions(conditions);
        // As after a restart.
        let sink = S3Sink {
            guard: Guard::new(BUCKET, Condition::Unproven),
            ..bench.sink
        };
        let bench = Bench { sink, ..bench };
        let put = bench.put(&chunk(2), Earlier::None).await.unwrap();
        assert_eq!(put, Put::NameTaken, "{conditions:?}");
        let objects = bench.store.objects().unwrap();
        assert_eq!(objects[0].metadata[CHUNK_ID], chunk(1).id.to_string());
    }
}

#[tokio::test]
async fn a_proof_that_fails_is_no_failure_of_the_object() {
    let bench = Bench::unproven(KEY_FORMAT, |_| ()).await;
    bench.store.faults().share(50, Fault::Cut);
    assert_eq!(
        bench.put(&chunk(1), Earlier::None).await.unwrap(),
        Put::Stored
    );
    assert_eq!(bench.log(), ["HEAD 404", "PUT 200", "PUT cut"]);
    assert_eq!(bench.sink.guard.way(), Way::Look);
}

#[tokio::test]
async fn a_store_that_refuses_the_condition_is_looked_at_first() {
    let bench = Bench::new().await;
    bench.store.faults().conditions(Conditions::Refused);
    assert_eq!(
        bench.put(&chunk(1), Earlier::None).await.unwrap(),
        Put::Stored
    );
    assert_eq!(bench.log(), ["PUT 501", "HEAD 404", "PUT 200"]);
    assert_eq!(
        bench.put(&chunk(2), Earlier::None).await.unwrap(),
        Put::NameTaken
    );
    assert_eq!(
        bench.log().last().unwrap(),
        "HEAD 200",
        "the condition is not tried again"
    );
    let found = bench.put(&chunk(1), Earlier::MaybeStored).await.unwrap();
    assert_eq!(found, Put::AlreadyThere);
}

#[tokio::test]
async fn without_looking_the_proof_is_made_under_a_name_of_its_own() {
    let bench = Bench::unproven(KEY_FORMAT, |_| ()).await;
    bench.store.faults().reads(Reads::Denied);
    let id = chunk(1).id;
    assert_eq!(
        bench.put(&chunk(1), Earlier::None).await.unwrap(),
        Put::NameTaken
    );
    assert_eq!(
        bench.put_at(&chunk(1), 1, Earlier::None).await.unwrap(),
        Put::Stored
    );
    assert_eq!(bench.log(), ["HEAD 403", "PUT 200", "PUT 412"]);
    assert_eq!(bench.keys(), [format!("logs/test.log_1_{id}.gz")]);

    bench.put(&chunk(2), Earlier::None).await.unwrap();
    assert_eq!(bench.keys()[0], "logs/test.log_0.gz");
}

#[tokio::test]
async fn without_condition_and_looking_every_name_is_its_own() {
    for conditions in [Conditions::Ignored, Conditions::Refused] {
        let bench = Bench::unproven(KEY_FORMAT, |_| ()).await;
        bench.store.faults().conditions(conditions);
        bench.store.faults().reads(Reads::Denied);
        for seed in [1, 2] {
            let chunk = chunk(seed);
            let first = bench.put(&chunk, Earlier::None).await.unwrap();
            assert_eq!(first, Put::NameTaken, "{conditions:?}");
            let name = bench.sink.object_name(&chunk, 1).unwrap();
            for earlier in [Earlier::None, Earlier::MaybeStored] {
                let put = bench.put_as(name.as_deref(), &chunk, earlier).await;
                assert_eq!(put.unwrap(), Put::Stored, "{conditions:?}");
            }
        }
        let keys = bench.keys();
        assert_eq!(keys.len(), 2, "{conditions:?}: {keys:?}");
        for (key, seed) in keys.iter().zip([1, 2]) {
            assert!(key.contains(&chunk(seed).id.to_string()), "{keys:?}");
        }
    }
}

#[tokio::test]
async fn a_name_with_the_chunk_id_needs_no_proof() {
    let bench = Bench::unproven("${chunk_id}", |_| ()).await;
    bench.store.faults().reads(Reads::Denied);
    bench.put(&chunk(1), Earlier::None).await.unwrap();
    assert_eq!(bench.log(), ["PUT 200"]);
    let again = bench.put(&chunk(1), Earlier::MaybeStored).await.unwrap();
    assert_eq!(again, Put::AlreadyThere);
}
