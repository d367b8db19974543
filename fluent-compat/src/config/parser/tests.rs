use super::super::{Texts, Value};
use super::*;

fn read(loader: &Texts) -> Document {
    parse(Path::new("fluent.conf"), loader, &Environment::new("box"))
}

fn read_one(conf: &str) -> Document {
    read(&Texts::one("fluent.conf", conf))
}

/// The remarks as `path:line:column: severity: message`, without excerpts and help.
fn remarks(document: &Document) -> Vec<String> {
    let text = document.render_diagnostics();
    text.lines()
        .filter(|line| !line.starts_with(' '))
        .map(str::to_owned)
        .collect()
}

fn assert_remarks(conf: &str, expected: &[&str]) {
    let expected: Vec<String> = expected
        .iter()
        .map(|remark| format!("fluent.conf:{remark}"))
        .collect();
    assert_eq!(remarks(&read_one(conf)), expected, "{conf:?}");
}

#[test]
fn every_name_and_value_knows_its_place() {
    let document = read_one("<match a.** >\n  path  \"x y\" # c\n</match>\n");
    let section = &document.root.children[0];
    let attribute = &section.attributes[0];
    let words = [
        section.span,
        section.arg_span,
        attribute.name_span,
        attribute.value_span,
    ];
    let texts = words.map(|span| document.sources.text(span));
    assert_eq!(texts, ["match", "a.**", "path", "\"x y\""]);
    assert!(document.diagnostics.is_empty());
}

#[test]
fn all_mistakes_of_a_file_are_told() {
    assert_remarks(
        "<source>\n  k \"v\" w\n  port \"\\q\"\n  @odd 1\n  j [a]\n</source>\n<>\n</match>\n<match a\n  k v\n</match>\n",
        &[
            "2:9: error: expected the end of the line behind the value",
            "3:9: error: unknown escape in double quotes; allowed are \\\" \\' \\\\ \\n \\r \\t \\f \\b \\0",
            "4:3: error: `@odd` begins with `@`, which is kept for `@type`, `@id`, `@label`, `@log_level`",
            "5:6: error: array or hash is not valid JSON: expected value",
            "7:2: error: expected a section's name: letters, digits and `_`",
            "8:1: error: end tag without a section to end",
            "9:9: error: expected `>` at the end of the tag",
        ],
    );
}

#[test]
fn a_wrong_end_tag_is_taken_for_the_right_one() {
    let document = read_one("<match a>\n  <buffer>\n  </bufer>\n  k v\n</match>\nj w\n");
    assert_eq!(
        remarks(&document),
        ["fluent.conf:3:3: error: expected the end tag `</buffer>`"]
    );
    assert!(document.root.children[0].attribute("k").is_some());
    assert!(document.root.attribute("j").is_some());
}

#[test]
fn a_missing_end_tag_is_missed_at_the_outer_one() {
    let document = read_one("<match a>\n  <buffer>\n  k v\n</match>\nj w\n");
    assert_eq!(
        remarks(&document),
        ["fluent.conf:4:1: error: expected the end tag `</buffer>`"]
    );
    assert!(document.root.attribute("j").is_some());
}

#[test]
fn an_unclosed_section_is_told_where_it_begins() {
    assert_remarks(
        "<match a>\n  <buffer>\n",
        &[
            "1:1: error: section is not ended by `</match>`",
            "2:3: error: section is not ended by `</buffer>`",
        ],
    );
}

#[test]
fn a_missing_quote_does_not_hide_the_mistakes_below() {
    assert_remarks(
        "<match a>\n  k 'v\n  j \"\\q\"\n</match>\nl \"\n",
        &[
            "2:5: error: text in single quotes is not closed on its line",
            "3:6: error: unknown escape in double quotes; allowed are \\\" \\' \\\\ \\n \\r \\t \\f \\b \\0",
            "5:3: error: text in double quotes is not closed",
        ],
    );
}

#[test]
fn a_reserved_prefix_is_a_warning_in_inner_sections() {
    let warning = "2:1: warning: `@x` begins with `@`, which is kept for `@type`, `@id`, `@label`, `@log_level`";
    assert_remarks("<format>\n@x 1\n</format>\n", &[warning]);
}

#[test]
fn a_remark_behind_a_bare_name_is_its_value_with_a_warning() {
    let document = read_one("flush_at_shutdown # really\n");
    assert_eq!(
        document.root.attributes[0].value,
        Value::Text("# really".to_owned())
    );
    let warning =
        "fluent.conf:1:19: warning: this is the value of `flush_at_shutdown`, not a comment";
    assert_eq!(remarks(&document), [warning]);
}

#[test]
fn the_last_of_two_values_counts_in_the_place_of_the_first() {
    let document = read_one("k 1\nj 2\nk 3\n");
    let attributes = document.root.attributes.iter();
    let attributes: Vec<String> = attributes
        .map(|attribute| format!("{attribute:?}"))
        .collect();
    assert_eq!(attributes, ["k \"3\"", "j \"2\""]);
    let warning = "fluent.conf:3:1: warning: `k` is given again: this one counts";
    assert_eq!(remarks(&document), [warning]);
}

#[test]
fn names_may_be_quoted_and_values_missing() {
    let document = read_one("\"a b\" 1\nbare\nlast");
    let attributes = document.root.attributes.iter();
    let attributes: Vec<String> = attributes
        .map(|attribute| format!("{attribute:?}"))
        .collect();
    assert_eq!(attributes, ["a b \"1\"", "bare \"\"", "last \"\""]);
    assert!(document.diagnostics.is_empty());
}

