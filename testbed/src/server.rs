//! A forebay process: started from a configuration text in a directory of its own, watched
//! through its output, ended by its own process id and never by a name.

mod error;
mod output;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::timeout;

pub use self::error::ServerError;
use self::output::{Output, Tail};

/// How long a start may take, recovery included.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How long an end may take, a last flush included.
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// What the configuration is called in the directory.
const CONF: &str = "fluent.conf";

/// How to start a server.
#[derive(Clone, Debug)]
pub struct Launch {
    executable: PathBuf,
    first_arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    directory: PathBuf,
}

/// A running server; killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    stdout: Tail,
    stderr: Tail,
    address: SocketAddr,
}

/// How a server ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exit {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// All it wrote to stdout.
    pub stdout: String,
    /// All it wrote to stderr.
    pub stderr: String,
}

impl Launch {
    /// The executable, and the directory in which `fluent.conf` is written and which is the
    /// process's working directory.
    pub fn new(executable: impl Into<PathBuf>, directory: impl Into<PathBuf>) -> Launch {
        Launch {
            executable: executable.into(),
            first_arguments: Vec::new(),
            environment: Vec::new(),
            directory: directory.into(),
        }
    }

    /// An argument before `--config`.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<OsString>) -> Launch {
        self.first_arguments.push(argument.into());
        self
    }

    /// A variable of the environment, beside those we have ourselves.
    #[must_use]
    pub fn variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Launch {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// The path of the configuration in the directory.
    pub fn conf_path(&self) -> PathBuf {
        self.directory.join(CONF)
    }

    /// Starts the server and waits until it says where it listens.
    pub async fn start(&self, conf: &str) -> Result<Server, ServerError> {
        let (child, mut stdout, mut stderr) = self.spawn(conf)?;
        let found = timeout(START_LIMIT, stderr.find(listening_address)).await;
        match found {
            Ok(Some(address)) => Ok(Server {
                child,
                stdout,
                stderr,
                address,
            }),
            Ok(None) => {
                stdout.finish().await;
                Err(ServerError::EndedAtStart {
                    output: format!("{}{}", stdout.text(), stderr.text()),
                })
            }
            Err(_) => Err(ServerError::NotListening {
                limit: START_LIMIT,
                output: stderr.text(),
            }),
        }
    }

    /// Starts the process and waits for its end, for configurations that do not run and
    /// for flags that answer and go.
    pub async fn run(&self, conf: &str) -> Result<Exit, ServerError> {
        let (child, stdout, stderr) = self.spawn(conf)?;
        finish(child, stdout, stderr).await
    }

    fn spawn(&self, conf: &str) -> Result<(Child, Tail, Tail), ServerError> {
        let path = self.conf_path();
        std::fs::write(&path, conf).map_err(|source| ServerError::Conf {
            path: path.clone(),
            source,
        })?;
        let mut child = Command::new(&self.executable)
            .args(&self.first_arguments)
            .arg("--config")
            .arg(&path)
            .current_dir(&self.directory)
            .env("NO_COLOR", "1")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| ServerError::Spawn {
                executable: self.executable.clone(),
                source,
            })?;
        let stdout = Output::collect(child.stdout.take());
        let stderr = Output::collect(child.stderr.take());
        Ok((child, stdout, stderr))
    }
}

impl Server {
    /// Starts the executable with this configuration in this directory.
    pub async fn start(
        executable: &str,
        directory: &Path,
        conf: &str,
    ) -> Result<Server, ServerError> {
        Launch::new(executable, directory).start(conf).await
    }

    /// Where it listens: the first address it named.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its monitor listens: the first address that the log names as such.
    pub async fn monitor_address(&mut self) -> Result<SocketAddr, ServerError> {
        const TOLD: &str = "monitored address=";
        let address = |line: &str| {
            let (_, rest) = line.split_once(TOLD)?;
            rest.trim().parse().ok()
        };
        // It may have been told before the listener's, which was waited for.
        if let Some(known) = self.stderr().lines().find_map(address) {
            return Ok(known);
        }
        let line = self.wait_for_log(TOLD, START_LIMIT).await?;
        address(&line).ok_or_else(|| ServerError::NotSaid {
            text: TOLD.to_owned(),
            limit: START_LIMIT,
            output: line,
        })
    }

    /// Its process id.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// What it has written to stdout so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it has written to stderr so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits until a line of the log holds this text, and gives the line.
    pub async fn wait_for_log(
        &mut self,
        text: &str,
        limit: Duration,
    ) -> Result<String, ServerError> {
        self.wait_for_logs(text, 1, limit).await
    }

    /// Waits until so many lines of the log hold this text, and gives the last of them.
    pub async fn wait_for_logs(
        &mut self,
        text: &str,
        count: usize,
        limit: Duration,
    ) -> Result<String, ServerError> {
        wait_for(&mut self.stderr, text, count, limit).await
    }

    /// Waits until a line of stdout holds this text, and gives the line.
    pub async fn wait_for_stdout(
        &mut self,
        text: &str,
        limit: Duration,
    ) -> Result<String, ServerError> {
        wait_for(&mut self.stdout, text, 1, limit).await
    }

