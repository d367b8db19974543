//! `forebay certs`: the mTLS set that `teleport-event-handler configure` writes, for those who
//! have only the client, and its leaves anew before they end.
//!
//! The passphrase of `server.key` is never printed. It goes into a file of its own, in the form
//! that systemd's `EnvironmentFile=`, `docker run --env-file` and a shell read, under the name
//! by which the ready configurations ask for it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use forebay_certs::{
    Authority, CertificateDer, Digest, Hosts, IssueError, KeyError, Options, Passphrase,
    ServerPassphrase, Unlocked, Validity, WriteError, expiry, hosts, issue_leaves, issue_set,
    load_certificates, load_identity, make_directory, replace, write_new,
};
use jiff::Timestamp;

use crate::cli::{CertsCommand, KeyKind, Passphrases};
use crate::host::environment;
use crate::host::fs::{DiskFs, Fs};

/// The file with the passphrase, and the variable it sets.
const ENV_FILE: &str = "server.env";
const VARIABLE: &str = "SERVER_KEY_PASSPHRASE";

const DAY: i64 = 86_400;

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
enum CertsError {
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("cannot read {}: {source}; --renew needs the set that is to be renewed", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    Opened { path: PathBuf, source: KeyError },
    #[error(
        "{}: {source}; its passphrase is looked for in {ENV_FILE} beside it, then in ${VARIABLE}",
        path.display()
    )]
    Locked { path: PathBuf, source: KeyError },
    #[error("the CA in {} ended on {date}: issue a new set into another directory", path.display())]
    Ended { path: PathBuf, date: String },
    #[error("cannot write the answer: {0}")]
    Answer(io::Error),
}

/// Issues or renews, and says on `out` what lies where. `now` is in unix seconds.
pub(crate) fn run(
    command: &CertsCommand,
    now: i64,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> ExitCode {
    let done = match command.renew {
        true => renew(command, now, out),
        false => issue(command, now, out),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing can be done about a closed terminal.
            let _ = writeln!(err, "forebay: {error}");
            ExitCode::FAILURE
        }
    }
}

fn issue(command: &CertsCommand, now: i64, out: &mut dyn Write) -> Result<(), CertsError> {
    let asked = asked_hosts(command);
    let hosts = asked.unwrap_or_else(Hosts::localhost);
    let lifetime = Validity::starting(now, command.lifetime());
    let options = Options {
        hosts: hosts.clone(),
        passphrase: match command.passphrases() {
            Passphrases::Random => ServerPassphrase::Random,
            Passphrases::None => ServerPassphrase::Given(Passphrase::new("")),
        },
        ..options(command, lifetime, now)
    };
    make_directory(&command.dir)?;
    let set = issue_set(&options)?;
    let env = format!("{VARIABLE}={}\n", set.passphrase.expose());
    let mut files = set.files().to_vec();
    if !set.passphrase.is_empty() {
        files.push((ENV_FILE, &env));
    }
    write_new(&command.dir, &files)?;

    let end = now.saturating_add_unsigned(command.lifetime().as_secs());
    let mut page = Page::new(&command.dir);
    page.row(
        "ca.crt, ca.key",
        &format!("signs the others, until {}", day(end)),
    );
    page.leaves(&hosts, end);
    if !set.passphrase.is_empty() {
        page.row(ENV_FILE, &format!("{VARIABLE}, which opens server.key"));
    }
    page.note(
        "forebay needs ca.crt, server.crt, server.key; the event handler ca.crt, client.crt,",
    );
    page.note("client.key. Keep ca.key where neither runs: it is needed for --renew alone.");
    page.write(out)
}

fn renew(command: &CertsCommand, now: i64, out: &mut dyn Write) -> Result<(), CertsError> {
    let set = Existing::read(&command.dir)?;
    let ca_end = expiry(&set.ca).map_err(|source| set.opened("ca.crt", source))?;
    if ca_end <= now {
        let (path, date) = (command.dir.join("ca.crt"), day(ca_end));
        return Err(CertsError::Ended { path, date });
    }
    let hosts = match asked_hosts(command) {
        Some(hosts) => hosts,
        None => hosts(&set.server).map_err(|source| set.opened("server.crt", source))?,
    };
    // A leaf that outlives its CA would be refused from the CA's last day on.
    let end = ca_end.min(now.saturating_add_unsigned(command.lifetime().as_secs()));
    let lifetime = std::time::Duration::from_secs((end - now).unsigned_abs());
    let options = Options {
        hosts: hosts.clone(),
        ..options(command, Validity::starting(now, lifetime), now)
    };
    let leaves = issue_leaves(&set.authority, &options, &set.passphrase)?;
    replace(&command.dir, &leaves.files())?;

    let mut page = Page::new(&command.dir);
    page.leaves(&hosts, end);
    page.note("The CA and the passphrase are as they were. A running forebay sees the new files");
    page.note("by itself; the event handler has to be given client.crt and client.key.");
    page.write(out)
}

