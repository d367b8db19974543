use jiff::Timestamp;

use super::*;
use crate::events::EventMaker;

fn events() -> Vec<AuditEvent> {
    let mut maker = EventMaker::new(7, Timestamp::UNIX_EPOCH);
    let mut events = maker.audit(5);
    events.extend(maker.recording(5).events);
    events
}

fn tally(events: &[AuditEvent], time: TimeField) -> Tally {
    let mut tally = Tally::new(time);
    events.iter().for_each(|event| tally.acknowledged(event));
    tally
}

fn text(events: &[AuditEvent]) -> String {
    events
        .iter()
        .map(|event| format!("{}\n", event.body))
        .collect()
}

#[test]
fn all_there_once_is_exact() {
    let events = events();
    let (first, second) = events.split_at(4);
    let report = tally(&events, TimeField::Kept).check([text(second), text(first)]);
    assert!(report.is_exact(), "{report}");
    assert_eq!(report.to_string(), "10 sent, 10 in S3, 0 missing, 0 twice");
}

#[test]
fn a_missing_event_is_told_with_and_without_a_uid() {
    let events = events();
    let report = tally(&events, TimeField::Kept).check([text(&events[1..7])]);
    assert_eq!(report.missing.len(), 4);
    assert!(!report.is_exact());
}

#[test]
fn an_event_that_is_there_twice_is_told() {
    let events = events();
    let report = tally(&events, TimeField::Kept).check([text(&events), text(&events[6..7])]);
    assert_eq!((report.missing.len(), report.twice.len()), (0, 1));
    assert!(!report.is_exact());
}

#[test]
fn an_event_sent_to_two_urls_is_expected_twice() {
    let events = events();
    let mut tally = tally(&events, TimeField::Kept);
    tally.acknowledged(&events[0]);
    assert!(tally.check([text(&events), text(&events[..1])]).is_exact());
    assert_eq!(tally.check([text(&events)]).missing.len(), 1);
}

#[test]
fn an_unanswered_event_may_be_there_or_not_but_not_twice() {
    let events = events();
    let mut tally = tally(&events[1..], TimeField::Kept);
    tally.unanswered(&events[0]);
    assert!(tally.check([text(&events)]).is_exact());
    assert!(tally.check([text(&events[1..])]).is_exact());
    let report = tally.check([text(&events), text(&events[..1])]);
    assert_eq!(report.twice.len(), 1);
}

#[test]
fn another_digit_is_an_alteration() {
    let events = events();
    let changed = text(&events).replacen("harbour.example.com", "harbor.example.com", 1);
    let report = tally(&events, TimeField::Kept).check([changed]);
    assert_eq!(report.altered.len(), 1);
    assert!(!report.is_exact());
}

#[test]
fn a_removed_time_is_expected_where_the_file_says_so() {
    let events = events();
    let removed = events.iter().map(|event| {
        let mut record = event.record.clone();
        record.remove("time");
        Value::Object(record).to_string() + "\n"
    });
    let removed: String = removed.collect();
    assert!(
        tally(&events, TimeField::Removed)
            .check([&removed])
            .is_exact()
    );
    let report = tally(&events, TimeField::Kept).check([&removed]);
    assert_eq!(report.altered.len(), 10);
}

#[test]
fn time_and_tag_before_the_record_are_skipped() {
    let events = events();
    let lines: String = events
        .iter()
        .map(|event| format!("2026-11-21T00:00:00Z\ttest.log\t{}\n", event.body))
        .collect();
    assert!(tally(&events, TimeField::Kept).check([lines]).is_exact());
}

#[test]
fn a_torn_line_and_a_stranger_are_told() {
    let events = events();
    let report =
        tally(&events, TimeField::Kept).check([text(&events) + "{\"uid\":\"x\",\"ei\":1}\n{\"ui"]);
    assert_eq!((report.strangers.len(), report.unreadable.len()), (1, 1));
    assert!(!report.is_exact());
}
