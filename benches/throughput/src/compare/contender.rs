//! The servers that are compared, and what they are told.

use std::fmt::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use http::Uri;

use super::quoted;
use super::running::Running;

/// What all others are compared with.
pub(super) const FLOOR: &str = "floor";

/// A server that can be started.
pub(super) struct Contender {
    pub(super) name: String,
    kind: Kind,
}

enum Kind {
    Floor,
    Forebay { executable: PathBuf, buffer: Buffer },
    Other { url: Uri, command: String },
}

/// What forebay answers after.
#[derive(Clone, Copy)]
enum Buffer {
    Synced,
    Unsynced,
    Memory,
}

impl Contender {
    /// The floor, and forebay with each kind of buffer.
    pub(super) fn ours(forebay: &Path) -> Vec<Contender> {
        let ours = |name: &str, buffer| Contender {
            name: name.to_owned(),
            kind: Kind::Forebay {
                executable: forebay.to_owned(),
                buffer,
            },
        };
        vec![
            Contender {
                name: FLOOR.to_owned(),
                kind: Kind::Floor,
            },
            ours("synced", Buffer::Synced),
            ours("unsynced", Buffer::Unsynced),
            ours("memory", Buffer::Memory),
        ]
    }

    /// Somebody else's.
    pub(super) fn other(name: &str, url: Uri, command: &str) -> Contender {
        Contender {
            name: name.to_owned(),
            kind: Kind::Other {
                url,
                command: command.to_owned(),
            },
        }
    }

    /// Starts it in a directory of its own, and waits until it listens.
    pub(super) fn start(&self, directory: &Path, keys: &Path) -> anyhow::Result<Running> {
        let port = free_port()?;
        let (command, url) = match &self.kind {
            Kind::Floor => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg("floor").arg("--keys").arg(keys);
                command.arg("--address").arg(format!("127.0.0.1:{port}"));
                (command, url_at(port)?)
            }
            Kind::Forebay { executable, buffer } => {
                let path = directory.join("fluent.conf");
                std::fs::write(&path, configuration(*buffer, port, directory, keys))?;
                let mut command = Command::new(executable);
                command.arg("--config").arg(path);
                (command, url_at(port)?)
            }
            Kind::Other { url, command } => {
                let mut shell = Command::new("/bin/sh");
                shell.arg("-c").arg(format!("exec {command}"));
                shell.env("KEYS", keys).env("DIRECTORY", directory);
                (shell, url.clone())
            }
        };
        Running::start(command, url, directory)
    }
}

fn url_at(port: u16) -> anyhow::Result<Uri> {
    Ok(format!("https://127.0.0.1:{port}/test.log").parse()?)
}

/// Nobody else takes it between here and the server's start, on a machine that measures.
fn free_port() -> std::io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// As Teleport's users have it, with a chunk that is not flushed while it is measured.
fn configuration(buffer: Buffer, port: u16, directory: &Path, keys: &Path) -> String {
    let file = |name: &str| quoted(&keys.join(name));
    let path = quoted(&directory.join("buffer"));
    let place = match buffer {
        Buffer::Synced => format!("@type file\n    path {path}"),
        Buffer::Unsynced => format!("@type file\n    path {path}\n    sync none"),
        Buffer::Memory => "@type memory".to_owned(),
    };
    let (ca, certificate, key) = (file("ca.crt"), file("server.crt"), file("server.key"));
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
  s3_bucket nobody
  s3_region us-east-1
  # Where nobody listens: what is measured ends with the answer to the client.
  s3_endpoint http://127.0.0.1:9
  aws_key_id none
  aws_sec_key none
  <format>
    @type json
  </format>
  <buffer time>
    {place}
    timekey 1d
    timekey_use_utc true
    chunk_limit_size 64g
    total_limit_size 64g
  </buffer>
</match>
"#
    );
    text
}
