use std::path::Path;
use std::sync::Arc;

use fluent_compat::config::{Environment, Ink, Texts};
use fluent_compat::time::{EventTime, Zone};

use super::*;
use crate::host::clock::Clock;
use crate::route::{OnError, Turn};
use crate::settings::{Host, Settings, TargetSettings, load_on};

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> EventTime {
        EventTime::new(1_700_000_000, 0)
    }
}

/// Loads a configuration, with a way in and a way out behind it where it has none.
fn load(conf: &str) -> (Option<Settings>, String) {
    let mut conf = conf.to_owned();
    for (name, section) in [
        ("<source>", "<source>\n@type http\n</source>\n"),
        ("<match", "<match elsewhere>\n@type null\n</match>\n"),
    ] {
        if !conf.contains(name) {
            conf.push_str(&format!("\n{section}"));
        }
    }
    let files = Texts::default().with("fluent.conf", conf);
    let host = Host {
        loader: &files,
        environment: Environment::new("box"),
        local_zone: Zone::Utc,
        hostname: "box".to_owned(),
        clock: Arc::new(Stopped),
    };
    let loaded = load_on(Path::new("fluent.conf"), &host);
    let remarks = loaded.remarks(Ink::Plain);
    (loaded.settings, remarks)
}

fn valid(conf: &str) -> Settings {
    let (settings, remarks) = load(conf);
    settings.expect(&remarks)
}

/// The first lines of all errors.
fn errors(conf: &str) -> Vec<String> {
    let (settings, remarks) = load(conf);
    assert!(settings.is_none(), "{remarks}");
    let lines = remarks.lines().filter(|line| line.contains(" error: "));
    lines.map(str::to_owned).collect()
}

fn sketch(steps: &[StepSettings]) -> Vec<String> {
    let sketch = |step: &StepSettings| match step {
        StepSettings::Filter(patterns, _) => format!("filter {}", patterns.source()),
        StepSettings::Match(patterns, target) => {
            let target = match target {
                TargetSettings::Copy(stores) => format!("copy to {}", stores.len()),
                TargetSettings::Null => "null".to_owned(),
                TargetSettings::Output(output) => format!("output {}", output.name),
                TargetSettings::Relabel(id) => format!("relabel {}", id.place()),
            };
            format!("match {} {target}", patterns.source())
        }
    };
    steps.iter().map(sketch).collect()
}

const GREP: &str = "@type grep";
const NULL: &str = "@type null";

#[test]
fn filters_and_matches_keep_their_order_and_labels_their_contents() {
    let settings = valid(&format!(
        "<source>\n@type http\n@label @B\n</source>\n<source>\n@type http\n</source>\n\
         <match a>\n{NULL}\n</match>\n<filter>\n{GREP}\n</filter>\n\
         <match **>\n@type relabel\n@label @B\n</match>\n\
         <label @A>\n<match>\n{NULL}\n</match>\n</label>\n\
         <label @B>\n<filter b>\n{GREP}\n</filter>\n<match b>\n@type stdout\n</match>\n</label>"
    ));
    let entries: Vec<_> = settings.sources.iter().map(|s| s.label.place()).collect();
    assert_eq!(entries, [2, 0]);
    let labels: Vec<_> = settings
        .labels
        .iter()
        .map(|label| (label.name.as_deref(), sketch(&label.steps)))
        .collect();
    let expected: [(Option<&str>, &[&str]); 3] = [
        (None, &["match a null", "filter **", "match ** relabel 2"]),
        (Some("@A"), &["match ** null"]),
        (Some("@B"), &["filter b", "match b output b"]),
    ];
    for ((name, steps), (expected_name, expected_steps)) in labels.iter().zip(expected) {
        assert_eq!(
            (*name, steps.as_slice()),
            (
                expected_name,
                &expected_steps
                    .iter()
                    .map(|s| (*s).to_owned())
                    .collect::<Vec<_>>()[..]
            )
        );
    }
    assert_eq!(labels.len(), 3);
    assert_eq!(settings.outputs().len(), 1);
}

#[test]
fn labels_that_are_not_there_or_twice_or_go_round_are_told() {
    assert_eq!(
        errors("<source>\n@type http\n@label @X\n</source>"),
        ["fluent.conf:3:8: error: there is no <label @X>, nor any other"]
    );
    assert_eq!(
        errors("<match>\n@type relabel\n@label @X\n</match>\n<label @Y>\n</label>"),
        ["fluent.conf:3:8: error: there is no <label @X>: there are @Y"]
    );
    assert_eq!(
        errors("<match>\n@type relabel\n</match>"),
        ["fluent.conf:1:2: error: parameter `@label` is missing in <match>"]
    );
    assert_eq!(
        errors(
            "<label @Y>\n</label>\n<label @Y>\n</label>\n<label @ROOT>\n</label>\n<label>\n</label>"
        ),
        [
            "fluent.conf:3:8: error: <label @Y> can stand only once",
            "fluent.conf:5:8: error: @ROOT is what stands in no label: choose another name",
            "fluent.conf:7:2: error: a label needs a name, as in <label @AUDIT>",
        ]
    );
    let relabel = |to: &str| format!("<match>\n@type relabel\n@label {to}\n</match>");
    let round = "error: events could come back here by this label, and go round for ever";
    assert_eq!(
        errors(&format!(
            "{}\n<label @A>\n{}\n</label>",
            relabel("@A"),
            relabel("@ROOT")
        )),
        [
            format!("fluent.conf:3:8: {round}"),
            format!("fluent.conf:8:8: {round}")
        ]
    );
}

