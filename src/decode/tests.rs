use std::time::Duration;

use axum::body::Body;
use flate2::Compression;
use flate2::write::GzEncoder;
use fluent_compat::tag::Tag;
use fluent_compat::time::EventTime;
use http::Method;
use serde_json::json;

use super::testing::{NOW, TestSource, post};
use super::*;
use crate::route::EmitError;

const EVENT: &str = r#"{"ei":0,"event":"user.login","time":"2024-02-15T09:16:42.849Z"}"#;

fn ndjson(body: impl Into<Body>) -> Request {
    let request = Request::post("/test.log").header("content-type", "application/x-ndjson");
    request.body(body.into()).unwrap()
}

#[tokio::test]
async fn an_event_of_teleports_is_emitted_under_its_paths_tag() {
    let source = TestSource::teleport();
    let answer = source.answer(post("/session.0f1e.log", EVENT)).await;
    assert_eq!((answer.status, answer.text()), (200, ""));
    let events = source.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].tag, "session.0f1e.log");
    assert_eq!(events[0].time, EventTime::new(1_707_988_602, 0));
    assert_eq!(events[0].record, json!({"ei": 0, "event": "user.login"}));
}

#[tokio::test]
async fn success_has_an_empty_body_so_that_connections_are_kept() {
    let answer = TestSource::teleport()
        .answer(post("/test.log", EVENT))
        .await;
    assert_eq!(answer.header("content-length"), Some("0"));
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    assert_eq!(answer.header("connection"), Some("Keep-Alive"));
    assert_eq!(answer.head.headers().len(), 3);
}

#[tokio::test]
async fn http2_is_not_told_to_keep_alive() {
    let mut request = post("/test.log", EVENT);
    *request.version_mut() = http::Version::HTTP_2;
    let answer = TestSource::teleport().answer(request).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("connection"), None);
}

#[tokio::test]
async fn one_bad_event_keeps_the_whole_request_out() {
    let source = TestSource::teleport();
    for body in [
        r#"{"a":"#,
        r#"[{"a":1},5]"#,
        r#"{"a":1}{"a":2}"#,
        r#"{"a":1,"time":5}"#,
        "",
    ] {
        let answer = source.answer(post("/test.log", body)).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.text().starts_with("400 Bad Request\n"), "{body}");
        assert!(answer.text().contains("at byte"), "{}", answer.text());
    }
    assert_eq!(source.events(), []);
}

#[tokio::test]
async fn ndjson_is_taken_line_by_line_and_a_bad_line_is_named() {
    let source = TestSource::teleport();
    let answer = source.answer(ndjson("{\"a\":1}\n\n{\"a\":2}\n")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(source.records(), [json!({"a": 1}), json!({"a": 2})]);

    let source = TestSource::teleport();
    let answer = source.answer(ndjson("{\"a\":1}\n{bad\n{\"a\":2}\n")).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("line 2"), "{}", answer.text());
    assert_eq!(source.events(), []);
}

#[tokio::test]
async fn an_empty_array_is_accepted_and_emits_nothing() {
    let unmatched = EmitError::Stopping;
    let source = TestSource::teleport().failing(unmatched);
    assert_eq!(source.answer(post("/test.log", "[]")).await.status, 200);
}

#[tokio::test]
async fn each_emit_error_has_its_status() {
    let reason = || "full".to_owned();
    let table = [
        (
            EmitError::Unmatched {
                tag: Tag::new("test.log"),
                label: None,
                patterns: vec!["session.*.log".to_owned()],
            },
            404,
            None,
        ),
        (
            EmitError::BufferFull {
                reason: reason(),
                retry_after: Duration::from_millis(2500),
            },
            503,
            Some("3"),
        ),
        (EmitError::TooLarge { found: 2, limit: 1 }, 413, None),
        (EmitError::TooMuch { found: 2, limit: 1 }, 413, None),
        (
            EmitError::Unformattable {
                index: 0,
                reason: reason(),
            },
            400,
            None,
        ),
        (EmitError::Storage { reason: reason() }, 503, Some("10")),
        (EmitError::Stopping, 503, Some("1")),
    ];
    for (error, status, retry_after) in table {
        let message = error.to_string();
        let source = TestSource::teleport().failing(error);
        let answer = source.answer(post("/test.log", EVENT)).await;
        assert_eq!(answer.status, status, "{message}");
        assert_eq!(answer.header("retry-after"), retry_after, "{message}");
        assert!(answer.text().contains(&message), "{}", answer.text());
    }
}

