//! A source whose events are kept, and whose answers can be chosen.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::response::Response;
use fluent_compat::events::Events;
use fluent_compat::parse::{
    FieldRules, JsonParser, NestingLimit, NullTime, Parser, RecordRules, TimeKey,
};
use fluent_compat::tag::Tag;
use fluent_compat::time::{EventTime, TimeParser, TimeParserConfig, TimeType, Zone, ZoneChoice};
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::{Config, DefaultParsers, Extras, Limits, Parsing, Source, Success, routes};
use crate::host::clock::Clock;
use crate::route::{Emit, EmitError};

/// What the clock says.
pub(super) const NOW: EventTime = EventTime::new(1_700_000_000, 5);

struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> EventTime {
        NOW
    }
}

/// A source and what it emitted.
pub(super) struct TestSource {
    pub(super) config: Config,
    emitted: Emitted,
}

#[derive(Clone, Default)]
struct Emitted {
    kept: Arc<Mutex<Vec<KeptEvent>>>,
    error: Option<EmitError>,
}

/// An event as it was emitted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct KeptEvent {
    pub(super) tag: String,
    pub(super) time: EventTime,
    pub(super) record: Value,
}

impl Emit for Emitted {
    async fn emit(&self, tag: Tag, events: Events) -> Result<(), EmitError> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        let mut kept = self.kept.lock().unwrap();
        kept.extend(events.iter().map(|event| KeptEvent {
            tag: tag.as_str().to_owned(),
            time: event.time,
            record: event.record.to_map().into(),
        }));
        Ok(())
    }
}

/// An answer, read to its end.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: Response<()>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let value = self.head.headers().get(name)?;
        Some(value.to_str().unwrap())
    }
}

impl TestSource {
    pub(super) fn new(parsing: Parsing) -> Self {
        let config = Config {
            tag_prefix: None,
            parsing,
            extras: Extras::default(),
            cors: None,
            success: Success::default(),
            limits: Limits::default(),
            log_refusals: true,
        };
        Self {
            config,
            emitted: Emitted::default(),
        }
    }

    /// With the `<parse>` section that Teleport generates.
    pub(super) fn teleport() -> Self {
        Self::new(Parsing::Configured(Box::new(Parser::Json(teleport_json()))))
    }

    /// Without a `<parse>` section.
    pub(super) fn by_content_type() -> Self {
        let rules = rules(TimeType::Float, None, NullTime::Now);
        let parsers = DefaultParsers::new(rules, NestingLimit::default());
        Self::new(Parsing::ByContentType(Box::new(parsers)))
    }

    /// Lets every emit fail.
    pub(super) fn failing(mut self, error: EmitError) -> Self {
        self.emitted.error = Some(error);
        self
    }

    pub(super) async fn answer(&self, mut request: Request<Body>) -> Answer {
        let peer: SocketAddr = "192.0.2.7:40000".parse().unwrap();
        request.extensions_mut().insert(peer);
        let emit = self.emitted.clone();
        let clock = Arc::new(StoppedClock);
        let source = Source::new(self.config.clone(), emit, clock, Arc::default());
        let service = routes(Arc::new(source));
        let (head, body) = service.oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: head.status.as_u16(),
            head: Response::from_parts(head, ()),
            body: body.into(),
        }
    }

    /// What was emitted so far.
    pub(super) fn events(&self) -> Vec<KeptEvent> {
        self.emitted.kept.lock().unwrap().clone()
    }

    pub(super) fn records(&self) -> Vec<Value> {
        let events = self.events().into_iter();
        events.map(|event| event.record).collect()
    }
}

/// `@type json`, `time_type string`, `time_format %Y-%m-%dT%H:%M:%S`.
fn teleport_json() -> JsonParser {
    let format = Some("%Y-%m-%dT%H:%M:%S");
    JsonParser {
        rules: rules(TimeType::String, format, NullTime::Refused),
        nesting: NestingLimit::default(),
    }
}

fn rules(time_type: TimeType, format: Option<&str>, null_time: NullTime) -> RecordRules {
    let config = TimeParserConfig {
        time_type,
        time_format: format.map(str::to_owned),
        time_format_fallbacks: Vec::new(),
        zone: ZoneChoice::Local,
    };
    RecordRules {
        time_key: Some(TimeKey {
            name: "time".to_owned(),
            keep: false,
        }),
        time_parser: TimeParser::new(&config, &Zone::Utc).unwrap(),
        null_time,
        fields: FieldRules::default(),
    }
}

/// A POST as Teleport's event handler sends it.
pub(super) fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::post(path).header("content-type", "application/json");
    request.body(body.into()).unwrap()
}
