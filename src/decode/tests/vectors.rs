//! The requests that were sent to a running Fluentd, and what it made of them.
//!
//! Where we differ on purpose our own answer stands in [`DIFFERENCES`].

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fluent_compat::parse::{
    FieldType, LtsvDelimiter, LtsvParser, NestingLimit, NullTime, Parser, TimeKey,
};
use fluent_compat::time::{EventTime, TimeType};
use http::Request;
use serde_json::Value;

use super::super::testing::{Answer, KeptEvent, NOW, TestSource, rules, teleport_json};
use super::super::*;

const VECTORS: &str = include_str!("../../../fluent-compat/vectors/http.json");

/// Cases whose answer is another, and why.
const DIFFERENCES: [(&str, u16, &str); 11] = [
    ("invalid", 400, "a body that is no JSON is refused"),
    ("empty", 400, "a body that is no JSON is refused"),
    ("scalar", 400, "a body that is no object is refused"),
    ("default-invalid", 400, "a body that is no JSON is refused"),
    (
        "default-ndjson-bad-line",
        400,
        "all lines are taken or none",
    ),
    ("zstd", 400, "zstd is known, and this is none"),
    ("GZIP-upper", 200, "the case of a coding does not matter"),
    ("delete", 405, "DELETE is no POST"),
    ("patch", 405, "PATCH is no POST"),
    ("204", 204, "HTTP forbids Content-Length with 204"),
    (
        "default-time-string",
        200,
        "RFC 3339 is understood as a number is",
    ),
];

#[tokio::test]
async fn every_recorded_request_is_answered_as_fluentd_answers_or_better() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    let mut failures = Vec::new();
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let source = source_of(case["source"].as_str().unwrap());
        let answer = source.answer(request_of(&case["request"])).await;
        let difference = DIFFERENCES.iter().find(|(differing, ..)| *differing == id);
        let outcome = match difference {
            None => compare(case, &answer, &source.events()),
            Some((_, status, _)) if answer.status == *status => Ok(()),
            Some((_, status, why)) => Err(format!("{} and not {status}: {why}", answer.status)),
        };
        failures.extend(outcome.err().map(|failure| format!("{id}: {failure}")));
    }
    assert_eq!(
        failures,
        [""; 0],
        "{} of {} cases",
        failures.len(),
        cases.len()
    );
}

fn compare(case: &Value, answer: &Answer, events: &[KeptEvent]) -> Result<(), String> {
    let expected = &case["response"];
    let status = expected["status"].as_str().unwrap();
    if !status.starts_with(&answer.status.to_string()) {
        return Err(format!(
            "{} and not {status}: {}",
            answer.status,
            answer.text()
        ));
    }
    // What follows the first line of a 400 is the reason, in words of our own.
    let body = expected["body"].as_str().unwrap();
    let same_body = match answer.status {
        400 => answer.text().lines().next() == body.lines().next(),
        _ => answer.text() == body,
    };
    if !same_body {
        return Err(format!("answered {:?} and not {body:?}", answer.text()));
    }
    for header in expected["headers"].as_array().unwrap() {
        let (name, value) = (header[0].as_str().unwrap(), header[1].as_str().unwrap());
        // How long a reason is, and whether its connection goes on, is our own affair.
        let ours = answer.status == 400 && ["Content-Length", "Connection"].contains(&name);
        if !ours && answer.header(&name.to_lowercase()) != Some(value) {
            return Err(format!(
                "no header {name}: {value} in {:?}",
                answer.head.headers()
            ));
        }
    }
    let expected = case["events"].as_array().unwrap().iter().map(event_of);
    let expected: Vec<_> = expected.collect();
    if events != expected {
        return Err(format!("emitted {events:?} and not {expected:?}"));
    }
    Ok(())
}

fn event_of(event: &Value) -> KeptEvent {
    let time = match event["time"].as_str().unwrap() {
        "now" => NOW,
        time => {
            let (seconds, nanoseconds) = time.split_once('.').unwrap();
            EventTime::new(seconds.parse().unwrap(), nanoseconds.parse().unwrap())
        }
    };
    KeptEvent {
        tag: event["tag"].as_str().unwrap().to_owned(),
        time,
        record: event["record"].clone(),
    }
}

fn request_of(recorded: &Value) -> Request<Body> {
    let mut request = Request::builder()
        .method(recorded["method"].as_str().unwrap())
        .uri(recorded["path"].as_str().unwrap());
    for (name, value) in recorded["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    let body = match &recorded["body"] {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        other => BASE64_STANDARD
            .decode(other["base64"].as_str().unwrap())
            .unwrap(),
    };
    request.body(Body::from(body)).unwrap()
}

/// The source that the parameters of a recording describe.
fn source_of(text: &str) -> TestSource {
    let has = |line: &str| text.lines().any(|found| found.trim() == line);
    let value = |name: &str| {
        let mut lines = text.lines().map(str::trim);
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
    };
    let mut source = match value("@type") {
        Some("json") => {
            let mut json = teleport_json();
            json.rules.fields.types = value("types").map(types).unwrap_or_default();
            TestSource::new(Parsing::Configured(Box::new(Parser::Json(json))))
        }
        Some("ltsv") => TestSource::new(Parsing::Configured(Box::new(Parser::Ltsv(LtsvParser {
            delimiter: LtsvDelimiter::Text("\t".to_owned()),
            label_delimiter: ":".to_owned(),
            rules: rules(TimeType::Float, None, NullTime::Refused),
        })))),
        None => {
            let mut rules = rules(TimeType::Float, None, NullTime::Now);
            rules.time_key = Some(TimeKey {
                name: value("time_key").unwrap_or("time").to_owned(),
                keep: has("keep_time_key true"),
            });
            let parsers = DefaultParsers::new(rules, NestingLimit::default());
            TestSource::new(Parsing::ByContentType(Box::new(parsers)))
        }
        Some(other) => panic!("no recording has @type {other}"),
    };
    let config = &mut source.config;
    if let Some(limit) = value("body_size_limit") {
        config.limits.body = limit.parse().unwrap();
    }
    if has("use_204_response true") {
        config.success = Success::NoContent;
    }
    config.extras.query_params = has("add_query_params true");
    config.cors = value("cors_allow_origins").map(|origins| {
        let origins: Vec<String> = serde_json::from_str(origins).unwrap();
        Cors::new(&origins, has("cors_allow_credentials true")).unwrap()
    });
    source
}

fn types(text: &str) -> Vec<(String, FieldType)> {
    let pairs = text.split(',').map(|pair| pair.split_once(':').unwrap());
    pairs
        .map(|(field, name)| {
            let kind = match name {
                "string" => FieldType::String,
                "integer" => FieldType::Integer,
                "bool" => FieldType::Bool,
                "float" => FieldType::Float,
                other => panic!("no recording has type {other}"),
            };
            (field.to_owned(), kind)
        })
        .collect()
}
