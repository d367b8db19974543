//! `<parse>`.

mod rules;

use fluent_compat::config::Params;
use fluent_compat::parse::{
    Apache2Parser, CsvDelimiter, CsvParser, JsonParser, LtsvDelimiter, LtsvParser, MsgpackParser,
    NestingLimit, NoneParser, Parser, Pattern, PatternOptions, RegexpParser, TsvParser,
};

use rules::{FIELD_RULES, NO_TIME_KEY, RuleDefaults, TIME_KEY, options_of, rules};
pub(super) use rules::{default_rules, pattern};

use super::context::Context;
use super::plugins::plugin_type;
use super::remark::{filled, no_effect, reported};
use super::time_section::{self, TimeDefaults};

type Reader = fn(&Params<'_>, &Context<'_>) -> Option<Parser>;

const PARSERS: [(&str, Reader); 9] = [
    ("json", json),
    ("msgpack", msgpack),
    ("none", none),
    ("csv", csv),
    ("tsv", tsv),
    ("ltsv", ltsv),
    ("regexp", regexp),
    ("nginx", nginx),
    ("apache2", apache2),
];

/// Reads a `<parse>` section with an `@type`.
pub(super) fn parser(section: Params<'_>, context: &Context<'_>) -> Option<Parser> {
    let name = plugin_type(&section, &PARSERS.map(|(name, _)| name))?;
    let (_, read) = PARSERS.iter().find(|(known, _)| *known == name)?;
    let parser = read(&section, context);
    rules::read_what_changes_nothing(&section);
    section.finish();
    parser
}

fn json(section: &Params<'_>, context: &Context<'_>) -> Option<Parser> {
    // All three give the same events here, so there is nothing to tell.
    let _ = section.enumeration("json_parser", &[("oj", ()), ("yajl", ()), ("json", ())]);
    no_effect(section, &["stream_buffer_size"], "bodies are read whole");
    let rules = rules(section, RuleDefaults::json(section), context);
    let nesting = NestingLimit::default();
    Some(Parser::Json(JsonParser { rules, nesting }))
}

fn msgpack(section: &Params<'_>, context: &Context<'_>) -> Option<Parser> {
    let rules = rules(section, NO_TIME_KEY, context);
    let nesting = NestingLimit::default();
    let parser = MsgpackParser(JsonParser { rules, nesting });
    Some(Parser::Msgpack(parser))
}

fn none(section: &Params<'_>, _: &Context<'_>) -> Option<Parser> {
    let reason = "`@type none` takes the text as it is";
    no_effect(section, &FIELD_RULES, reason);
    no_effect(section, &["time_key", "keep_time_key"], reason);
    no_effect(section, &time_section::PARAMETERS, reason);
    let message_key = section
        .string("message_key")
        .unwrap_or("message")
        .to_owned();
    Some(Parser::None(NoneParser { message_key }))
}

fn csv(section: &Params<'_>, context: &Context<'_>) -> Option<Parser> {
    let keys = keys(section);
    let delimiter = section
        .parsed("delimiter", CsvDelimiter::new)
        .unwrap_or_default();
    for name in ["parser_engine", "parser_type"] {
        let _ = section.enumeration(name, &[("normal", ()), ("fast", ())]);
    }
    let rules = rules(section, NO_TIME_KEY, context);
    Some(Parser::Csv(CsvParser {
        keys: keys?,
        delimiter,
        rules,
    }))
}

fn tsv(section: &Params<'_>, context: &Context<'_>) -> Option<Parser> {
    let keys = keys(section);
    let delimiter = filled(section, "delimiter").unwrap_or("\t").to_owned();
    let rules = rules(section, NO_TIME_KEY, context);
    Some(Parser::Tsv(TsvParser {
        keys: keys?,
        delimiter,
        rules,
    }))
}

fn ltsv(section: &Params<'_>, context: &Context<'_>) -> Option<Parser> {
    let text = filled(section, "delimiter").unwrap_or("\t").to_owned();
    let delimiter = match pattern(section, "delimiter_pattern") {
        Some(pattern) => LtsvDelimiter::Pattern(pattern),
        None => LtsvDelimiter::Text(text),
    };
    let label_delimiter = filled(section, "label_delimiter").unwrap_or(":").to_owned();
    Some(Parser::Ltsv(LtsvParser {
        delimiter,
        label_delimiter,
        rules: rules(section, TIME_KEY, context),
    }))
}

fn regexp(section: &Params<'_>, context: &Context<'_>) -> Option<Parser> {
    let expression = section.required("expression", expression);
    let rules = rules(section, TIME_KEY, context);
    let parser = RegexpParser::new(expression?, rules);
    reported(section, "expression", parser).map(Parser::Regexp)
}

/// An `expression` of the user's own goes before nginx's.
fn nginx(section: &Params<'_>, context: &Context<'_>) -> Option<Parser> {
    let expression = expression(section, "expression");
    let defaults = RuleDefaults {
        time: TimeDefaults {
            time_format: Some(RegexpParser::ACCESS_LOG_TIME),
            ..TimeDefaults::TEXT
        },
        ..TIME_KEY
    };
    let rules = rules(section, defaults, context);
    let parser = match expression {
        Some(expression) => reported(section, "expression", RegexpParser::new(expression, rules))?,
        None => RegexpParser::nginx(rules),
    };
    Some(Parser::Regexp(parser))
}

fn apache2(section: &Params<'_>, context: &Context<'_>) -> Option<Parser> {
    let reason = "`@type apache2` makes its fields itself";
    no_effect(section, &FIELD_RULES, reason);
    no_effect(section, &["time_key", "time_format"], reason);
    let time = time_section::parser_of_format(section, RegexpParser::ACCESS_LOG_TIME, context);
    let keep_time_key = section.bool("keep_time_key").unwrap_or(false);
    Some(Parser::Apache2(Apache2Parser::new(time, keep_time_key)))
}

/// `keys`: without any, every record would be empty.
fn keys(section: &Params<'_>) -> Option<Vec<String>> {
    let keys = section.required("keys", Params::array)?;
    let keys = match keys.is_empty() {
        true => Err("`keys`: expected one name at least, found none"),
        false => Ok(keys),
    };
    reported(section, "keys", keys)
}

/// `expression` with `ignorecase` and `multiline`, either of which takes the place of the
/// options behind its slash.
fn expression(section: &Params<'_>, name: &str) -> Option<Pattern> {
    let ignores_case = section.bool("ignorecase").unwrap_or(false);
    let is_multiline = section.bool("multiline").unwrap_or(false);
    let text = section.regexp(name)?;
    let options = match ignores_case || is_multiline {
        true => PatternOptions {
            ignores_case,
            is_multiline,
        },
        false => options_of(&text),
    };
    reported(section, name, Pattern::new(&text.pattern, options))
}

#[cfg(test)]
mod tests;
