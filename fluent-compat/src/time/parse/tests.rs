use super::*;

/// 2024-02-15 09:16:42 UTC.
const NOW: EventTime = EventTime::new(1_707_988_602, 0);

fn config(time_type: TimeType, format: Option<&str>) -> TimeParserConfig {
    TimeParserConfig {
        time_type,
        time_format: format.map(str::to_owned),
        time_format_fallbacks: Vec::new(),
        zone: ZoneChoice::Local,
    }
}

fn tokyo() -> Zone {
    Zone::parse("Asia/Tokyo").unwrap()
}

fn parser(config: &TimeParserConfig) -> TimeParser {
    TimeParser::new(config, &tokyo()).unwrap()
}

fn text(parser: &TimeParser, text: &str) -> Result<String, String> {
    let time = parser.parse(TimeValue::Text(text), NOW);
    time.map(|time| time.to_string())
        .map_err(|error| error.to_string())
}

#[test]
fn a_text_without_a_zone_is_read_in_the_chosen_one() {
    let read = |zone| {
        let config = TimeParserConfig {
            zone,
            ..config(TimeType::String, Some("%Y-%m-%d %H:%M:%S"))
        };
        text(&parser(&config), "2024-02-15 09:16:42").unwrap()
    };
    assert_eq!(read(ZoneChoice::Utc), "1707988602.000000000");
    assert_eq!(read(ZoneChoice::Local), "1707956202.000000000");
    assert_eq!(
        read(ZoneChoice::Named(Zone::parse("-05:30").unwrap())),
        "1708008402.000000000"
    );
}

#[test]
fn a_zone_in_the_text_outweighs_the_chosen_one() {
    for format in ["%Y-%m-%dT%H:%M:%S%z", "%FT%T%:z", "%iso8601"] {
        let config = TimeParserConfig {
            zone: ZoneChoice::Utc,
            ..config(TimeType::String, Some(format))
        };
        assert_eq!(
            text(&parser(&config), "2024-02-15T10:16:42+01:00").unwrap(),
            "1707988602.000000000"
        );
    }
    let config = TimeParserConfig {
        zone: ZoneChoice::Utc,
        ..config(TimeType::String, Some("%s"))
    };
    assert_eq!(
        text(&parser(&config), "1707988602").unwrap(),
        "1707988602.000000000"
    );
}

#[test]
fn a_time_that_summer_time_skips_or_repeats_is_still_a_time() {
    let new_york = Zone::parse("America/New_York").unwrap();
    let zone = ZoneChoice::Named(new_york);
    let parser = parser(&TimeParserConfig {
        zone,
        ..config(TimeType::String, Some("%F %R"))
    });
    // 02:30 is skipped and means 03:30; 01:30 occurs twice and means the first.
    assert_eq!(
        text(&parser, "2024-03-10 02:30"),
        text(&parser, "2024-03-10 03:30")
    );
    assert_eq!(
        text(&parser, "2024-11-03 01:30").unwrap(),
        "1730611800.000000000"
    );
    // Fluentd looks up the offset of the wrong moment here, and is an hour off.
    assert_eq!(
        text(&parser, "2024-03-10 04:30").unwrap(),
        "1710059400.000000000"
    );
}

#[test]
fn a_number_keeps_all_its_digits() {
    let float = parser(&config(TimeType::Float, None));
    let read = |value| float.parse(value, NOW).unwrap().to_string();
    assert_eq!(
        read(TimeValue::Number("1707988602.849123456")),
        "1707988602.849123456"
    );
    assert_eq!(
        read(TimeValue::Text("1707988602.8491234569")),
        "1707988602.849123456"
    );
    let whole = parser(&config(TimeType::UnixTime, None));
    let read = |digits| {
        whole
            .parse(TimeValue::Number(digits), NOW)
            .unwrap()
            .to_string()
    };
    assert_eq!(read("1707988602.849"), "1707988602.000000000");
    assert_eq!(read("-5.5"), "-5.000000000");
}

