//! `s3_objects.json`: what is fed to a `<match>` of type s3, and the objects that come of it.
//!
//! All cases that are fed the same stand side by side in one server, as the stores of a
//! `copy`, each with a bucket of its own: a start for each would take minutes.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use forebay_testbed::client::{Client, Protocol, Target};
use forebay_testbed::server::{Launch, Server};
use forebay_testbed::store::{ACCESS_KEY, SECRET_KEY, Store, StoredObject};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::recordings::{Case, load, run, same};
use crate::{FOREBAY, shown};

/// How long the objects of a server may take, all together.
const PATIENCE: Duration = Duration::from_secs(20);
/// The slots of the events are long over: without this a look at what is due could part them.
const UNHURRIED: &str = "timekey_wait 36500d";
/// The exit code for a configuration that is wrong.
const WRONG_CONFIGURATION: Option<i32> = Some(78);
/// The time of an event is given with its request, so that the record is what was fed.
const SOURCE: &str = "<source>
  @type http
  bind 127.0.0.1
  port 0
  <parse>
    @type json
  </parse>
</source>
";

/// The objects of a case by their keys, or why there are none.
type Outcome = Result<BTreeMap<String, Put>, String>;

#[test]
fn objects_are_written_as_by_fluentd() {
    check("s3_objects.json");
}

#[test]
fn objects_of_a_server_in_tokyo_are_written_as_by_fluentd() {
    check("asia-tokyo/s3_objects.json");
}

fn check(file: &str) {
    let runtime = Runtime::new().expect("threads can be started");
    let outcomes = runtime.block_on(outcomes(&load(file)));
    run(file, |case| match outcomes.get(&case.id) {
        Some(outcome) => same(outcome.as_ref()?, &recorded(case)),
        None => runtime.block_on(refused(case)),
    });
}

/// What becomes of the cases that Fluentd has objects of, by their ids.
async fn outcomes(cases: &[Case]) -> HashMap<String, Outcome> {
    let mut by_feed: BTreeMap<String, Vec<&Case>> = BTreeMap::new();
    for case in cases.iter().filter(|case| !case.has("error")) {
        let feed = case.get("feed").to_string();
        by_feed.entry(feed).or_default().push(case);
    }
    let mut outcomes = HashMap::new();
    for cases in by_feed.values() {
        match objects(cases).await {
            Ok(objects) => outcomes.extend(objects),
            Err(error) => {
                let failed = |case: &&Case| (case.id.clone(), Err(error.clone()));
                outcomes.extend(cases.iter().map(failed));
            }
        }
    }
    outcomes
}

/// The configuration of a case is wrong, and the server says so.
async fn refused(case: &Case) -> Result<(), String> {
    let directory = tempfile::tempdir().map_err(shown)?;
    let section = case.text("match");
    let conf = format!("{SOURCE}<match **>\n@type s3\n{section}</match>\n");
    let launch = Launch::new(FOREBAY, directory.path()).variable("TZ", &case.tz);
    let exit = launch.run(&conf).await.map_err(shown)?;
    same(&exit.code, &WRONG_CONFIGURATION)
}

/// One server for cases that are fed the same.
async fn objects(cases: &[&Case]) -> Result<HashMap<String, Outcome>, String> {
    let directory = tempfile::tempdir().map_err(shown)?;
    let buckets: Vec<String> = (0..cases.len()).map(bucket).collect();
    let buckets: Vec<&str> = buckets.iter().map(String::as_str).collect();
    let store = Store::start(&directory.path().join("s3"), &buckets).await;
    let store = store.map_err(shown)?;
    let server = start(cases, &store, directory.path()).await?;
    let case = cases.first().ok_or("no case")?;
    feed(case, &server).await?;
    server.flush().map_err(shown)?;

    let wanted = cases.iter().map(|case| recorded(case).len()).sum();
    // What has come is compared in any case, so that it is told which objects are missing.
    let _ = store
        .wait_for_objects(PATIENCE, |objects| objects.len() >= wanted)
        .await;
    server.terminate().await.map_err(shown)?;
    let objects = store.objects().map_err(shown)?;
    let of_case = |(place, case): (usize, &&Case)| {
        let own = objects
            .iter()
            .filter(|object| object.bucket == bucket(place));
        let found = own.map(|object| Ok((name(case, &object.key), put(object)?)));
        (case.id.clone(), found.collect())
    };
    Ok(cases.iter().enumerate().map(of_case).collect())
}

