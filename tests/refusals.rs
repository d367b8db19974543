//! What is not taken is refused, with the reason, and nothing of it is stored.

use std::error::Error;
use std::time::Duration;

use forebay_testbed::client::{Knock, Protocol, Reply, Target, TlsOptions, TlsVersions, knock};
use forebay_testbed::conf::Match;
use forebay_testbed::rig::{Rig, deliver, past};
use forebay_testbed::server::Server;
use forebay_testbed::tally::Tally;
use hyper::Method;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
/// How long a client listens for a refusal before it believes that it is welcome.
const LISTEN: Duration = Duration::from_secs(1);

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn a_client_without_a_certificate_never_reaches_http() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    never_reaches_http(&rig, rig.keys.client_without_certificate()).await
}

#[tokio::test]
async fn a_client_of_another_ca_never_reaches_http() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    never_reaches_http(&rig, rig.keys.client_of_another_ca()?).await
}

#[tokio::test]
async fn a_client_whose_certificate_has_expired_never_reaches_http() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    never_reaches_http(&rig, rig.keys.expired_client()?).await
}

async fn never_reaches_http(rig: &Rig, unwelcome: TlsOptions) -> TestResult {
    let server = rig.start(&rig.conf()).await?;
    for versions in [TlsVersions::Only12, TlsVersions::Only13] {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let options = TlsOptions {
                versions,
                ..unwelcome.clone()
            };
            let target = Target::tls(server.address(), protocol, &options)?;
            let heard = knock(&target, LISTEN).await?;
            assert!(
                matches!(heard, Knock::Refused(_)),
                "{versions:?} {protocol:?}: {heard:?}"
            );
            let mut client = rig.client_with(&server, protocol, &options)?;
            let event = past().one();
            let reply = client.post(&event.path, event.body, &[]).await;
            let error = reply.err().ok_or("there was a reply")?;
            assert!(error.refused().is_some(), "{error}");
        }
    }
    // Those who are welcome are still served.
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &past().audit(1), &mut tally).await?;
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_body_that_is_no_json_is_a_400_that_says_where() -> TestResult {
    refused(&Refusal {
        body: "{\"event\":\"user.login\",,}",
        status: 400,
        says: &["22"],
        ..Refusal::default()
    })
    .await
}

#[tokio::test]
async fn a_body_of_another_value_than_objects_is_a_400_that_names_the_index() -> TestResult {
    refused(&Refusal {
        body: "[{\"uid\":\"a\",\"ei\":1},42]",
        status: 400,
        says: &["1"],
        ..Refusal::default()
    })
    .await
}

#[tokio::test]
async fn a_line_of_ndjson_that_is_no_json_refuses_the_whole_body() -> TestResult {
    refused(&Refusal {
        headers: &[("content-type", "application/x-ndjson")],
        body: "{\"uid\":\"a\",\"ei\":1}\n{\"uid\":\n{\"uid\":\"c\",\"ei\":3}\n",
        status: 400,
        says: &["2"],
        ..Refusal::default()
    })
    .await
}

#[tokio::test]
async fn an_unknown_content_encoding_is_a_415_that_names_those_we_know() -> TestResult {
    refused(&Refusal {
        headers: &[("content-encoding", "br")],
        body: "{}",
        status: 415,
        says: &["br", "gzip", "deflate", "zstd"],
        ..Refusal::default()
    })
    .await
}

#[tokio::test]
async fn other_methods_are_a_405_with_allow() -> TestResult {
    for method in [Method::PATCH, Method::DELETE] {
        refused(&Refusal {
            method,
            body: "{\"uid\":\"a\",\"ei\":1}",
            status: 405,
            header: Some(("allow", "POST")),
            ..Refusal::default()
        })
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_a_413() -> TestResult {
    let body = format!(
        "{{\"uid\":\"a\",\"ei\":1,\"big\":\"{}\"}}",
        "x".repeat(2000)
    );
    refused(&Refusal {
        source_line: Some("body_size_limit 1k"),
        body: &body,
        status: 413,
        says: &["Too large"],
        ..Refusal::default()
    })
    .await
}

#[tokio::test]
async fn an_event_larger_than_a_chunk_is_a_413_and_its_companions_are_not_stored() -> TestResult {
    let body = format!(
        "[{{\"uid\":\"a\",\"ei\":1}},{{\"uid\":\"b\",\"ei\":2,\"big\":\"{}\"}}]",
        "x".repeat(5000)
    );
    refused(&Refusal {
        buffer_line: Some("chunk_limit_size 4k"),
        body: &body,
        status: 413,
        says: &["4096"],
        ..Refusal::default()
    })
    .await
}

/// A request that is to be refused, and how.
struct Refusal<'a> {
    source_line: Option<&'a str>,
    buffer_line: Option<&'a str>,
    method: Method,
    headers: &'a [(&'a str, &'a str)],
    body: &'a str,
    status: u16,
    /// What the answer's body has to say.
    says: &'a [&'a str],
    /// A header of the answer, and what is in it.
    header: Option<(&'a str, &'a str)>,
}

