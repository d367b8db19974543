use std::path::Path;
use std::time::Duration;

use super::super::{Document, Environment, Texts, parse};
use super::*;

/// Reads the one section of a configuration and gives what the reader makes of it, and the
/// remarks as `line:column severity message [help]`.
fn read<T>(conf: &str, reader: impl FnOnce(&Params<'_>) -> T) -> (T, Vec<String>) {
    let texts = Texts::one("fluent.conf", conf);
    let document = parse(Path::new("fluent.conf"), &texts, &Environment::new("box"));
    let Document {
        sources,
        root,
        diagnostics,
    } = document;
    let params = Params::new(&root.children[0], &diagnostics);
    let value = reader(&params);
    params.finish();
    let remarks = diagnostics.to_vec().into_iter().map(|remark| {
        let location = sources.locate(remark.span).unwrap();
        let help = remark
            .help
            .map_or_else(String::new, |help| format!(" [{help}]"));
        let severity = format!("{:?}", remark.severity).to_lowercase();
        format!(
            "{}:{} {severity} {}{help}",
            location.line, location.column, remark.message
        )
    });
    (value, remarks.collect())
}

#[test]
fn values_are_read_by_type() {
    let conf = "<s arg>\n size 8m\n time 1.5\n int -3\n float 2.5\n bool\n mode fast\n list a, b\n \
                hash a:1\n re /x/i\n text \"\"\n</s>\n";
    let ((), remarks) = read(conf, |params| {
        assert_eq!(params.argument(), "arg");
        assert_eq!(params.size("size"), Some(8 << 20));
        assert_eq!(params.time("time"), Some(Duration::from_millis(1500)));
        assert_eq!(params.integer("int"), Some(-3));
        assert_eq!(params.float("float"), Some(2.5));
        assert_eq!(params.bool("bool"), Some(true));
        assert_eq!(
            params.enumeration("mode", &[("slow", 1), ("fast", 2)]),
            Some(2)
        );
        assert_eq!(params.array("list").unwrap(), ["a", "b"]);
        assert_eq!(params.hash("hash").unwrap()["a"], "1");
        assert!(params.regexp("re").unwrap().ignores_case);
        assert_eq!(params.string("text"), Some(""));
        assert_eq!(params.string("absent"), None);
    });
    assert!(remarks.is_empty(), "{remarks:?}");
}

#[test]
fn every_mistake_of_a_section_is_told_at_its_place() {
    let conf = "<s>\n  size -1\n  time -2\n  port 70000\n  bool on\n  mode fsat\n  zone x\n</s>\n";
    let ((), remarks) = read(conf, |params| {
        assert_eq!(params.size("size"), None);
        assert_eq!(params.time("time"), None);
        assert_eq!(params.integer_in::<u16>("port", 1..=65535), None);
        assert_eq!(params.bool("bool"), None);
        assert_eq!(
            params.enumeration("mode", &[("slow", ()), ("fast", ())]),
            None
        );
        assert_eq!(
            params.parsed("zone", |_| Err::<(), _>("no such zone")),
            None
        );
        assert_eq!(params.required("bucket", Params::string), None);
    });
    let expected = [
        "1:2 error parameter `bucket` is missing in <s>",
        "2:8 error `size`: a size cannot be negative",
        "3:8 error `time`: a time cannot be negative or endless",
        "4:8 error `port`: expected 1 to 65535, found 70000",
        "5:8 error `bool`: expected true, yes, false or no, found `on`",
        "6:8 error expected `slow` or `fast`, found `fsat` [did you mean `fast`?]",
        "7:8 error `zone`: no such zone",
    ];
    assert_eq!(remarks, expected);
}

#[test]
fn a_number_read_in_part_is_taken_as_fluentd_does_with_a_warning() {
    let (size, remarks) = read("<s>\n  size 1.5m\n</s>\n", |params| params.size("size"));
    assert_eq!(size, Some(5 << 20));
    let expected = "2:8 warning `1.5m` is taken for 5242880 bytes \
                    [expected digits and one of k, m, g, t and nothing else]";
    assert_eq!(remarks, [expected]);
}

#[test]
fn what_nobody_asked_for_is_a_warning_with_the_nearest_name() {
    let conf = "<s>\n  chunk_limt_size 1m\n  <bufer>\n  </bufer>\n  <x>\n  </x>\n</s>\n";
    let ((), remarks) = read(conf, |params| {
        params.size("chunk_limit_size");
        assert!(params.section("buffer").is_none());
    });
    let expected = [
        "2:3 warning unknown parameter `chunk_limt_size` in <s>: it has no effect \
         [did you mean `chunk_limit_size`?]",
        "3:4 warning unknown section `bufer` in <s>: it has no effect [did you mean `buffer`?]",
        "5:4 warning unknown section `x` in <s>: it has no effect",
    ];
    assert_eq!(remarks, expected);
}

#[test]
fn the_parameters_that_every_section_may_have_are_no_warning() {
    let ((), remarks) = read("<s>\n  @id x\n  @log_level info\n</s>\n", |_| ());
    assert!(remarks.is_empty(), "{remarks:?}");
}

#[test]
fn known_parameters_we_do_not_act_on_are_named() {
    let ((), remarks) = read("<s>\n  json_parser oj\n</s>\n", |params| {
        params.known_but_ignored(&["json_parser", "other"]);
    });
    assert_eq!(
        remarks,
        ["2:3 warning `json_parser` is known, but not acted on"]
    );
}

#[test]
fn nil_and_default_are_as_if_not_given_unless_required() {
    let conf = "<s>\n  a \"#{use_nil}\"\n  b \"#{use_default}\"\n</s>\n";
    let ((), remarks) = read(conf, |params| {
        assert!(params.is_given("a"));
        assert_eq!(params.string("a"), None);
        assert_eq!(params.required("b", Params::string), None);
    });
    assert_eq!(
        remarks,
        ["3:5 error `b` needs a value: there is no default for it"]
    );
}

#[test]
fn an_unreadable_value_is_reported_once() {
    let (value, remarks) = read("<s>\n  a \"\\q\"\n</s>\n", |params| {
        params.required("a", |params, name| params.integer(name))
    });
    assert_eq!((value, remarks.len()), (None, 1), "{remarks:?}");
    assert!(
        remarks[0].starts_with("2:6 error unknown escape"),
        "{remarks:?}"
    );
}

#[test]
fn sections_are_found_once_several_times_or_not_at_all() {
    let conf = "<s>\n  <one a>\n    k 1\n  </one>\n  <one b>\n  </one>\n  <old>\n  </old>\n</s>\n";
    let ((), remarks) = read(conf, |params| {
        assert_eq!(params.section("one").unwrap().integer("k"), Some(1));
        let arguments: Vec<&str> = params
            .sections("one")
            .iter()
            .map(Params::argument)
            .collect();
        assert_eq!(arguments, ["a", "b"]);
        let absent = params.section_or_empty("absent");
        assert_eq!((absent.is_present(), absent.integer("k")), (false, None));
        assert!(absent.required("k", Params::integer).is_none());
        assert!(params.required_section("absent").is_none());
        params.ignore_section("old", "only <match> buffers");
    });
    let expected = [
        "1:2 error parameter `k` is missing in <absent>",
        "1:2 error section <absent> is missing in <s>",
        "5:4 error <one> can stand only once in <s>",
        "7:4 warning <old> in <s> has no effect: only <match> buffers",
    ];
    assert_eq!(remarks, expected);
}

#[test]
fn the_names_of_old_still_work() {
    let ((), remarks) = read("<s>\n  type http\n  id x\n</s>\n", |params| {
        assert_eq!(params.plugin_type(), Some("http"));
        assert_eq!(params.plugin_id(), Some("x"));
        assert_eq!((params.log_level(), params.label()), (None, None));
    });
    let expected = [
        "2:3 warning `type` is deprecated: write `@type`",
        "3:3 warning `id` is deprecated: write `@id`",
    ];
    assert_eq!(remarks, expected);
}

#[test]
fn a_secret_appears_nowhere() {
    let texts = Texts::one("fluent.conf", "<s>\n  pin hunter2\n  password open\n</s>\n");
    let document = parse(Path::new("fluent.conf"), &texts, &Environment::default());
    let params = Params::new(&document.root.children[0], &document.diagnostics);
    let secret = params.secret("pin").unwrap();
    assert_eq!(secret.expose(), "hunter2");
    let shown = format!("{document:?}");
    assert!(!shown.contains("open"), "{shown}");
    document
        .diagnostics
        .error(params.span_of("pin"), "does not open the key");
    let text = document.render_diagnostics();
    assert!(
        text.contains("    2 |   pin xxxxxx") && !text.contains("hunter2"),
        "{text}"
    );
}
