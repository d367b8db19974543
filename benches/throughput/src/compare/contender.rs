//! The servers that are compared, and what they are told.

use std::path::{Path, PathBuf};
use std::process::Command;

use http::Uri;

use crate::floor;
use crate::forebay::{Buffer, Configuration};
use crate::running::Running;

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
        match &self.kind {
            Kind::Floor => floor::start(directory, keys),
            Kind::Forebay { executable, buffer } => {
                let configuration = Configuration::unflushed(*buffer, directory, keys);
                configuration.start(executable)
            }
            Kind::Other { url, command } => {
                let mut shell = Command::new("/bin/sh");
                shell.arg("-c").arg(format!("exec {command}"));
                shell.env("KEYS", keys).env("DIRECTORY", directory);
                Running::start(shell, url.clone(), directory)
            }
        }
    }
}
