use super::*;
use crate::tag::Tag;
use crate::timekey::Timekey;

const START: i64 = 1_707_987_600; // 2024-02-15 09:00 UTC

fn id() -> ChunkId {
    ChunkId::from_bytes([0xab; 16])
}

fn metadata(keys: &str, tag: &str, user: Option<&str>) -> Metadata {
    let keys = ChunkKeys::parse(keys).unwrap();
    Metadata {
        timekey: keys.has_time().then(|| Timekey::new(START)),
        tag: keys.has_tag().then(|| Tag::new(tag)),
        variables: keys
            .fields()
            .map(|field| (field.to_owned(), user.map(str::to_owned)))
            .collect(),
    }
}

fn render(text: &str, keys: &str) -> String {
    render_with(text, keys, "session.4a1b.log", Some("alice")).unwrap()
}

fn render_with(
    text: &str,
    keys: &str,
    tag: &str,
    user: Option<&str>,
) -> Result<String, PlaceholderError> {
    let parsed = Placeholders::parse(text, &ChunkKeys::parse(keys).unwrap(), &Zone::Utc);
    parsed.render(id(), &metadata(keys, tag, user))
}

fn warnings(text: &str, keys: &str) -> Vec<String> {
    Placeholders::parse(text, &ChunkKeys::parse(keys).unwrap(), &Zone::Utc)
        .warnings()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn every_kind_is_filled_in() {
    assert_eq!(
        render("l/%Y/%m/%d/${tag}/${user}/${chunk_id}", "tag,time,user"),
        format!("l/2024/02/15/session.4a1b.log/alice/{}", "ab".repeat(16))
    );
}

#[test]
fn parts_of_the_tag_count_from_both_ends() {
    assert_eq!(render("${tag[0]}-${tag[2]}", "tag"), "session-log");
    assert_eq!(render("${tag[-1]}-${tag[-3]}", "tag"), "log-session");
}

#[test]
fn a_part_that_the_tag_does_not_have_is_nothing() {
    assert_eq!(render("a${tag[3]}b${tag[-4]}c", "tag"), "abc");
    assert_eq!(
        render_with("${tag[-1]}", "tag", "a.b..", None).unwrap(),
        "b"
    );
}

#[test]
fn a_nested_field_is_filled_in_by_its_address() {
    assert_eq!(render("${$.n.k}", "$.n.k"), "alice");
}

#[test]
fn a_field_without_a_value_is_nothing() {
    assert_eq!(render_with("a${user}b", "user", "t", None).unwrap(), "ab");
}

#[test]
fn what_is_no_chunk_key_stays_and_is_warned_of() {
    assert_eq!(
        render("${tag}/${tag[0]}/${user}", "time"),
        "${tag}/${tag[0]}/${user}"
    );
    assert_eq!(
        warnings("${tag}/${user}", "time"),
        [
            "${tag} is no chunk key, so it stays as it is written",
            "${user} is no chunk key, so it stays as it is written"
        ]
    );
}

#[test]
fn among_fields_an_unknown_one_is_dropped_and_warned_of() {
    assert_eq!(render("${user}/${host}.", "user"), "alice/.");
    assert_eq!(
        warnings("${user}/${host}.", "user"),
        ["${host} is no chunk key, so nothing comes in its place"]
    );
}

#[test]
fn without_the_time_key_a_time_format_stays_and_is_warned_of() {
    assert_eq!(render("logs/%Y/${tag}", "tag"), "logs/%Y/session.4a1b.log");
    assert_eq!(warnings("logs/%Y/", "tag").len(), 1);
    assert_eq!(warnings("logs/100%/", "tag"), [""; 0]);
}

#[test]
fn what_looks_like_no_placeholder_stays() {
    for text in ["${}", "${a b}", "${tag[x]}", "$tag", "${tag", "{tag}"] {
        assert_eq!(render(text, "tag,user"), text);
        assert_eq!(warnings(text, "tag,user"), [""; 0]);
    }
}

#[test]
fn a_value_is_not_looked_at_for_placeholders() {
    let found = render_with(
        "${user}/${tag}",
        "tag,time,user",
        "${user}",
        Some("${tag}%Y"),
    );
    assert_eq!(found.unwrap(), "${tag}%Y/${user}");
}

#[test]
fn a_value_may_not_climb_up_or_start_at_the_root() {
    for bad in ["/etc", "\\x", "a/../b", "..\\b", "a\n/b"] {
        let error = render_with("x${user}", "user", "t", Some(bad)).unwrap_err();
        assert_eq!(error.placeholder, "${user}");
        assert_eq!(error.found, bad);
        render_with("x${tag[0]}", "tag", bad, None).unwrap_err();
    }
}

#[test]
fn a_value_may_not_make_the_text_around_it_climb_up() {
    render_with("${user}/x", "user", "t", Some("..")).unwrap_err();
    assert_eq!(render("../${user}", "user"), "../alice");
}

#[test]
fn a_chunk_begun_under_other_keys_keeps_the_text() {
    let keys = ChunkKeys::parse("tag,time").unwrap();
    let parsed = Placeholders::parse("%Y/${tag[0]}", &keys, &Zone::Utc);
    assert_eq!(
        parsed.render(id(), &Metadata::default()).unwrap(),
        "%Y/${tag[0]}"
    );
}