/// The set in a directory, as far as a renewal needs it.
struct Existing {
    dir: PathBuf,
    ca: CertificateDer<'static>,
    authority: Authority,
    server: CertificateDer<'static>,
    /// Of `server.key`; empty if that is not encrypted.
    passphrase: Passphrase,
}

impl Existing {
    fn read(dir: &Path) -> Result<Self, CertsError> {
        let read = |name: &str| {
            let path = dir.join(name);
            let read = DiskFs::default().read(&path);
            read.map_err(|source| CertsError::Read { path, source })
        };
        let opened = |name: &str, source| CertsError::Opened {
            path: dir.join(name),
            source,
        };
        let (ca_crt, ca_key) = (read("ca.crt")?, read("ca.key")?);
        let authority = Authority::load(&ca_crt, &ca_key, None, Digest::default())?;
        let server_crt = read("server.crt")?;
        let server = load_certificates(&server_crt).map_err(|error| opened("server.crt", error))?;
        let given = passphrase(dir);
        let server_key = read("server.key")?;
        let is_plain = match load_identity(&server_crt, &server_key, given.as_ref()) {
            Ok(identity) => identity.unlocked == Unlocked::NotEncrypted,
            // A renewal was killed between the two. The key was opened all the same.
            Err(KeyError::Mismatch) => !String::from_utf8_lossy(&server_key).contains("ENCRYPTED"),
            Err(source) => {
                let path = dir.join("server.key");
                return Err(CertsError::Locked { path, source });
            }
        };
        Ok(Self {
            dir: dir.to_owned(),
            ca: authority.certificate().clone(),
            authority,
            server: server
                .into_iter()
                .next()
                .expect("invariant: a certificate file that was read has a certificate"),
            passphrase: given
                .filter(|_| !is_plain)
                .unwrap_or_else(|| Passphrase::new("")),
        })
    }

    fn opened(&self, name: &str, source: KeyError) -> CertsError {
        let path = self.dir.join(name);
        CertsError::Opened { path, source }
    }
}

/// The passphrase of the set in a directory: of its file, else of the environment.
fn passphrase(dir: &Path) -> Option<Passphrase> {
    let file = DiskFs::default().read(&dir.join(ENV_FILE)).ok();
    let text = file.and_then(|bytes| String::from_utf8(bytes).ok());
    let of_file = text.as_deref().and_then(|text| {
        let value = |line: &str| Some(line.strip_prefix(VARIABLE)?.strip_prefix('=')?.to_owned());
        text.lines().find_map(value)
    });
    let value = of_file.or_else(|| environment::variable(VARIABLE));
    value.map(Passphrase::new)
}

/// What the command line says of names and addresses; `None` if it says nothing.
fn asked_hosts(command: &CertsCommand) -> Option<Hosts> {
    let hosts = Hosts {
        dns_names: command.dns_names.clone(),
        addresses: command.addresses.clone(),
    };
    (hosts != Hosts::default()).then_some(hosts)
}

fn options(command: &CertsCommand, validity: Validity, now: i64) -> Options {
    Options {
        algorithm: match command.key {
            KeyKind::Rsa4096 => forebay_certs::KeyAlgorithm::Rsa(forebay_certs::RsaBits::Bits4096),
            KeyKind::Rsa2048 => forebay_certs::KeyAlgorithm::Rsa(forebay_certs::RsaBits::Bits2048),
            KeyKind::P256 => forebay_certs::KeyAlgorithm::EcdsaP256,
        },
        validity,
        ..Options::new(now)
    }
}

fn day(unix_seconds: i64) -> String {
    let day = Timestamp::from_second(unix_seconds - unix_seconds.rem_euclid(DAY));
    day.map_or_else(
        |_| format!("second {unix_seconds} of 1970"),
        |day| day.strftime("%F").to_string(),
    )
}

/// What is said when all is done.
struct Page(String);

impl Page {
    fn new(dir: &Path) -> Self {
        Self(format!("in {}:\n", dir.display()))
    }

    fn row(&mut self, files: &str, what: &str) {
        self.0.push_str(&format!("  {files:<24}{what}\n"));
    }

    fn leaves(&mut self, hosts: &Hosts, end: i64) {
        let names = hosts.dns_names.iter().cloned();
        let addresses = hosts.addresses.iter().map(ToString::to_string);
        let called: Vec<_> = names.chain(addresses).collect();
        let what = format!("for {}, until {}", called.join(", "), day(end));
        self.row("server.crt, server.key", &what);
        self.row(
            "client.crt, client.key",
            &format!("the event handler's, until {}", day(end)),
        );
    }

    fn note(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn write(self, out: &mut dyn Write) -> Result<(), CertsError> {
        out.write_all(self.0.as_bytes()).map_err(CertsError::Answer)
    }
}
