//! The store as Amazon's own client finds it.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::put_object::{PutObjectError, PutObjectOutput};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;

use super::*;

const LIMIT: Duration = Duration::from_secs(5);

fn client(store: &Store, secret: &str) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(store.endpoint())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(ACCESS_KEY, secret, None, None, "test"))
        .force_path_style(true)
        .retry_config(RetryConfig::disabled())
        .build();
    Client::from_conf(config)
}

async fn store() -> (tempfile::TempDir, Store, Client) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::start(directory.path(), &["audit"]).await.unwrap();
    let client = client(&store, SECRET_KEY);
    (directory, store, client)
}

async fn put(
    client: &Client,
    key: &str,
    body: &'static str,
) -> Result<PutObjectOutput, SdkError<PutObjectError>> {
    client
        .put_object()
        .bucket("audit")
        .key(key)
        .if_none_match("*")
        .body(ByteStream::from_static(body.as_bytes()))
        .send()
        .await
}

fn code(error: &SdkError<PutObjectError>) -> &str {
    error
        .as_service_error()
        .and_then(|e| e.code())
        .unwrap_or("none")
}

#[tokio::test]
async fn an_object_comes_back_with_all_that_was_said_of_it() {
    let (_directory, store, client) = store().await;
    client
        .put_object()
        .bucket("audit")
        .key("logs/2026 11/größe+1.json")
        .content_type("application/json")
        .metadata("forebay-chunk", "5f")
        .body(ByteStream::from_static(b"{}\n"))
        .send()
        .await
        .unwrap();

    let request = client
        .head_object()
        .bucket("audit")
        .key("logs/2026 11/größe+1.json");
    let head = request.send().await.unwrap();
    assert_eq!(head.content_type(), Some("application/json"));
    assert_eq!(head.metadata().unwrap()["forebay-chunk"], "5f");
    let request = client
        .get_object()
        .bucket("audit")
        .key("logs/2026 11/größe+1.json");
    let got = request.send().await.unwrap().body.collect().await.unwrap();
    assert_eq!(got.into_bytes().as_ref(), b"{}\n");

    let objects = store.objects().unwrap();
    assert_eq!(objects.len(), 1);
    assert_eq!(objects[0].key, "logs/2026 11/größe+1.json");
    assert_eq!(objects[0].text().unwrap(), "{}\n");
    assert_eq!(objects[0].metadata["forebay-chunk"], "5f");
}

#[tokio::test]
async fn a_taken_name_is_a_412_and_the_object_stays() {
    let (_directory, store, client) = store().await;
    put(&client, "a", "first").await.unwrap();
    let error = put(&client, "a", "second").await.unwrap_err();
    assert_eq!(code(&error), "PreconditionFailed");
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 412);
    assert_eq!(store.objects().unwrap()[0].text().unwrap(), "first");
}

#[tokio::test]
async fn a_store_that_ignores_conditions_overwrites() {
    let (_directory, store, client) = store().await;
    store.faults().conditions(Conditions::Ignored);
    put(&client, "a", "first").await.unwrap();
    put(&client, "a", "second").await.unwrap();
    assert_eq!(store.objects().unwrap()[0].text().unwrap(), "second");
}

#[tokio::test]
async fn a_wrong_secret_is_refused() {
    let (_directory, store, _) = store().await;
    let client = client(&store, "another");
    let error = put(&client, "a", "x").await.unwrap_err();
    assert_eq!(code(&error), "SignatureDoesNotMatch");
    assert!(store.objects().unwrap().is_empty());
}

#[tokio::test]
async fn a_missing_bucket_is_told_until_it_appears() {
    let (_directory, store, client) = store().await;
    store.remove_bucket("audit").unwrap();
    let error = put(&client, "a", "x").await.unwrap_err();
    assert_eq!(code(&error), "NoSuchBucket");
    store.create_bucket("audit").unwrap();
    put(&client, "a", "x").await.unwrap();
}

#[tokio::test]
async fn a_checksum_that_does_not_match_is_refused() {
    let (_directory, store, client) = store().await;
    let error = client
        .put_object()
        .bucket("audit")
        .key("a")
        .checksum_crc32_c("AAAAAA==")
        .body(ByteStream::from_static(b"123456789"))
        .send()
        .await
        .unwrap_err();
    assert_eq!(code(&error), "BadDigest");
    assert!(store.objects().unwrap().is_empty());
}

#[tokio::test]
async fn checksums_of_every_kind_are_taken() {
    let (_directory, store, client) = store().await;
    for algorithm in [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ] {
        client
            .put_object()
            .bucket("audit")
            .key(algorithm.as_str())
            .checksum_algorithm(algorithm)
            .body(ByteStream::from_static(b"123456789"))
            .send()
            .await
            .unwrap();
    }
    assert_eq!(store.objects().unwrap().len(), 5);
}

#[tokio::test]
async fn a_checksum_in_the_trailer_of_a_streamed_body_is_taken() {
    let (directory, store, client) = store().await;
    let file = directory.path().join("streamed");
    std::fs::write(&file, "x".repeat(200_000)).unwrap();
    client
        .put_object()
        .bucket("audit")
        .key("a")
        .checksum_algorithm(ChecksumAlgorithm::Crc32C)
        .body(ByteStream::from_path(&file).await.unwrap())
        .send()
        .await
        .unwrap();
    let requests = store.requests();
    assert_eq!(
        requests[0].headers["x-amz-trailer"],
        "x-amz-checksum-crc32c"
    );
    assert_eq!(store.objects().unwrap()[0].size, 200_000);
}

