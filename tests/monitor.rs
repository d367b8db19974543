//! What a running server shows of itself: metrics, health, Fluentd's monitor API, its status.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use forebay_testbed::conf::Conf;
use forebay_testbed::rig::{Rig, deliver, past};
use forebay_testbed::server::Server;
use forebay_testbed::tally::Tally;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const GRAFANA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/grafana");
const PATIENCE: Duration = Duration::from_secs(20);
const MONITOR: &str = "<source>\n  @type prometheus\n  port 0\n</source>";
const OUTPUT_MONITOR: &str = "<source>\n  @type prometheus_output_monitor\n  <labels>\n    \
                              env test\n  </labels>\n</source>";

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn what_was_sent_and_delivered_is_counted_on_every_page() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let conf = rig.conf().section(MONITOR).section(OUTPUT_MONITOR);
    let mut server = rig.start(&conf).await?;
    let monitor = Monitor::of(&mut server).await?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &past().audit(10), &mut tally).await?;
    server.flush()?;
    server.wait_for_log("chunk delivered", PATIENCE).await?;

    let metrics = monitor.page("/metrics").await?;
    let source = format!("source=\"http:{}\"", server_port(&conf));
    assert_eq!(value(&metrics, "forebay_acks_total", &source), Some(10.0));
    assert_eq!(value(&metrics, "forebay_events_total", &source), Some(10.0));
    let latency = "forebay_ack_latency_seconds_count";
    assert_eq!(value(&metrics, latency, &source), Some(10.0));
    let records = "fluentd_output_status_emit_records";
    assert_eq!(value(&metrics, records, "env=\"test\""), Some(10.0));
    let synced = value(&metrics, "forebay_sync_seconds_count", "output=");
    assert!(synced.is_some_and(|count| count >= 1.0), "{metrics}");
    let ends = "forebay_certificate_expiry_timestamp_seconds";
    let server_end = value(&metrics, ends, "certificate=\"server\"");
    assert!(server_end.is_some_and(|end| end > 1.7e9), "{metrics}");
    let aggregated = monitor.page("/aggregated_metrics").await?;
    assert_eq!(
        value(&aggregated, "forebay_acks_total", &source),
        Some(10.0)
    );

    let status: Value = serde_json::from_str(&monitor.page("/api/status.json").await?)?;
    assert_eq!(status["sources"][0]["acks"], 10);
    let objects = status["outputs"][0]["objects"].as_u64();
    assert!(objects.is_some_and(|objects| objects >= 1), "{status}");
    let page = monitor.page("/").await?;
    assert!(page.starts_with("<!doctype html>"), "{page}");
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[tokio::test]
async fn refusals_are_counted_by_their_reason() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let conf = rig
        .conf_with(rig.s3("test.log", rig.buffer(1)))
        .section(MONITOR);
    let mut server = rig.start(&conf).await?;
    let monitor = Monitor::of(&mut server).await?;
    let mut client = rig.client(&server)?;
    for (path, body, status) in [
        ("/other.log", "{}", 404),
        ("/test.log", "{", 400),
        ("/test.log", r#"{"time":"yesterday"}"#, 400),
    ] {
        assert_eq!(client.post(path, body, &[]).await?.status, status, "{body}");
    }
    let metrics = monitor.page("/metrics").await?;
    for reason in ["unmatched", "body", "time"] {
        let label = format!("reason=\"{reason}\"");
        let count = value(&metrics, "forebay_refused_total", &label);
        assert_eq!(count, Some(1.0), "{reason}\n{metrics}");
    }
    Ok(())
}

#[tokio::test]
async fn a_monitor_goes_on_through_a_reload_and_moves_when_told_to() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut server = rig.start(&rig.conf().section(MONITOR)).await?;
    let monitor = Monitor::of(&mut server).await?;
    assert_eq!(monitor.status("/stats").await?, 404);

    let moved = MONITOR.replace("</source>", "  metrics_path /stats\n</source>");
    fs::write(
        rig.launch().conf_path(),
        rig.conf().section(moved).to_string(),
    )?;
    server.reload()?;
    server
        .wait_for_log("configuration reloaded", PATIENCE)
        .await?;
    assert_eq!(monitor.status("/stats").await?, 200);
    assert_eq!(monitor.status("/metrics").await?, 404);

    fs::write(rig.launch().conf_path(), rig.conf().to_string())?;
    server.reload()?;
    server.wait_for_log("no longer monitored", PATIENCE).await?;
    Ok(())
}

