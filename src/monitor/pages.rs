//! Which path is which page.

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode, Uri};
use http_body_util::Full;
use serde_json::{Value, json};

use super::report::{Observe, Report};
use super::{Config, agent, metrics, status};

type Answer = Response<Full<Bytes>>;

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The answer to a request, whatever its body. HEAD gets what GET would, and hyper leaves the
/// body out.
pub(super) fn answer(
    method: &Method,
    uri: &Uri,
    config: &Config,
    observed: &dyn Observe,
) -> Answer {
    if *method != Method::GET && *method != Method::HEAD {
        let mut answer = page(
            StatusCode::METHOD_NOT_ALLOWED,
            TEXT,
            "found here are pages: GET\n",
        );
        let allowed = HeaderValue::from_static("GET, HEAD");
        answer.headers_mut().insert(ALLOW, allowed);
        return answer;
    }
    let path = uri.path();
    match path {
        "/" => page(StatusCode::OK, HTML, include_str!("page.html")),
        "/healthz" => page(StatusCode::OK, TEXT, "alive\n"),
        "/readyz" => readiness(&observed.report()),
        "/api/status.json" => json(&status::status(&observed.report())),
        "/api/plugins.json" | "/api/plugins" => {
            let plugins = agent::plugins(&observed.report(), config, uri.query());
            match path {
                "/api/plugins" => page(StatusCode::OK, TEXT, agent::ltsv(&plugins)),
                _ => json(&json!({ "plugins": plugins })),
            }
        }
        "/api/config.json" => json(&agent::config(&observed.report())),
        "/api/config" => {
            let config = agent::config(&observed.report());
            page(StatusCode::OK, TEXT, agent::ltsv(&[config]))
        }
        // One process: what all workers have together is the same.
        path if path == config.metrics_path || path == "/aggregated_metrics" => {
            let metrics = metrics::page(&observed.report());
            page(StatusCode::OK, PROMETHEUS, metrics)
        }
        _ => {
            let message = json!({ "message": "Not found" });
            page(StatusCode::NOT_FOUND, JSON, message.to_string())
        }
    }
}

fn readiness(report: &Report) -> Answer {
    let shortcomings = report.shortcomings();
    if shortcomings.is_empty() {
        return page(StatusCode::OK, TEXT, "ready\n");
    }
    let reasons = shortcomings.iter().map(|reason| format!("{reason}\n"));
    let reasons: String = reasons.collect();
    page(StatusCode::SERVICE_UNAVAILABLE, TEXT, reasons)
}

fn json(value: &Value) -> Answer {
    page(StatusCode::OK, JSON, value.to_string())
}

fn page(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::monitor::report::State;
    use crate::monitor::testing::{Fixed, report};

    fn get(path: &str, report: Report) -> (StatusCode, String) {
        let uri = path.parse().unwrap();
        let config = Config::default();
        let answer = answer(&Method::GET, &uri, &config, &Fixed(report));
        let status = answer.status();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let body = runtime.block_on(answer.into_body().collect()).unwrap();
        let text = String::from_utf8(body.to_bytes().to_vec()).unwrap();
        (status, text)
    }

    #[test]
    fn a_full_buffer_and_a_stop_are_not_ready_but_alive() {
        assert_eq!(get("/readyz", report()).0, StatusCode::OK);
        let mut full = report();
        full.outputs[0].buffer.as_mut().unwrap().contents.held = 1_000_000;
        let (status, reason) = get("/readyz", full.clone());
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(reason, "the buffer of audit is full\n");
        assert_eq!(get("/healthz", full).0, StatusCode::OK);
        let mut stopping = report();
        stopping.state = State::Stopping;
        let (status, reason) = get("/readyz", stopping);
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(reason, "the server stops\n");
    }

    #[test]
    fn a_disk_that_fails_is_not_ready_until_it_works_again() {
        let report = report();
        let meters = report.outputs[0].buffer.as_ref().unwrap().meters.clone();
        meters.committed(true);
        let (status, reason) = get("/readyz", report.clone());
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(reason, "the disk of audit fails\n");
        meters.committed(false);
        assert_eq!(get("/readyz", report).0, StatusCode::OK);
    }

    #[test]
    fn what_is_not_there_is_told_as_fluentd_does() {
        let (status, body) = get("/nothing", report());
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert_eq!(body, "{\"message\":\"Not found\"}");
    }

    #[test]
    fn nothing_can_be_posted() {
        let uri = "/metrics".parse().unwrap();
        let answer = answer(&Method::POST, &uri, &Config::default(), &Fixed(report()));
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    /// The page must not need anything from elsewhere, and must know the names it is given.
    #[test]
    fn the_status_page_is_one_file_and_reads_what_the_status_has() {
        let (_, page) = get("/", report());
        for foreign in ["http://", "https://", "src=", "@import", "url("] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        let (_, status) = get("/api/status.json", report());
        let status: Value = serde_json::from_str(&status).unwrap();
        let source = status["sources"][0].as_object().unwrap();
        let output = status["outputs"][0].as_object().unwrap();
        let named = ["acks", "latency", "refused", "certificates"];
        assert!(named.iter().all(|name| source.contains_key(*name)));
        for name in named
            .iter()
            .copied()
            .chain(output.keys().map(String::as_str))
        {
            let is_read = page.contains(&format!(".{name}"));
            assert!(is_read, "the page does not show {name}");
        }
    }
}
