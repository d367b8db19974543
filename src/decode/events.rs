//! From a body to events: the parser that `<parse>` names, or the one that fits the body.

use std::borrow::Cow;

use fluent_compat::events::Events;
use fluent_compat::parse::{
    JsonParser, MsgpackParser, NestingLimit, ParseError, Parser, RecordRules,
};
use fluent_compat::time::EventTime;
use http::request::Parts;

use super::content::Content;
use super::multipart::{self, MultipartError};
use super::parameters::{Parameters, TimeParameterError, pairs};
use super::{Config, Extras};

/// What reads bodies.
#[derive(Clone, Debug)]
pub enum Parsing {
    /// `<parse>` has an `@type`: every body is for that parser, whatever it claims to be. Only
    /// of JSON a body may hold one value a line, if its `Content-Type` says so.
    Configured(Box<Parser>),
    /// `<parse>` has none, or `in_http`: the `Content-Type` chooses.
    ByContentType(Box<DefaultParsers>),
}

/// The parsers of `in_http` itself.
#[derive(Clone, Debug)]
pub struct DefaultParsers {
    json: Parser,
    msgpack: Parser,
    /// For requests with a `time` parameter: the records keep their time keys.
    json_untimed: Parser,
    msgpack_untimed: Parser,
}

/// Why a body has no events.
#[derive(Debug, thiserror::Error)]
pub(super) enum EventsError {
    #[error(transparent)]
    Form(#[from] MultipartError),
    #[error("'json', 'ndjson' or 'msgpack' parameter is required")]
    Nothing,
    #[error(transparent)]
    Parse(#[from] ParseError),
    #[error(transparent)]
    Time(#[from] TimeParameterError),
}

impl DefaultParsers {
    /// Parsers that read a record's time as `rules` say.
    pub fn new(rules: RecordRules, nesting: NestingLimit) -> Self {
        let untimed = RecordRules {
            time_key: None,
            ..rules.clone()
        };
        let timed = JsonParser { rules, nesting };
        let untimed = JsonParser {
            rules: untimed,
            nesting,
        };
        Self {
            json: Parser::Json(timed.clone()),
            msgpack: Parser::Msgpack(MsgpackParser(timed)),
            json_untimed: Parser::Json(untimed.clone()),
            msgpack_untimed: Parser::Msgpack(MsgpackParser(untimed)),
        }
    }

    /// Which parameter has events, and what they are, follows Fluentd.
    fn parse(&self, parameters: &Parameters<'_>, now: EventTime) -> Result<Events, EventsError> {
        let (json, msgpack) = match parameters.time {
            None => (&self.json, &self.msgpack),
            Some(_) => (&self.json_untimed, &self.msgpack_untimed),
        };
        let Parameters {
            json: one,
            ndjson: lines,
            msgpack: packed,
            ..
        } = parameters;
        let events = match (packed, one, lines) {
            (Some(body), _, _) => msgpack.parse(body, now),
            (None, Some(body), _) => json.parse(body, now),
            (None, None, Some(body)) => json.parse_lines(body, now),
            (None, None, None) => return Err(EventsError::Nothing),
        };
        Ok(events?)
    }
}

/// The events of a request, `body` being what it was before it was compressed.
pub(super) fn decode(
    config: &Config,
    head: &Parts,
    body: &[u8],
    now: EventTime,
) -> Result<Events, EventsError> {
    let content = Content::of(&head.headers);
    let mut parameters = Parameters::of_query(head.uri.query());
    let mut events = match &config.parsing {
        Parsing::Configured(parser) => match &**parser {
            Parser::Json(_) if content == Content::Ndjson => parser.parse_lines(body, now)?,
            parser => parser.parse(body, now)?,
        },
        Parsing::ByContentType(parsers) => {
            add_body(&mut parameters, content, body)?;
            parsers.parse(&parameters, now)?
        }
    };
    if let Some(time) = parameters.time(now)? {
        events.set_time(time);
    }
    if config.extras != Extras::default() {
        events = events.with_members(&config.extras.of(head));
    }
    Ok(events)
}

/// A body is a parameter, or has some. One of no known type is left aside: the query may have
/// what is needed.
fn add_body<'a>(
    parameters: &mut Parameters<'a>,
    content: Content<'_>,
    body: &'a [u8],
) -> Result<(), MultipartError> {
    match content {
        Content::Json => parameters.json = Some(Cow::Borrowed(body)),
        Content::Ndjson => parameters.ndjson = Some(Cow::Borrowed(body)),
        Content::Msgpack => parameters.msgpack = Some(Cow::Borrowed(body)),
        Content::Form => {
            for (name, value) in pairs(body) {
                parameters.set(&name, value);
            }
        }
        Content::Multipart { boundary } => {
            for part in multipart::parts(body, boundary)? {
                parameters.set(part.name, Cow::Borrowed(part.content));
            }
        }
        Content::Other => {}
    }
    Ok(())
}
