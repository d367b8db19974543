//! Fluentd's recorded answers on request bodies and formats.

use fluent_compat::events::{Event, Events};
use fluent_compat::format::{
    CsvFormatter, CsvQuotes, Formatter, LtsvFormatter, Newline, OutFileFormatter,
    SingleValueFormatter, StdoutFormatter, TsvFormatter,
};
use fluent_compat::parse::{
    FieldRules, JsonParser, NestingLimit, NullTime, Parser, Reason, RecordRules, TimeKey,
};
use fluent_compat::record::FieldPath;
use fluent_compat::time::{
    EventTime, Strftime, TimeFormatter, TimeParser, TimeParserConfig, TimeType, Zone, ZoneChoice,
};
use serde_json::Value;

use crate::vectors::{Case, run, same};

mod vectors;

const NOW: EventTime = EventTime::new(1_700_000_000, 5);

#[test]
fn bodies_are_read_as_recorded() {
    run("json_bodies.json", body_is_read);
}

#[test]
fn bodies_are_read_as_recorded_in_tokyo() {
    run("asia-tokyo/json_bodies.json", body_is_read);
}

#[test]
fn records_are_written_as_recorded() {
    run("formatters.json", record_is_written);
}

#[test]
fn records_are_written_as_recorded_in_tokyo() {
    run("asia-tokyo/formatters.json", record_is_written);
}

fn body_is_read(case: &Case) -> Result<(), String> {
    let parser = json_parser(&Conf(case.text("parse")), case)?;
    match (parser.parse(&case.bytes("body"), NOW), case.get("error")) {
        (Ok(events), Value::Null) => events_are(case, &events),
        (Ok(_), error) => Err(format!("found events, recorded the error {error}")),
        (Err(found), Value::Null) => Err(format!("found the error {found}")),
        // Where we differ our own message is checked, else that it is a time's error.
        (Err(found), Value::String(error)) if case.difference.is_some() => {
            same(found.to_string().as_str(), error)
        }
        (Err(found), _) => match found.reason {
            Reason::Time { .. } => Ok(()),
            _ => Err(format!("found the error {found}, recorded one of the time")),
        },
    }
}

fn events_are(case: &Case, events: &Events) -> Result<(), String> {
    let recorded = case.get("events").as_array().ok_or("no events")?;
    same(&events.len(), &recorded.len())?;
    for (event, recorded) in events.iter().zip(recorded) {
        let time = match recorded.get("time").and_then(Value::as_str) {
            Some("now") => NOW,
            Some(time) => time_of(time)?,
            None => return Err("the event was dropped".to_owned()),
        };
        same(&event.time, &time)?;
        for writer in ["line", "oj"] {
            let line = recorded.get(writer).and_then(Value::as_str);
            same(&json(event.record.as_json())?, &json(line.ok_or(writer)?)?)?;
        }
    }
    Ok(())
}

fn json_parser(conf: &Conf, case: &Case) -> Result<Parser, String> {
    let config = TimeParserConfig {
        time_type: match conf.get("time_type") {
            Some("string") => TimeType::String,
            _ => TimeType::Float,
        },
        time_format: conf.get("time_format").map(str::to_owned),
        time_format_fallbacks: Vec::new(),
        zone: ZoneChoice::Local,
    };
    let rules = RecordRules {
        time_key: Some(TimeKey {
            name: "time".to_owned(),
            keep: conf.is("keep_time_key", false),
        }),
        time_parser: TimeParser::new(&config, &host_zone(case)?).map_err(text)?,
        null_time: NullTime::Refused,
        fields: FieldRules::default(),
    };
    let nesting = NestingLimit::default();
    Ok(Parser::Json(JsonParser { rules, nesting }))
}

fn record_is_written(case: &Case) -> Result<(), String> {
    let conf = Conf(case.text("conf"));
    let formatter = formatter(&case.text("type"), &conf, case)?;
    let mut events = Events::new();
    let record = case.get("record").as_object().ok_or("no record")?;
    events.push_map(time_of(&case.text("time"))?, record);
    let event: Event<'_> = events.iter().next().ok_or("no event")?;
    let mut found = Vec::new();
    let written = formatter.format(&case.text("tag"), &event, &mut found);
    written.map_err(text)?;
    let recorded = case.bytes("text");
    same(
        &String::from_utf8_lossy(&found),
        &String::from_utf8_lossy(&recorded),
    )?;
    same(&found, &recorded)
}

