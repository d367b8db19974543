//! A server that runs, until it is dropped.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, bail};
use http::Uri;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::time::Instant;

/// A server that listens; it and its workers are killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    url: Uri,
    log: PathBuf,
}

impl Running {
    /// Starts the command and waits until connections are taken at the URL.
    pub(crate) fn start(mut command: Command, url: Uri, directory: &Path) -> anyhow::Result<Self> {
        let log = directory.join("log");
        let output = File::create(&log)?;
        let child = command
            .current_dir(directory)
            // A group of its own, to be killed as a whole.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| command.get_program().display().to_string())?;
        let mut running = Running { child, url, log };
        running.wait_until_it_listens()?;
        Ok(running)
    }

    pub(crate) fn url(&self) -> &Uri {
        &self.url
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Lets it end in order.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        let process = Pid::from_child(&self.child);
        kill_process(process, Signal::TERM)?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("it ended with {status}: {}", self.log());
        }
        Ok(())
    }

    fn wait_until_it_listens(&mut self) -> anyhow::Result<()> {
        const PATIENCE: Duration = Duration::from_secs(30);
        const BETWEEN_TRIES: Duration = Duration::from_millis(1);

        let host = self.url.host().context("the URL has no host")?.to_owned();
        let port = self.url.port_u16().unwrap_or(443);
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect((host.as_str(), port)).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended at start with {status}: {}", self.log());
            }
            if Instant::now() > deadline {
                let seconds = PATIENCE.as_secs();
                bail!(
                    "{} does not listen after {seconds} s: {}",
                    self.url,
                    self.log()
                );
            }
            sleep(BETWEEN_TRIES);
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // One that has ended already needs no signal.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// Where a server of ours is posted to.
pub(crate) fn url_at(port: u16) -> anyhow::Result<Uri> {
    Ok(format!("https://127.0.0.1:{port}/test.log").parse()?)
}

/// Nobody else takes it between here and the server's start, on a machine that measures.
pub(crate) fn free_port() -> std::io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}
