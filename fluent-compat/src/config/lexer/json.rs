//! Arrays and hashes: JSON over any number of lines, with comments between its values and
//! embedded code in its texts.

use serde_json::Value as Json;

use super::super::element::Value;
use super::super::embedded::Evaluated;
use super::super::source::Span;
use super::Lexer;

impl Lexer<'_> {
    /// The literal that begins here with `[` or `{`, as compact JSON.
    pub(super) fn json(&mut self) -> Value {
        let start = self.offset;
        let Some(collected) = self.collect() else {
            return self.unclosed(start, "array or hash is not closed");
        };
        if collected.is_unreadable {
            return Value::Unreadable;
        }
        match serde_json::from_str::<Json>(&collected.text) {
            Ok(json) => Value::Text(json.to_string()),
            Err(error) => {
                let place = collected.source_offset(error.line(), error.column());
                let span = Span::new(self.file, place, place + 1);
                let reason = error.to_string();
                let reason = reason.split(" at line ").next().unwrap_or_default();
                let what = format!("array or hash is not valid JSON: {reason}");
                let help = "texts stand in double quotes, values are separated by commas";
                self.diagnostics.error_with_help(span, what, help);
                Value::Unreadable
            }
        }
    }

    /// Takes everything up to the bracket that closes the first; `None` at the end of the
    /// file. Whether the brackets are of the right kind is for the JSON parser to say.
    fn collect(&mut self) -> Option<Collected> {
        let mut collected = Collected::default();
        let mut depth = 0_usize;
        let mut is_in_text = false;
        loop {
            if self.starts_with("#") && !is_in_text {
                self.skip_line();
            }
            if is_in_text && self.eat("#{") {
                let start = self.offset - "#{".len();
                let evaluated = self.embedded();
                self.splice(&mut collected, start, evaluated);
                continue;
            }
            collected.mark(self.offset);
            let character = self.bump()?;
            collected.text.push(character);
            match character {
                '"' => is_in_text = !is_in_text,
                '\\' if is_in_text => collected.text.push(self.bump()?),
                '[' | '{' if !is_in_text => depth += 1,
                ']' | '}' if !is_in_text => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return Some(collected);
            }
        }
    }

    /// Puts what code came to into a JSON text, escaped so that it stays inside it.
    fn splice(&self, collected: &mut Collected, start: usize, evaluated: Option<Evaluated>) {
        match evaluated {
            Some(Evaluated::Text(text)) => {
                let quoted = Json::String(text).to_string();
                let inner = quoted
                    .strip_prefix('"')
                    .and_then(|text| text.strip_suffix('"'));
                collected.text.push_str(inner.unwrap_or_default());
            }
            Some(Evaluated::UseNil | Evaluated::UseDefault) => {
                let span = self.span_from(start);
                let message = "use_nil and use_default stand for a whole value, not for a part of an array or hash";
                self.diagnostics.error(span, message);
                collected.is_unreadable = true;
            }
            None => collected.is_unreadable = true,
        }
    }
}

/// JSON text without comments and with embedded code resolved.
#[derive(Default)]
struct Collected {
    text: String,
    /// Pairs of an offset in `text` and the one in the file that it came from, one
    /// wherever something was left out or put in before it.
    marks: Vec<(usize, usize)>,
    is_unreadable: bool,
}

impl Collected {
    /// Notes that what is pushed next stands at `source` in the file.
    fn mark(&mut self, source: usize) {
        let at = self.text.len();
        let expected = self.marks.last().map(|(text, file)| file + (at - text));
        if expected != Some(source) {
            self.marks.push((at, source));
        }
    }

    /// The offset in the file of a place that the JSON parser names: lines and columns
    /// count from 1, columns in bytes.
    fn source_offset(&self, line: usize, column: usize) -> usize {
        let before: usize = self
            .text
            .split_inclusive('\n')
            .take(line.saturating_sub(1))
            .map(str::len)
            .sum();
        // It names the place behind the last byte when the text ends too early.
        let at = (before + column.saturating_sub(1)).min(self.text.len().saturating_sub(1));
        let mark = self.marks.iter().take_while(|(text, _)| *text <= at).last();
        mark.map_or(0, |(text, file)| file + (at - text))
    }
}
