//! `<source>`.

use fluent_compat::config::Params;

use super::context::Context;
use super::plugins::{INPUTS, plugin_type};
use super::routes::Labels;
use super::{HttpSource, MonitorSource, monitor, parse, transport, traps};
use crate::{decode, listener};

/// Fluentd's `port` of in_http.
const DEFAULT_PORT: u16 = 9880;
/// Fluentd's `backlog` is the system's; this is what Linux allows by default.
const DEFAULT_BACKLOG: u32 = 4096;

/// What a `<source>` is.
pub(super) enum Source {
    Http(Box<HttpSource>),
    Monitor(Box<MonitorSource>),
    /// Labels for Fluentd's metrics.
    Labels(Vec<(String, String)>),
}

/// All of them, each among its like.
#[derive(Default)]
pub(super) struct Sorted {
    pub(super) http: Vec<HttpSource>,
    pub(super) monitors: Vec<MonitorSource>,
    pub(super) labels: Vec<(String, String)>,
}

pub(super) fn sorted(sources: Vec<Source>) -> Sorted {
    let mut sorted = Sorted::default();
    for source in sources {
        match source {
            Source::Http(source) => sorted.http.push(*source),
            Source::Monitor(monitor) => sorted.monitors.push(*monitor),
            Source::Labels(labels) => {
                // Two plugins mostly say the same.
                for label in labels {
                    if !sorted.labels.iter().any(|(name, _)| *name == label.0) {
                        sorted.labels.push(label);
                    }
                }
            }
        }
    }
    sorted
}

pub(super) fn source(
    section: Params<'_>,
    labels: &mut Labels<'_>,
    context: &Context<'_>,
) -> Option<Source> {
    match plugin_type(&section, &INPUTS)? {
        "http" => http(section, labels, context).map(|source| Source::Http(Box::new(source))),
        "monitor_agent" => monitor::agent(section, context),
        "prometheus" => monitor::prometheus(section, context),
        _ => monitor::labels(section, context),
    }
}

fn http(section: Params<'_>, labels: &mut Labels<'_>, context: &Context<'_>) -> Option<HttpSource> {
    let label = labels.entered_by(&section);
    let id = section.plugin_id();
    section.ignore_section(
        "buffer",
        "events are buffered by the <match> that takes them",
    );
    let bind = section.string("bind").unwrap_or("0.0.0.0").to_owned();
    let port = section.integer_in("port", 0..=u16::MAX);
    let port = port.unwrap_or(DEFAULT_PORT);
    let backlog = section.integer_in("backlog", 1..=u32::MAX);
    let limits = listener::Limits::default();
    let keepalive = section
        .time("keepalive_timeout")
        .unwrap_or(limits.keepalive);
    let transport = transport::transport(section.section("transport"), context);
    let decode = decode(&section, context);
    section.known_but_ignored(&["@log_level"]);
    section.finish();
    let listener = listener::Config {
        bind,
        port,
        backlog: backlog.unwrap_or(DEFAULT_BACKLOG),
        transport: transport?,
        limits: listener::Limits {
            keepalive,
            ..limits
        },
    };
    let decode = decode?;
    let label = label?;
    let id = id.map_or_else(|| format!("http:{port}"), str::to_owned);
    Some(HttpSource {
        id,
        label,
        listener,
        decode,
    })
}

fn decode(section: &Params<'_>, context: &Context<'_>) -> Option<decode::Config> {
    let parsing = parsing(section, context);
    let tag_prefix = section.parsed("add_tag_prefix", decode::TagPrefix::new);
    let cors = cors(section);
    let limits = decode::Limits::default();
    let bytes = |name, default| match section.size(name) {
        Some(size) => usize::try_from(size).unwrap_or(usize::MAX),
        None => default,
    };
    let limits = decode::Limits {
        body: bytes("body_size_limit", limits.body),
        decompressed: bytes("decompression_size_limit", limits.decompressed),
        memory: bytes("body_memory_limit", limits.memory),
        ..limits
    };
    let extras = decode::Extras {
        http_headers: section.bool("add_http_headers").unwrap_or(false),
        query_params: section.bool("add_query_params").unwrap_or(false),
        remote_addr: section.bool("add_remote_addr").unwrap_or(false),
    };
    let success = success(section);
    let log_refusals = section.bool("dump_error_log").unwrap_or(true);
    section.known_but_ignored(&["blocking_timeout"]);
    Some(decode::Config {
        tag_prefix,
        // Last, so that a mistake in <parse> hides none beside it.
        parsing: parsing?,
        extras,
        cors,
        success,
        limits,
        log_refusals,
    })
}

/// `<parse>` with a type reads every body; without one, the body's own type decides.
fn parsing(section: &Params<'_>, context: &Context<'_>) -> Option<decode::Parsing> {
    let parse = section.section_or_empty("parse");
    if parse.plugin_type().is_some_and(|name| name != "in_http") {
        let parser = parse::parser(parse, context)?;
        traps::warn_of_lost_time(section, &parser);
        traps::warn_of_local_times(section, &parser, context);
        return Some(decode::Parsing::Configured(Box::new(parser)));
    }
    let rules = parse::default_rules(&parse, context);
    parse.finish();
    let parsers = decode::DefaultParsers::new(rules, fluent_compat::parse::NestingLimit::default());
    Some(decode::Parsing::ByContentType(Box::new(parsers)))
}

fn cors(section: &Params<'_>) -> Option<decode::Cors> {
    let credentials = section.bool("cors_allow_credentials").unwrap_or(false);
    let origins = section.array("cors_allow_origins")?;
    let span = section.span_of("cors_allow_credentials");
    decode::Cors::new(&origins, credentials)
        .map_err(|error| section.diagnostics().error(span, error.to_string()))
        .ok()
}

fn success(section: &Params<'_>) -> decode::Success {
    let image = section.bool("respond_with_empty_img").unwrap_or(false);
    let no_content = section.bool("use_204_response").unwrap_or(false);
    match (image, no_content) {
        (true, _) => decode::Success::EmptyImage,
        (false, true) => decode::Success::NoContent,
        (false, false) => decode::Success::Empty,
    }
}
