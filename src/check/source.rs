//! `<source>`.

use fluent_compat::parse::{Parser, RecordRules};

use super::page::Page;
use super::units;
use crate::decode::{self, Parsing, Success};
use crate::listener::{self, Transport, tls::Clients};
use crate::settings::{HttpSource, MonitorSource};

pub(super) fn describe(source: &HttpSource, page: &mut Page) {
    let listener = &source.listener;
    page.heading("source", &format!("http on {}", address(listener)));
    page.row("transport", &transport(&listener.transport));
    page.row("parse", &parsing(&source.decode.parsing));
    if let Some(extras) = extras(&source.decode) {
        page.row("adds", &extras);
    }
    page.row("answers", answer(&source.decode));
    page.row("limits", &limits(listener, &source.decode));
}

pub(super) fn describe_monitor(monitor: &MonitorSource, page: &mut Page) {
    let listener = &monitor.listener;
    page.heading("monitor", &format!("on {}", address(listener)));
    let transport = match &listener.transport {
        Transport::Plain => "plain HTTP: whoever can connect can read".to_owned(),
        tls => transport(tls),
    };
    page.row("transport", &transport);
    let metrics = &monitor.config.metrics_path;
    let pages = format!("/ for people, {metrics} for Prometheus, /healthz and /readyz, /api/");
    page.row("pages", &pages);
}

fn address(listener: &listener::Config) -> String {
    let address = match listener.bind.contains(':') {
        true => format!("[{}]", listener.bind),
        false => listener.bind.clone(),
    };
    match listener.port {
        0 => format!("{address}:a free port"),
        port => format!("{address}:{port}"),
    }
}

fn transport(transport: &Transport) -> String {
    let Transport::Tls(tls) = transport else {
        return "plain HTTP/1.1 and HTTP/2: whoever can connect can send".to_owned();
    };
    let versions = tls.config().versions;
    let clients = match tls.config().clients {
        Clients::Certified => "clients must have a certificate of `ca_path`",
        Clients::Anyone => "clients need no certificate",
    };
    format!("{versions}; {clients}")
}

fn parsing(parsing: &Parsing) -> String {
    let parser = match parsing {
        Parsing::ByContentType(_) => {
            return "JSON, MessagePack or form, by Content-Type".to_owned();
        }
        Parsing::Configured(parser) => parser.as_ref(),
    };
    let (name, rules) = match parser {
        Parser::Json(parser) => ("json", Some(&parser.rules)),
        Parser::Msgpack(parser) => ("msgpack", Some(&parser.0.rules)),
        Parser::Csv(parser) => ("csv", Some(&parser.rules)),
        Parser::Tsv(parser) => ("tsv", Some(&parser.rules)),
        Parser::Ltsv(parser) => ("ltsv", Some(&parser.rules)),
        Parser::Regexp(_) => ("regexp", None),
        Parser::Apache2(_) => ("apache2", None),
        Parser::None(_) => ("none", None),
    };
    match rules {
        None => name.to_owned(),
        Some(rules) => format!("{name}; {}", time_of(rules)),
    }
}

fn time_of(rules: &RecordRules) -> String {
    match &rules.time_key {
        None => "an event's time is when it arrives".to_owned(),
        Some(key) => {
            let fate = match key.keep {
                true => "which stays in the record",
                false => "which is taken out of the record",
            };
            format!("an event's time is its field `{}`, {fate}", key.name)
        }
    }
}

fn extras(decode: &decode::Config) -> Option<String> {
    let extras = &decode.extras;
    let mut added = Vec::new();
    if let Some(prefix) = &decode.tag_prefix {
        added.push(format!("`{}.` before each tag", prefix.as_str()));
    }
    for (is_added, what) in [
        (extras.http_headers, "headers"),
        (extras.query_params, "query parameters"),
        (extras.remote_addr, "the client's address"),
    ] {
        if is_added {
            added.push(format!("{what} to each record"));
        }
    }
    (!added.is_empty()).then(|| added.join(", "))
}

fn answer(decode: &decode::Config) -> &'static str {
    match decode.success {
        Success::Empty => "200 without a body",
        Success::NoContent => "204",
        Success::EmptyImage => "200 with an empty image",
    }
}

fn limits(listener: &listener::Config, decode: &decode::Config) -> String {
    let bytes = |bytes| units::size(u64::try_from(bytes).unwrap_or(u64::MAX));
    format!(
        "bodies of {}, {} decompressed, {} at a time; idle connections {}; {} connections",
        bytes(decode.limits.body),
        bytes(decode.limits.decompressed),
        bytes(decode.limits.memory),
        units::duration(listener.limits.keepalive),
        listener.limits.connections
    )
}
