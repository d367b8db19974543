use http_body_util::Empty;
use tokio::io::AsyncWriteExt as _;
use tokio::time::{advance, sleep};

use super::super::testing::{
    PEER, TestListener, exchange, http2_client, ok_after_a_second, post, read_head,
    seconds_until_closed,
};
use super::*;

#[tokio::test(start_paused = true)]
async fn one_connection_answers_many_requests() {
    let listener = TestListener::plain();
    let mut client = listener.connect();
    for _ in 0..3 {
        let answer = exchange(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("content-length: 0\r\n"), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn http2_is_understood_without_tls() {
    let listener = TestListener::plain();
    let (mut client, _connection) = http2_client(listener.connect()).await;
    let answer = client.send_request(post()).await.unwrap();
    assert_eq!(answer.version(), http::Version::HTTP_2);
    assert_eq!(answer.status(), http::StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_request_carries_its_peers_address() {
    let tell = |request: Request<Incoming>| async move {
        let peer: &SocketAddr = request.extensions().get().unwrap();
        let answer = Response::builder().header("peer", peer.to_string());
        answer.body(Empty::new()).unwrap()
    };
    let listener = TestListener::start(Transport::Plain, Limits::default(), tell);
    let answer = exchange(&mut listener.connect()).await;
    assert!(answer.contains(&format!("peer: {PEER}\r\n")), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_after_the_keepalive_time() {
    let listener = TestListener::plain();
    let mut client = listener.connect();
    exchange(&mut client).await;
    advance(Duration::from_secs(70)).await;
    exchange(&mut client).await;
    assert_eq!(seconds_until_closed(&mut client).await, 75);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_is_closed_after_the_keepalive_time() {
    let listener = TestListener::plain();
    let mut client = listener.connect();
    assert_eq!(seconds_until_closed(&mut client).await, 75);
}

#[tokio::test(start_paused = true)]
async fn headers_that_do_not_end_are_cut_off_after_the_header_time() {
    let listener = TestListener::plain();
    let mut client = listener.connect();
    let start = tokio::time::Instant::now();
    client.write_all(b"POST / HTTP/1.1\r\n").await.unwrap();
    for _ in 0..5 {
        sleep(Duration::from_secs(5)).await;
        client.write_all(b"x-slow: 1\r\n").await.unwrap();
    }
    seconds_until_closed(&mut client).await;
    // The header time, and the time in which a connection may end by itself.
    let limit = Limits::default().header + GOODBYE;
    assert_eq!(start.elapsed().as_secs(), limit.as_secs());
}

#[tokio::test(start_paused = true)]
async fn the_header_time_counts_from_the_first_byte_of_each_request() {
    let listener = TestListener::plain();
    let mut client = listener.connect();
    exchange(&mut client).await;
    sleep(Duration::from_secs(7)).await;
    client.write_all(b"POST / HTTP/1.1\r\n").await.unwrap();
    assert_eq!(seconds_until_closed(&mut client).await, 30);
}

#[tokio::test(start_paused = true)]
async fn half_a_preface_of_http2_is_cut_off_as_well() {
    let listener = TestListener::plain();
    let mut client = listener.connect();
    client.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    assert_eq!(seconds_until_closed(&mut client).await, 30);
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_take_longer_than_any_deadline_here() {
    let slow = |_| async {
        sleep(Duration::from_secs(200)).await;
        Response::new(Empty::new())
    };
    let listener = TestListener::start(Transport::Plain, Limits::default(), slow);
    let answer = exchange(&mut listener.connect()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_http_is_answered_with_400_and_closed() {
    let listener = TestListener::plain();
    let mut client = listener.connect();
    client
        .write_all(b"\x16\x03\x01 hello\r\n\r\n")
        .await
        .unwrap();
    let answer = read_head(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(seconds_until_closed(&mut client).await, 0);
}

#[tokio::test(start_paused = true)]
async fn draining_tells_http2_to_go_away_and_answers_what_it_has() {
    let listener = TestListener::start(Transport::Plain, Limits::default(), ok_after_a_second);
    let (mut client, connection) = http2_client(listener.connect()).await;
    let (answer, ()) = tokio::join!(client.send_request(post()), async {
        advance(Duration::from_millis(100)).await;
        listener.stop();
    });
    assert_eq!(answer.unwrap().status(), http::StatusCode::OK);
    // GOAWAY without an error: the client's connection ends well.
    connection.await.unwrap().unwrap();
    assert_eq!(listener.stopped().await.cut_off, 0);
}

#[tokio::test(start_paused = true)]
async fn an_idle_http2_connection_is_told_to_go_away() {
    let listener = TestListener::plain();
    let (mut client, connection) = http2_client(listener.connect()).await;
    client.send_request(post()).await.unwrap();
    let start = tokio::time::Instant::now();
    connection.await.unwrap().unwrap();
    assert_eq!(start.elapsed().as_secs(), 75);
}
