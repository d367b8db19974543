//! What a service manager is told: the messages that systemd's `Type=notify` waits for.

use std::error::Error;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use forebay_testbed::conf::{Conf, HttpSource, Match};
use forebay_testbed::server::Launch;
use tempfile::TempDir;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const PATIENCE: Duration = Duration::from_secs(20);

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test(flavor = "multi_thread")]
async fn readiness_reloads_and_the_end_are_told_in_their_order() -> TestResult {
    let manager = Manager::new()?;
    let mut server = manager.launch().start(&conf("**")).await?;
    assert_eq!(manager.next()?, "READY=1");

    server.reload()?;
    assert_eq!(manager.next()?.split('=').next(), Some("RELOADING"));
    assert_eq!(manager.next()?, "READY=1");

    // A configuration that is wrong: the one before stays, and so does readiness.
    std::fs::write(manager.launch().conf_path(), "<match")?;
    server.reload()?;
    let reloading = manager.next()?;
    let mut lines = reloading.lines();
    assert_eq!(lines.next(), Some("RELOADING=1"));
    assert!(
        lines
            .next()
            .is_some_and(|line| line.starts_with("MONOTONIC_USEC=")),
        "{reloading}"
    );
    assert_eq!(manager.next()?, "READY=1");
    server
        .wait_for_log("the one before stays in force", PATIENCE)
        .await?;

    let exit = server.terminate().await?;
    assert_eq!(exit.code, Some(0));
    assert_eq!(manager.next()?, "STOPPING=1");
    manager.has_no_more()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watchdog_hears_of_it_well_within_its_time() -> TestResult {
    let manager = Manager::new()?;
    let launch = manager.launch().variable("WATCHDOG_USEC", "300000");
    let server = launch.start(&conf("**")).await?;
    let mut beats = 0;
    while beats < 3 {
        // As systemd would: later than this, and it kills. The margin is for a busy machine.
        manager
            .socket
            .set_read_timeout(Some(Duration::from_secs(5)))?;
        beats += usize::from(manager.next()? == "WATCHDOG=1");
    }
    server.terminate().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_is_never_told_as_ready() -> TestResult {
    let manager = Manager::new()?;
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port();
    let conf = conf("**").replace("port 0", &format!("port {port}"));
    let exit = manager.launch().run(&conf).await?;
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    manager.has_no_more()
}

/// The manager's end of the socket.
struct Manager {
    directory: TempDir,
    socket: UnixDatagram,
}

impl Manager {
    fn new() -> Result<Manager, Box<dyn Error>> {
        let directory = tempfile::tempdir()?;
        let socket = UnixDatagram::bind(socket_path(directory.path()))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Manager { directory, socket })
    }

    fn launch(&self) -> Launch {
        let path = socket_path(self.directory.path());
        Launch::new(FOREBAY, self.directory.path()).variable("NOTIFY_SOCKET", path)
    }

    fn next(&self) -> Result<String, Box<dyn Error>> {
        let mut message = [0; 256];
        let length = self.socket.recv(&mut message)?;
        let text = std::str::from_utf8(message.get(..length).unwrap_or_default())?;
        Ok(text.trim_end().to_owned())
    }

    fn has_no_more(&self) -> TestResult {
        self.socket.set_nonblocking(true)?;
        match self.socket.recv(&mut [0; 256]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            other => Err(format!("a message too many: {other:?}").into()),
        }
    }
}

fn socket_path(directory: &Path) -> std::path::PathBuf {
    directory.join("notify")
}

fn conf(pattern: &str) -> String {
    let output = Match::stdout(pattern);
    Conf::new()
        .source(&HttpSource::plain())
        .output(&output)
        .to_string()
}
