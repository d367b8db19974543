//! `<system>`.

use std::path::PathBuf;

use fluent_compat::config::Params;
use fluent_compat::time::Strftime;

use super::buffer::place::given_modes;
use super::context::Context;
use super::remark::{filled, no_effect};
use crate::host::fs::Modes;
use crate::telemetry::{LogFormat, LogLevel, LogSettings, LogTime};

/// What `<system>` says.
pub(super) struct System {
    pub(super) log: LogSettings,
    pub(super) sources: Intake,
    pub(super) files: FileDefaults,
}

/// What `<system>` says of files, for the sections that do not say it themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FileDefaults {
    /// `root_dir`: what has an `@id` has a directory below it.
    pub(super) root_dir: Option<PathBuf>,
    /// `file_permission` and `dir_permission`.
    pub(super) modes: Modes,
}

/// `without_source`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intake {
    /// The sources run.
    Open,
    /// Only what the buffers hold is delivered.
    Closed,
}

/// Parameters that say something about what forebay is not, and what it is instead.
const WITHOUT_EFFECT: [(&str, &[&str]); 11] = [
    (
        "one process uses all cores",
        &[
            "restart_worker_interval",
            "disable_shared_socket",
            "process_name",
        ],
    ),
    (
        "there is no RPC; signals flush, reload and stop",
        &["rpc_endpoint", "enable_get_dump"],
    ),
    (
        "nothing is written in Ruby",
        &["suppress_repeated_stacktrace", "enable_jit"],
    ),
    (
        "what is logged at a client's will is limited anyway",
        &[
            "ignore_repeated_log_interval",
            "ignore_same_log_interval",
            "emit_error_log_interval",
            "log_event_verbose",
        ],
    ),
    (
        "`forebay check` shows the configuration, the log does not",
        &["suppress_config_dump"],
    ),
    (
        "a value that is taken only in part is warned of anyway",
        &["strict_config_value"],
    ),
    (
        "nothing of it is counted",
        &["enable_input_metrics", "enable_size_metrics"],
    ),
    (
        "a time in MessagePack is read by the parser's own rules",
        &["enable_msgpack_time_support"],
    ),
    (
        "only what `@include` names is read",
        &["config_include_dir"],
    ),
    ("sources and buffers start together", &["with_source_only"]),
    (
        "the process's own umask counts, and permissions that are given are given as they are",
        &["umask"],
    ),
];

/// Sections that belong to parts of Fluentd that are not here.
const SECTIONS: [&str; 4] = [
    "counter_server",
    "counter_client",
    "metrics",
    "source_only_buffer",
];

pub(super) fn system(section: Params<'_>, context: &Context<'_>) -> System {
    let levels = [
        ("trace", LogLevel::Trace),
        ("debug", LogLevel::Debug),
        ("info", LogLevel::Info),
        ("warn", LogLevel::Warn),
        ("error", LogLevel::Error),
        ("fatal", LogLevel::Fatal),
    ];
    let level = section.enumeration("log_level", &levels);
    let without_source = section.bool("without_source").unwrap_or(false);
    warn_of_workers(&section);
    for (reason, names) in WITHOUT_EFFECT {
        no_effect(&section, names, reason);
    }
    let files = FileDefaults {
        root_dir: filled(&section, "root_dir").map(PathBuf::from),
        modes: given_modes(&section),
    };
    for name in SECTIONS {
        section.ignore_section(name, "there is no such part here");
    }
    let log = log(section.section_or_empty("log"), context);
    section.finish();
    System {
        log: LogSettings {
            level: level.unwrap_or_default(),
            ..log
        },
        sources: match without_source {
            true => Intake::Closed,
            false => Intake::Open,
        },
        files,
    }
}

fn warn_of_workers(section: &Params<'_>) {
    if let Some(workers) = section.integer("workers")
        && workers > 1
    {
        let message = format!("workers is {workers}: forebay is one process that uses all cores");
        let span = section.span_of("workers");
        section.diagnostics().warning(span, message);
    }
}

/// `<log>`. The level is the `<system>`'s own.
fn log(section: Params<'_>, context: &Context<'_>) -> LogSettings {
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    let format = section.enumeration("format", &formats).unwrap_or_default();
    let zone = context.local_zone.clone();
    let time = match (section.string("time_format"), format) {
        (Some(format), _) => Some(LogTime {
            format: Strftime::new(format),
            zone,
        }),
        (None, LogFormat::Text) => Some(LogTime::fluentds(zone)),
        (None, LogFormat::Json) => None,
    };
    let reason = "the log is one file, which logrotate and its like take care of";
    no_effect(&section, &["rotate_age", "rotate_size"], reason);
    let reason = "nothing is written in Ruby";
    no_effect(&section, &["forced_stacktrace_level"], reason);
    let file = section.string("path").map(PathBuf::from);
    section.finish();
    LogSettings {
        format,
        time,
        file,
        ..LogSettings::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;
    use super::*;

    #[test]
    fn the_log_is_as_the_file_says() {
        let conf = "<system>\n  log_level debug\n  <log>\n    format json\n    path a.log\n  </log>\n</system>\n";
        let (system, remarks) = Bench::new().read(conf, system);
        assert!(remarks.is_empty(), "{remarks:?}");
        assert_eq!(system.log.level, LogLevel::Debug);
        assert_eq!(system.log.format, LogFormat::Json);
        assert_eq!(system.log.file, Some(PathBuf::from("a.log")));
        assert_eq!(system.sources, Intake::Open);
    }

    #[test]
    fn what_forebay_is_not_is_told_with_the_reason() {
        let conf = "<system>\n  workers 4\n  rpc_endpoint 127.0.0.1:24444\n  without_source true\n</system>\n";
        let (system, remarks) = Bench::new().read(conf, system);
        let [workers, rpc] = &remarks[..] else {
            panic!("{remarks:?}");
        };
        assert!(workers.contains("one process"), "{workers}");
        assert!(rpc.contains("signals"), "{rpc}");
        assert_eq!(system.sources, Intake::Closed);
    }
}