#[test]
fn rfc_3339_is_understood_where_a_number_is_expected_and_nothing_else() {
    for time_type in [TimeType::Float, TimeType::UnixTime] {
        let parser = parser(&config(time_type, None));
        assert_eq!(
            text(&parser, "2024-02-15T09:16:42.849Z").unwrap(),
            "1707988602.849000000"
        );
        assert_eq!(
            text(&parser, "abc").unwrap_err(),
            "time `abc` is neither a number of seconds nor an RFC 3339 time"
        );
        assert!(parser.parse(TimeValue::Other("null"), NOW).is_err());
    }
}

#[test]
fn a_string_type_takes_no_numbers() {
    let error = parser(&config(TimeType::String, Some("%s"))).parse(TimeValue::Number("12"), NOW);
    assert_eq!(
        error.unwrap_err().to_string(),
        "time 12 is no string, as time_type string wants it"
    );
}

#[test]
fn mixed_takes_the_first_format_that_fits() {
    let config = TimeParserConfig {
        time_format_fallbacks: ["unixtime", "%iso8601", "%d/%b/%Y"]
            .map(str::to_owned)
            .to_vec(),
        ..config(TimeType::Mixed, Some("%Y-%m-%d %H:%M:%S"))
    };
    let parser = parser(&config);
    assert_eq!(
        text(&parser, "2024-02-15 18:16:42").unwrap(),
        "1707988602.000000000"
    );
    assert_eq!(text(&parser, "1707988602").unwrap(), "1707988602.000000000");
    assert_eq!(
        parser.parse(TimeValue::Number("12"), NOW),
        Ok(EventTime::new(12, 0))
    );
    assert_eq!(
        text(&parser, "2024-02-15T09:16:42.5Z").unwrap(),
        "1707988602.500000000"
    );
    assert_eq!(
        text(&parser, "15/Feb/2024").unwrap(),
        "1707922800.000000000"
    );
    assert_eq!(
        text(&parser, "noon").unwrap_err(),
        "time `noon` fits none of %Y-%m-%d %H:%M:%S, unixtime, %iso8601, %d/%b/%Y"
    );
}

#[test]
fn errors_say_what_was_found_and_expected() {
    let parser = parser(&config(TimeType::String, Some("%Y-%m-%d")));
    assert_eq!(
        text(&parser, "x").unwrap_err(),
        "time `x` does not match time_format `%Y-%m-%d`"
    );
    let long = text(&parser, &"ü".repeat(1000)).unwrap_err();
    assert!(long.len() < 200 && long.contains('…'), "{long}");
}

#[test]
fn parameters_that_cannot_work_are_refused() {
    let error =
        |config: &TimeParserConfig| TimeParser::new(config, &tokyo()).unwrap_err().to_string();
    let utc = TimeParserConfig {
        zone: ZoneChoice::Utc,
        ..config(TimeType::String, None)
    };
    assert_eq!(
        error(&utc),
        "utc, localtime false and timezone need a time_format, as in Fluentd"
    );
    assert!(error(&config(TimeType::Mixed, None)).starts_with("time_type is mixed, but"));
    assert_eq!(
        error(&config(TimeType::String, Some("%Y-%q"))),
        "`%q` in time_format `%Y-%q` is no directive that can be read"
    );
    assert!(error(&config(TimeType::String, Some("noon"))).contains("has no directive"));
}

#[test]
fn a_parser_knows_what_it_leaves_out() {
    let of = |format| parser(&config(TimeType::String, Some(format)));
    let teleports = of("%Y-%m-%dT%H:%M:%S");
    assert!(!teleports.reads_zone() && !teleports.reads_fraction());
    let whole = of("%Y-%m-%dT%H:%M:%S.%N%z");
    assert!(whole.reads_zone() && whole.reads_fraction());
}