#[tokio::test]
async fn probes_are_answered_and_told_of_a_store_that_fails_only_on_the_page() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut server = rig.start(&rig.conf().section(MONITOR)).await?;
    let monitor = Monitor::of(&mut server).await?;
    assert_eq!(monitor.page("/healthz").await?, "alive\n");
    assert_eq!(monitor.page("/readyz").await?, "ready\n");
    rig.store.remove_bucket("audit")?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &past().audit(1), &mut tally).await?;
    server.flush()?;
    server
        .wait_for_log("could not be delivered", PATIENCE)
        .await?;
    // Events are still taken, and safe.
    assert_eq!(monitor.status("/readyz").await?, 200);
    let status: Value = serde_json::from_str(&monitor.page("/api/status.json").await?)?;
    let failure = &status["outputs"][0]["last_failure"];
    let reason = failure["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("s3://audit"), "{status}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_stops_is_alive_and_not_ready() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let buffer = rig.buffer(1).line("flush_at_shutdown true");
    let conf = rig.conf_with(rig.s3("**", buffer)).section(MONITOR);
    let mut server = rig.start(&conf).await?;
    let monitor = Monitor::of(&mut server).await?;
    // What cannot be delivered keeps it from ending at once.
    rig.store.remove_bucket("audit")?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &past().audit(1), &mut tally).await?;
    server.ask_to_stop()?;
    server.wait_for_log("stopping", PATIENCE).await?;
    assert_eq!(monitor.page("/healthz").await?, "alive\n");
    let (status, reason) = monitor.get("/readyz").await?;
    assert_eq!((status, reason.as_str()), (503, "the server stops\n"));
    Ok(())
}

#[tokio::test]
async fn fluentds_monitor_agent_is_there_and_tells_no_secret() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let agent = "<source>\n  @type monitor_agent\n  bind 127.0.0.1\n  port 0\n  \
                 include_retry true\n</source>";
    let mut server = rig.start(&rig.conf().section(agent)).await?;
    let monitor = Monitor::of(&mut server).await?;
    let text = monitor.page("/api/plugins.json").await?;
    let plugins: Value = serde_json::from_str(&text)?;
    let output = &plugins["plugins"][1];
    assert_eq!(output["plugin_category"], "output");
    assert_eq!(output["type"], "s3");
    assert_eq!(output["output_plugin"], true);
    for field in [
        "buffer_queue_length",
        "buffer_total_queued_size",
        "retry_count",
        "emit_records",
    ] {
        assert!(output[field].is_u64(), "{field}: {output}");
    }
    assert!(output["retry"].is_object(), "{output}");
    let config: Value = serde_json::from_str(&monitor.page("/api/config.json").await?)?;
    assert_eq!(config["pid"].as_u64(), server.id().map(u64::from));
    let ltsv = monitor.page("/api/plugins").await?;
    assert!(ltsv.contains("plugin_category:output\t"), "{ltsv}");

    let secrets = secrets(&rig.conf());
    assert!(!secrets.is_empty());
    let status = monitor.page("/api/status.json").await?;
    for secret in secrets {
        assert!(!format!("{text}{config}{ltsv}{status}").contains(&secret));
    }
    Ok(())
}

/// With `promtool` where it is; `metrics/tests.rs` keeps to its rules without.
#[tokio::test]
async fn promtool_finds_nothing_wrong() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let conf = rig.conf().section(MONITOR).section(OUTPUT_MONITOR);
    let mut server = rig.start(&conf).await?;
    let monitor = Monitor::of(&mut server).await?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &past().audit(3), &mut tally).await?;
    let metrics = rig.directory().join("metrics");
    fs::write(&metrics, monitor.page("/metrics").await?)?;
    let Some(said) = promtool(&["check", "metrics"], Some(&metrics))? else {
        return Ok(());
    };
    let complaints: Vec<_> = said
        .lines()
        // The names of fluent-plugin-prometheus are as they are.
        .filter(|line| !line.starts_with("fluentd_"))
        .collect();
    assert_eq!(complaints, Vec::<&str>::new());
    for (arguments, file) in [
        (&["check", "rules", "--lint-fatal"][..], "alerts.yml"),
        (&["test", "rules"], "alerts-test.yml"),
    ] {
        let file = format!("{GRAFANA}/{file}");
        let arguments = [arguments, &[file.as_str()]].concat();
        let said = promtool(&arguments, None)?.unwrap_or_default();
        assert!(said.contains("SUCCESS"), "{said}");
    }
    Ok(())
}

