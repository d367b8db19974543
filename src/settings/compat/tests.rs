use std::path::Path;

use fluent_compat::config::{Environment, Texts, parse};

use super::*;

/// The configuration as it is read, and the remarks as `line:column message`.
fn modern(conf: &str) -> (String, Vec<String>) {
    let texts = Texts::one("fluent.conf", conf);
    let document = parse(Path::new("fluent.conf"), &texts, &Environment::default());
    let root = modernised(&document.root, &document.diagnostics);
    let remarks = document.diagnostics.to_vec().into_iter().map(|remark| {
        let place = document.sources.locate(remark.span).unwrap();
        format!("{}:{} {}", place.line, place.column, remark.message)
    });
    (root.children[0].to_string(), remarks.collect())
}

fn read_as(conf: &str, expected: &str) {
    assert_eq!(modern(conf).0, expected);
}

#[test]
fn a_configuration_of_today_stays_as_it_is() {
    let conf = "<match **>\n  @type s3\n  s3_bucket b\n  path logs/\n  <format>\n    @type json\n  </format>\n</match>\n";
    assert_eq!(modern(conf), (conf.to_owned(), Vec::new()));
    let conf = "<source>\n  @type http\n  port 8888\n</source>\n";
    assert_eq!(modern(conf), (conf.to_owned(), Vec::new()));
}

#[test]
fn an_old_output_gets_its_sections() {
    let conf = "<match **>\n  type s3\n  format json\n  include_time_key true\n  time_key at\n  \
                include_tag_key\n  utc\n  time_slice_format %Y%m%d%H\n  time_slice_wait 1m\n  \
                buffer_type file\n  buffer_queue_full_action exception\n</match>\n";
    read_as(
        conf,
        "<match **>\n  type s3\n  time_slice_format %Y%m%d%H\n  \
         <buffer time>\n    @type file\n    timekey_wait 1m\n    overflow_action throw_exception\n    \
         timekey 3600\n    timekey_use_utc true\n  </buffer>\n  \
         <format>\n    @type json\n  </format>\n  \
         <inject>\n    time_key at\n    utc \n    time_type string\n    tag_key tag\n  </inject>\n</match>\n",
    );
}

#[test]
fn an_old_source_gets_its_parser() {
    let conf = "<source>\n  @type http\n  format /^(?<a>.*)$/\n  types a|integer;b|bool\n  \
                types_delimiter ;\n  types_label_delimiter |\n  time_key t\n</source>\n";
    read_as(
        conf,
        "<source>\n  @type http\n  <parse>\n    time_key t\n    @type regexp\n    \
         expression ^(?<a>.*)$\n    types {\"a\":\"integer\",\"b\":\"bool\"}\n  </parse>\n</source>\n",
    );
}

#[test]
fn an_old_parameter_is_told_where_it_stands() {
    let (_, remarks) = modern("<match **>\n  @type stdout\n  format json\n  utc true\n</match>\n");
    assert_eq!(
        remarks,
        [
            "3:3 `format` is where Fluentd 0.12 had it, and is read as `@type` in <format>",
            "4:3 `utc` is where Fluentd 0.12 had it, and is read as `utc` in <format> and `utc` in <inject>",
        ]
    );
}

#[test]
fn a_section_that_is_there_takes_nothing_up() {
    let conf = "<match **>\n  @type s3\n  format json\n  time_as_epoch true\n  <format>\n  </format>\n</match>\n";
    assert_eq!(modern(conf), (conf.to_owned(), Vec::new()));
}

#[test]
fn mistakes_are_told_in_the_users_own_words() {
    let conf =
        "<match **>\n  @type s3\n  time_slice_format %Y\n  include_tag_key maybe\n</match>\n";
    let (_, remarks) = modern(conf);
    assert!(
        remarks
            .iter()
            .any(|remark| remark.starts_with("3:21 `%Y` has no slots")),
        "{remarks:?}"
    );
    assert!(
        remarks
            .iter()
            .any(|remark| remark.starts_with("4:19 `include_tag_key`: ")),
        "{remarks:?}"
    );
}

#[test]
fn chunks_of_files_lie_where_the_files_do_unless_it_is_said() {
    read_as(
        "<match **>\n  @type file\n  path /v/a\n</match>\n",
        "<match **>\n  @type file\n  path /v/a\n  \
         <buffer>\n    @type file\n    path /v/a\n  </buffer>\n</match>\n",
    );
    let said = "<match **>\n  @type file\n  path /v/a\n  \
                <buffer time>\n    @type memory\n    path /b\n  </buffer>\n</match>\n";
    read_as(said, said);
    read_as(
        "<match **>\n  @type file\n  @id a\n  path /v/a\n</match>\n<system>\n  root_dir /r\n</system>\n",
        "<match **>\n  @type file\n  @id a\n  path /v/a\n  \
         <buffer>\n    @type file\n  </buffer>\n</match>\n",
    );
}
