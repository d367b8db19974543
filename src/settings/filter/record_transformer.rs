//! `<filter> @type record_transformer`.

use fluent_compat::config::{Attribute, Params, Value};
use fluent_compat::filter::{
    Base, Name, PlaceholderError, RecordTransformer, Surroundings, Template, Typing,
};
use fluent_compat::record::FieldPath;

use super::super::context::Context;
use super::super::remark::reported;

pub(super) fn transformer(
    section: &Params<'_>,
    context: &Context<'_>,
) -> Option<RecordTransformer> {
    let allows_ruby = section.bool("enable_ruby").unwrap_or(false);
    if allows_ruby {
        let message = "Ruby is never run: there are ${record[\"key\"]}, ${tag}, ${tag_parts[0]}, \
                       ${tag_prefix[0]}, ${tag_suffix[0]}, ${time} and ${hostname}";
        let span = section.span_of("enable_ruby");
        section.diagnostics().error(span, message);
    }
    let base = base(section);
    let typing = match section.bool("auto_typecast").unwrap_or(true) {
        true => Typing::Kept,
        false => Typing::Text,
    };
    let fields = fields(section, typing);
    let removed = removed(section);
    let surroundings = Surroundings::new(&context.hostname, context.local_zone.clone());
    let time_key = section.string("renew_time_key");
    if allows_ruby {
        return None;
    }
    Some(RecordTransformer::new(
        base?,
        fields?,
        time_key,
        removed?,
        surroundings,
    ))
}

/// `renew_record` and `keep_keys`.
fn base(section: &Params<'_>) -> Option<Base> {
    let keys = section.array("keep_keys");
    match (section.bool("renew_record").unwrap_or(false), keys) {
        (true, keys) => Some(Base::Kept(keys.unwrap_or_default())),
        (false, None) => Some(Base::Record),
        (false, Some(_)) => {
            let span = section.span_of("keep_keys");
            let message = "`keep_keys` needs `renew_record true`";
            section.diagnostics().error(span, message);
            None
        }
    }
}

fn removed(section: &Params<'_>) -> Option<Vec<FieldPath>> {
    let paths = section.array("remove_keys").unwrap_or_default();
    let paths: Result<_, _> = paths.iter().map(|path| FieldPath::parse(path)).collect();
    reported(section, "remove_keys", paths)
}

/// All `<record>` sections, one after the other.
fn fields(section: &Params<'_>, typing: Typing) -> Option<Vec<(Name, Template)>> {
    let mut fields = Vec::new();
    let mut is_whole = true;
    for record in section.sections("record") {
        for attribute in record.attributes() {
            match field(&record, attribute, typing) {
                Some(field) => fields.extend(field),
                None => is_whole = false,
            }
        }
        record.finish();
    }
    is_whole.then_some(fields)
}

/// A field to add; `Some(None)` where the parameter is as if it were not there.
fn field(
    record: &Params<'_>,
    attribute: &Attribute,
    typing: Typing,
) -> Option<Option<(Name, Template)>> {
    let text = match &attribute.value {
        Value::Text(text) => text,
        Value::Nil | Value::Default => return Some(None),
        Value::Unreadable => return None,
    };
    let report = |span, error: PlaceholderError| {
        record.diagnostics().error(span, error.to_string());
    };
    let name = Name::parse(&attribute.name)
        .map_err(|error| report(attribute.name_span, error))
        .ok();
    let template = Template::parse(text, typing)
        .map_err(|error| report(attribute.value_span, error))
        .ok();
    Some(Some((name?, template?)))
}
