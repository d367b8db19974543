//! Filters, labels and copies between a request and its objects.

use std::error::Error;
use std::time::Duration;

use forebay_testbed::client::{Client, Protocol, Target};
use forebay_testbed::conf::{Buffer, Conf, HttpSource, Match};
use forebay_testbed::rig::{Rig, past, records};
use forebay_testbed::server::Server;
use serde_json::{Value, json};

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const PATIENCE: Duration = Duration::from_secs(20);
/// A day in 2024: the chunk is due at once.
const TIME: &str = "2024-02-29T12:34:00Z";

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn filters_rewrite_and_drop_on_the_way_to_s3() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let grep = "<filter **>\n  @type grep\n  <exclude>\n    key event\n    pattern ^print$\n  \
                </exclude>\n</filter>\n";
    let transformer = "<filter session.*.log>\n  @type record_transformer\n  remove_keys secret\n  \
                       <record>\n    session ${tag_parts[1]}\n    copy ${record[\"n\"]}\n  \
                       </record>\n</filter>\n";
    let conf = Conf::new()
        .source(&HttpSource::plain())
        .section(grep)
        .section(transformer)
        .output(&rig.s3("**", rig.buffer(1)));
    let server = rig.start(&conf).await?;
    let mut client = client(&server);
    let print = format!(r#"{{"time":"{TIME}","event":"print"}}"#);
    let exec =
        format!(r#"{{"time":"{TIME}","event":"exec","n":9007199254740993.10,"secret":"s"}}"#);
    let both = format!("[{print},{exec}]");
    assert_eq!(post(&mut client, "/session.4a1b.log", &both).await?, 200);
    assert_eq!(post(&mut client, "/test.log", &print).await?, 200);
    assert_eq!(post(&mut client, "/test.log", &exec).await?, 200);

    let mut lines = stored(&rig, 2).await?;
    lines.sort();
    let exec = format!(r#"{{"time":"{TIME}","event":"exec","n":9007199254740993.10"#);
    let session = format!("{exec},\"session\":\"4a1b\",\"copy\":9007199254740993.10}}");
    assert_eq!(lines, [format!("{exec},\"secret\":\"s\"}}"), session]);
    let exit = server.terminate().await?;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    Ok(())
}

#[tokio::test]
async fn a_copy_is_answered_once_every_store_has_the_events() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let copy = format!(
        "<match test.log>\n  @type copy\n{}{}<store>\n  @type relabel\n  @label @SHOW\n</store>\n\
         </match>\n",
        as_store(&rig.s3("x", rig.buffer(1)).line("path first/")),
        as_store(
            &rig.s3("x", Buffer::file(&rig.directory().join("buffer/second"), 1))
                .line("path second/")
        ),
    );
    let label = "<label @SHOW>\n  <filter>\n    @type record_transformer\n    <record>\n      \
                 shown yes\n    </record>\n  </filter>\n  <match>\n    @type stdout\n  </match>\n\
                 </label>\n";
    let conf = Conf::new()
        .source(&HttpSource::plain())
        .section(&copy)
        .section(label);
    let server = rig.start(&conf).await?;
    let event = json!({"time": TIME, "uid": "u", "ei": 1}).to_string();
    assert_eq!(post(&mut client(&server), "/test.log", &event).await?, 200);
    assert_eq!(stored(&rig, 2).await?, [event.as_str(), &event]);
    let exit = server.terminate().await?;
    assert!(exit.stdout.contains(r#""shown":"yes""#), "{}", exit.stdout);
    for prefix in ["first/", "second/"] {
        let objects = rig.store.objects()?;
        let object = objects.iter().find(|object| object.key.starts_with(prefix));
        let text = object.ok_or(prefix)?.text()?;
        assert_eq!(text, format!("{event}\n"), "{prefix}");
    }
    Ok(())
}

#[tokio::test]
async fn a_source_with_a_label_is_routed_inside_it() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let source = HttpSource::plain().line("@label @AUDIT");
    let label = format!(
        "<label @AUDIT>\n{}{}</label>\n",
        "<match other.log>\n  @type null\n</match>\n",
        rig.s3("test.log", rig.buffer(1))
    );
    let conf = Conf::new()
        .source(&source)
        .output(&Match::stdout("**"))
        .section(label);
    let server = rig.start(&conf).await?;
    let event = past().one();
    let mut client = client(&server);
    assert_eq!(post(&mut client, "/test.log", &event.body).await?, 200);
    assert_eq!(post(&mut client, "/other.log", &event.body).await?, 200);
    let reply = client.post("/else.log", event.body, &[]).await?;
    assert_eq!(reply.status, 404);
    let text = reply.text();
    let reason =
        "no <match> in <label @AUDIT> takes the tag \"else.log\"; there are: other.log, test.log";
    assert!(text.contains(reason), "{text}");
    assert_eq!(stored(&rig, 1).await?.len(), 1);
    let exit = server.terminate().await?;
    assert_eq!(exit.stdout, "");
    Ok(())
}

#[tokio::test]
async fn a_flood_of_unmatched_tags_is_one_line_in_the_log() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let conf = Conf::new()
        .source(&HttpSource::plain())
        .output(&Match::stdout("test.log"));
    let server = rig.start(&conf).await?;
    let mut client = client(&server);
    let event = past().one();
    for n in 0..20 {
        let status = post(&mut client, &format!("/nobody.{n}"), &event.body).await?;
        assert_eq!(status, 404);
    }
    let exit = server.terminate().await?;
    assert_eq!(exit.stderr.matches("nobody.").count(), 2, "{}", exit.stderr);
    Ok(())
}

#[tokio::test]
async fn a_filter_prints_what_passes_it() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let printer = "<filter test.*>\n  @type stdout\n  <format>\n    @type json\n  </format>\n\
                   </filter>\n<match **>\n  @type null\n</match>\n";
    let conf = Conf::new().source(&HttpSource::plain()).section(printer);
    let server = rig.start(&conf).await?;
    let mut client = client(&server);
    for path in ["/test.log", "/other.log"] {
        let event = json!({"time": TIME, "path": path}).to_string();
        assert_eq!(post(&mut client, path, &event).await?, 200);
    }
    let exit = server.terminate().await?;
    let printed: Value = serde_json::from_str(&exit.stdout)?;
    assert_eq!(printed, json!({"time": TIME, "path": "/test.log"}));
    Ok(())
}

