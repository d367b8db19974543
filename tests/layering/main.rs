//! Who may import whom, which names appear where, and that there is one TLS stack.
//!
//! ARCHITECTURE.md describes the rules; the tables here are what holds. A test that fails
//! names the file and the path it should not have written.

mod lock;
mod logs;
mod rules;
mod source;

use std::path::Path;

use rules::Violation;
use source::SourceFile;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Longer files are split; see CONTRIBUTING.md.
const MOST_LINES: usize = 600;

#[test]
fn stages_import_only_what_their_row_allows() {
    assert_none(rules::forbidden_imports(&production_code()));
}

#[test]
fn names_that_have_a_home_appear_nowhere_else() {
    assert_none(rules::names_away_from_home(&production_code()));
}

#[test]
fn fluent_compat_touches_nothing_of_the_machine() {
    assert_none(rules::impurities(&production_code()));
}

#[test]
fn every_line_about_a_chunk_says_whose_events_it_holds() {
    assert_none(logs::anonymous_chunks(&production_code()));
}

#[test]
fn no_file_is_too_long_to_read() {
    let long = all_code().into_iter().filter_map(|file| {
        let lines = file.text.lines().count();
        (lines > MOST_LINES).then(|| {
            Violation::new(
                &file.path,
                format!("{lines} lines; the most is {MOST_LINES}"),
            )
        })
    });
    assert_none(long.collect());
}

#[test]
fn one_tls_stack_and_one_crypto_provider_are_locked() {
    let lock = std::fs::read_to_string(Path::new(ROOT).join("Cargo.lock")).unwrap();
    assert_none(lock::violations(&lock::packages(&lock)));
}

#[test]
fn no_manifest_of_ours_asks_for_ring() {
    for manifest in [
        "Cargo.toml",
        "certs/Cargo.toml",
        "fluent-compat/Cargo.toml",
        "testbed/Cargo.toml",
    ] {
        let text = std::fs::read_to_string(Path::new(ROOT).join(manifest)).unwrap();
        assert!(
            !text.contains("\"ring\"") && !text.contains("\nring "),
            "{manifest} names ring"
        );
    }
}

#[test]
fn the_tables_name_only_what_there_is() {
    let files = production_code();
    let missing = rules::places().filter(|place| !files.iter().any(|file| file.is_in(place)));
    assert_eq!(
        missing.collect::<Vec<_>>(),
        [""; 0],
        "no such file or folder"
    );
}

fn all_code() -> Vec<SourceFile> {
    let files = source::read(
        Path::new(ROOT),
        &["src", "fluent-compat/src", "certs/src", "testbed/src"],
    );
    files.expect("invariant: the sources that were compiled can be read")
}

/// Without tests, which may use what they like.
fn production_code() -> Vec<SourceFile> {
    let mut files = all_code();
    files.retain(|file| !file.path.starts_with("testbed/"));
    source::without_tests(files)
}

fn assert_none(violations: Vec<Violation>) {
    let lines: Vec<_> = violations.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}
