use super::*;

fn sources(text: &str) -> (Sources, impl Fn(&str) -> Span) {
    let mut sources = Sources::default();
    let file = sources.add("fluent.conf".into(), text.into());
    let text = text.to_owned();
    let span = move |words: &str| {
        let start = text.find(words).unwrap();
        Span::new(file, start, start + words.len())
    };
    (sources, span)
}

#[test]
fn a_remark_shows_the_line_and_points_at_the_words() {
    let (sources, span) = sources("<buffer>\n\ttimekey żż 1x\n</buffer>\n");
    let diagnostics = Diagnostics::default();
    diagnostics.error_with_help(span("1x"), "unknown unit", "write 1h");
    let expected = "fluent.conf:2:13: error: unknown unit
    2 | \ttimekey żż 1x
      | \t           ^^
      = help: write 1h
";
    assert_eq!(diagnostics.render(&sources, Ink::Plain), expected);
}

#[test]
fn a_mistake_in_two_places_names_the_first_beside_the_second() {
    let (sources, span) = sources("path /a\n\npath /a/\n");
    let diagnostics = Diagnostics::default();
    diagnostics.error_with_other(span("/a/"), "taken", span("/a"));
    let expected = "fluent.conf:3:6: error: taken
    3 | path /a/
      |      ^^^
      = the first: fluent.conf:1:6
";
    assert_eq!(diagnostics.render(&sources, Ink::Plain), expected);
}

#[test]
fn remarks_come_in_the_order_of_the_lines() {
    let (sources, span) = sources("a 1\nb 2\n");
    let diagnostics = Diagnostics::default();
    diagnostics.warning(span("2"), "second");
    diagnostics.error(span("1"), "first");
    let text = diagnostics.render(&sources, Ink::Plain);
    assert!(
        text.find("first").unwrap() < text.find("second").unwrap(),
        "{text}"
    );
    assert!(diagnostics.has_errors());
}

#[test]
fn warnings_alone_are_no_error() {
    let (_, span) = sources("a 1\n");
    let diagnostics = Diagnostics::default();
    diagnostics.warning(span("a"), "odd");
    assert!(!diagnostics.has_errors() && !diagnostics.is_empty());
}

#[test]
fn a_line_whose_name_sounds_secret_is_masked() {
    let (sources, span) = sources("  private_key_passphrase \"hunter2\\q\"\n");
    let diagnostics = Diagnostics::default();
    diagnostics.error(span("\\q"), "unknown escape");
    let text = diagnostics.render(&sources, Ink::Plain);
    assert!(text.contains("  private_key_passphrase xxxxxx\n"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn every_line_of_a_concealed_place_is_masked() {
    let (sources, span) = sources("pin \"one\\\n  two\" x\n");
    let diagnostics = Diagnostics::default();
    diagnostics.conceal(span("\"one\\\n  two\""));
    diagnostics.error(span("x"), "expected the end of the line");
    diagnostics.error(span("pin"), "odd");
    let text = diagnostics.render(&sources, Ink::Plain);
    assert!(
        text.contains("    1 | pin xxxxxx\n") && text.contains("    2 | xxxxxx\n"),
        "{text}"
    );
}

#[test]
fn a_file_that_could_not_be_read_has_no_line() {
    let mut sources = Sources::default();
    let file = sources.add("gone.conf".into(), "".into());
    let diagnostics = Diagnostics::default();
    diagnostics.error(Span::new(file, 0, 0), "no such file");
    assert_eq!(
        diagnostics.render(&sources, Ink::Plain),
        "gone.conf: error: no such file\n"
    );
}
