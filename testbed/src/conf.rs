//! `fluent.conf` texts as users write them, put together from parts. What a test is about it
//! says in lines of its own (`line`), beside those that all have.

use std::fmt;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::store::{ACCESS_KEY, SECRET_KEY, Store};
use crate::tally::TimeField;

/// What every buffer here has beside its `timekey`: a test has no minutes to wait.
const TIME_LINES: [&str; 5] = [
    "timekey_wait 0s",
    "timekey_use_utc true",
    "retry_wait 0.2",
    "retry_max_interval 1s",
    "retry_forever true",
];

/// A whole configuration: sources first, then matches, in the order they are added.
#[derive(Clone, Debug, Default)]
pub struct Conf {
    sections: Vec<String>,
}

/// An HTTP `<source>` on a loopback port the system chooses.
#[derive(Clone, Debug)]
pub struct HttpSource {
    port: u16,
    transport: Option<TlsTransport>,
    time: TimeField,
    lines: Vec<String>,
}

/// A `<transport tls>` section that asks for client certificates.
#[derive(Clone, Debug)]
pub struct TlsTransport {
    /// `ca_path`.
    pub ca: PathBuf,
    /// `cert_path`.
    pub certificate: PathBuf,
    /// `private_key_path`.
    pub key: PathBuf,
    /// `private_key_passphrase`.
    pub passphrase: Option<String>,
    /// Further lines, such as `min_version TLS1_3`.
    pub lines: Vec<String>,
}

/// A `<match>` with its `<buffer>`.
#[derive(Clone, Debug)]
pub struct Match {
    pattern: String,
    kind: &'static str,
    lines: Vec<String>,
    buffer: Option<Buffer>,
}

/// A `<buffer>` section.
#[derive(Clone, Debug)]
pub struct Buffer {
    keys: &'static str,
    lines: Vec<String>,
}

impl Conf {
    /// An empty one.
    pub fn new() -> Conf {
        Conf::default()
    }

    /// Adds a source.
    #[must_use]
    pub fn source(self, source: &HttpSource) -> Conf {
        self.section(source)
    }

    /// Adds a match.
    #[must_use]
    pub fn output(self, output: &Match) -> Conf {
        self.section(output)
    }

    /// Adds anything.
    #[must_use]
    pub fn section(mut self, text: impl fmt::Display) -> Conf {
        self.sections.push(text.to_string());
        self
    }
}

impl HttpSource {
    /// Without TLS.
    pub fn plain() -> HttpSource {
        HttpSource {
            port: 0,
            transport: None,
            time: TimeField::Kept,
            lines: Vec::new(),
        }
    }

    /// With TLS and client certificates.
    pub fn tls(transport: TlsTransport) -> HttpSource {
        HttpSource {
            transport: Some(transport),
            ..HttpSource::plain()
        }
    }

    /// A port of the caller's choice.
    #[must_use]
    pub fn port(mut self, port: u16) -> HttpSource {
        self.port = port;
        self
    }

    /// Whether the record keeps its `time`.
    #[must_use]
    pub fn time(mut self, time: TimeField) -> HttpSource {
        self.time = time;
        self
    }

    /// A parameter more.
    #[must_use]
    pub fn line(mut self, line: impl Into<String>) -> HttpSource {
        self.lines.push(line.into());
        self
    }
}

impl Match {
    /// To stdout.
    pub fn stdout(pattern: &str) -> Match {
        Match {
            pattern: pattern.to_owned(),
            kind: "stdout",
            lines: Vec::new(),
            buffer: None,
        }
    }

    /// To a bucket of the store, one JSON record a line, under `logs/`.
    pub fn s3(pattern: &str, store: &Store, bucket: &str, buffer: Buffer) -> Match {
        Match {
            pattern: pattern.to_owned(),
            kind: "s3",
            lines: vec![
                format!("s3_bucket {bucket}"),
                "s3_region us-east-1".to_owned(),
                format!("s3_endpoint {}", store.endpoint()),
                "force_path_style true".to_owned(),
                format!("aws_key_id {ACCESS_KEY}"),
                format!("aws_sec_key {SECRET_KEY}"),
                "path logs/".to_owned(),
                "<format>".to_owned(),
                "  @type json".to_owned(),
                "</format>".to_owned(),
            ],
            buffer: Some(buffer),
        }
    }

    /// To files, one JSON record a line.
    pub fn file(pattern: &str, path: &Path, buffer: Option<Buffer>) -> Match {
        Match {
            pattern: pattern.to_owned(),
            kind: "file",
            lines: vec![
                format!("path \"{}\"", path.display()),
                "<format>".to_owned(),
                "  @type json".to_owned(),
                "</format>".to_owned(),
            ],
            buffer,
        }
    }

