//! What is fuzzed: everything that reads bytes which somebody else has written.
//!
//! A target is a plain function that panics when something is wrong. `fuzz_targets/` hands
//! them to libFuzzer; `tests/fuzz_smoke.rs` of the server runs them over the corpus and
//! some mutations of it on a stable compiler.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use fluent_compat::config::{Environment, Ink, Texts};
use fluent_compat::events::Events;
use fluent_compat::leftover::Meta;
use fluent_compat::parse::{
    FieldRules, JsonParser, MsgpackParser, NestingLimit, NullTime, ParseError, Parser, RecordRules,
    TimeKey,
};
use fluent_compat::time::{EventTime, TimeParser, TimeParserConfig, TimeType, Zone, ZoneChoice};
use forebay::buffer::{self, Buffer, Verified};
use forebay::host::clock::SystemClock;
use forebay::host::fs::{Fs, MemoryFs};
use forebay::settings::{self, Loaded, OutputKind};
use forebay_certs::{
    CertSet, Hosts, KeyAlgorithm, Options, Passphrase, ServerPassphrase, Validity, issue_set,
    load_certificates, load_identity,
};

const NOW: EventTime = EventTime::new(1_700_000_000, 0);

/// A `fluent.conf` is read or refused, with remarks that can be shown.
pub fn config_text(data: &[u8]) {
    let loaded = load(data);
    let remarks = loaded.remarks(Ink::Plain);
    let is_refused = loaded.settings.is_none();
    assert_eq!(is_refused, loaded.errors() > 0, "{remarks}");
    assert!(!is_refused || !remarks.is_empty());
}

/// A body is refused, or each of its events is JSON that reads back as the same.
pub fn json_body(data: &[u8]) {
    let parser = Parser::Json(json_parser());
    check_events(parser.parse(data, NOW));
    check_events(parser.parse_lines(data, NOW));
}

/// As `json_body`.
pub fn msgpack_body(data: &[u8]) {
    check_events(Parser::Msgpack(MsgpackParser(json_parser())).parse(data, NOW));
}

/// A key with the right passphrase and with a wrong one; the key does not fit the
/// certificate, unless it is the very one.
pub fn pem_key(data: &[u8]) {
    let certificate = keys().server_crt.as_bytes();
    for passphrase in [None, Some(&keys().passphrase), Some(&wrong_passphrase())] {
        // Whatever it says, it says it without a panic.
        let _ = load_identity(certificate, data, passphrase);
    }
    let _ = load_certificates(data);
}

/// A chunk file is taken up whatever is in it, and a second start finds what the first has
/// left: one that took events, and one that did not.
pub fn chunk_recovery(data: &[u8]) {
    for state in ["b", "q"] {
        chunk_recovery_in(state, data);
    }
}

fn chunk_recovery_in(state: &str, data: &[u8]) {
    let fs = MemoryFs::default();
    let path = format!("/buffer/buffer.{state}0123456789abcdef0123456789abcdef.chunk");
    let path = Path::new(&path);
    let Ok(file) = fs.create_new(path) else {
        return;
    };
    if file.write_all_at(data, 0).is_err() {
        return;
    }
    drop(file);
    let first = recovered(&fs);
    assert_eq!(first, recovered(&fs));
}

/// A `.meta` file of Fluentd's is understood or refused.
pub fn fluentd_meta(data: &[u8]) {
    let _ = Meta::read(data);
}

/// Keys that were made a moment ago; the seeds of `pem_key` are made of them.
pub fn keys() -> &'static CertSet {
    static KEYS: OnceLock<CertSet> = OnceLock::new();
    KEYS.get_or_init(|| {
        let options = Options {
            hosts: Hosts::localhost(),
            algorithm: KeyAlgorithm::EcdsaP256,
            validity: Validity::ten_years(NOW.seconds()),
            passphrase: ServerPassphrase::Given(Passphrase::new("right")),
        };
        issue_set(&options).expect("invariant: the options are in order")
    })
}

fn wrong_passphrase() -> Passphrase {
    Passphrase::new("wrong")
}

fn load(text: &[u8]) -> Loaded {
    let path = Path::new("fluent.conf");
    let host = settings::Host {
        loader: &Texts::one(path, text),
        environment: Environment::new("box"),
        local_zone: Zone::Utc,
        hostname: "box".to_owned(),
        clock: Arc::new(SystemClock),
    };
    settings::load_on(path, &host)
}

/// As Teleport's configuration has it.
fn json_parser() -> JsonParser {
    let config = TimeParserConfig {
        time_type: TimeType::String,
        time_format: Some("%Y-%m-%dT%H:%M:%S".to_owned()),
        time_format_fallbacks: Vec::new(),
        zone: ZoneChoice::Local,
    };
    JsonParser {
        rules: RecordRules {
            time_key: Some(TimeKey {
                name: "time".to_owned(),
                keep: true,
            }),
            time_parser: TimeParser::new(&config, &Zone::Utc)
                .expect("invariant: the format is known"),
            null_time: NullTime::Now,
            fields: FieldRules::default(),
        },
        nesting: NestingLimit::default(),
    }
}

fn check_events(parsed: Result<Events, ParseError>) {
    let Ok(events) = parsed else {
        return;
    };
    for event in events.iter() {
        let record = serde_json::Value::from(event.record.to_map());
        let text = record.to_string();
        let again: Result<serde_json::Value, _> = serde_json::from_str(&text);
        assert!(again.is_ok_and(|again| again == record), "{text}");
    }
}

/// The events of each chunk that a start finds.
fn recovered(fs: &MemoryFs) -> Vec<Option<Vec<u8>>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("invariant: the machine has memory for a runtime");
    runtime.block_on(async {
        let fs: Arc<dyn Fs> = Arc::new(fs.clone());
        let buffer = Buffer::open_on(fs, file_buffer(), Arc::new(SystemClock));
        let buffer = buffer.expect("invariant: nothing found keeps a buffer from opening");
        buffer.seal(|_| true).await;
        let mut bodies = Vec::new();
        while let Some(mut chunk) = buffer.take(tokio::time::Instant::now()) {
            let verified = buffer.verify(&mut chunk);
            match verified.expect("invariant: memory can be read") {
                Verified::Events => bodies.push(body(&buffer, &chunk)),
                Verified::Nothing => {}
            }
        }
        buffer.close().await;
        bodies
    })
}

fn body(buffer: &Buffer, chunk: &buffer::SealedChunk) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut reader = buffer.body(chunk).open().ok()?;
    std::io::Read::read_to_end(&mut reader, &mut bytes).ok()?;
    Some(bytes)
}

fn file_buffer() -> &'static buffer::Config {
    static CONFIG: OnceLock<buffer::Config> = OnceLock::new();
    CONFIG.get_or_init(|| {
        let text = "<source>\n@type http\n</source>\n<match **>\n@type stdout\n\
                    <buffer>\n@type file\npath /buffer\n</buffer>\n</match>\n";
        let settings = load(text.as_bytes()).settings;
        let settings = settings.expect("invariant: the configuration is valid");
        match settings.outputs().first().map(|output| &output.kind) {
            Some(OutputKind::Buffered(buffered)) => buffered.buffer.clone(),
            _ => unreachable!("the configuration has one output, with a buffer"),
        }
    })
}
