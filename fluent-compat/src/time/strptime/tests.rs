use super::*;
use crate::time::{EventTime, Strftime, Zone};
use proptest::prelude::*;

/// 2024-02-15 09:16:42 UTC.
const NOW: EventTime = EventTime::new(1_707_988_602, 0);

fn read(format: &str, text: &str) -> Option<String> {
    let strptime = Strptime::new(format).unwrap();
    let moment = strptime.read(text)?.moment(&Zone::Utc, NOW)?;
    Some(Strftime::new("%Y-%m-%d %H:%M:%S.%9N").format(moment, &Zone::Utc))
}

fn assert_read(format: &str, text: &str, expected: &str) {
    let read = read(format, text);
    let read = read
        .as_deref()
        .map(|read| read.trim_end_matches('0').trim_end_matches('.'));
    assert_eq!(read, Some(expected), "{text} by {format}");
}

fn assert_refused(format: &str, text: &str) {
    assert_eq!(read(format, text), None, "{text} by {format}");
}

#[test]
fn text_behind_the_format_is_ignored() {
    assert_read(
        "%Y-%m-%dT%H:%M:%S",
        "2024-02-15T09:16:42.849Z",
        "2024-02-15 09:16:42",
    );
    assert_read(
        "%F %T",
        "2024-02-15 09:16:42 and more",
        "2024-02-15 09:16:42",
    );
}

#[test]
fn a_day_that_the_month_has_not_is_one_of_the_next_month() {
    assert_read("%Y-%m-%d", "2024-02-30", "2024-03-01 00:00:00");
    assert_refused("%Y-%m-%d", "2024-02-32");
}

#[test]
fn both_readers_keep_their_own_habits() {
    // The gem knows no leading blank and no hour 24; Ruby, here because of %p, %T
    // and %%, knows both.
    assert_refused("%Y-%m-%d %H", "2024-02-15 24");
    assert_read("%Y-%m-%d %T", "2024-02-15 24:00:00", "2024-02-16 00:00:00");
    assert_refused("%Y-%m-%d", "2024-02- 5");
    assert_read("%%%Y-%m-%d", "%2024-02- 5", "2024-02-05 00:00:00");
    // The gem's years have four digits; Ruby's as many as stand there.
    assert_refused("%Y-%m", "12024-02");
    assert_read("%Y-%m%%", "12024-02%", "12024-02-01 00:00:00");
    assert_read("%Y%j", "2024046", "2024-02-15 00:00:00");
}

#[test]
fn fractions_of_any_length_are_read_and_cut_at_nanoseconds() {
    assert_read("%H:%M:%S.%N", "09:16:42.5", "2024-02-15 09:16:42.5");
    assert_read(
        "%H:%M:%S.%L",
        "09:16:42.849123456",
        "2024-02-15 09:16:42.849123456",
    );
    assert_read(
        "%H:%M:%S.%LZ",
        "09:16:42.84912345678Z",
        "2024-02-15 09:16:42.849123456",
    );
    assert_refused("%H:%M:%S.%NZ", "09:16:42.84912345678Z");
    assert_refused("%H:%M:%S.%N", "09:16:42.");
}

#[test]
fn zones_are_read_as_offsets_or_names() {
    for text in [
        "18:16:42+0900",
        "18:16:42+09:00",
        "18:16:42+09",
        "09:16:42Z",
        "09:16:42z",
        "09:16:42+0",
    ] {
        assert_read("%H:%M:%S%z", text, "2024-02-15 09:16:42");
    }
    for text in [
        "04:16:42 EST",
        "18:16:42 UTC+9",
        "09:16:42 GMT",
        "18:16:42 +090000",
        "03:46:42 -05:30:00",
    ] {
        assert_read("%H:%M:%S %Z", text, "2024-02-15 09:16:42");
    }
    assert_refused("%H:%M:%S%z", "09:16:42");
    assert_refused("%T %Z", "09:16:42 +9900");
}