    /// SIGTERM, and then its end.
    pub async fn terminate(self) -> Result<Exit, ServerError> {
        self.signal(Signal::TERM)?;
        self.wait().await
    }

    /// SIGTERM, without waiting.
    pub fn ask_to_stop(&self) -> Result<(), ServerError> {
        self.signal(Signal::TERM)
    }

    /// SIGKILL: no last word, as in a crash.
    pub async fn kill(self) -> Result<Exit, ServerError> {
        self.signal(Signal::KILL)?;
        self.wait().await
    }

    /// SIGUSR1, which flushes all buffers.
    pub fn flush(&self) -> Result<(), ServerError> {
        self.signal(Signal::USR1)
    }

    /// SIGHUP, which reads the configuration again.
    pub fn reload(&self) -> Result<(), ServerError> {
        self.signal(Signal::HUP)
    }

    /// SIGUSR2, which does the same.
    pub fn reload_by_usr2(&self) -> Result<(), ServerError> {
        self.signal(Signal::USR2)
    }

    /// Waits for an end that comes by itself.
    pub async fn wait(self) -> Result<Exit, ServerError> {
        finish(self.child, self.stdout, self.stderr).await
    }

    fn signal(&self, signal: Signal) -> Result<(), ServerError> {
        // While the child is not waited for, its id belongs to nobody else.
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        let pid = id.and_then(Pid::from_raw).ok_or(ServerError::Gone)?;
        kill_process(pid, signal).map_err(|error| ServerError::Signal(error.into()))
    }
}

async fn wait_for(
    tail: &mut Tail,
    text: &str,
    count: usize,
    limit: Duration,
) -> Result<String, ServerError> {
    let mut found = 0;
    let holds = |line: &str| {
        found += usize::from(line.contains(text));
        (found >= count).then(|| line.to_owned())
    };
    match timeout(limit, tail.find(holds)).await {
        Ok(Some(line)) => Ok(line),
        Ok(None) | Err(_) => Err(ServerError::NotSaid {
            text: text.to_owned(),
            limit,
            output: tail.text(),
        }),
    }
}

async fn finish(mut child: Child, mut stdout: Tail, mut stderr: Tail) -> Result<Exit, ServerError> {
    let ended = timeout(STOP_LIMIT, async {
        let status = child.wait().await;
        stdout.finish().await;
        stderr.finish().await;
        status
    });
    let Ok(status) = ended.await else {
        return Err(ServerError::NotEnding {
            limit: STOP_LIMIT,
            output: stderr.text(),
        });
    };
    Ok(Exit {
        code: status.map_err(ServerError::Wait)?.code(),
        stdout: stdout.text(),
        stderr: stderr.text(),
    })
}

/// The address in a line such as `… listening address=127.0.0.1:8888`.
fn listening_address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("listening")?;
    // As text, or as a member of a JSON object.
    let text = rest.split_once("address=");
    let (_, rest) = text.or_else(|| rest.split_once("\"address\":\""))?;
    let end = rest
        .find(|c: char| c.is_whitespace() || c == ',' || c == '"')
        .unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_log_line() {
        for line in [
            "2026-11-21T03:00:00Z  INFO forebay::app: listening address=127.0.0.1:8888",
            "INFO listening on TLS address=127.0.0.1:8888 client_cert_auth=true",
            r#"{"level":"INFO","message":"listening","address":"127.0.0.1:8888"}"#,
        ] {
            let address = listening_address(line).unwrap();
            assert_eq!(address, "127.0.0.1:8888".parse().unwrap());
        }
        assert_eq!(listening_address("INFO connected address=1.2.3.4:5"), None);
    }

    #[tokio::test]
    async fn the_end_of_a_process_is_told_with_its_output() {
        let directory = tempfile::tempdir().unwrap();
        let exit = Launch::new("/bin/sh", directory.path())
            .argument("-c")
            .argument("echo out; echo err >&2; exit 78")
            .run("")
            .await
            .unwrap();
        assert_eq!(exit.code, Some(78));
        assert_eq!(exit.stdout, "out\n");
        assert_eq!(exit.stderr, "err\n");
    }

    #[tokio::test]
    async fn a_listening_process_takes_signals() {
        let directory = tempfile::tempdir().unwrap();
        let script = "trap 'echo bye >&2; exit 3' TERM
            echo listening address=127.0.0.1:9 >&2
            while :; do sleep 0.01; done";
        let server = Launch::new("/bin/sh", directory.path())
            .argument("-c")
            .argument(script)
            .start("")
            .await
            .unwrap();
        assert_eq!(server.address().port(), 9);
        let exit = server.terminate().await.unwrap();
        assert_eq!(exit.code, Some(3));
        assert!(exit.stderr.ends_with("bye\n"), "{}", exit.stderr);
    }

    #[tokio::test]
    async fn a_process_that_ends_before_it_listens_is_an_error_with_its_words() {
        let directory = tempfile::tempdir().unwrap();
        let error = Launch::new("/bin/sh", directory.path())
            .argument("-c")
            .argument("echo no such plugin >&2; exit 78")
            .start("")
            .await
            .unwrap_err();
        assert!(error.to_string().contains("no such plugin"), "{error}");
    }
}
