//! The rules of `promtool check metrics`, and some numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use super::page;
use crate::monitor::testing::report;

/// A family as it stands on a page.
#[derive(Default)]
struct Family {
    help: String,
    kind: String,
    samples: usize,
}

fn families(page: &str) -> BTreeMap<String, Family> {
    let mut families = BTreeMap::<String, Family>::new();
    let mut current = String::new();
    for line in page.lines() {
        let words: Vec<_> = line.splitn(4, ' ').collect();
        match words[..] {
            ["#", "HELP", name, help] => {
                let known = families.insert(name.to_owned(), Family::default());
                assert!(known.is_none(), "{name} comes twice");
                families.get_mut(name).unwrap().help = help.to_owned();
                name.clone_into(&mut current);
            }
            ["#", "TYPE", name, kind] => {
                assert_eq!(name, current);
                families.get_mut(name).unwrap().kind = kind.to_owned();
            }
            _ => {
                let name = line.split(['{', ' ']).next().unwrap();
                let family = families.get_mut(&current).unwrap();
                let rest = name.strip_prefix(current.as_str()).expect(line);
                match family.kind.as_str() {
                    "histogram" => assert!(["_bucket", "_sum", "_count"].contains(&rest), "{line}"),
                    _ => assert_eq!(rest, "", "{line}"),
                }
                let value = line.rsplit(' ').next().unwrap();
                assert!(value.parse::<f64>().is_ok(), "{line}");
                family.samples += 1;
            }
        }
    }
    families
}

#[test]
fn every_metric_keeps_the_rules_of_promtool() {
    let page = page(&report());
    for (name, family) in families(&page) {
        assert!(family.help.len() > 3, "{name} has no help");
        let plain = |c: char| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit();
        assert!(name.chars().all(plain), "{name}");
        let is_counter = family.kind == "counter";
        assert_eq!(name.ends_with("_total"), is_counter, "{name}");
        for odd in ["_milli", "_micro", "_minutes", "_hours", "_kilo", "_mega"] {
            assert!(!name.contains(odd), "{name} is not in a base unit");
        }
        for kind in ["gauge", "counter", "histogram", "summary"] {
            assert!(!name.contains(kind), "{name} has its type in its name");
        }
        // Fluentd's own names are as they are.
        if !name.starts_with("fluentd_") {
            for reserved in ["_count", "_sum", "_bucket"] {
                assert!(!name.ends_with(reserved), "{name}");
            }
        }
    }
    assert!(page.ends_with('\n'));
}

#[test]
fn a_label_is_given_once_and_in_snake_case() {
    for line in page(&report())
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let Some((_, labels)) = line.split_once('{') else {
            continue;
        };
        let (labels, _) = labels.rsplit_once('}').unwrap();
        let mut names: Vec<_> = labels
            .split(',')
            .map(|label| label.split('=').next().unwrap())
            .collect();
        let plain = |c: char| c.is_ascii_lowercase() || c == '_';
        assert!(names.iter().all(|name| name.chars().all(plain)), "{line}");
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{line}");
    }
}

#[test]
fn what_is_counted_is_on_the_page() {
    let report = report();
    report.sources[0]
        .traffic
        .ack_latency
        .record(Duration::from_millis(2));
    report.outputs[0].deliveries.objects.add(2);
    report.sources[0].failed_handshakes.add(3);
    let _unanswered = report.sources[0]
        .traffic
        .unanswered
        .begin(tokio::time::Instant::now());
    let page = page(&report);
    for line in [
        "forebay_acks_total{source=\"http:9880\"} 1",
        "forebay_ack_latency_seconds_bucket{source=\"http:9880\",le=\"0.0025\"} 1",
        "forebay_ack_latency_seconds_bucket{source=\"http:9880\",le=\"0.001\"} 0",
        "forebay_certificate_expiry_timestamp_seconds{source=\"http:9880\",certificate=\"server\"} 99999",
        "forebay_failed_handshakes_total{source=\"http:9880\"} 3",
        "forebay_unacknowledged_requests{source=\"http:9880\"} 1",
        "forebay_oldest_unacknowledged_age_seconds{source=\"http:9880\"} 0",
        "forebay_buffer_chunks{output=\"audit\",state=\"staged\"} 2",
        "forebay_oldest_undelivered_age_seconds{output=\"audit\"} 700",
        "forebay_objects_total{output=\"audit\"} 2",
        "fluentd_output_status_buffer_total_bytes{hostname=\"box\",plugin_id=\"audit\",type=\"s3\"} 500000",
        "fluentd_output_status_buffer_stage_byte_size{hostname=\"box\",plugin_id=\"audit\",type=\"s3\"} 300000",
        "fluentd_output_status_buffer_available_space_ratio{hostname=\"box\",plugin_id=\"audit\",type=\"s3\"} 50",
        "fluentd_status_buffer_newest_timekey{hostname=\"box\",plugin_id=\"audit\",type=\"s3\",plugin_category=\"output\"} 10500",
        "fluentd_output_status_buffer_oldest_timekey{hostname=\"box\",plugin_id=\"audit\",type=\"s3\"} 9300",
    ] {
        assert!(page.lines().any(|found| found == line), "{line}\n{page}");
    }
}