#[test]
fn labels_that_fluentd_feeds_are_warned_of() {
    let conf = "<label @ERROR>\n<match>\n@type stdout\n</match>\n</label>";
    let (settings, remarks) = load(conf);
    assert!(settings.is_some());
    assert!(
        remarks.starts_with("fluent.conf:1:8: warning: nothing is sent to @ERROR of itself"),
        "{remarks}"
    );
}

#[test]
fn what_worker_0_runs_stands_after_all_else() {
    let (settings, remarks) = load(&format!(
        "<worker 0>\n<match b>\n{NULL}\n</match>\n<source>\n@type http\n</source>\n</worker>\n\
         <worker 1>\n<match c>\n{NULL}\n</match>\n</worker>\n<match a>\n{NULL}\n</match>"
    ));
    let settings = settings.expect(&remarks);
    assert_eq!(settings.sources.len(), 1);
    assert_eq!(
        sketch(&settings.labels[0].steps),
        ["match a null", "match b null"]
    );
    assert!(
        remarks.starts_with("fluent.conf:9:9: warning: <worker 1> has no effect"),
        "{remarks}"
    );
    assert_eq!(
        errors("<worker>\n</worker>"),
        [
            "fluent.conf:1:2: error: expected a worker's number or several, as in `0` or `0-3`, found ``"
        ]
    );
}

#[test]
fn a_copy_has_stores_with_their_policies() {
    let settings = valid(
        "<match a>\n@type copy\ncopy_mode deep\n<store>\n@type stdout\n</store>\n\
         <store ignore_error ignore_if_prev_success>\n@type null\n</store>\n</match>",
    );
    let StepSettings::Match(_, TargetSettings::Copy(stores)) = &settings.labels[0].steps[0] else {
        panic!("no copy");
    };
    let policies: Vec<_> = stores
        .iter()
        .map(|store| (store.policy.on_error, store.policy.turn))
        .collect();
    assert_eq!(
        policies,
        [
            (OnError::Refuse, Turn::Always),
            (OnError::Ignore, Turn::UnlessPrevious)
        ]
    );
    assert_eq!(settings.outputs()[0].name, "a store 1");
    assert_eq!(
        errors(
            "<match a>\n@type copy\n</match>\n<match b>\n@type copy\n\
                <store ignore_if_prev_success>\n@type null\n</store>\n<store often>\n@type null\n</store>\n</match>"
        ),
        [
            "fluent.conf:1:2: error: section <store> is missing in <match>: `@type copy` has one for each",
            "fluent.conf:6:8: error: `ignore_if_prev_success` is for the second <store> and later ones",
            "fluent.conf:9:8: error: expected `ignore_error` or `ignore_if_prev_success`, found `often`",
        ]
    );
}

#[test]
fn stores_and_labels_take_the_parameters_of_fluentd_0_12() {
    let settings = valid(
        "<label @A>\n<match a>\n@type copy\n<store>\n@type stdout\noutput_type hash\n\
         format json\n</store>\n</match>\n</label>",
    );
    assert_eq!(settings.outputs().len(), 1);
}

#[test]
fn a_section_behind_a_match_that_takes_everything_is_said_to_be_never_reached() {
    let (settings, remarks) = load(&format!(
        "<match a>\n{NULL}\n</match>\n<match x **>\n{NULL}\n</match>\n\
         <filter b>\n{GREP}\n</filter>\n<match b>\n{NULL}\n</match>\n\
         <label @A>\n<match b>\n{NULL}\n</match>\n<match b>\n{NULL}\n</match>\n</label>"
    ));
    assert!(settings.is_some(), "{remarks}");
    let found: Vec<_> = remarks.lines().filter(|l| l.contains("never")).collect();
    let expected = [
        "fluent.conf:7:9: warning: this <filter> is never reached: the <match x **> before it has taken its events",
        "fluent.conf:10:8: warning: this <match> is never reached: the <match x **> before it has taken its events",
        "fluent.conf:17:8: warning: this <match> is never reached: the <match b> before it has taken its events",
    ];
    assert_eq!(found, expected, "{remarks}");
    assert!(remarks.contains("<match b>\n      |        ^"), "{remarks}");
}

#[test]
fn a_mistake_hides_none_beside_it_and_no_parameter() {
    let (settings, remarks) = load(
        "<match a>\n@type s3\nindex_format %q\npath ${tag}/${user}/%H\n\
         <buffer tag,time,user>\ntimekey 0\n</buffer>\n<format>\n@type tsv\ndelimiter ;\n</format>\n\
         <assume_role_credentials>\nsts_region r\npolicy p\n</assume_role_credentials>\n</match>",
    );
    assert!(settings.is_none(), "{remarks}");
    let found: Vec<_> = remarks
        .lines()
        .filter(|l| l.starts_with("fluent"))
        .collect();
    let expected = [
        "fluent.conf:1:2: error: parameter `s3_bucket` is missing in <match>",
        "fluent.conf:3:14: error: index_format is \"%q\", and must be like %d, %04d, %x or %08X",
        "fluent.conf:6:9: error: `timekey` must be one second at least",
        "fluent.conf:8:2: error: parameter `keys` is missing in <format>",
        "fluent.conf:12:2: error: parameter `role_arn` is missing in <assume_role_credentials>",
        "fluent.conf:12:2: error: parameter `role_session_name` is missing in <assume_role_credentials>",
    ];
    assert_eq!(found, expected, "{remarks}");
}