#[tokio::test]
async fn ruby_in_a_filter_is_a_mistake_with_its_place() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let filter = "<filter>\n  @type record_transformer\n  enable_ruby true\n  <record>\n    \
                  at ${Time.now}\n  </record>\n</filter>\n<match>\n  @type null\n</match>\n";
    let exit = rig.run(filter).await?;
    assert_eq!(exit.code, Some(78), "{}", exit.stderr);
    for place in ["fluent.conf:3:15: error: ", "fluent.conf:5:8: error: "] {
        assert!(exit.stderr.contains(place), "{}", exit.stderr);
    }
    Ok(())
}

fn client(server: &Server) -> Client {
    Client::new(Target::plain(server.address(), Protocol::Http1))
}

async fn post(client: &mut Client, path: &str, body: &str) -> Result<u16, Box<dyn Error>> {
    let reply = client.post(path, body.to_owned(), &[]).await?;
    Ok(reply.status.as_u16())
}

/// The lines of all objects, once there are as many.
async fn stored(rig: &Rig, wanted: usize) -> Result<Vec<String>, Box<dyn Error>> {
    rig.store
        .wait_for_objects(PATIENCE, |objects| records(objects) >= wanted)
        .await?;
    let mut lines = Vec::new();
    for object in rig.store.objects()? {
        lines.extend(object.text()?.lines().map(str::to_owned));
    }
    Ok(lines)
}

/// A `<match>` section as a `<store>` of a copy.
fn as_store(section: &Match) -> String {
    let text = section.to_string();
    text.replace("<match x>", "<store>")
        .replace("</match>", "</store>")
}
