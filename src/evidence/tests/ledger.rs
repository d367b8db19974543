//! The ledger's state by itself, and as lines.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn begin() -> Begin {
    Begin {
        chain: ChainId::from_bytes([7; 16]),
        sequence: 1,
        since: Moment::new(START),
        previous: None,
    }
}

/// What happens to one of three chunks under one of two names.
#[derive(Clone, Copy, Debug)]
enum Event {
    Attempt(u8),
    Stored(Certainty),
    Void,
    Doubt,
    Seal { alive: bool },
}

fn event() -> impl Strategy<Value = (u8, u8, Event)> {
    let event = prop_oneof![
        4 => (0..2_u8).prop_map(Event::Attempt),
        2 => Just(Event::Stored(Certainty::ByThisAttempt)),
        2 => Just(Event::Stored(Certainty::ByAnyAttempt)),
        1 => Just(Event::Void),
        1 => Just(Event::Doubt),
        2 => any::<bool>().prop_map(|alive| Event::Seal { alive }),
    ];
    (0..3_u8, 0..2_u8, event)
}

fn record(seed: u8, key: &str, event: Event) -> Option<Record> {
    let (chunk, key) = (chunk(seed), key.to_owned());
    Some(match event {
        Event::Attempt(bytes) => Record::Attempt(entry(seed, &key, &format!("{bytes}"))),
        Event::Stored(certainty) => Record::Stored {
            chunk,
            key,
            certain: certainty == Certainty::ByThisAttempt,
        },
        Event::Void => Record::Void { chunk, key },
        Event::Doubt => Record::Doubt { chunk, key },
        Event::Seal { .. } => return None,
    })
}

proptest! {
    /// Whatever happens in which order: an object that was stored is listed once while its
    /// chunk lives, the records of a ledger lead to the same ledger, and so do their lines.
    #[test]
    fn an_object_is_listed_once_and_records_lead_to_the_same_ledger(
        events in prop::collection::vec(event(), 1..60)
    ) {
        let mut ledger = Ledger::new(begin());
        let mut listed: BTreeMap<(ChunkId, String), u32> = BTreeMap::new();
        // Chunks that have died have no life after that.
        let mut dead = HashSet::new();
        for (seed, name, event) in events {
            let key = format!("{seed}_{name}");
            if dead.contains(&chunk(seed)) {
                continue;
            }
            match record(seed, &key, event) {
                Some(record) => ledger.apply(record),
                None => {
                    if let Event::Seal { alive: false } = event {
                        dead.insert(chunk(seed));
                    }
                    let alive: HashSet<_> = (0..3).map(chunk).filter(|id| !dead.contains(id)).collect();
                    let draft = ledger.draft(&config(), Occasion::Interval, Moment::new(START), &alive, 1);
                    for entry in &draft.objects {
                        *listed.entry((entry.chunk, entry.key.clone())).or_default() += 1;
                    }
                    for entry in draft.doubtful.iter().chain(&draft.pending) {
                        let is_listed = draft.objects.iter().any(|object| object.key == entry.key);
                        prop_assert!(!is_listed, "{} is both", entry.key);
                    }
                    let link = draft.signed(&signing_key()).unwrap().link;
                    ledger.go_on(&draft, link, Some(&alive));
                }
            }
            let mut again = Ledger::new(begin());
            ledger.records().into_iter().for_each(|record| again.apply(record));
            prop_assert_eq!(&again, &ledger);
            let mut lines = Vec::new();
            for record in ledger.records() {
                push_record(&mut lines, &record).unwrap();
            }
            prop_assert_eq!(read_records(&lines).records, ledger.records());
        }
        for (name, times) in listed {
            prop_assert_eq!(times, 1, "{:?}", name);
        }
    }

    #[test]
    fn any_file_is_read_as_far_as_its_lines_are_whole(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut lines = Vec::new();
        let record = Record::Begin(begin());
        push_record(&mut lines, &record).unwrap();
        let whole = lines.len();
        lines.extend_from_slice(&bytes);
        let readable = read_records(&lines);
        prop_assert_eq!(readable.records.first(), Some(&record));
        for cut in 0..whole {
            prop_assert!(read_records(&lines[..cut]).records.is_empty());
        }
    }
}

#[test]
fn a_damaged_line_is_counted_and_the_others_are_read() {
    let mut lines = Vec::new();
    for key in ["a", "b", "c"] {
        push_record(&mut lines, &Record::Attempt(entry(1, key, "one"))).unwrap();
    }
    let second = lines.iter().position(|byte| *byte == b'\n').unwrap() + 20;
    lines[second] ^= 1;
    let readable = read_records(&lines);
    assert_eq!((readable.records.len(), readable.damaged), (2, 1));
}
