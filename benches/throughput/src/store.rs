//! The testbed's S3 store in a process of its own, so that its CPU is not the server's.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::bail;
use forebay_testbed::rig::BUCKET;
use forebay_testbed::store::Store;

/// Where the objects go.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A directory for the objects.
    #[arg(long)]
    directory: PathBuf,
}

/// Prints where it listens, and serves until its standard input ends.
pub(crate) fn run(options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let store = runtime.block_on(Store::start(&options.directory, &[BUCKET]))?;
    writeln!(out, "{}", store.endpoint())?;
    out.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// A store that runs, until it is dropped.
pub(crate) struct RunningStore {
    child: Child,
    endpoint: String,
}

impl RunningStore {
    /// Starts it, and waits until it listens.
    pub(crate) fn start(directory: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("store")
            .arg("--directory")
            .arg(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut endpoint = String::new();
        if let Some(said) = child.stdout.take() {
            BufReader::new(said).read_line(&mut endpoint)?;
        }
        if endpoint.is_empty() {
            bail!("the store does not start");
        }
        let endpoint = endpoint.trim().to_owned();
        Ok(Self { child, endpoint })
    }

    /// `http://127.0.0.1:PORT`
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for RunningStore {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
