//! Rust files as the paths that are written in them.
//!
//! Works on tokens, so that comments and strings do not count, macro arguments do, and
//! `use a::{b, c::d}` is the two paths it stands for.

use std::fs;
use std::io;
use std::path::Path;
use std::str::FromStr;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A file of the repository.
pub(crate) struct SourceFile {
    /// Relative to the repository, with slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A path such as `crate::buffer::Buffer`, by its segments.
pub(crate) type Segments = Vec<String>;

impl SourceFile {
    /// Whether this is the file, or lies in the folder or in the module of that name.
    pub(crate) fn is_in(&self, place: &str) -> bool {
        match self.path.strip_prefix(place) {
            Some(rest) => rest.is_empty() || rest.starts_with('/') || rest == ".rs",
            None => false,
        }
    }

    /// The module's own path: `src/buffer/limits.rs` is `["buffer", "limits"]`.
    pub(crate) fn module(&self) -> Vec<&str> {
        let (_, below_src) = self.path.split_once("src/").unwrap_or(("", &self.path));
        let stem = below_src.strip_suffix(".rs").unwrap_or(below_src);
        let mut segments: Vec<_> = stem.split('/').collect();
        segments.pop_if(|last| matches!(*last, "mod" | "lib" | "main"));
        segments
    }

    /// Every path in the code outside `#[cfg(test)]`.
    pub(crate) fn paths(&self) -> Vec<Segments> {
        let mut walk = Walk::default();
        walk.tokens(tokens(&self.text, &self.path), &[]);
        walk.paths
    }

    /// The modules in files of their own that stand behind `#[cfg(test)]`.
    fn test_modules(&self) -> Vec<String> {
        let mut walk = Walk::default();
        walk.tokens(tokens(&self.text, &self.path), &[]);
        walk.test_modules
    }
}

/// All `.rs` files in the given folders of the repository.
pub(crate) fn read(root: &Path, folders: &[&str]) -> io::Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    for folder in folders {
        read_folder(root, folder, &mut files)?;
    }
    Ok(files)
}

/// Leaves out the files that are compiled for tests alone.
pub(crate) fn without_tests(files: Vec<SourceFile>) -> Vec<SourceFile> {
    let test_modules: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let folder = module_folder(&file.path);
            let modules = file.test_modules().into_iter();
            modules.map(move |name| format!("{folder}/{name}"))
        })
        .collect();
    let is_test = |file: &SourceFile| test_modules.iter().any(|module| file.is_in(module));
    files.into_iter().filter(|file| !is_test(file)).collect()
}

fn read_folder(root: &Path, folder: &str, files: &mut Vec<SourceFile>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read_folder(root, &path, files)?;
        } else if path.ends_with(".rs") {
            let text = fs::read_to_string(entry.path())?;
            files.push(SourceFile { path, text });
        }
    }
    Ok(())
}

/// Where the modules of a file lie: beside `mod.rs`, and in `buffer/` for `buffer.rs`.
fn module_folder(path: &str) -> &str {
    let roots = ["/mod.rs", "/lib.rs", "/main.rs"];
    let folder = roots.iter().find_map(|root| path.strip_suffix(root));
    folder.or_else(|| path.strip_suffix(".rs")).unwrap_or(path)
}

fn tokens(text: &str, path: &str) -> Vec<TokenTree> {
    match TokenStream::from_str(text) {
        Ok(stream) => stream.into_iter().collect(),
        Err(error) => unreachable!("{path} is no Rust: {error}"),
    }
}

#[derive(Default)]
struct Walk {
    paths: Vec<Segments>,
    test_modules: Vec<String>,
}

