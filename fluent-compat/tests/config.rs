//! The configuration language and its literals, against the recordings.

mod vectors;

use std::path::Path;

use fluent_compat::config::literal::{self, Converted, LiteralError};
use fluent_compat::config::{Document, Element, Environment, Texts, Value, parse};
use serde_json::{Value as Json, json};
use vectors::{Case, run, same};

#[test]
fn trees_are_those_of_fluentd() {
    run("config.json", |case| {
        let document = read(case);
        let found = document.render_diagnostics();
        let has_errors = document.diagnostics.has_errors();
        if case.has("error") {
            return if has_errors {
                Ok(())
            } else {
                Err("should not be read".to_owned())
            };
        }
        if has_errors {
            return Err(found);
        }
        same(&tree(&document.root), case.get("tree"))
    });
}

#[test]
fn mistakes_stand_where_they_were_made() {
    for (id, place) in [
        ("double-escapes", "2:21"),
        ("single-plain", "3:8"),
        ("triple-ruby-arith", "2:6"),
        ("json-unquoted-array", "2:6"),
        ("unclosed", "1:1"),
        ("wrong-close", "3:1"),
        ("stray-close", "2:1"),
        ("unterminated-quote", "2:5"),
        ("garbage-after-quote", "2:9"),
        ("element-name-dash", "3:5"),
    ] {
        let cases = vectors::load("config.json");
        let case = cases.iter().find(|case| case.id == id).unwrap();
        let found = read(case).render_diagnostics();
        assert!(
            found.starts_with(&format!("fluent.conf:{place}: error: ")),
            "{id}: {found}"
        );
    }
}

#[test]
fn literals_are_converted_as_by_fluentd() {
    run("literals.json", |case| {
        let text = case.text("text");
        let found = match case.text("type").as_str() {
            "size" => number(literal::size(&text)),
            "time" => number(literal::time(&text)),
            "integer" => number(literal::integer(&text)),
            "float" => number(Ok(literal::float(&text))),
            // A text that is no bool is nil to Fluentd, which then refuses nil.
            "bool" => Ok(literal::boolean(&text).map_or(Json::Null, Json::Bool)),
            "array" => literal::array(&text).map(Json::Array),
            "hash" => literal::hash(&text).map(Json::Object),
            other => return Err(format!("unknown type {other}")),
        };
        match found {
            Err(_) if case.has("error") => Ok(()),
            Err(error) => Err(error.to_string()),
            Ok(value) => same_value(&value, case.get("value")),
        }
    });
}

fn read(case: &Case) -> Document {
    let variables = case.get("env").as_object().into_iter().flatten();
    let variables =
        variables.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    let environment = Environment::new("recorder").with_variables(variables);
    let texts = Texts::one("fluent.conf", case.bytes("conf"));
    parse(Path::new("fluent.conf"), &texts, &environment)
}

/// The tree in the recordings' notation.
fn tree(element: &Element) -> Json {
    let attributes = element
        .attributes
        .iter()
        .map(|attribute| match &attribute.value {
            Value::Text(text) => json!([attribute.name, text]),
            Value::Nil => json!([attribute.name, null]),
            Value::Default => json!([attribute.name, "default"]),
            Value::Unreadable => json!([attribute.name, { "unreadable": true }]),
        });
    json!({
        "name": element.name,
        "arg": element.arg,
        "attrs": attributes.collect::<Vec<_>>(),
        "elements": element.children.iter().map(tree).collect::<Vec<_>>(),
    })
}

fn number<T: Into<Json>>(found: Result<Converted<T>, LiteralError>) -> Result<Json, LiteralError> {
    found.map(|converted| converted.value.into())
}

/// Equal, or numbers of one value: `10` is `10.0`.
fn same_value(found: &Json, recorded: &Json) -> Result<(), String> {
    match (found.as_f64(), recorded.as_f64()) {
        (Some(found), Some(recorded)) => same(&found, &recorded),
        _ => same(found, recorded),
    }
}
