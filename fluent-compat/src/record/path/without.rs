//! A field taken out of a record.

use super::{FieldPath, Step, is_key, place_in_array};
use crate::json;

impl FieldPath {
    /// Appends an object in normal form to `out`, without the value at this address. Where
    /// the address leads nowhere the object stays as it is.
    pub(in crate::record) fn push_without(&self, object: &str, out: &mut String) {
        push_without(&self.steps, object, out);
    }
}

fn push_without(steps: &[Step], value: &str, out: &mut String) {
    match (steps, value.as_bytes().first()) {
        ([Step::Key(wanted), deeper @ ..], Some(b'{')) => {
            out.push('{');
            for (key, member) in json::members(value) {
                if !is_key(key, wanted) {
                    json::push_member(out, key, member);
                } else if !deeper.is_empty() {
                    json::push_member(out, key, "");
                    push_without(deeper, member, out);
                }
            }
            out.push('}');
        }
        ([Step::Index(index), deeper @ ..], Some(b'[')) => {
            let wanted = place_in_array(value, *index);
            out.push('[');
            let mut comma = "";
            for (place, element) in json::elements(value).enumerate() {
                let is_wanted = wanted == Some(place);
                if is_wanted && deeper.is_empty() {
                    continue;
                }
                out.push_str(comma);
                comma = ",";
                match is_wanted {
                    true => push_without(deeper, element, out),
                    false => out.push_str(element),
                }
            }
            out.push(']');
        }
        _ => out.push_str(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(path: &str, object: &str) -> String {
        let mut out = String::new();
        FieldPath::parse(path)
            .unwrap()
            .push_without(object, &mut out);
        out
    }

    #[test]
    fn a_field_is_taken_out_wherever_it_is() {
        let record = r#"{"a":{"b":1,"c":[{"d":1e2},2,3]},"e\"":null}"#;
        let cases = [
            ("a", r#"{"e\"":null}"#),
            ("$.a.b", r#"{"a":{"c":[{"d":1e2},2,3]},"e\"":null}"#),
            ("$.a.c", r#"{"a":{"b":1},"e\"":null}"#),
            ("$.a.c[0].d", r#"{"a":{"b":1,"c":[{},2,3]},"e\"":null}"#),
            ("$.a.c[0]", r#"{"a":{"b":1,"c":[2,3]},"e\"":null}"#),
            ("$.a.c[-1]", r#"{"a":{"b":1,"c":[{"d":1e2},2]},"e\"":null}"#),
            ("e\"", r#"{"a":{"b":1,"c":[{"d":1e2},2,3]}}"#),
        ];
        for (path, expected) in cases {
            assert_eq!(without(path, record), expected, "{path}");
        }
    }

    #[test]
    fn an_address_that_leads_nowhere_changes_nothing() {
        let record = r#"{"a":{"b":[1]},"c":2}"#;
        for path in ["x", "$.a.x", "$.c.b", "$.a.b[1]", "$.a.b[-2]", "$.a[0]"] {
            assert_eq!(without(path, record), record, "{path}");
        }
    }
}
