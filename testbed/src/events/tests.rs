use std::collections::BTreeSet;

use jiff::Timestamp;

use super::*;

fn start() -> Timestamp {
    "2026-11-21T03:00:00Z".parse().unwrap()
}

#[test]
fn the_same_seed_makes_the_same_events() {
    let make = |seed| EventMaker::new(seed, start()).audit(100);
    assert_eq!(make(1), make(1));
    assert_ne!(make(1), make(3));
}

#[test]
fn every_event_has_a_uid_of_its_own_and_a_growing_ei() {
    let events = EventMaker::new(1, start()).audit(1000);
    let uids: BTreeSet<_> = events
        .iter()
        .map(|event| event.record["uid"].to_string())
        .collect();
    assert_eq!(uids.len(), 1000);
    let indices: Vec<_> = events
        .iter()
        .map(|event| event.record["ei"].as_u64().unwrap())
        .collect();
    assert!(indices.is_sorted_by(|a, b| a < b));
    let kinds: BTreeSet<_> = events
        .iter()
        .map(|event| event.record["event"].to_string())
        .collect();
    assert!(kinds.len() >= 30, "{}", kinds.len());
}

#[test]
fn a_body_says_what_the_record_says_with_sorted_keys_on_one_line() {
    for seed in [1, 2] {
        for event in EventMaker::new(seed, start()).audit(200) {
            let parsed: Map<String, Value> = serde_json::from_str(&event.body).unwrap();
            assert_eq!(parsed, event.record);
            assert!(!event.body.contains('\n'));
            assert!(parsed.keys().is_sorted());
        }
    }
}

#[test]
fn the_seed_decides_about_the_space_after_a_comma() {
    let body = |seed| EventMaker::new(seed, start()).one().body;
    assert!(body(2).contains("\",\""), "{}", body(2));
    assert!(body(1).contains("\", \""), "{}", body(1));
}

#[test]
fn digits_are_written_as_they_are() {
    let events = EventMaker::new(1, start()).audit(100);
    assert!(
        events
            .iter()
            .any(|event| event.body.contains(":18446744073709552000"))
    );
    assert!(events.iter().any(|event| event.body.contains(":1e+21")));
}

#[test]
fn a_recording_goes_to_its_own_path_and_prints_have_no_uid() {
    let recording = EventMaker::new(1, start()).recording(60);
    assert_eq!(recording.events.len(), 60);
    let path = format!("/session.{}.log", recording.id);
    assert!(recording.events.iter().all(|event| event.path == path));
    let prints = recording
        .events
        .iter()
        .filter(|event| event.record["event"] == "print");
    let mut data = BTreeSet::new();
    for print in prints {
        assert!(!print.record.contains_key("uid"));
        assert!(
            data.insert(print.record["data"].to_string()),
            "the same data twice"
        );
    }
}

#[test]
fn times_are_as_go_writes_them() {
    let events = EventMaker::new(1, start()).audit(12);
    let times: Vec<_> = events
        .iter()
        .map(|event| event.record["time"].as_str().unwrap())
        .collect();
    assert_eq!(times[0], "2026-11-21T03:00:00Z");
    assert_eq!(times[1], "2026-11-21T03:00:00.001Z");
    assert_eq!(times[10], "2026-11-21T03:00:00.01Z");
}
