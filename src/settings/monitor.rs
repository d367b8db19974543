//! `<source>` sections by which nothing comes in: `prometheus`, `monitor_agent`, and the
//! plugins that feed the former in Fluentd.

use std::num::NonZeroUsize;
use std::time::Duration;

use fluent_compat::config::{Attribute, Params};

use super::context::Context;
use super::remark::no_effect;
use super::source::Source;
use super::{MonitorSource, transport};
use crate::listener::{self, Limits};
use crate::monitor::{Config, RetryInfo};

/// Fluentd's `port` of in_prometheus.
const PROMETHEUS_PORT: u16 = 24231;
/// Fluentd's `port` of in_monitor_agent.
const AGENT_PORT: u16 = 24220;

/// Scrapers, probes and a few browsers.
const CONNECTIONS: NonZeroUsize = NonZeroUsize::new(64).expect("invariant: 64 is not zero");
/// A page is made in less.
const DRAIN: Duration = Duration::from_secs(1);

pub(super) fn prometheus(section: Params<'_>, context: &Context<'_>) -> Option<Source> {
    let metrics_path = section.parsed("metrics_path", path);
    section.ignore_section("ssl", "it is said by <transport tls> here, as in Fluentd");
    let reason = "pages are sent as they are";
    no_effect(&section, &["content_encoding"], reason);
    let reason = "one process has all there is, and /aggregated_metrics shows it, too";
    no_effect(&section, &["aggregated_metrics_path"], reason);
    section.known_but_ignored(&["ignore_error_log_interval"]);
    let listener = listener(section, "127.0.0.1", PROMETHEUS_PORT, context)?;
    let default = Config::default();
    let config = Config {
        metrics_path: metrics_path.unwrap_or(default.metrics_path),
        ..default
    };
    Some(Source::Monitor(Box::new(MonitorSource {
        listener,
        config,
    })))
}

pub(super) fn agent(section: Params<'_>, context: &Context<'_>) -> Option<Source> {
    let retry = match section.bool("include_retry").unwrap_or(false) {
        true => RetryInfo::Included,
        false => RetryInfo::LeftOut,
    };
    let reason = "the configuration may have secrets; `forebay check` shows what it means";
    no_effect(&section, &["include_config"], reason);
    let reason = "there are no variables of Ruby's";
    no_effect(&section, &["include_debug_info"], reason);
    let reason = "what is counted does not become events";
    no_effect(&section, &["tag", "emit_interval"], reason);
    let listener = listener(section, "0.0.0.0", AGENT_PORT, context)?;
    let config = Config {
        retry,
        ..Config::default()
    };
    Some(Source::Monitor(Box::new(MonitorSource {
        listener,
        config,
    })))
}

/// `prometheus_output_monitor` and its like: what they would bring is there anyway, so of
/// them only the labels count.
pub(super) fn labels(section: Params<'_>, context: &Context<'_>) -> Option<Source> {
    let _ = (section.plugin_id(), section.label());
    let reason = "each page has the numbers of its own moment";
    no_effect(&section, &["interval"], reason);
    let reason = "they are gauges, as by default";
    no_effect(&section, &["gauge_all"], reason);
    section.known_but_ignored(&["@log_level"]);
    let mut found = Some(Vec::new());
    for labels in section.sections("labels") {
        for attribute in labels.attributes() {
            let label = label(attribute, &labels, context);
            found = found.zip(label).map(|(mut all, label)| {
                all.push(label);
                all
            });
        }
        labels.finish();
    }
    section.finish();
    found.map(Source::Labels)
}