#[test]
fn names_are_read_whole_or_abbreviated_in_any_case() {
    for text in [
        "Thu Feb 15 2024",
        "thursday february 15 2024",
        "THU FEBRUARY  15   2024",
    ] {
        assert_read("%a %b %d %Y", text, "2024-02-15 00:00:00");
    }
    assert_refused("%a %b %d %Y", "Thu Fev 15 2024");
}

#[test]
fn twelve_hour_clocks_need_their_half_of_the_day() {
    assert_read("%I:%M %p", "12:05 AM", "2024-02-15 00:05:00");
    assert_read("%I:%M %p", "12:05 p.m.", "2024-02-15 12:05:00");
    assert_read("%l:%M %P", " 1:05 pm", "2024-02-15 13:05:00");
    assert_refused("%I:%M %p", "13:05 PM");
    assert_refused("%I:%M %p", "1:05 XM");
}

#[test]
fn seconds_and_milliseconds_since_1970() {
    assert_read("%s", "1707988602.849", "2024-02-15 09:16:42");
    assert_read("%s.%L", "1707988602.849", "2024-02-15 09:16:42.849");
    assert_read("%Q", "1707988602849", "2024-02-15 09:16:42.849");
    assert_read("%s.%N", "-1.5", "1969-12-31 23:59:58.5");
    assert_read("%Q", "-1500", "1969-12-31 23:59:58.5");
    assert_refused("%s", "99999999999999999999999");
}

#[test]
fn two_digits_of_a_year_lie_between_1969_and_2068() {
    assert_read("%y-%m-%d", "69-01-01", "1969-01-01 00:00:00");
    assert_read("%y-%m-%d", "68-01-01", "2068-01-01 00:00:00");
    assert_read("%C %y", "18 05", "1805-01-01 00:00:00");
}

#[test]
fn weeks_may_name_the_day() {
    assert_read("%G-W%V-%u %H:%M", "2024-W07-4 09:16", "2024-02-15 09:16:00");
    assert_read("%Y %W %w", "2024 7 4", "2024-02-15 00:00:00");
}

#[test]
fn a_format_that_can_read_nothing_is_refused() {
    let error = |format: &str| Strptime::new(format).unwrap_err();
    assert_eq!(
        error("%Y-%-m"),
        FormatError::UnknownDirective("%-".to_owned())
    );
    assert_eq!(
        error("%Y %i"),
        FormatError::UnknownDirective("%i".to_owned())
    );
    assert_eq!(error("%Y %"), FormatError::UnknownDirective("%".to_owned()));
    assert_eq!(
        error("%Y %Ez"),
        FormatError::UnknownDirective("%Ez".to_owned())
    );
    assert_eq!(error("at noon"), FormatError::NoTime);
}

#[test]
fn no_text_makes_it_panic() {
    let strptime = Strptime::new("%Y%z").unwrap();
    for text in ["", "é", "2024é", "2024+", "+", "99999+99"] {
        let _ = strptime.read(text);
    }
}

proptest! {
    #[test]
    fn what_strftime_writes_strptime_reads(
        seconds in -62_135_596_800_i64..253_402_207_000,
        nanoseconds in 0_u32..1_000_000_000,
        format in prop::sample::select(vec![
            "%Y-%m-%dT%H:%M:%S.%N%z", "%Y%m%d%H%M%S%N %Z", "%F %T.%9N%:z", "%d/%b/%Y:%H:%M:%S.%N %z",
            "%A, %e %B %Y %I:%M:%S.%N %p", "%Y %j %T.%N", "%s.%N", "%G-%V-%u %T.%N", "%c %N", "%D %C %T %N",
        ]),
    ) {
        // A negative second and its fraction are written apart, and read as a decimal.
        prop_assume!(seconds >= 0 || !format.starts_with("%s"));
        let time = EventTime::new(seconds, nanoseconds);
        let text = Strftime::new(format).format(time, &Zone::Utc);
        let reader = format.replace("%9N", "%N");
        let read = Strptime::new(&reader).unwrap().read(&text).and_then(|fields| fields.moment(&Zone::Utc, NOW));
        prop_assert_eq!(read, Some(time), "{} by {}", text, format);
    }
}
