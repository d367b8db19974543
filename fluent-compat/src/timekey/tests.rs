use super::*;
use proptest::prelude::*;

fn slots(seconds: u64, zone: &str) -> TimekeySlots {
    TimekeySlots::new(
        NonZeroU64::new(seconds).unwrap(),
        Zone::parse(zone).unwrap(),
    )
}

fn bounds(slots: &TimekeySlots, time: &str) -> (String, String) {
    let at: jiff::Timestamp = time.parse().unwrap();
    let key = slots.slot(EventTime::new(at.as_second(), 0));
    let text = |seconds| jiff::Timestamp::from_second(seconds).unwrap().to_string();
    (text(key.seconds()), text(slots.end(key)))
}

fn assert_bounds(slots: &TimekeySlots, time: &str, start: &str, end: &str) {
    assert_eq!(
        bounds(slots, time),
        (start.to_owned(), end.to_owned()),
        "of {time}"
    );
}

#[test]
fn an_hour_is_cut_at_the_hour() {
    let hours = slots(3600, "UTC");
    assert_bounds(
        &hours,
        "2024-02-15T09:16:42Z",
        "2024-02-15T09:00:00Z",
        "2024-02-15T10:00:00Z",
    );
    assert_bounds(
        &hours,
        "2024-02-15T09:00:00Z",
        "2024-02-15T09:00:00Z",
        "2024-02-15T10:00:00Z",
    );
}

#[test]
fn a_day_begins_at_midnight_of_the_zone() {
    let tokyo = ("2024-02-14T15:00:00Z", "2024-02-15T15:00:00Z");
    for zone in ["+09:00", "Asia/Tokyo"] {
        assert_bounds(
            &slots(86_400, zone),
            "2024-02-15T09:16:42Z",
            tokyo.0,
            tokyo.1,
        );
    }
}

#[test]
fn an_hour_in_a_zone_of_half_hours_begins_at_the_half_hour() {
    let hours = slots(3600, "Asia/Kolkata");
    assert_bounds(
        &hours,
        "2024-02-15T09:16:42Z",
        "2024-02-15T08:30:00Z",
        "2024-02-15T09:30:00Z",
    );
}

#[test]
fn the_day_on_which_summer_time_begins_is_one_slot_of_23_hours() {
    let days = slots(86_400, "America/New_York");
    for time in [
        "2024-03-10T05:00:00Z",
        "2024-03-10T06:59:59Z",
        "2024-03-11T03:59:59Z",
    ] {
        assert_bounds(&days, time, "2024-03-10T05:00:00Z", "2024-03-11T04:00:00Z");
    }
}

#[test]
fn the_day_on_which_summer_time_ends_is_one_slot_of_25_hours() {
    let days = slots(86_400, "America/New_York");
    for time in [
        "2024-11-03T04:00:00Z",
        "2024-11-03T06:30:00Z",
        "2024-11-04T04:59:59Z",
    ] {
        assert_bounds(&days, time, "2024-11-03T04:00:00Z", "2024-11-04T05:00:00Z");
    }
}

#[test]
fn the_hour_that_occurs_twice_is_two_slots() {
    let hours = slots(3600, "America/New_York");
    assert_bounds(
        &hours,
        "2024-11-03T05:30:00Z",
        "2024-11-03T05:00:00Z",
        "2024-11-03T06:00:00Z",
    );
    assert_bounds(
        &hours,
        "2024-11-03T06:30:00Z",
        "2024-11-03T06:00:00Z",
        "2024-11-03T07:00:00Z",
    );
}

#[test]
fn a_slot_whose_start_is_skipped_begins_with_the_jump() {
    let hours = slots(2 * 3600, "America/New_York");
    assert_bounds(
        &hours,
        "2024-03-10T06:30:00Z",
        "2024-03-10T05:00:00Z",
        "2024-03-10T07:00:00Z",
    );
    assert_bounds(
        &hours,
        "2024-03-10T07:30:00Z",
        "2024-03-10T07:00:00Z",
        "2024-03-10T08:00:00Z",
    );
}

#[test]
fn times_before_1970_fall_into_the_slot_below() {
    assert_eq!(
        slots(3600, "UTC").slot(EventTime::new(-1, 999)),
        Timekey::new(-3600)
    );
}

#[test]
fn the_ends_of_time_have_a_slot() {
    for zone in ["UTC", "-05:30", "Asia/Tokyo"] {
        let slots = slots(86_400, zone);
        for time in [-9_000_000_000_000_000_000, 9_000_000_000_000_000_000] {
            let key = slots.slot(EventTime::new(time, 0));
            assert!(
                key.seconds() <= time && time < slots.end(key),
                "{time} in {zone}"
            );
        }
        // At the very ends there is no room for a whole slot, but no panic either.
        for time in [i64::MIN, i64::MAX] {
            slots.end(slots.slot(EventTime::new(time, 0)));
        }
    }
}

#[test]
fn the_time_slice_is_as_fine_as_the_slots() {
    let format = |seconds| slots(seconds, "UTC").default_time_slice_format();
    assert_eq!(format(59), "%Y%m%d%H%M%S");
    assert_eq!(format(60), "%Y%m%d%H%M");
    assert_eq!(format(3600), "%Y%m%d%H");
    assert_eq!(format(86_400), "%Y%m%d");
}

/// Any time, and times around summer time's begin and end in New York, Warsaw, Lord
/// Howe (half an hour) and Beirut (at midnight), and around the day Apia left out.
fn times() -> impl Strategy<Value = i64> {
    let changes = vec![
        1_710_054_000,
        1_730_613_600,
        1_711_846_800,
        1_729_990_800,
        1_712_415_600,
        1_728_142_200,
        1_711_836_000,
        1_729_976_400,
        1_325_239_200,
    ];
    let near = (prop::sample::select(changes), -100_000_i64..100_000);
    prop_oneof![
        -2_000_000_000_i64..4_000_000_000,
        near.prop_map(|(change, by)| change + by)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn a_slot_contains_its_time_and_ends_where_the_next_begins(
        time in times(),
        seconds in prop::sample::select(vec![1, 7, 60, 300, 600, 3600, 5400, 7200, 43_200, 86_400, 604_800]),
        zone in prop::sample::select(vec![
            "UTC", "+05:45", "America/New_York", "Europe/Warsaw", "Australia/Lord_Howe",
            "Africa/Casablanca", "Asia/Beirut", "Pacific/Apia",
        ]),
    ) {
        let slots = slots(seconds, zone);
        let key = slots.slot(EventTime::new(time, 0));
        let end = slots.end(key);
        prop_assert!(key.seconds() <= time && time < end, "{} <= {time} < {end}", key.seconds());
        prop_assert_eq!(slots.slot(key.start()), key);
        prop_assert_eq!(slots.slot(EventTime::new(end - 1, 0)), key);
        prop_assert_eq!(slots.slot(EventTime::new(end, 0)), Timekey::new(end));
    }

    #[test]
    fn away_from_zone_changes_the_slots_are_fluentds(
        time in 1_707_000_000_i64..1_709_000_000,
        seconds in prop::sample::select(vec![60, 3600, 86_400]),
    ) {
        let zone = Zone::parse("America/New_York").unwrap();
        let offset = i64::from(zone.offset_at(time));
        let fluentd = time - (time + offset).rem_euclid(seconds as i64);
        prop_assert_eq!(slots(seconds, "America/New_York").slot(EventTime::new(time, 0)).seconds(), fluentd);
    }
}