    /// A parameter more; one that is there already is replaced.
    #[must_use]
    pub fn line(mut self, line: impl Into<String>) -> Match {
        replace_or_push(&mut self.lines, line.into());
        self
    }
}

impl Buffer {
    /// Files below the given path, cut by time, tried again after a short while.
    pub fn file(path: &Path, timekey_seconds: u32) -> Buffer {
        let path = format!("path \"{}\"", path.display());
        Buffer::time(vec!["@type file".to_owned(), path], timekey_seconds)
    }

    /// Memory, cut by time.
    pub fn memory(timekey_seconds: u32) -> Buffer {
        Buffer::time(vec!["@type memory".to_owned()], timekey_seconds)
    }

    fn time(mut lines: Vec<String>, timekey_seconds: u32) -> Buffer {
        lines.push(format!("timekey {timekey_seconds}s"));
        lines.extend(TIME_LINES.map(str::to_owned));
        Buffer {
            keys: "time",
            lines,
        }
    }

    /// Cuts chunks by tag as well.
    #[must_use]
    pub fn by_tag(mut self) -> Buffer {
        self.keys = "tag,time";
        self
    }

    /// A parameter more; one that is there already is replaced.
    #[must_use]
    pub fn line(mut self, line: impl Into<String>) -> Buffer {
        replace_or_push(&mut self.lines, line.into());
        self
    }
}

fn replace_or_push(lines: &mut Vec<String>, line: String) {
    let name = |line: &str| line.split_whitespace().next().map(str::to_owned);
    match lines.iter_mut().find(|old| name(old) == name(&line)) {
        Some(old) => *old = line,
        None => lines.push(line),
    }
}

impl fmt::Display for Conf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sections.join("\n"))
    }
}

impl fmt::Display for HttpSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port;
        writeln!(f, "<source>\n  @type http\n  bind 127.0.0.1\n  port {port}")?;
        write_lines(f, "  ", &self.lines)?;
        if let Some(tls) = &self.transport {
            writeln!(f, "  <transport tls>\n    client_cert_auth true")?;
            writeln!(f, "    ca_path \"{}\"", tls.ca.display())?;
            writeln!(f, "    cert_path \"{}\"", tls.certificate.display())?;
            writeln!(f, "    private_key_path \"{}\"", tls.key.display())?;
            if let Some(passphrase) = &tls.passphrase {
                writeln!(f, "    private_key_passphrase \"{passphrase}\"")?;
            }
            write_lines(f, "    ", &tls.lines)?;
            writeln!(f, "  </transport>")?;
        }
        writeln!(f, "  <parse>\n    @type json\n    time_type string")?;
        writeln!(f, "    time_format %Y-%m-%dT%H:%M:%S\n    utc true")?;
        if self.time == TimeField::Kept {
            writeln!(f, "    keep_time_key true")?;
        }
        writeln!(f, "  </parse>\n</source>")
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "<match {}>\n  @type {}", self.pattern, self.kind)?;
        write_lines(f, "  ", &self.lines)?;
        if let Some(buffer) = &self.buffer {
            writeln!(f, "  <buffer {}>", buffer.keys)?;
            write_lines(f, "    ", &buffer.lines)?;
            writeln!(f, "  </buffer>")?;
        }
        writeln!(f, "</match>")
    }
}

fn write_lines(f: &mut impl Write, indent: &str, lines: &[String]) -> fmt::Result {
    lines
        .iter()
        .try_for_each(|line| writeln!(f, "{indent}{line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_takes_the_place_of_its_namesake() {
        let buffer = Buffer::memory(1)
            .line("timekey 10s")
            .line("flush_at_shutdown true");
        let lines: Vec<_> = buffer
            .lines
            .iter()
            .filter(|l| l.contains("timekey "))
            .collect();
        assert_eq!(lines, ["timekey 10s"]);
        assert_eq!(buffer.lines.last().unwrap(), "flush_at_shutdown true");
    }

    #[test]
    fn a_configuration_reads_as_users_write_it() {
        let conf = Conf::new()
            .source(
                &HttpSource::plain()
                    .time(TimeField::Removed)
                    .line("keepalive_timeout 5s"),
            )
            .output(&Match::stdout("test.log"));
        assert_eq!(
            conf.to_string(),
            "<source>\n  @type http\n  bind 127.0.0.1\n  port 0\n  keepalive_timeout 5s\n  \
             <parse>\n    @type json\n    time_type string\n    \
             time_format %Y-%m-%dT%H:%M:%S\n    utc true\n  </parse>\n</source>\n\n\
             <match test.log>\n  @type stdout\n</match>\n"
        );
    }
}