impl Walk {
    /// Collects the paths; `prefix` is what stands before the braces of a `use`.
    fn tokens(&mut self, tokens: Vec<TokenTree>, prefix: &[String]) {
        let mut tokens = tokens.into_iter().peekable();
        let mut path: Segments = prefix.to_vec();
        // How many colons stand directly before the token at hand.
        let mut colons = 0;
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Ident(name) => {
                    if colons != 2 || path.len() == prefix.len() {
                        self.end(&mut path, prefix);
                    }
                    path.push(name.to_string());
                }
                TokenTree::Group(group) => {
                    let inner = group.stream().into_iter().collect();
                    if colons == 2 && group.delimiter() == Delimiter::Brace {
                        self.tokens(inner, &path);
                        path.truncate(prefix.len());
                    } else {
                        self.end(&mut path, prefix);
                        self.tokens(inner, &[]);
                    }
                }
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    self.end(&mut path, prefix);
                    if tokens.next_if(is_cfg_test).is_some() {
                        self.skip_item(&mut tokens);
                    }
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => self.end(&mut path, prefix),
            }
            colons = 0;
        }
        self.end(&mut path, prefix);
    }

    fn end(&mut self, path: &mut Segments, prefix: &[String]) {
        if path.len() > prefix.len() {
            self.paths.push(path.clone());
            path.truncate(prefix.len());
        }
    }

    /// Passes over an item of tests, and remembers it if it is a module in another file.
    fn skip_item(&mut self, tokens: &mut impl Iterator<Item = TokenTree>) {
        let mut names = Vec::new();
        for token in tokens {
            match token {
                TokenTree::Ident(name) => names.push(name.to_string()),
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return,
                TokenTree::Punct(punct) if punct.as_char() == ';' => break,
                _ => {}
            }
        }
        if let [.., keyword, name] = names.as_slice()
            && keyword == "mod"
        {
            self.test_modules.push(name.clone());
        }
    }
}

fn is_cfg_test(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else {
        return false;
    };
    let text: String = group.stream().to_string().split_whitespace().collect();
    text == "cfg(test)"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        let (path, text) = (path.to_owned(), text.to_owned());
        SourceFile { path, text }
    }

    fn paths(text: &str) -> Vec<String> {
        let paths = file("src/a.rs", text).paths();
        paths.iter().map(|path| path.join("::")).collect()
    }

    #[test]
    fn braces_of_a_use_are_the_paths_they_stand_for() {
        let found = paths("use crate::{buffer::{Buffer, Config as C}, sink, host::*};");
        for path in [
            "crate::buffer::Buffer",
            "crate::buffer::Config",
            "crate::sink",
            "crate::host",
        ] {
            assert!(found.contains(&path.to_owned()), "{path} in {found:?}");
        }
    }

    #[test]
    fn paths_in_bodies_types_and_macro_arguments_are_found() {
        let found =
            paths("fn f(x: &::axum::Body) -> A { warn!(x = ?crate::sink::put::<T>(1)); a::b() }");
        for path in ["axum::Body", "crate::sink::put", "a::b"] {
            assert!(found.contains(&path.to_owned()), "{path} in {found:?}");
        }
    }

    #[test]
    fn a_type_after_one_colon_begins_a_path_of_its_own() {
        assert!(
            paths("struct S { sink: crate::sink::Sink }").contains(&"crate::sink::Sink".to_owned())
        );
    }

    #[test]
    fn comments_and_strings_do_not_count() {
        let found = paths("//! See [`crate::sink`].\n/* axum */ const A: &str = \"crate::sink\";");
        assert!(
            !found
                .iter()
                .any(|path| path.contains("sink") || path.contains("axum")),
            "{found:?}"
        );
    }

    #[test]
    fn what_is_compiled_for_tests_alone_does_not_count() {
        let found = paths(
            "use a::b; #[cfg(test)] mod tests { use crate::sink; } #[cfg(test)] use c::d; fn e() {}",
        );
        assert!(
            found.contains(&"a::b".to_owned()) && found.contains(&"e".to_owned()),
            "{found:?}"
        );
        assert!(
            !found
                .iter()
                .any(|path| path.contains("sink") || path.contains("c::d")),
            "{found:?}"
        );
    }

    #[test]
    fn files_of_test_modules_are_left_out_with_all_below_them() {
        let files = vec![
            file(
                "src/a.rs",
                "#[cfg(test)] pub(crate) mod fake; mod tests_of_mine;",
            ),
            file("src/a/fake.rs", ""),
            file("src/a/fake/deep.rs", ""),
            file("src/a/tests_of_mine.rs", ""),
            file("src/b/mod.rs", "#[cfg(test)]\nmod tests;"),
            file("src/b/tests.rs", ""),
        ];
        let left: Vec<_> = without_tests(files)
            .into_iter()
            .map(|file| file.path)
            .collect();
        assert_eq!(left, ["src/a.rs", "src/a/tests_of_mine.rs", "src/b/mod.rs"]);
    }

    #[test]
    fn a_file_knows_its_module() {
        assert_eq!(
            file("src/buffer/limits.rs", "").module(),
            ["buffer", "limits"]
        );
        assert_eq!(file("src/sink/mod.rs", "").module(), ["sink"]);
        assert_eq!(file("fluent-compat/src/tag.rs", "").module(), ["tag"]);
        assert!(file("src/lib.rs", "").module().is_empty());
    }
}
