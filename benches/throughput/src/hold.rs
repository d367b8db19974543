//! Holds connections: each posts one event, one after the other, and then says nothing more.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, bail};

use crate::load;
use crate::process::raise_descriptors;

/// Whose connections are held.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where to post, such as https://127.0.0.1:8888/test.log.
    #[arg(long)]
    url: http::Uri,
    /// A directory with ca.crt, client.crt and client.key.
    #[arg(long)]
    keys: PathBuf,
    /// A file whose content is every request's body.
    #[arg(long)]
    body: PathBuf,
    /// How many connections.
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
}

/// Connects, says so, and holds the connections until the standard input ends.
pub(crate) fn run(options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    raise_descriptors();
    let target = load::Target::of(&options.url, &options.keys, &options.body)?;
    let target = Arc::new(target);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let held = runtime.block_on(async {
        let mut held = Vec::with_capacity(options.connections);
        for _ in 0..options.connections {
            let mut connection = load::Http1::connect(&target, load::Reuse::KeepAlive).await?;
            connection.exchange().await?;
            held.push(connection);
        }
        Ok::<_, anyhow::Error>(held)
    })?;
    writeln!(out, "held")?;
    out.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    drop(held);
    Ok(())
}

/// Connections that are held, by a process of its own, until this is dropped.
pub(crate) struct Held {
    child: Child,
    input: Option<ChildStdin>,
}

impl Held {
    /// Returns when all of them are there.
    pub(crate) fn open(
        url: &http::Uri,
        keys: &Path,
        body: &Path,
        connections: usize,
    ) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("hold")
            .arg("--url")
            .arg(url.to_string())
            .arg("--keys")
            .arg(keys)
            .arg("--body")
            .arg(body)
            .arg("--connections")
            .arg(connections.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let said = child.stdout.take().context("it has an output")?;
        let input = child.stdin.take();
        let held = Self { child, input };
        held.wait_for_its_word(said)?;
        Ok(held)
    }

    fn wait_for_its_word(&self, mut output: ChildStdout) -> anyhow::Result<()> {
        let mut said = [0; 5];
        match output.read_exact(&mut said) {
            Ok(()) => Ok(()),
            Err(_ended) => bail!("not all connections could be opened"),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Its end lets it go.
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
