//! The names of S3 objects, against the recordings. What is in the objects is asked of
//! the whole server.

mod vectors;

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::path::Path;

use fluent_compat::chunk::{ChunkId, ChunkKeys};
use fluent_compat::config::{Element, Environment, Texts, Value, literal, parse};
use fluent_compat::events::Events;
use fluent_compat::object_key::{
    CheckObject, HexRandomLength, IndexFormat, Named, ObjectKeyOptions, ObjectKeyTemplate,
};
use fluent_compat::tag::Tag;
use fluent_compat::time::{EventTime, Zone};
use fluent_compat::timekey::TimekeySlots;
use serde_json::Value as Json;
use vectors::{Case, run, same};

#[test]
fn objects_are_named_as_by_fluentd() {
    for file in ["s3_objects.json", "asia-tokyo/s3_objects.json"] {
        run(file, |case| match names(case) {
            Ok(_) if case.has("error") => Err("should be refused".to_owned()),
            Err(_) if case.has("error") => Ok(()),
            found => same(&found?, &recorded(case)),
        });
    }
}

/// The names of the objects that the events of a case end up in.
fn names(case: &Case) -> Result<BTreeSet<String>, String> {
    let text = format!("<match **>\n{}</match>\n", case.text("match"));
    let document = parse(
        Path::new("fluent.conf"),
        &Texts::one("fluent.conf", text),
        &Environment::new("h1"),
    );
    let output = document.root.children.first().ok_or("no output")?;
    let buffer = output.children("buffer").next();
    let local = Zone::parse(&case.tz).map_err(shown)?;
    let zone = zone(buffer, local)?;
    let keys = match buffer {
        Some(buffer) => ChunkKeys::parse(&buffer.arg).map_err(shown)?,
        None => ChunkKeys::only_time(),
    };
    let slots = slots(buffer, &keys, &zone)?;
    let template = template(output, &keys, slots.as_ref(), &zone)?;

    let id = ChunkId::from_bytes([0x5a; 16]);
    let feed = case.get("feed").as_array().into_iter().flatten();
    feed.map(|event| {
        let (tag, events) = event_of(event)?;
        let event = events.iter().next().ok_or("no event")?;
        let metadata = keys.metadata(slots.as_ref(), &tag, &event);
        let named = Named {
            id,
            metadata: &metadata,
            created: event.time,
        };
        let name = template.render(named, 0).map_err(shown)?;
        Ok(without_clock(&case.id, &name))
    })
    .collect()
}

fn recorded(case: &Case) -> BTreeSet<String> {
    let puts = case.get("puts").as_array().into_iter().flatten();
    let keys = puts.filter_map(|put| put.get("key")?.as_str());
    keys.map(|key| without_clock(&case.id, key)).collect()
}

/// Where Fluentd takes the time of day from its clock, digits are only digits.
fn without_clock(case: &str, name: &str) -> String {
    match (case, name.rsplit_once('_')) {
        ("no-check", Some((before, after))) => {
            format!(
                "{before}_{}",
                after.replace(|letter: char| letter.is_ascii_digit(), "9")
            )
        }
        _ => name.to_owned(),
    }
}

fn template(
    output: &Element,
    keys: &ChunkKeys,
    slots: Option<&TimekeySlots>,
    zone: &Zone,
) -> Result<ObjectKeyTemplate, String> {
    let hex_random_length = text(output, "hex_random_length").map_or(Ok(4), str::parse);
    let options = ObjectKeyOptions {
        path: text(output, "path").unwrap_or_default(),
        format: text(output, "s3_object_key_format"),
        check_object: match text(output, "check_object") {
            Some("false") => CheckObject::No,
            _ => CheckObject::Yes,
        },
        index_format: IndexFormat::parse(text(output, "index_format").unwrap_or("%d"))
            .map_err(shown)?,
        hex_random_length: HexRandomLength::new(hex_random_length.map_err(shown)?)
            .map_err(shown)?,
        time_slice_format: text(output, "time_slice_format"),
        file_extension: match text(output, "store_as").unwrap_or("gzip") {
            "gzip" => "gz",
            "json" => "json",
            "zstd" => "zst",
            _ => "txt",
        },
        hostname: "h1",
        chunk_keys: keys,
        slots,
        zone,
    };
    ObjectKeyTemplate::new(&options).map_err(shown)
}

fn slots(
    buffer: Option<&Element>,
    keys: &ChunkKeys,
    zone: &Zone,
) -> Result<Option<TimekeySlots>, String> {
    if !keys.has_time() {
        return Ok(None);
    }
    let timekey = buffer
        .and_then(|buffer| text(buffer, "timekey"))
        .unwrap_or("1d");
    let seconds = literal::time(timekey).map_err(shown)?.value;
    let seconds = format!("{seconds:.0}")
        .parse::<NonZeroU64>()
        .map_err(shown)?;
    Ok(Some(TimekeySlots::new(seconds, zone.clone())))
}

fn zone(buffer: Option<&Element>, local: Zone) -> Result<Zone, String> {
    let Some(buffer) = buffer else {
        return Ok(local);
    };
    if text(buffer, "timekey_use_utc") == Some("true") {
        return Ok(Zone::Utc);
    }
    text(buffer, "timekey_zone").map_or(Ok(local), |zone| Zone::parse(zone).map_err(shown))
}

fn event_of(event: &Json) -> Result<(Tag, Events), String> {
    let member = |name: &str| event.get(name).and_then(Json::as_str).ok_or("no text");
    let (seconds, nanoseconds) = member("time")?.split_once('.').ok_or("no fraction")?;
    let time = EventTime::new(
        seconds.parse().map_err(shown)?,
        nanoseconds.parse().map_err(shown)?,
    );
    let record = event.get("record").and_then(Json::as_object);
    let mut events = Events::new();
    events.push_map(time, record.ok_or("no record")?);
    Ok((Tag::new(member("tag")?), events))
}

fn text<'e>(element: &'e Element, name: &str) -> Option<&'e str> {
    match &element.attribute(name)?.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn shown(error: impl std::fmt::Display) -> String {
    error.to_string()
}