fn label(
    attribute: &Attribute,
    section: &Params<'_>,
    context: &Context<'_>,
) -> Option<(String, String)> {
    let name = attribute.name.as_str();
    let text = section.string(name)?;
    let text = text.replace("${hostname}", &context.hostname);
    let text = text.replace("${worker_id}", "0");
    let taken = ["plugin_id", "type", "plugin_category", "le"];
    let mut letters = name.chars();
    let is_name = letters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !taken.contains(&name);
    let problem = match (is_name, text.contains("${") || text.starts_with("$.")) {
        (false, _) => format!(
            "found the label `{name}`: allowed are letters, digits and _, and none of {}",
            taken.join(", ")
        ),
        (true, true) => {
            format!("found `{text}`: allowed are plain text, ${{hostname}} and ${{worker_id}}")
        }
        (true, false) => return Some((name.to_owned(), text)),
    };
    let span = section.span_of(name);
    context.diagnostics.error(span, problem);
    None
}

/// What both kinds of port have; the section is read to its end.
fn listener(
    section: Params<'_>,
    bind: &str,
    port: u16,
    context: &Context<'_>,
) -> Option<listener::Config> {
    let _ = (section.plugin_id(), section.label());
    let bind = section.string("bind").unwrap_or(bind).to_owned();
    let port = section.integer_in("port", 0..=u16::MAX).unwrap_or(port);
    let transport = transport::transport(section.section("transport"), context);
    section.known_but_ignored(&["@log_level"]);
    section.finish();
    Some(listener::Config {
        bind,
        port,
        backlog: 128,
        transport: transport?,
        limits: Limits {
            connections: CONNECTIONS,
            drain: DRAIN,
            ..Limits::default()
        },
    })
}

fn path(text: &str) -> Result<String, String> {
    match text.starts_with('/') {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "found `{text}`, expected a path that begins with /"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::testing::Bench;

    fn source(lines: &str) -> String {
        format!("<source>\n{lines}\n</source>\n")
    }

    fn monitor(source: Option<Source>) -> (String, u16, Config) {
        let Some(Source::Monitor(monitor)) = source else {
            panic!("it is no monitor");
        };
        let listener = monitor.listener;
        (listener.bind, listener.port, monitor.config)
    }

    #[test]
    fn the_ports_are_fluentds() {
        let bench = Bench::new();
        let (found, remarks) = bench.read(&source("@type prometheus"), prometheus);
        assert_eq!(remarks, Vec::<String>::new());
        let (bind, port, config) = monitor(found);
        assert_eq!((bind.as_str(), port), ("127.0.0.1", 24231));
        assert_eq!(config, Config::default());

        let conf = source("@type monitor_agent\ninclude_retry true");
        let (bind, port, config) = monitor(bench.read(&conf, agent).0);
        assert_eq!((bind.as_str(), port), ("0.0.0.0", 24220));
        assert_eq!(config.retry, RetryInfo::Included);
    }

    #[test]
    fn labels_may_have_the_name_of_the_host() {
        let conf = source(
            "@type prometheus_monitor\n<labels>\nhost ${hostname}\nworker ${worker_id}\n</labels>",
        );
        let (found, remarks) = Bench::new().read(&conf, labels);
        assert_eq!(remarks, Vec::<String>::new());
        let Some(Source::Labels(found)) = found else {
            panic!("it has no labels");
        };
        let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        assert_eq!(found, [pair("host", "box"), pair("worker", "0")]);
    }

    #[test]
    fn a_label_that_prometheus_would_not_take_is_a_mistake() {
        let conf = source("@type prometheus_monitor\n<labels>\ntype x\nok ${tag}\n</labels>");
        let (found, remarks) = Bench::new().read(&conf, labels);
        assert!(found.is_none());
        assert!(remarks[0].contains("found the label `type`"), "{remarks:?}");
        assert!(remarks[1].contains("found `${tag}`"), "{remarks:?}");
    }

    #[test]
    fn a_path_without_its_slash_is_a_mistake() {
        let conf = source("@type prometheus\nmetrics_path metrics");
        let (_, remarks) = Bench::new().read(&conf, prometheus);
        assert!(
            remarks[0].contains("a path that begins with /"),
            "{remarks:?}"
        );
    }
}
