//! Fluentd's recorded answers on times, tag patterns and retries.

use std::time::Duration;

use fluent_compat::retry::{
    Backoff, RetryLimit, RetryPolicy, RetryState, SecondaryThreshold, Target, Verdict,
};
use fluent_compat::tag::MatchPatterns;
use fluent_compat::time::{
    EventTime, TimeFormatter, TimeParser, TimeParserConfig, TimeType, TimeValue, Zone, ZoneChoice,
};
use serde_json::Value;

use crate::vectors::{Case, run, same};

mod vectors;

#[test]
fn times_are_read_as_recorded() {
    run("time_parse.json", time_is_read);
}

#[test]
fn times_are_read_as_recorded_in_tokyo() {
    run("asia-tokyo/time_parse.json", time_is_read);
}

#[test]
fn times_are_written_as_recorded() {
    run("time_format.json", |case| {
        let zone = match (case.get("timezone").as_str(), case.get("utc").as_bool()) {
            (Some(zone), _) => Zone::parse(zone).map_err(|error| error.to_string())?,
            (None, Some(true)) => Zone::Utc,
            (None, _) => host_zone(case)?,
        };
        let format = case.get("time_format").as_str();
        let mut found = Vec::new();
        TimeFormatter::new(TimeType::String, format, zone)
            .write(time_of(&case.text("time"))?, &mut found);
        same(&found, &case.bytes("text"))
    });
}

#[test]
fn patterns_take_the_tags_recorded() {
    run("tag_patterns.json", |case| {
        let patterns =
            MatchPatterns::parse(&case.text("pattern")).map_err(|error| error.to_string())?;
        for (member, taken) in [("matches", true), ("rejects", false)] {
            for tag in case
                .get(member)
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
            {
                same(&(tag, patterns.matches(tag)), &(tag, taken))?;
            }
        }
        Ok(())
    });
}

#[test]
fn chunks_are_tried_again_when_recorded() {
    run("retry.json", |case| {
        let policy = retry_policy(case)?;
        let (mut state, mut verdict) = RetryState::begin(&policy);
        let mut last = Duration::ZERO;
        for attempt in case.get("attempts").as_array().into_iter().flatten() {
            let at =
                Duration::from_secs_f64(attempt.get("at").and_then(Value::as_f64).unwrap_or(-1.0));
            same(&verdict, &Verdict::RetryAt(at))?;
            // The recording says what was in use until then. A try made at the very
            // moment of the change already goes to the secondary (`secondary?`).
            let before = state.target(&policy, at.saturating_sub(Duration::from_millis(1)));
            same(&before, &target(attempt)?)?;
            verdict = state.fail(&policy, at, 0.5);
            last = at;
        }
        same(&verdict, &Verdict::GiveUp)?;
        same(&Some(last.as_secs_f64()), &case.get("gave_up").as_f64())
    });
}

fn time_is_read(case: &Case) -> Result<(), String> {
    let zone = match case.get("timezone").as_str() {
        Some(zone) => ZoneChoice::Named(Zone::parse(zone).map_err(|error| error.to_string())?),
        None => ZoneChoice::Local,
    };
    let config = TimeParserConfig {
        time_type: match case.get("time_type").as_str() {
            Some("float") => TimeType::Float,
            Some("unixtime") => TimeType::UnixTime,
            _ => TimeType::String,
        },
        time_format: case.get("time_format").as_str().map(str::to_owned),
        time_format_fallbacks: Vec::new(),
        zone,
    };
    let parser = TimeParser::new(&config, &host_zone(case)?).map_err(|error| error.to_string())?;
    let value = if case.has("text") {
        case.get("text")
    } else {
        case.get("value")
    };
    let digits = value.to_string();
    let value = match value {
        Value::String(text) => TimeValue::Text(text),
        Value::Number(_) => TimeValue::Number(&digits),
        _ => TimeValue::Other(&digits),
    };
    let found = parser.parse(value, EventTime::new(0, 0));
    match (found, case.has("error")) {
        (Ok(time), false) => same(&time, &time_of(&case.text("time"))?),
        (Err(error), true) if case.difference.is_some() => {
            let error = error.to_string();
            same(&error.contains(&case.text("error")), &true).map_err(|_| error)
        }
        // The words of the others are Ruby's.
        (Err(_), true) => Ok(()),
        (found, _) => Err(format!("found {found:?}")),
    }
}

fn retry_policy(case: &Case) -> Result<RetryPolicy, String> {
    let options = case.get("options");
    let seconds = |name| {
        case.get(name)
            .as_u64()
            .map(Duration::from_secs)
            .ok_or(format!("no {name}"))
    };
    let share = options
        .get("secondary_threshold")
        .and_then(Value::as_f64)
        .unwrap_or(0.8);
    let share = SecondaryThreshold::new(share).map_err(|error| error.to_string())?;
    Ok(RetryPolicy {
        wait: seconds("retry_wait")?,
        backoff: match case.get("retry_type").as_str() {
            Some("periodic") => Backoff::Periodic,
            _ => Backoff::Exponential {
                base: Default::default(),
                max_interval: None,
            },
        },
        limit: RetryLimit::Until {
            timeout: seconds("retry_timeout")?,
            max_times: options
                .get("max_steps")
                .and_then(Value::as_u64)
                .map(|steps| steps as u32),
        },
        randomize: false,
        secondary: options
            .get("secondary")
            .and_then(Value::as_bool)
            .unwrap_or(false)
            .then_some(share),
    })
}

fn target(attempt: &Value) -> Result<Target, String> {
    match attempt.get("current").and_then(Value::as_str) {
        Some("primary") => Ok(Target::Primary),
        Some("secondary") => Ok(Target::Secondary),
        other => Err(format!("no target {other:?}")),
    }
}

/// The zone of the recording's host.
fn host_zone(case: &Case) -> Result<Zone, String> {
    jiff::tz::TimeZone::get(&case.tz)
        .map(Zone::from)
        .map_err(|error| error.to_string())
}

/// `seconds.nanoseconds`, as the recordings write times.
fn time_of(text: &str) -> Result<EventTime, String> {
    let (seconds, nanoseconds) = text.split_once('.').ok_or(format!("no time: {text}"))?;
    let seconds = seconds.parse().map_err(|_| format!("no seconds: {text}"))?;
    let nanoseconds = nanoseconds
        .parse()
        .map_err(|_| format!("no nanoseconds: {text}"))?;
    Ok(EventTime::new(seconds, nanoseconds))
}
