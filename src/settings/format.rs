//! `<format>`.

use fluent_compat::config::Params;
use fluent_compat::format::{
    CsvFormatter, CsvQuotes, Formatter, LtsvFormatter, Newline, OutFileFormatter,
    SingleValueFormatter, StdoutFormatter, TsvFormatter,
};
use fluent_compat::record::FieldPath;
use fluent_compat::time::Strftime;

use super::context::Context;
use super::plugins::plugin_type;
use super::remark::{filled, no_effect, reported};
use super::time_section::{self, TimeDefaults};

type Reader = fn(&Params<'_>, &Context<'_>) -> Option<Formatter>;

const FORMATTERS: [(&str, Reader); 9] = [
    ("json", json),
    ("out_file", out_file),
    ("csv", csv),
    ("tsv", tsv),
    ("ltsv", ltsv),
    ("single_value", single_value),
    ("msgpack", msgpack),
    ("hash", hash),
    ("stdout", stdout),
];

const TIMELESS: &str = "only `@type out_file` and `@type stdout` write the time";

/// Reads `<format>`, which need not be there; `default_type` is for one without `@type`.
pub(super) fn formatter(
    section: Params<'_>,
    default_type: &str,
    context: &Context<'_>,
) -> Option<Formatter> {
    let name = match section.is_given("@type") || section.is_given("type") {
        true => plugin_type(&section, &FORMATTERS.map(|(name, _)| name))?,
        false => default_type,
    };
    let formatter = of_type(name, &section, context);
    if !matches!(name, "out_file" | "stdout") {
        no_effect(&section, &time_section::PARAMETERS, TIMELESS);
    }
    section.finish();
    formatter
}

fn of_type(name: &str, section: &Params<'_>, context: &Context<'_>) -> Option<Formatter> {
    let (_, read) = FORMATTERS.iter().find(|(known, _)| *known == name)?;
    read(section, context)
}

fn json(section: &Params<'_>, _: &Context<'_>) -> Option<Formatter> {
    // Whichever it names: numbers and texts go out as they came in.
    let _ = section.string("json_parser");
    Some(Formatter::Json(newline_or_none(section)))
}

fn out_file(section: &Params<'_>, context: &Context<'_>) -> Option<Formatter> {
    let time = time_section::formatter(section, TimeDefaults::TEXT, context);
    let delimiter = section.string("delimiter").unwrap_or_default();
    Some(Formatter::OutFile(OutFileFormatter {
        time: section.bool("output_time").unwrap_or(true).then_some(time),
        output_tag: section.bool("output_tag").unwrap_or(true),
        delimiter: OutFileFormatter::delimiter(delimiter),
        newline: newline(section),
    }))
}

fn csv(section: &Params<'_>, _: &Context<'_>) -> Option<Formatter> {
    let delimiter = match filled(section, "delimiter") {
        Some("\\t" | "TAB") => "\t",
        delimiter => delimiter.unwrap_or(","),
    };
    let quotes = match section.bool("force_quotes").unwrap_or(true) {
        true => CsvQuotes::Always,
        false => CsvQuotes::Needed,
    };
    let newline = match section.bool("add_newline").unwrap_or(true) {
        true => Newline::Lf,
        false => Newline::None,
    };
    Some(Formatter::Csv(CsvFormatter {
        fields: fields(section)?,
        delimiter: delimiter.to_owned(),
        quotes,
        newline,
    }))
}

/// `fields`: empty names do not count, and one must be left.
fn fields(section: &Params<'_>) -> Option<Vec<FieldPath>> {
    let names = section.required("fields", Params::array)?;
    let paths: Vec<_> = names
        .iter()
        .filter(|name| !name.is_empty())
        .map(|name| FieldPath::parse(name).map_err(|error| format!("`fields`: {error}")))
        .collect();
    let paths = match paths.is_empty() {
        true => Err("`fields`: expected one name at least, found none".to_owned()),
        false => paths.into_iter().collect(),
    };
    reported(section, "fields", paths)
}

fn tsv(section: &Params<'_>, _: &Context<'_>) -> Option<Formatter> {
    let keys = section.required("keys", Params::array);
    let delimiter = text(section, "delimiter", "\t");
    let newline = newline_or_none(section);
    Some(Formatter::Tsv(TsvFormatter {
        keys: keys?,
        delimiter,
        newline,
    }))
}

fn ltsv(section: &Params<'_>, _: &Context<'_>) -> Option<Formatter> {
    Some(Formatter::Ltsv(LtsvFormatter {
        delimiter: filled(section, "delimiter").unwrap_or("\t").to_owned(),
        label_delimiter: text(section, "label_delimiter", ":"),
        replacement: text(section, "replacement", " "),
        newline: newline_or_none(section),
    }))
}

fn single_value(section: &Params<'_>, _: &Context<'_>) -> Option<Formatter> {
    Some(Formatter::SingleValue(SingleValueFormatter {
        message_key: text(section, "message_key", "message"),
        newline: newline_or_none(section),
    }))
}

fn msgpack(_: &Params<'_>, _: &Context<'_>) -> Option<Formatter> {
    Some(Formatter::Msgpack)
}

fn hash(section: &Params<'_>, _: &Context<'_>) -> Option<Formatter> {
    Some(Formatter::Hash(newline_or_none(section)))
}

/// Has another formatter in it (`output_type`), which the same section is for.
fn stdout(section: &Params<'_>, context: &Context<'_>) -> Option<Formatter> {
    let inner_types = FORMATTERS.map(|(name, _)| (name, name));
    let inner_types: Vec<_> = inner_types
        .into_iter()
        .filter(|(name, _)| *name != "stdout")
        .collect();
    let inner = match section.is_given("output_type") {
        true => section.enumeration("output_type", &inner_types),
        false => Some("json"),
    };
    let inner = inner.and_then(|inner| of_type(inner, section, context));
    if !matches!(inner, Some(Formatter::OutFile(_))) {
        let others = time_section::PARAMETERS
            .into_iter()
            .filter(|name| *name != "time_format");
        let reason = "`@type stdout` writes the time in the host's zone";
        no_effect(section, &others.collect::<Vec<_>>(), reason);
    }
    let time_format = section.string("time_format");
    Some(Formatter::Stdout(StdoutFormatter {
        time_format: Strftime::new(time_format.unwrap_or(StdoutFormatter::TIME_FORMAT)),
        zone: context.local_zone.clone(),
        inner: Box::new(inner?),
    }))
}

fn text(section: &Params<'_>, name: &str, default: &str) -> String {
    section.string(name).unwrap_or(default).to_owned()
}

/// `newline`, unless `add_newline` is false.
fn newline_or_none(section: &Params<'_>) -> Newline {
    let newline = newline(section);
    match section.bool("add_newline").unwrap_or(true) {
        true => newline,
        false => Newline::None,
    }
}

fn newline(section: &Params<'_>) -> Newline {
    let newlines = [("lf", Newline::Lf), ("crlf", Newline::CrLf)];
    section
        .enumeration("newline", &newlines)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
