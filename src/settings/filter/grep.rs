//! `<filter> @type grep`.

use fluent_compat::config::{Params, Span};
use fluent_compat::filter::{Condition, Grep};
use fluent_compat::parse::{Pattern, PatternOptions};
use fluent_compat::record::FieldPath;

use super::super::parse::pattern;
use super::super::remark::reported;

/// How many of `regexp1`, `regexp2`, … and of `exclude1`, … there can be.
const MOST_NUMBERED: u8 = 20;

pub(super) fn grep(section: &Params<'_>) -> Option<Grep> {
    let mut groups = Groups::default();
    for number in 1..=MOST_NUMBERED {
        groups.numbered(section, &format!("regexp{number}"), Group::All);
        groups.numbered(section, &format!("exclude{number}"), Group::None);
    }
    groups.sections(section, "regexp", Group::All);
    groups.sections(section, "exclude", Group::None);
    for (name, regexps, excludes) in [
        ("and", Group::All, Group::NotAll),
        ("or", Group::Any, Group::None),
    ] {
        for combined in section.sections(name) {
            groups.sections(&combined, "regexp", regexps);
            groups.sections(&combined, "exclude", excludes);
            let has = |kind| !combined.sections(kind).is_empty();
            if has("regexp") && has("exclude") {
                let message = format!("expected <regexp> or <exclude> in <{name}>, found both");
                let span = combined.span();
                combined.diagnostics().error(span, message);
            }
            combined.finish();
        }
    }
    groups.is_whole.then_some(groups.grep)
}

#[derive(Clone, Copy)]
enum Group {
    All,
    Any,
    NotAll,
    None,
}

struct Groups {
    grep: Grep,
    /// Nothing was found wrong.
    is_whole: bool,
}

impl Default for Groups {
    fn default() -> Self {
        Self {
            grep: Grep::default(),
            is_whole: true,
        }
    }
}

impl Groups {
    /// `regexpN field expression`, as Fluentd 0.12 had it.
    fn numbered(&mut self, section: &Params<'_>, name: &str, group: Group) {
        if !section.is_given(name) {
            return;
        }
        let condition = section.parsed(name, |text| {
            let (key, expression) = text
                .split_once(' ')
                .ok_or_else(|| format!("expected a field and an expression, found `{text}`"))?;
            let pattern = Pattern::new(expression, PatternOptions::default());
            Ok::<_, String>(Condition {
                field: FieldPath::parse(key).map_err(|error| error.to_string())?,
                pattern: pattern.map_err(|error| error.to_string())?,
            })
        });
        self.add(section, section.span_of(name), condition, group);
    }

    fn sections(&mut self, parent: &Params<'_>, name: &str, group: Group) {
        for section in parent.sections(name) {
            let field = section
                .required("key", |section, name| section.string(name))
                .and_then(|key| reported(&section, "key", FieldPath::parse(key)));
            let pattern = section.required("pattern", pattern);
            let span = section.span_of("key");
            let condition = (|| {
                Some(Condition {
                    field: field?,
                    pattern: pattern?,
                })
            })();
            self.add(&section, span, condition, group);
            section.finish();
        }
    }

    /// Of two conditions on one field Fluentd would forget one, so it forbids them.
    fn add(&mut self, section: &Params<'_>, span: Span, found: Option<Condition>, group: Group) {
        let Some(condition) = found else {
            self.is_whole = false;
            return;
        };
        let conditions = match group {
            Group::All => &mut self.grep.all,
            Group::Any => &mut self.grep.any,
            Group::NotAll => &mut self.grep.not_all,
            Group::None => &mut self.grep.none,
        };
        let key = condition.field.source();
        if conditions.iter().any(|other| other.field.source() == key) {
            let message = format!("a second condition on `{key}`: write one pattern for both");
            section.diagnostics().error(span, message);
            self.is_whole = false;
            return;
        }
        conditions.push(condition);
    }
}
