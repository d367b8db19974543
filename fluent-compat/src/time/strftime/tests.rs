use super::*;

/// 2024-02-05 09:16:42.049123456 UTC, a Monday.
const TIME: EventTime = EventTime::new(1_707_124_602, 49_123_456);

fn utc(format: &str) -> String {
    Strftime::new(format).format(TIME, &Zone::Utc)
}

fn at(zone: &str, format: &str) -> String {
    Strftime::new(format).format(TIME, &Zone::parse(zone).unwrap())
}

fn date(year: i64, month: i64, day: i64, format: &str) -> String {
    let seconds = super::super::civil::seconds_at(year, month, day, 0, 0, 0);
    Strftime::new(format).format(EventTime::new(seconds, 0), &Zone::Utc)
}

#[test]
fn each_directive_has_its_own_padding() {
    assert_eq!(utc("%Y %C %y %m %d %e %j"), "2024 20 24 02 05  5 036");
    assert_eq!(utc("%H %k %I %l %M %S %p %P"), "09  9 09  9 16 42 AM am");
    assert_eq!(
        utc("%a %A %b %B %h %u %w"),
        "Mon Monday Feb February Feb 1 1"
    );
    assert_eq!(utc("%s"), "1707124602");
}

#[test]
fn directives_that_stand_for_several() {
    assert_eq!(
        utc("%F|%T|%R|%D|%x|%X"),
        "2024-02-05|09:16:42|09:16|02/05/24|02/05/24|09:16:42"
    );
    assert_eq!(
        utc("%c|%r|%v"),
        "Mon Feb  5 09:16:42 2024|09:16:42 AM| 5-FEB-2024"
    );
    assert_eq!(utc("%+"), "Mon Feb  5 09:16:42 UTC 2024");
}

#[test]
fn flags_and_widths_change_the_padding() {
    assert_eq!(
        utc("%-d %-m %-I %_m %0e %3d %_5d %05e"),
        "5 2 9  2 05 005     5 00005"
    );
    assert_eq!(utc("%10Y|%_10Y|%-Y"), "0000002024|      2024|2024");
    assert_eq!(
        utc("%10a|%010a|%-10a|%10%|"),
        "       Mon|0000000Mon|Mon|         %|"
    );
    assert_eq!(utc("%12F|%012F"), "  2024-02-05|002024-02-05");
}

#[test]
fn flags_change_the_case() {
    assert_eq!(
        utc("%^a %^B %#b %#p %^P %#P %#Z %^p"),
        "MON FEBRUARY FEB am AM AM utc AM"
    );
    assert_eq!(utc("%^c"), "MON FEB  5 09:16:42 2024");
}

#[test]
fn fractions_are_cut_not_rounded_and_filled_with_zeros() {
    assert_eq!(
        utc("%L %N %3N %6N %9N"),
        "049 049123456 049 049123 049123456"
    );
    assert_eq!(utc("%1N %12N %6L"), "0 049123456000 049123");
}

#[test]
fn offsets_come_with_as_many_colons_as_asked_for() {
    assert_eq!(
        at("+09:00", "%z %:z %::z %:::z"),
        "+0900 +09:00 +09:00:00 +09"
    );
    assert_eq!(
        at("-05:30", "%z %:z %::z %:::z"),
        "-0530 -05:30 -05:30:00 -05:30"
    );
    assert_eq!(at("-00:30", "%z %_6z"), "-0030   -030");
    assert_eq!(
        at("+09:00", "%10z|%_10z|%_12:z"),
        "+000000900|      +900|       +9:00"
    );
}

#[test]
fn zones_have_abbreviations_and_offsets_have_none() {
    assert_eq!(at("Asia/Tokyo", "%Z %H"), "JST 18");
    assert_eq!(at("+09:00", "[%Z] %H"), "[] 18");
    assert_eq!(utc("%Z %z"), "UTC +0000");
}

#[test]
fn what_is_no_directive_stands_as_it_is() {
    assert_eq!(utc("%Q %! %"), "%Q %! %");
    assert_eq!(utc("%5-d %::Y %E %Ed %Oy %Ey"), "%5-d %::Y %E %Ed 24 24");
    assert_eq!(utc("%%Y %99999d"), "%Y %99999d");
    assert_eq!(utc("zażółć %Y"), "zażółć 2024");
}

#[test]
fn weeks_are_counted_three_ways() {
    assert_eq!(date(2024, 1, 1, "%U %W %V %G"), "00 01 01 2024");
    assert_eq!(date(2023, 1, 1, "%U %W %V %G %g"), "01 00 52 2022 22");
    assert_eq!(date(2024, 12, 30, "%U %W %V %G"), "52 53 01 2025");
    assert_eq!(date(2021, 1, 1, "%U %W %V %G"), "00 00 53 2020");
}

#[test]
fn twelve_o_clock_is_twelve() {
    let noon = EventTime::new(12 * 3600, 0);
    assert_eq!(Strftime::new("%I %p").format(noon, &Zone::Utc), "12 PM");
    assert_eq!(
        Strftime::new("%I %p").format(EventTime::new(0, 0), &Zone::Utc),
        "12 AM"
    );
}

#[test]
fn years_of_more_and_of_fewer_than_four_digits_are_written() {
    assert_eq!(
        Strftime::new("%F").format(EventTime::new(1_707_988_602_849, 0), &Zone::Utc),
        "56094-01-01"
    );
    assert_eq!(date(33, 1, 1, "%Y"), "0033");
}

#[test]
fn the_ends_of_time_can_be_written() {
    let tokyo = Zone::parse("Asia/Tokyo").unwrap();
    for seconds in [i64::MIN, i64::MAX] {
        let text =
            Strftime::new("%s %F %V %U %Z").format(EventTime::new(seconds, 999_999_999), &tokyo);
        assert!(text.starts_with(&seconds.to_string()), "{text}");
    }
}