#[test]
fn included_files_stand_in_the_place_of_their_include() {
    let texts = Texts::one(
        "etc/fluent.conf",
        "@include conf.d/*.conf\nk 3\n<match a>\n@include in.conf\n</match>\n",
    )
    .with("etc/conf.d/b.conf", "<match b>\n</match>\nk 1\nj 1\n")
    .with("etc/conf.d/a.conf", "include ../other/x.conf\n")
    .with("etc/other/x.conf", "<source>\n</source>\n")
    .with("etc/in.conf", "path \"logs/\"\n");
    let document = parse(
        Path::new("etc/fluent.conf"),
        &texts,
        &Environment::default(),
    );
    let expected = "<ROOT>\n  k 3\n  j 1\n  <source>\n  </source>\n  <match b>\n  </match>\n  \
                    <match a>\n    path logs/\n  </match>\n</ROOT>\n";
    assert_eq!(document.root.to_string(), expected);
    let warning = "etc/conf.d/a.conf:1:1: warning: `include` is deprecated: write `@include`";
    assert_eq!(remarks(&document), [warning]);
    assert_eq!(document.sources.paths().count(), 5);
}

#[test]
fn a_mistake_in_an_included_file_names_that_file() {
    let texts =
        Texts::one("fluent.conf", "@include a.conf\nk \"\\q\"\n").with("a.conf", "\n</x>\n");
    let found = remarks(&read(&texts));
    assert_eq!(found.len(), 2);
    assert!(
        found[0].starts_with("fluent.conf:2:4: error: unknown escape"),
        "{found:?}"
    );
    assert_eq!(
        found[1],
        "a.conf:2:1: error: end tag without a section to end"
    );
}

#[test]
fn an_include_needs_a_path_on_its_line() {
    let error = |place| format!("{place}: error: expected the path of a file to include");
    assert_remarks(
        "@include\n<match a>\n@include # gone.conf\n</match>\n",
        &[&error("1:9"), &error("3:10")],
    );
}

#[test]
fn a_passphrase_may_end_with_a_line_break_and_is_never_shown() {
    let document = read_one("<transport tls>\n  private_key_passphrase \"ab\n\"\n</transport>\n");
    let attribute = &document.root.children[0].attributes[0];
    assert_eq!(attribute.value, Value::Text("ab\n".to_owned()));
    let broken = read_one("private_key_passphrase \"ab\nhunter2\\q\" x\n").render_diagnostics();
    assert!(
        broken.contains("fluent.conf:2:8: error") && !broken.contains("hunter2"),
        "{broken}"
    );
}

#[test]
fn a_circle_of_files_is_shown() {
    let texts =
        Texts::one("fluent.conf", "@include a.conf\n").with("a.conf", "@include ./fluent.conf\n");
    let error = "a.conf:1:10: error: files include each other in a circle: fluent.conf → a.conf → fluent.conf";
    assert_eq!(remarks(&read(&texts)), [error]);
}

#[test]
fn includes_of_nothing_are_warnings_and_of_the_impossible_errors() {
    let texts = Texts::one(
        "fluent.conf",
        "@include gone.conf\n@include d/*.conf\n@include https://x/y.conf\n@include \"\"\n@include bad.conf\n@include *.conf\n",
    )
    .with("bad.conf", b"a \xff".as_slice())
    .with("old.bak.conf", "");
    let expected = [
        "1:10: warning: `gone.conf` cannot be read: entity not found: nothing is included",
        "2:10: warning: no file matches `d/*.conf`: nothing is included",
        "3:10: error: only files can be included, not `https:`",
        "4:10: error: expected the path of a file to include",
        "5:10: error: `bad.conf` is not UTF-8: byte 2 is no part of a character",
        "6:10: error: `bad.conf` is not UTF-8: byte 2 is no part of a character",
        "6:10: error: files include each other in a circle: fluent.conf → fluent.conf",
        "6:10: warning: `old.bak.conf` looks like a backup and is included",
    ];
    let expected = expected.map(|remark| format!("fluent.conf:{remark}"));
    assert_eq!(remarks(&read(&texts)), expected);
}

#[test]
fn a_main_file_that_cannot_be_read_is_a_mistake() {
    let document = read(&Texts::default());
    assert_eq!(
        remarks(&document),
        ["fluent.conf: error: `fluent.conf` cannot be read: entity not found"]
    );
}

#[test]
fn depth_and_numbers_are_bounded() {
    let deep = read_one(&"<a>\n".repeat(10_000));
    assert!(deep.diagnostics.has_errors());
    let broken = read_one(&"k [\n".repeat(10_000));
    assert_eq!(broken.diagnostics.error_count(), MAX_ERRORS);
    let twins = (0..40).fold(
        Texts::one("fluent.conf", "@include 0\n"),
        |texts, number| {
            let next = number + 1;
            texts.with(
                number.to_string(),
                format!("@include {next}\n@include {next}\n"),
            )
        },
    );
    assert!(read(&twins).sources.len() <= 1_000);
}

#[test]
fn windows_files_are_read() {
    let document = read_one("\u{feff}<match a>\r\n  k v\r\n  flag\r\n</match>\r\n");
    assert_eq!(
        document.root.to_string(),
        "<ROOT>\n  <match a>\n    k v\n    flag \n  </match>\n</ROOT>\n"
    );
    assert!(document.diagnostics.is_empty());
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(
        text in "([<>/a-c@#\"'\\\\{}\\[\\]:, \t\r\n\u{142}|_]|</a>\n|<a>\n|#\\{|@include |ENV)*",
    ) {
        let document = read(&Texts::one("fluent.conf", text.as_str()).with("a", text.as_str()));
        let _ = document.render_diagnostics();
    }
}