#[tokio::test]
async fn get_and_head_are_answered_and_have_no_effect() {
    let source = TestSource::teleport();
    for method in [Method::GET, Method::HEAD] {
        let request = Request::builder().method(method).uri("/test.log");
        let answer = source
            .answer(request.body(Body::from(EVENT)).unwrap())
            .await;
        assert_eq!((answer.status, answer.text()), (200, ""));
    }
    assert_eq!(source.events(), []);
}

#[tokio::test]
async fn other_methods_are_refused_with_those_that_are_allowed() {
    let source = TestSource::teleport();
    for method in [Method::DELETE, Method::PATCH] {
        let request = Request::builder().method(method).uri("/test.log");
        let answer = source
            .answer(request.body(Body::from(EVENT)).unwrap())
            .await;
        assert_eq!(answer.status, 405);
        assert_eq!(answer.header("allow"), Some("GET,HEAD,POST,PUT,OPTIONS"));
    }
    assert_eq!(source.events(), []);
}

#[tokio::test]
async fn an_unknown_coding_is_refused_before_the_body_is_read() {
    // To read it would be to find that it is too large.
    let mut source = TestSource::teleport();
    source.config.limits.body = 1;
    let mut request = post("/test.log", EVENT);
    request
        .headers_mut()
        .insert("content-encoding", "br".parse().unwrap());
    let answer = source.answer(request).await;
    assert_eq!(answer.status, 415);
    assert!(
        answer.text().contains("gzip, deflate and zstd"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn a_large_body_is_decoded_like_a_small_one() {
    let source = TestSource::teleport();
    let long = "x".repeat(300 << 10);
    let answer = source
        .answer(post("/test.log", format!(r#"{{"a":"{long}"}}"#)))
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(source.records(), [json!({"a": long})]);
}

#[tokio::test]
async fn a_small_body_may_not_become_too_large() {
    let mut source = TestSource::teleport();
    source.config.limits.decompressed = 1 << 20;
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    std::io::Write::write_all(&mut bomb, &vec![b' '; 2 << 20]).unwrap();
    let mut request = post("/test.log", bomb.finish().unwrap());
    request
        .headers_mut()
        .insert("content-encoding", "gzip".parse().unwrap());
    let answer = source.answer(request).await;
    assert_eq!(answer.status, 413);
    assert!(
        answer.text().contains("decompression_size_limit"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn a_time_in_the_query_leaves_the_records_time_alone_without_a_parse_section() {
    let source = TestSource::by_content_type();
    let request = post(
        "/test.log?time=1518756037.3137",
        r#"{"a":1,"time":"later"}"#,
    );
    assert_eq!(source.answer(request).await.status, 200);
    let events = source.events();
    assert_eq!(events[0].time, EventTime::new(1_518_756_037, 313_700_000));
    assert_eq!(events[0].record, json!({"a": 1, "time": "later"}));
}

#[tokio::test]
async fn a_record_without_a_time_has_the_clocks() {
    let source = TestSource::by_content_type();
    source.answer(post("/test.log", r#"{"a":1}"#)).await;
    assert_eq!(source.events()[0].time, NOW);
}

#[tokio::test]
async fn without_a_parse_section_the_content_type_must_say_what_the_body_is() {
    let source = TestSource::by_content_type();
    let mut request = post("/test.log", r#"{"a":1}"#);
    request
        .headers_mut()
        .insert("content-type", "text/plain".parse().unwrap());
    let answer = source.answer(request).await;
    let expected = "400 Bad Request\n'json', 'ndjson' or 'msgpack' parameter is required\n";
    assert_eq!((answer.status, answer.text()), (400, expected));
}

#[tokio::test]
async fn an_image_is_answered_if_one_is_wanted() {
    let mut source = TestSource::teleport();
    source.config.success = Success::EmptyImage;
    let answer = source.answer(post("/test.log", EVENT)).await;
    assert_eq!(
        answer.header("content-type"),
        Some("image/gif; charset=utf-8")
    );
    assert!(answer.body.starts_with(b"GIF89a"));
    assert_eq!(answer.body.len(), 35);
}
