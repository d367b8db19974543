//! Shows what the stages count of themselves: to Prometheus, to probes, to Fluentd's tools,
//! and on a page for people.
//!
//! One service has all pages, on whichever port it is asked: `@type prometheus` and
//! `@type monitor_agent` differ in their default ports alone. Nothing here changes anything,
//! and nothing that it shows is a secret.

mod agent;
mod exposition;
mod metrics;
mod pages;
mod problems;
mod report;
mod status;
#[cfg(test)]
mod testing;

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;

pub use report::{BufferReport, Observe, OutputReport, Report, Shortcoming, SourceReport, State};

/// What a monitor is told in its `<source>`, less what concerns the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `metrics_path`, where Prometheus asks.
    pub metrics_path: String,
    /// `include_retry` of `monitor_agent`.
    pub retry: RetryInfo,
}

/// Whether `/api/plugins.json` says what failed last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetryInfo {
    /// As Fluentd does by default.
    #[default]
    LeftOut,
    /// `include_retry true`.
    Included,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            metrics_path: "/metrics".to_owned(),
            retry: RetryInfo::default(),
        }
    }
}

/// The service of a monitor's port. Clones share the configuration, which can change.
#[derive(Clone)]
pub struct Monitor {
    config: Arc<ArcSwap<Config>>,
    observed: Arc<dyn Observe>,
}

impl Monitor {
    /// Answers from what `observed` reports at the moment of each request.
    pub fn new(config: Config, observed: Arc<dyn Observe>) -> Self {
        Self {
            config: Arc::new(ArcSwap::from_pointee(config)),
            observed,
        }
    }

    /// Answers by another configuration from now on.
    pub fn switch(&self, config: Config) {
        self.config.store(Arc::new(config));
    }

    /// The page that the request asks for. Its body is not looked at: no page takes one.
    pub fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        let config = self.config.load();
        pages::answer(request.method(), request.uri(), &config, &*self.observed)
    }
}
