//! Everything that stands before the first event comes: keys, store, configuration, server.

use std::path::{Path, PathBuf};

use anyhow::Context;
use forebay_certs::RsaBits;
use forebay_testbed::client::{Client, Protocol, Target};
use forebay_testbed::conf::{Buffer, Conf, HttpSource, Match};
use forebay_testbed::keys::Keys;
use forebay_testbed::server::{Launch, Server};
use forebay_testbed::store::Store;
use jiff::Timestamp;

use crate::SERVER;
use crate::screen::Screen;

/// The bucket the objects come to.
pub(crate) const BUCKET: &str = "audit";
/// Seconds of one chunk; short, because somebody is watching.
const TIMEKEY: u32 = 10;

pub(crate) struct Stage {
    pub(crate) store: Store,
    pub(crate) server: Server,
    keys: Keys,
    directory: PathBuf,
}

impl Stage {
    /// Sets everything up in a fresh directory, which stays when the demonstration is over.
    pub(crate) async fn set(screen: &Screen) -> anyhow::Result<Stage> {
        let directory = tempfile::Builder::new()
            .prefix("forebay-demo-")
            .tempdir()
            .context("no directory for the demonstration")?
            .keep();
        screen.step(format_args!("Everything lies in {}", directory.display()));

        let keys = issue(screen, &directory.join("keys"))?;
        let store = Store::start(&directory.join("s3"), &[BUCKET]).await?;
        screen.step(format_args!("An S3 store answers at {}", store.endpoint()));
        screen.detail(format_args!(
            "its objects are files in {}",
            store.directory().join(BUCKET).display()
        ));

        let conf = configuration(&keys, &store, &directory);
        let launch = Launch::new(std::env::current_exe()?, &directory).argument(SERVER);
        screen.step(format_args!("{}", launch.conf_path().display()));
        screen.listing(&conf);
        let server = launch.start(&conf).await?;
        screen.step(format_args!(
            "forebay listens at https://{}",
            server.address()
        ));
        Ok(Stage {
            store,
            server,
            keys,
            directory,
        })
    }

    /// A client with the issued certificate, as the event handler is one.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        let address = self.server.address();
        let target = Target::tls(address, Protocol::Http1, &self.keys.client())?;
        Ok(Client::new(target))
    }

    /// When the last chunk that is open now is due.
    pub(crate) fn due(&self) -> Timestamp {
        let timekey = i64::from(TIMEKEY);
        let now = Timestamp::now();
        let end = (now.as_second().div_euclid(timekey) + 1) * timekey;
        Timestamp::from_second(end).unwrap_or(now)
    }

    /// Ends the server in good order; the store stays to be counted.
    pub(crate) async fn end(self, screen: &Screen) -> anyhow::Result<Store> {
        let exit = self.server.terminate().await?;
        anyhow::ensure!(
            exit.code == Some(0),
            "the server did not end well:\n{}",
            exit.stderr
        );
        screen.step("The server has ended; all files stay");
        screen.detail(format_args!("rm -r {}", self.directory.display()));
        Ok(self.store)
    }

    /// Leaves everything running until somebody presses Ctrl-C.
    pub(crate) async fn stay(self, screen: &Screen) -> anyhow::Result<()> {
        let keys = self.keys.directory().display();
        screen.step("All of it stays up; try it by hand, and end it with Ctrl-C");
        screen.listing(&format!(
            "curl --cacert {keys}/ca.crt --cert {keys}/client.crt --key {keys}/client.key \\\n  \
             -H 'Content-Type: application/json' -d '{}' \\\n  \
             -w '%{{http_code}}\\n' https://localhost:{}/test.log",
            by_hand(),
            self.server.address().port(),
        ));
        screen.detail(format_args!(
            "{TIMEKEY} s later: ls -R {}",
            self.store.directory().join(BUCKET).display()
        ));
        tokio::signal::ctrl_c().await?;
        self.end(screen).await?;
        Ok(())
    }
}

fn issue(screen: &Screen, directory: &Path) -> anyhow::Result<Keys> {
    let spinner = screen.spinner("issuing certificates".to_owned())?;
    let keys = Keys::issue_rsa(directory, RsaBits::Bits4096)?;
    spinner.finish_and_clear();
    screen.step(format_args!(
        "Certificates as `teleport-event-handler configure` writes them: {}",
        directory.display()
    ));
    screen.detail("RSA 4096; server.key is encrypted, its passphrase stands in fluent.conf");
    Ok(keys)
}

fn configuration(keys: &Keys, store: &Store, directory: &Path) -> String {
    let output = |pattern: &str, buffer: &str| {
        let buffer = Buffer::file(&directory.join("buffer").join(buffer), TIMEKEY).by_tag();
        Match::s3(pattern, store, BUCKET, buffer)
            .line("path logs/${tag}/")
            .line("time_slice_format %Y-%m-%d/%H%M%S")
    };
    Conf::new()
        .source(&HttpSource::tls(keys.transport()))
        .output(&output("test.log", "audit"))
        .output(&output("session.*.log", "sessions"))
        .to_string()
}

fn by_hand() -> String {
    let time = Timestamp::now();
    format!("{{\"ei\":1,\"event\":\"user.login\",\"time\":\"{time:.0}\",\"uid\":\"by-hand\"}}")
}