/// What it says, with a file as its input; `None` where there is none and none is asked for.
fn promtool(arguments: &[&str], input: Option<&Path>) -> Result<Option<String>, Box<dyn Error>> {
    let told = std::env::var_os("FOREBAY_PROMTOOL");
    let mut command = Command::new(told.clone().unwrap_or_else(|| "promtool".into()));
    let input = input.map(fs::File::open).transpose()?;
    command.stdin(input.map_or_else(Stdio::null, Stdio::from));
    let output = match command.args(arguments).output() {
        Ok(output) => output,
        Err(_) if told.is_none() => return Ok(None),
        Err(error) => return Err(format!("promtool: {error}").into()),
    };
    let said = [output.stdout, output.stderr].concat();
    Ok(Some(String::from_utf8(said)?))
}

#[tokio::test]
async fn every_metric_of_the_dashboard_and_the_alerts_is_there() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let mut server = rig.start(&rig.conf().section(MONITOR)).await?;
    let monitor = Monitor::of(&mut server).await?;
    let metrics = monitor.page("/metrics").await?;
    let known: BTreeSet<_> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|rest| rest.split(' ').next())
        .collect();

    let dashboard = fs::read_to_string(Path::new(GRAFANA).join("dashboard.json"))?;
    let parsed: Value = serde_json::from_str(&dashboard)?;
    let panels = parsed["panels"].as_array().map_or(0, Vec::len);
    assert!(panels >= 8, "{panels} panels");
    let rules = fs::read_to_string(Path::new(GRAFANA).join("alerts.yml"))?;
    for text in [dashboard, rules] {
        let named = metrics_in(&text);
        assert!(named.len() >= 6, "{named:?}");
        for name in named {
            let base = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|ending| name.strip_suffix(ending))
                .filter(|base| known.contains(base));
            let is_known = known.contains(name) || base.is_some();
            assert!(is_known, "{name} is on no page");
        }
    }
    Ok(())
}

/// Words of a text that look like metrics of ours or of Fluentd's.
fn metrics_in(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_metric = |word: &&str| word.starts_with("forebay_") || word.starts_with("fluentd_");
    words.filter(is_metric).collect()
}

/// The port as it stands in the configuration.
fn server_port(conf: &Conf) -> String {
    let text = conf.to_string();
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("port "));
    line.unwrap_or_default().to_owned()
}

/// What a configuration has that nobody may see.
fn secrets(conf: &Conf) -> Vec<String> {
    let text = conf.to_string();
    let lines = text.lines().filter_map(|line| line.trim().split_once(' '));
    let secret =
        |(name, _): &(&str, &str)| ["aws_sec_key", "private_key_passphrase"].contains(name);
    lines
        .filter(secret)
        .map(|(_, value)| value.trim_matches('"').to_owned())
        .collect()
}

/// The sample of a metric whose labels have this text.
fn value(page: &str, name: &str, label: &str) -> Option<f64> {
    let line = page.lines().find(|line| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with('{') && rest.contains(label))
    })?;
    line.rsplit(' ').next()?.parse().ok()
}

/// A monitor's port.
struct Monitor {
    address: String,
}

impl Monitor {
    async fn of(server: &mut Server) -> Result<Self, Box<dyn Error>> {
        let address = server.monitor_address().await?.to_string();
        Ok(Self { address })
    }

    async fn page(&self, path: &str) -> Result<String, Box<dyn Error>> {
        let (status, body) = self.get(path).await?;
        assert_eq!(status, 200, "{path}: {body}");
        Ok(body)
    }

    async fn status(&self, path: &str) -> Result<u16, Box<dyn Error>> {
        Ok(self.get(path).await?.0)
    }

    async fn get(&self, path: &str) -> Result<(u16, String), Box<dyn Error>> {
        let mut stream = TcpStream::connect(&self.address).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: monitor\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("no head")?;
        let status = head.split(' ').nth(1).ok_or("no status")?.parse()?;
        Ok((status, body.to_owned()))
    }
}