impl Default for Refusal<'_> {
    fn default() -> Self {
        Refusal {
            source_line: None,
            buffer_line: None,
            method: Method::POST,
            headers: &[],
            body: "",
            status: 400,
            says: &[],
            header: None,
        }
    }
}

/// Sends a request that is refused between two that are taken; only those are stored.
async fn refused(refusal: &Refusal<'_>) -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut source = rig.source();
    if let Some(line) = refusal.source_line {
        source = source.line(line);
    }
    let mut buffer = rig.buffer(1);
    if let Some(line) = refusal.buffer_line {
        buffer = buffer.line(line);
    }
    let conf = forebay_testbed::conf::Conf::new()
        .source(&source)
        .output(&rig.s3("**", buffer));
    let server = rig.start(&conf).await?;
    let mut client = rig.client(&server)?;
    let mut tally = Tally::default();
    let mut maker = past();

    deliver(&mut client, &maker.audit(1), &mut tally).await?;
    let method = refusal.method.clone();
    let reply = client
        .send(
            method,
            "/test.log",
            refusal.body.to_owned(),
            refusal.headers,
        )
        .await?;
    assert_refused(&reply, refusal);
    deliver(&mut client, &maker.audit(1), &mut tally).await?;

    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

fn assert_refused(reply: &Reply, refusal: &Refusal<'_>) {
    let text = reply.text();
    assert_eq!(reply.status, refusal.status, "{text}");
    for word in refusal.says {
        assert!(text.contains(word), "`{word}` is not in `{text}`");
    }
    if let Some((name, value)) = refusal.header {
        let found = reply.header(name).unwrap_or_default();
        assert!(found.contains(value), "{name}: {found}");
    }
}

#[tokio::test]
async fn a_tag_without_a_match_is_a_404_that_names_it_and_the_patterns() -> TestResult {
    let (rig, server) = rig_with_stdout().await?;
    let reply = rig.client(&server)?.post("/events.log", "{}", &[]).await?;
    assert_eq!(reply.status, 404);
    let text = reply.text();
    for word in ["events.log", "test.log"] {
        assert!(text.contains(word), "`{word}` is not in `{text}`");
    }
    Ok(())
}

#[tokio::test]
async fn a_200_has_a_content_length_of_0() -> TestResult {
    let (rig, server) = rig_with_stdout().await?;
    let reply = rig.client(&server)?.post("/test.log", "{}", &[]).await?;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-length"), Some("0"));
    assert!(reply.body.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_health_check_is_answered_and_has_no_effect() -> TestResult {
    let (rig, server) = rig_with_stdout().await?;
    let mut client = rig.client(&server)?;
    for method in [Method::GET, Method::HEAD] {
        let reply = client.send(method, "/test.log", "", &[]).await?;
        assert_eq!(reply.status, 200);
    }
    let exit = server.terminate().await?;
    assert_eq!(exit.stdout, "");
    Ok(())
}

#[tokio::test]
async fn a_kept_alive_connection_takes_600_events() -> TestResult {
    let (rig, server) = rig_with_stdout().await?;
    let mut client = rig.client(&server)?;
    let mut tally = Tally::default();
    deliver(&mut client, &past().audit(600), &mut tally).await?;
    assert_eq!(client.connections_opened(), 1);
    Ok(())
}

#[tokio::test]
async fn a_refused_request_leaves_the_connection_open() -> TestResult {
    let (rig, server) = rig_with_stdout().await?;
    let mut client = rig.client(&server)?;
    for (path, body, status) in [
        ("/test.log", "no json", 400),
        ("/events.log", "{}", 404),
        ("/test.log", "{}", 200),
    ] {
        let reply = client.post(path, body, &[]).await?;
        assert_eq!(reply.status, status, "{}", reply.text());
    }
    assert_eq!(client.connections_opened(), 1);
    Ok(())
}

async fn rig_with_stdout() -> Result<(Rig, Server), Box<dyn Error>> {
    let rig = Rig::new(FOREBAY).await?;
    let conf = rig.conf_with(Match::stdout("test.log"));
    let server = rig.start(&conf).await?;
    Ok((rig, server))
}
