//! The recordings themselves: every file can be read and every difference has its case.

mod vectors;

#[test]
fn every_recording_can_be_read() {
    for file in [
        "config.json",
        "formatters.json",
        "http.json",
        "json_bodies.json",
        "literals.json",
        "retry.json",
        "s3_objects.json",
        "tag_patterns.json",
        "time_format.json",
        "time_parse.json",
        "asia-tokyo/formatters.json",
        "asia-tokyo/json_bodies.json",
        "asia-tokyo/s3_objects.json",
        "asia-tokyo/time_parse.json",
    ] {
        assert!(!vectors::load(file).is_empty(), "{file}");
    }
}
