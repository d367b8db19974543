//! `<system>`.

use fluent_compat::config::Params;

use crate::telemetry::LogLevel;

/// What `<system>` says.
pub(super) struct System {
    pub(super) log_level: LogLevel,
}

/// Parameters that have no meaning where there is one process and nothing is embedded.
const IGNORED: [&str; 12] = [
    "process_name",
    "rpc_endpoint",
    "enable_get_dump",
    "enable_msgpack_time_support",
    "enable_input_metrics",
    "enable_size_metrics",
    "emit_error_log_interval",
    "suppress_repeated_stacktrace",
    "ignore_repeated_log_interval",
    "ignore_same_log_interval",
    "without_source",
    "strict_config_value",
];

pub(super) fn system(section: Params<'_>) -> System {
    let levels = [
        ("trace", LogLevel::Trace),
        ("debug", LogLevel::Debug),
        ("info", LogLevel::Info),
        ("warn", LogLevel::Warn),
        ("error", LogLevel::Error),
        ("fatal", LogLevel::Fatal),
    ];
    let log_level = section
        .enumeration("log_level", &levels)
        .unwrap_or_default();
    if let Some(workers) = section.integer("workers")
        && workers > 1
    {
        let message = format!("workers is {workers}: forebay is one process that uses all cores");
        section
            .diagnostics()
            .warning(section.span_of("workers"), message);
    }
    section.known_but_ignored(&IGNORED);
    section.finish();
    System { log_level }
}
