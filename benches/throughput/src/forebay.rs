//! forebay as it is measured: its executable, and configurations as Teleport's users have them.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::bail;
use forebay_testbed::rig::BUCKET;
use forebay_testbed::store::{ACCESS_KEY, SECRET_KEY};

use crate::running::{Running, free_port, url_at};

/// Which executable.
#[derive(clap::Args)]
pub(crate) struct Executable {
    /// forebay's executable; else the one beside this one.
    #[arg(long)]
    forebay: Option<PathBuf>,
}

impl Executable {
    pub(crate) fn path(&self) -> anyhow::Result<PathBuf> {
        let path = match &self.forebay {
            Some(path) => path.clone(),
            None => std::env::current_exe()?.with_file_name("forebay"),
        };
        if !path.exists() {
            let path = path.display();
            bail!("{path} is not there; `cargo build --release` makes it, --forebay names another");
        }
        Ok(path)
    }
}

/// What forebay answers after.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Buffer {
    Synced,
    Unsynced,
    Memory,
}

impl Buffer {
    pub(crate) const ALL: [Buffer; 3] = [Buffer::Synced, Buffer::Unsynced, Buffer::Memory];
}

/// What a server is told.
pub(crate) struct Configuration {
    buffer: Buffer,
    /// Where its buffer and its configuration lie.
    directory: PathBuf,
    keys: PathBuf,
    /// The store's `http://…`.
    endpoint: String,
    /// Further parameters of `<buffer>`, a line each.
    buffer_lines: String,
}

impl Configuration {
    /// With a chunk that is not flushed while it is measured: what is measured ends with the
    /// answer to the client.
    pub(crate) fn unflushed(buffer: Buffer, directory: &Path, keys: &Path) -> Self {
        // Where nobody listens.
        Self::flushed(buffer, directory, keys, "http://127.0.0.1:9")
            .line("timekey 1d")
            .line("chunk_limit_size 64g")
    }

    /// Into a store.
    pub(crate) fn flushed(buffer: Buffer, directory: &Path, keys: &Path, endpoint: &str) -> Self {
        Self {
            buffer,
            directory: directory.to_owned(),
            keys: keys.to_owned(),
            endpoint: endpoint.to_owned(),
            buffer_lines: String::new(),
        }
    }

    /// A parameter of `<buffer>` more.
    pub(crate) fn line(mut self, line: &str) -> Self {
        self.buffer_lines.push_str("    ");
        self.buffer_lines.push_str(line);
        self.buffer_lines.push('\n');
        self
    }

    /// The directory of chunks.
    pub(crate) fn buffer_directory(directory: &Path) -> PathBuf {
        directory.join("buffer")
    }

    /// Starts the server and waits until it listens.
    pub(crate) fn start(&self, executable: &Path) -> anyhow::Result<Running> {
        let port = free_port()?;
        let path = self.directory.join("fluent.conf");
        std::fs::write(&path, self.text(port))?;
        let mut command = Command::new(executable);
        command.arg("--config").arg(path);
        Running::start(command, url_at(port)?, &self.directory)
    }

    fn text(&self, port: u16) -> String {
        let file = |name: &str| quoted(&self.keys.join(name));
        let path = quoted(&Self::buffer_directory(&self.directory));
        let place = match self.buffer {
            Buffer::Synced => format!("@type file\n    path {path}"),
            Buffer::Unsynced => format!("@type file\n    path {path}\n    sync none"),
            Buffer::Memory => "@type memory".to_owned(),
        };
        let (ca, certificate, key) = (file("ca.crt"), file("server.crt"), file("server.key"));
        let (endpoint, lines) = (&self.endpoint, &self.buffer_lines);
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = write!(
            text,
            r#"<source>
  @type http
  bind 127.0.0.1
  port {port}
  <transport tls>
    client_cert_auth true
    ca_path {ca}
    cert_path {certificate}
    private_key_path {key}
  </transport>
  <parse>
    @type json
    time_type string
    time_format %Y-%m-%dT%H:%M:%S
    utc true
    keep_time_key true
  </parse>
</source>
<match test.log>
  @type s3
  s3_bucket {BUCKET}
  s3_region us-east-1
  s3_endpoint {endpoint}
  force_path_style true
  aws_key_id {ACCESS_KEY}
  aws_sec_key {SECRET_KEY}
  <format>
    @type json
  </format>
  <buffer time>
    {place}
    timekey_use_utc true
    total_limit_size 64g
{lines}  </buffer>
</match>
"#
        );
        text
    }
}

/// The directory's path as the languages of configurations quote it.
fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display())
}
