//! What a line of the log that is about a chunk has to say: which chunk, of which tag and key.

use std::str::FromStr;

use proc_macro2::{TokenStream, TokenTree};

use crate::rules::Violation;
use crate::source::SourceFile;

/// The macros that write a line.
const MACROS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];
/// Beside its id. Of a file whose header cannot be read only the path is known.
const BESIDE: [&str; 2] = ["tag", "key"];
const UNREADABLE: &str = "path";

/// Lines that name a chunk and not what its events share.
pub(crate) fn anonymous_chunks(files: &[SourceFile]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files {
        let tokens = TokenStream::from_str(&file.text);
        let tokens = tokens.expect("invariant: the sources that were compiled can be read");
        for line in lines(tokens) {
            let has = |name: &str| line.iter().any(|field| field == name);
            let missing = BESIDE.iter().filter(|name| !has(name));
            let missing: Vec<_> = missing.copied().collect();
            if has("chunk") && !missing.is_empty() && !has(UNREADABLE) {
                let fields = line.join(", ");
                let problem = format!("a line with {fields} lacks {}", missing.join(" and "));
                violations.push(Violation::new(&file.path, problem));
            }
        }
    }
    violations
}

/// The names of the fields of each line that is written.
fn lines(tokens: TokenStream) -> Vec<Vec<String>> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut found = Vec::new();
    for (place, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else {
            continue;
        };
        let before = |back: usize| place.checked_sub(back).and_then(|at| tokens.get(at));
        let is_macro = matches!(before(1), Some(TokenTree::Punct(mark)) if mark.as_char() == '!')
            && matches!(before(2), Some(TokenTree::Ident(name)) if MACROS.iter().any(|known| name == known));
        let is_test = matches!(before(1), Some(TokenTree::Ident(name)) if name == "tests");
        match is_macro {
            _ if is_test => {}
            true => found.push(fields(group.stream())),
            false => found.extend(lines(group.stream())),
        }
    }
    found
}

/// What stands at the beginning of each argument: `chunk = %id` and `%error` are fields.
fn fields(arguments: TokenStream) -> Vec<String> {
    let mut fields = Vec::new();
    let mut at_start = true;
    for token in arguments {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == ',' => at_start = true,
            TokenTree::Punct(mark) if at_start && ['%', '?'].contains(&mark.as_char()) => {}
            TokenTree::Ident(name) if at_start => {
                fields.push(name.to_string());
                at_start = false;
            }
            _ => at_start = false,
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let file = SourceFile {
            path: "src/a.rs".to_owned(),
            text: text.to_owned(),
        };
        let violations = anonymous_chunks(&[file]);
        violations.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_line_with_an_id_alone_is_told_of() {
        assert_eq!(
            problems("fn f() { if x { warn!(chunk = %id, %error, \"bad\"); } }"),
            ["src/a.rs: a line with chunk, error lacks tag and key"]
        );
        let text = "fn f() { tracing::info!(output, chunk = %id, tag = a.tag(), \"good\") }";
        assert_eq!(problems(text).len(), 1);
    }

    #[test]
    fn what_says_all_or_knows_no_more_is_fine() {
        let text = "fn f() { info!(chunk = %id, tag, key = a.key_text(), \"chunk delivered\"); \
                    error!(chunk = %id, path = %p.display(), \"no header\"); \
                    warn!(path, chunks, \"took up {chunk}\") }";
        assert_eq!(problems(text), Vec::<String>::new());
    }
}