async fn start(cases: &[&Case], store: &Store, directory: &Path) -> Result<Server, String> {
    let stores: String = cases
        .iter()
        .enumerate()
        .map(|(place, case)| section(case, store, &bucket(place)))
        .collect();
    let conf = format!("{SOURCE}<match **>\n@type copy\n{stores}</match>\n");
    let tz = cases.first().map_or("UTC", |case| &case.tz);
    let launch = Launch::new(FOREBAY, directory).variable("TZ", tz);
    launch.start(&conf).await.map_err(shown)
}

fn bucket(place: usize) -> String {
    format!("case-{place}")
}

/// The recorded section, towards our own store. Its chunks go when they are told to, as those
/// of the recording did.
fn section(case: &Case, store: &Store, bucket: &str) -> String {
    let own = [
        "@type s3".to_owned(),
        format!("aws_key_id {ACCESS_KEY}"),
        format!("aws_sec_key {SECRET_KEY}"),
        format!("s3_bucket {bucket}"),
        format!("s3_endpoint {}", store.endpoint()),
        "force_path_style true".to_owned(),
    ];
    let recorded = case.text("match");
    let others = recorded.lines().filter(|line| {
        let name = line.split(' ').next();
        !matches!(
            name,
            Some("@type" | "aws_key_id" | "aws_sec_key" | "s3_bucket")
        )
    });
    let lines: Vec<&str> = own.iter().map(String::as_str).chain(others).collect();
    let lines = lines.join("\n");
    let lines = match lines.contains("</buffer>") {
        true => lines.replace("</buffer>", &format!("{UNHURRIED}\n</buffer>")),
        false => format!("{lines}\n<buffer>\n{UNHURRIED}\n</buffer>"),
    };
    format!("<store>\n{lines}\n</store>\n")
}

async fn feed(case: &Case, server: &Server) -> Result<(), String> {
    let mut client = Client::new(Target::plain(server.address(), Protocol::Http1));
    for event in case.get("feed").as_array().into_iter().flatten() {
        let text = |name: &str| event.get(name).and_then(Value::as_str).ok_or("no text");
        let path = format!("/{}?time={}", text("tag")?, text("time")?);
        let record = event.get("record").ok_or("no record")?.to_string();
        let reply = client.post(&path, record, &[]).await.map_err(shown)?;
        if reply.status != 200 {
            return Err(format!("{path}: {} {}", reply.status, reply.text()));
        }
    }
    Ok(())
}

/// How an object was put: its compression, the options of the request, and its text.
#[derive(Debug, PartialEq)]
struct Put {
    compressed: &'static str,
    options: BTreeMap<String, String>,
    text: String,
}

fn put(object: &StoredObject) -> Result<Put, String> {
    let compressed = match object.bytes().map_err(shown)?.as_slice() {
        [0x1f, 0x8b, ..] => "gzip",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd",
        _ => "none",
    };
    let options = [
        ("content_type", &object.content_type),
        ("content_encoding", &object.content_encoding),
        ("storage_class", &object.storage_class),
    ];
    let options = options.into_iter().filter_map(|(name, value)| {
        let value = value.clone()?;
        Some((name.to_owned(), value))
    });
    Ok(Put {
        compressed,
        options: options.collect(),
        text: object.text().map_err(shown)?,
    })
}

fn recorded(case: &Case) -> BTreeMap<String, Put> {
    let puts = case.get("puts").as_array().into_iter().flatten();
    let put = |put: &Value| {
        let text = |name: &str| put.get(name)?.as_str();
        let options = put.get("options")?.as_object()?.iter();
        let options = options.map(|(name, value)| {
            let value = value.as_str().map(str::to_owned);
            Some((name.clone(), value?))
        });
        let recorded = Put {
            compressed: match text("compressed")? {
                "gzip" => "gzip",
                "zstd" => "zstd",
                _ => "none",
            },
            options: options.collect::<Option<_>>()?,
            text: text("text")?.to_owned(),
        };
        Some((name(case, text("key")?), recorded))
    };
    puts.map(|recorded| put(recorded).expect("invariant: a put has key, options and text"))
        .collect()
}

/// Where Fluentd takes the time of day from its clock, digits are only digits.
fn name(case: &Case, key: &str) -> String {
    let key_has_the_time_of_day = case.text("match").contains("check_object false\n");
    match key.rsplit_once('_') {
        Some((before, after)) if key_has_the_time_of_day => {
            let shape = after.replace(|letter: char| letter.is_ascii_digit(), "9");
            format!("{before}_{shape}")
        }
        _ => key.to_owned(),
    }
}
