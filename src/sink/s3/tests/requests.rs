//! What goes over the wire.

use forebay_certs::{Authority, KeyAlgorithm, Subject, Validity};

use super::*;

#[tokio::test]
async fn the_condition_the_length_and_the_checksum_go_ahead_of_the_body() {
    let bench = Bench::new().await;
    bench.put(&chunk(1), Earlier::None).await.unwrap();
    let bytes = bench.store.objects().unwrap()[0].bytes().unwrap();
    let checksum = BASE64_STANDARD.encode(crc32c::crc32c(&bytes).to_be_bytes());
    assert_eq!(bench.header("if-none-match").unwrap(), "*");
    assert_eq!(bench.header("content-type").unwrap(), "application/x-gzip");
    assert_eq!(
        bench.header("content-length").unwrap(),
        bytes.len().to_string()
    );
    assert_eq!(bench.header("x-amz-checksum-crc32c").unwrap(), checksum);
    assert_eq!(bench.header("x-amz-storage-class").unwrap(), "STANDARD");
    for absent in ["x-amz-trailer", "content-encoding", "transfer-encoding"] {
        assert_eq!(bench.header(absent), None);
    }
}

#[tokio::test]
async fn a_body_too_large_for_memory_is_streamed_in_the_same_way() {
    let bench = Bench::with("x", |config| config.store_as = StoreAs::Text).await;
    let text = LINES.repeat((9 << 20) / LINES.len());
    let put = bench.put_text(&chunk(1), 0, Earlier::None, &text).await;
    assert_eq!(put.unwrap(), Put::Stored);
    assert_eq!(bench.store.objects().unwrap()[0].text().unwrap(), text);
    assert_eq!(
        bench.header("content-length").unwrap(),
        text.len().to_string()
    );
    assert!(bench.header("x-amz-checksum-crc32c").is_some());
    assert_eq!(bench.header("x-amz-trailer"), None);
    assert_eq!(bench.header("content-encoding"), None);
}

#[tokio::test]
async fn the_checksum_can_be_left_out() {
    let bench = Bench::with("x", |config| config.checksum = Checksum::None).await;
    bench.put(&chunk(1), Earlier::None).await.unwrap();
    let requests = bench.store.requests();
    let names = requests[0].headers.keys().map(|name| name.as_str());
    let checksums: Vec<&str> = names.filter(|name| name.contains("checksum")).collect();
    assert_eq!(checksums, [""; 0]);
}

#[tokio::test]
async fn attributes_and_metadata_go_along() {
    let bench = Bench::with("x", |config| {
        config.object = ObjectAttributes {
            storage_class: "STANDARD_IA".to_owned(),
            acl: Some("bucket-owner-full-control".to_owned()),
            server_side_encryption: Some("aws:kms".to_owned()),
            kms_key_id: Some(Secret::new("key-1")),
            tagging: Some("team=audit".to_owned()),
            metadata: vec![
                ("tag".to_owned(), template("${tag}")),
                ("place".to_owned(), template("Köln")),
                ("number".to_owned(), template("%{index}")),
            ],
            ..ObjectAttributes::default()
        };
    })
    .await;
    bench.put(&chunk(1), Earlier::None).await.unwrap();
    for (name, value) in [
        ("x-amz-storage-class", "STANDARD_IA"),
        ("x-amz-acl", "bucket-owner-full-control"),
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-aws-kms-key-id", "key-1"),
        ("x-amz-tagging", "team=audit"),
        ("x-amz-meta-tag", "test.log"),
        ("x-amz-meta-number", "0"),
        ("x-amz-meta-place", "=?UTF-8?B?S8O2bG4=?="),
    ] {
        assert_eq!(bench.header(name).as_deref(), Some(value), "{name}");
    }
}

#[tokio::test]
async fn the_same_chunk_is_the_same_object_each_time() {
    let mut objects = Vec::new();
    for _ in 0..2 {
        let bench = Bench::new().await;
        bench.put(&chunk(1), Earlier::None).await.unwrap();
        objects.push(bench.store.objects().unwrap()[0].bytes().unwrap());
    }
    assert_eq!(objects[0], objects[1]);
}

#[tokio::test]
async fn nothing_is_left_in_the_spool_directory() {
    let spool = tempfile::tempdir().unwrap();
    let bench = Bench::with("x", |config| {
        config.spool_directory = spool.path().to_owned();
        config.store_as = StoreAs::Json;
    })
    .await;
    let text = LINES.repeat((9 << 20) / LINES.len());
    let put = bench.put_text(&chunk(1), 0, Earlier::None, &text).await;
    assert_eq!(put.unwrap(), Put::Stored);
    assert_eq!(spool.path().read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn certificates_that_cannot_be_read_are_an_error_at_the_start() {
    let mut config = S3Config::new(BUCKET.to_owned(), template("x"), "spool".into());
    config.ca_bundle = Some(b"no certificate".to_vec());
    let error = S3Sink::connect(config, clock()).await.err().unwrap();
    assert!(
        error
            .to_string()
            .starts_with("ssl_ca_bundle cannot be used"),
        "{error}"
    );
}

#[tokio::test]
async fn certificates_to_trust_are_taken_up() {
    let authority = Authority::new(
        &Subject::common_name("CA"),
        KeyAlgorithm::EcdsaP256,
        Validity::ten_years(1_707_988_602),
    )
    .unwrap();
    let bench = Bench::with("x", |config| {
        config.ca_bundle = Some(authority.certificate_pem().into_bytes());
        config.endpoint = Some(Endpoint::parse("https://127.0.0.1:1").unwrap());
    })
    .await;
    let error = bench.put(&chunk(1), Earlier::None).await.unwrap_err();
    assert!(error.to_string().contains("no outcome"), "{error}");
}

#[tokio::test]
async fn requests_go_through_the_proxy() {
    // The store itself serves as one: it answers whatever host a request is for.
    let bench = Bench::with("x", |config| {
        let store = config.endpoint.take().unwrap();
        config.proxy = Some(Proxy::parse(store.as_str()).unwrap());
        config.endpoint = Some(Endpoint::parse("http://nowhere.invalid").unwrap());
    })
    .await;
    assert_eq!(
        bench.put(&chunk(1), Earlier::None).await.unwrap(),
        Put::Stored
    );
    assert_eq!(bench.header("host").as_deref(), Some("nowhere.invalid"));
}