#[tokio::test]
async fn refusals_are_answered_with_their_code_and_store_nothing() {
    let (_directory, store, client) = store().await;
    for (refusal, expected) in [
        (Refusal::SlowDown, "SlowDown"),
        (Refusal::InternalError, "InternalError"),
        (Refusal::AccessDenied, "AccessDenied"),
        (Refusal::Conflict, "ConditionalRequestConflict"),
        (Refusal::EntityTooLarge, "EntityTooLarge"),
        (Refusal::Taken, "PreconditionFailed"),
        (Refusal::ClockSkewed, "RequestTimeTooSkewed"),
        (Refusal::WrongRegion, "PermanentRedirect"),
    ] {
        store.faults().next(1, Fault::Refuse(refusal));
        let error = put(&client, "a", "x").await.unwrap_err();
        assert_eq!(code(&error), expected);
        assert!(store.objects().unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_object_can_be_stored_without_the_client_knowing() {
    let (_directory, store, client) = store().await;
    store.faults().next(1, Fault::StoreThenFail);
    store.faults().next(1, Fault::StoreThenCut);
    let failed = put(&client, "a", "x").await.unwrap_err();
    assert_eq!(code(&failed), "InternalError");
    let cut = put(&client, "b", "x").await.unwrap_err();
    assert!(matches!(cut, SdkError::DispatchFailure(_)), "{cut:?}");
    assert_eq!(store.objects().unwrap().len(), 2);
    let answers: Vec<_> = store
        .requests()
        .iter()
        .map(|request| request.answer)
        .collect();
    assert_eq!(answers[1], Answer::Cut);
}

#[tokio::test]
async fn a_stalled_put_goes_on_when_faults_are_cleared() {
    let (_directory, store, client) = store().await;
    store.faults().next(1, Fault::Stall);
    let stalled = tokio::spawn(async move { put(&client, "a", "x").await.map(|_| ()) });
    let met = async {
        while store.faults().left() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(LIMIT, met).await.unwrap();
    assert!(!stalled.is_finished());
    assert!(store.objects().unwrap().is_empty());
    store.faults().clear();
    stalled.await.unwrap().unwrap();
    assert_eq!(store.objects().unwrap().len(), 1);
}

#[tokio::test]
async fn an_object_can_be_stored_and_the_answer_held_back() {
    let (_directory, store, client) = store().await;
    store.faults().next(1, Fault::StoreThenStall);
    let putting = tokio::spawn(async move { put(&client, "a", "x").await.map(drop) });
    store.faults().wait_for_stalled(1).await;
    assert_eq!(store.objects().unwrap()[0].text().unwrap(), "x");
    assert!(!putting.is_finished());
    store.faults().clear();
    putting.await.unwrap().unwrap();
}

#[tokio::test]
async fn write_only_credentials_read_nothing() {
    let (_directory, store, client) = store().await;
    put(&client, "a", "x").await.unwrap();
    store.faults().reads(Reads::Denied);
    let head = client
        .head_object()
        .bucket("audit")
        .key("a")
        .send()
        .await
        .unwrap_err();
    assert_eq!(head.raw_response().unwrap().status().as_u16(), 403);
    let list = client
        .list_objects_v2()
        .bucket("audit")
        .send()
        .await
        .unwrap_err();
    assert_eq!(list.into_service_error().code(), Some("AccessDenied"));
    put(&client, "b", "x").await.unwrap();
}

#[tokio::test]
async fn a_listing_goes_page_by_page_below_a_prefix() {
    let (_directory, _store, client) = store().await;
    for key in ["logs/1", "logs/2", "logs/3", "other/1"] {
        put(&client, key, "x").await.unwrap();
    }
    let list = client
        .list_objects_v2()
        .bucket("audit")
        .prefix("logs/")
        .max_keys(2);
    let first = list.clone().send().await.unwrap();
    let token = first.next_continuation_token().unwrap();
    let second = list.continuation_token(token).send().await.unwrap();
    let keys: Vec<_> = [first.contents(), second.contents()]
        .concat()
        .iter()
        .map(|object| object.key().unwrap().to_owned())
        .collect();
    assert_eq!(keys, ["logs/1", "logs/2", "logs/3"]);
    assert!(second.next_continuation_token().is_none());
}

#[tokio::test]
async fn objects_are_waited_for() {
    let (_directory, store, client) = store().await;
    let waiting = store.wait_for_objects(LIMIT, |objects| objects.len() == 2);
    let putting = async {
        put(&client, "a", "x").await.unwrap();
        put(&client, "b", "x").await.unwrap();
    };
    let (objects, ()) = tokio::join!(waiting, putting);
    assert_eq!(objects.unwrap().len(), 2);

    let late = store.wait_for_objects(Duration::ZERO, |_| false).await;
    assert!(
        matches!(late, Err(StoreError::Late { objects: 2, .. })),
        "{late:?}"
    );
}

#[tokio::test]
async fn a_deleted_object_is_gone_and_a_second_start_finds_the_rest() {
    let (directory, first, client) = store().await;
    put(&client, "a", "x").await.unwrap();
    put(&client, "b", "y").await.unwrap();
    client
        .delete_object()
        .bucket("audit")
        .key("a")
        .send()
        .await
        .unwrap();
    drop(first);
    let second = Store::start(directory.path(), &["audit"]).await.unwrap();
    let keys: Vec<_> = second
        .objects()
        .unwrap()
        .into_iter()
        .map(|object| object.key)
        .collect();
    assert_eq!(keys, ["b"]);
}
