//! Which files a pattern names: `*`, `?`, `[a-z]`, `**/` and `{a,b}`, as Ruby's `Dir.glob`.

use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

use super::include::{EntryKind, Loader};

/// Patterns that one pattern's braces may unfold into.
const MAX_ALTERNATIVES: usize = 256;

/// Directories in directories that `**` looks into.
const MAX_DEPTH: usize = 16;

/// Hidden files are only taken by a pattern that begins with a dot.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// The paths that a pattern names below `base`, sorted. A pattern without wildcards names
/// its own path, whether or not there is such a file.
pub(super) fn expand(pattern: &str, base: &Path, loader: &dyn Loader) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for pattern in unfold_braces(pattern) {
        // Joining an absolute path replaces the base.
        let start = if pattern.starts_with('/') {
            Path::new("/")
        } else {
            base
        };
        let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
        walk(start.to_owned(), &parts, loader, &mut found);
    }
    found.sort();
    found.dedup();
    found
}

fn walk(directory: PathBuf, parts: &[&str], loader: &dyn Loader, found: &mut Vec<PathBuf>) {
    let Some((part, rest)) = parts.split_first() else {
        found.push(directory);
        return;
    };
    if *part == "**" && !rest.is_empty() {
        for below in directories_below(directory, loader) {
            walk(below, rest, loader, found);
        }
        return;
    }
    if !part.contains(['*', '?', '[']) {
        return walk(directory.join(part), rest, loader, found);
    }
    // Ruby negates a set by `^`, this crate by `!`.
    let Ok(pattern) = Pattern::new(&part.replace("[^", "[!")) else {
        return;
    };
    for entry in loader.list(&directory).unwrap_or_default() {
        if pattern.matches_with(&entry.name, OPTIONS) && is_fit(entry.kind, rest) {
            walk(directory.join(entry.name), rest, loader, found);
        }
    }
}

/// More parts need a directory to look in; none, a file to read.
fn is_fit(kind: EntryKind, rest: &[&str]) -> bool {
    (kind == EntryKind::File) == rest.is_empty()
}

/// The directory and all below it that are not hidden.
fn directories_below(directory: PathBuf, loader: &dyn Loader) -> Vec<PathBuf> {
    let mut all = vec![directory.clone()];
    let mut level = vec![directory];
    for _ in 0..MAX_DEPTH {
        let mut next = Vec::new();
        for directory in level {
            for entry in loader.list(&directory).unwrap_or_default() {
                if entry.kind == EntryKind::Directory && !entry.name.starts_with('.') {
                    next.push(directory.join(entry.name));
                }
            }
        }
        all.extend(next.iter().cloned());
        level = next;
    }
    all
}

/// `a{b,c}` is `ab` and `ac`; braces may lie in each other.
fn unfold_braces(pattern: &str) -> Vec<String> {
    let mut done = Vec::new();
    let mut todo = vec![pattern.to_owned()];
    while let Some(pattern) = todo.pop() {
        match first_braces(&pattern) {
            Some((before, choices, after)) if todo.len() + done.len() < MAX_ALTERNATIVES => {
                todo.extend(
                    choices
                        .iter()
                        .map(|choice| format!("{before}{choice}{after}")),
                );
            }
            _ => done.push(pattern),
        }
    }
    done
}

/// The text before the first braces, what stands between their commas, and the rest.
fn first_braces(pattern: &str) -> Option<(&str, Vec<&str>, &str)> {
    let (before, inner) = pattern.split_once('{')?;
    let mut depth = 0_usize;
    let mut start = 0;
    let mut choices = Vec::new();
    for (at, character) in inner.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                choices.push(inner.get(start..at)?);
                start = at + 1;
                if character == '}' {
                    return Some((before, choices, inner.get(start..)?));
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::include::Texts;
    use super::*;

    fn expanded(pattern: &str) -> Vec<String> {
        let loader = [
            "etc/fluent.conf",
            "etc/conf.d/b.conf",
            "etc/conf.d/a.conf",
            "etc/conf.d/a.conf.bak",
            "etc/conf.d/.hidden.conf",
            "etc/conf.d/sub/c.conf",
            "/abs/x.conf",
        ]
        .into_iter()
        .fold(Texts::default(), |texts, path| texts.with(path, ""));
        let found = expand(pattern, Path::new("etc"), &loader);
        found
            .iter()
            .map(|path| path.display().to_string())
            .collect()
    }

    #[test]
    fn wildcards_name_the_files_there_are_in_order() {
        assert_eq!(
            expanded("conf.d/*.conf"),
            ["etc/conf.d/a.conf", "etc/conf.d/b.conf"]
        );
        assert_eq!(expanded("conf.d/[^a].conf"), ["etc/conf.d/b.conf"]);
        assert_eq!(expanded("conf.d/?.conf.bak"), ["etc/conf.d/a.conf.bak"]);
        assert_eq!(expanded("conf.d/.*.conf"), ["etc/conf.d/.hidden.conf"]);
        assert_eq!(expanded("*/sub/*.conf"), ["etc/conf.d/sub/c.conf"]);
        assert_eq!(expanded("/abs/*"), ["/abs/x.conf"]);
        assert!(expanded("conf.d/*.yaml").is_empty());
        assert!(expanded("nowhere/*.conf").is_empty());
    }

    #[test]
    fn two_stars_look_into_all_directories() {
        let all = ["a.conf", "b.conf", "sub/c.conf"].map(|name| format!("etc/conf.d/{name}"));
        assert_eq!(expanded("conf.d/**/*.conf"), all);
    }

    #[test]
    fn a_path_without_wildcards_names_itself() {
        assert_eq!(expanded("gone.conf"), ["etc/gone.conf"]);
        assert_eq!(expanded("/gone.conf"), ["/gone.conf"]);
    }

    #[test]
    fn braces_are_alternatives() {
        assert_eq!(
            expanded("{b,a{1,2}}.x"),
            ["etc/a1.x", "etc/a2.x", "etc/b.x"]
        );
        assert_eq!(expanded("open{a,b"), ["etc/open{a,b"]);
        assert!(unfold_braces(&"{a,b}".repeat(40)).len() <= 2 * MAX_ALTERNATIVES);
    }
}