fn formatter(name: &str, conf: &Conf, case: &Case) -> Result<Formatter, String> {
    let newline = match (conf.is("add_newline", true), conf.get("newline")) {
        (false, _) => Newline::None,
        (true, Some("crlf")) => Newline::CrLf,
        (true, _) => Newline::Lf,
    };
    let value = |key: &str, default: &str| conf.get(key).unwrap_or(default).to_owned();
    let list = |key: &str| value(key, "").split(',').map(str::to_owned).collect();
    Ok(match name {
        "json" => Formatter::Json(newline),
        "hash" => Formatter::Hash(newline),
        "msgpack" => Formatter::Msgpack,
        "out_file" => Formatter::OutFile(OutFileFormatter {
            time: match conf.is("output_time", true) {
                true => Some(time_formatter(conf, case)?),
                false => None,
            },
            output_tag: conf.is("output_tag", true),
            delimiter: OutFileFormatter::delimiter(&value("delimiter", "")),
            newline,
        }),
        "csv" => {
            let fields: Vec<String> = list("fields");
            let fields = fields.iter().map(|field| FieldPath::parse(field));
            Formatter::Csv(CsvFormatter {
                fields: fields.collect::<Result<_, _>>().map_err(text)?,
                delimiter: value("delimiter", ","),
                quotes: match conf.is("force_quotes", true) {
                    true => CsvQuotes::Always,
                    false => CsvQuotes::Needed,
                },
                newline,
            })
        }
        "tsv" => Formatter::Tsv(TsvFormatter {
            keys: list("keys"),
            delimiter: value("delimiter", "\t"),
            newline,
        }),
        "ltsv" => Formatter::Ltsv(LtsvFormatter {
            delimiter: value("delimiter", "\t"),
            label_delimiter: value("label_delimiter", ":"),
            replacement: value("replacement", " "),
            newline,
        }),
        "single_value" => Formatter::SingleValue(SingleValueFormatter {
            message_key: value("message_key", "message"),
            newline,
        }),
        "stdout" => Formatter::Stdout(StdoutFormatter {
            time_format: Strftime::new(StdoutFormatter::TIME_FORMAT),
            zone: host_zone(case)?,
            inner: Box::new(formatter(&value("output_type", "json"), conf, case)?),
        }),
        _ => return Err(format!("no format {name}")),
    })
}

fn time_formatter(conf: &Conf, case: &Case) -> Result<TimeFormatter, String> {
    let time_type = match conf.get("time_type") {
        Some("unixtime") => TimeType::UnixTime,
        _ => TimeType::String,
    };
    let format = conf.get("time_format");
    Ok(TimeFormatter::new(time_type, format, host_zone(case)?))
}

/// The parameters of a recorded section, one a line.
struct Conf(String);

impl Conf {
    fn get(&self, key: &str) -> Option<&str> {
        let mut parameters = self.0.lines().filter_map(|line| line.split_once(' '));
        parameters
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    fn is(&self, key: &str, default: bool) -> bool {
        self.get(key).map_or(default, |value| value == "true")
    }
}

/// The zone of the process that was recorded.
fn host_zone(case: &Case) -> Result<Zone, String> {
    jiff::tz::TimeZone::get(&case.tz)
        .map(Zone::from)
        .map_err(text)
}

/// `seconds.nanoseconds`
fn time_of(recorded: &str) -> Result<EventTime, String> {
    let (seconds, nanoseconds) = recorded.split_once('.').ok_or("no fraction")?;
    Ok(EventTime::new(
        seconds.parse().map_err(text)?,
        nanoseconds.parse().map_err(text)?,
    ))
}

fn json(line: &str) -> Result<Value, String> {
    serde_json::from_str(line).map_err(|error| format!("{error} in {line}"))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
