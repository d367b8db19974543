//! Wiring: settings become running stages, and signals stop them in flow order.
//!
//! Stages start sink first, so that nothing is accepted which could not go on, and stop
//! listener first, so that nothing accepted is left behind.

mod outputs;
mod signals;

#[cfg(test)]
mod simulation;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::cli::Arguments;
use crate::decode;
use crate::host::clock::Clock;
use crate::listener::Listener;
use crate::route::Router;
use crate::settings::Settings;
use crate::telemetry;
use outputs::{Outputs, RunningOutput};
use signals::{Signal, Signals};

/// How long chunks may take to be delivered once the listeners have stopped. With the
/// listeners' own deadline it stays below the 90 s after which systemd kills.
const FLUSH_DEADLINE: Duration = Duration::from_secs(45);

/// What still blocks a thread when all stages have stopped has this long.
const LAST_WRITES: Duration = Duration::from_secs(1);

/// Runs until a signal says stop.
///
/// # Errors
/// A stage cannot start: a port in use, a buffer directory that cannot be written.
pub(crate) fn run(
    settings: Settings,
    arguments: &Arguments,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<()> {
    let mut log = settings.log.clone();
    log.level = log.level.turned(arguments.verbose, arguments.quiet);
    log.file = arguments.log_file.clone().or(log.file);
    let file = log.file.clone().unwrap_or_default();
    telemetry::start_logging(log)
        .with_context(|| format!("the log file {} cannot be opened", file.display()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")?;
    let ended = runtime.block_on(async {
        let signals = Signals::listen().context("signals cannot be received")?;
        let server = Server::start(settings, clock).await?;
        server.run_until_told(signals).await;
        Ok(())
    });
    // Else a write to an output that nobody reads would keep the process for ever.
    runtime.shutdown_timeout(LAST_WRITES);
    ended
}

/// All stages, running.
struct Server {
    listeners: JoinSet<()>,
    /// Cancelled once: the listeners take no more.
    stop: CancellationToken,
    outputs: Vec<RunningOutput>,
}

impl Server {
    async fn start(settings: Settings, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let mut outputs = Outputs::new(Arc::clone(&clock));
        let mut labels = Vec::new();
        for label in settings.labels {
            labels.push(outputs.start_label(label).await?);
        }
        let router = Router::new(labels);
        // All ports are bound before any is served: one in use is found in time.
        let mut bound = Vec::new();
        for source in settings.sources {
            let entry = router.entered_at(source.label);
            bound.push((Listener::bind(source.listener)?, source.decode, entry));
        }
        let stop = CancellationToken::new();
        let mut listeners = JoinSet::new();
        for (listener, decode, entry) in bound {
            info!(address = %listener.address(), "listening");
            let service = decode::service(decode, entry, Arc::clone(&clock));
            let stop = stop.clone();
            listeners.spawn(async move {
                let drained = listener.serve(service, stop).await;
                if drained.cut_off > 0 {
                    warn!(
                        connections = drained.cut_off,
                        "connections cut off at the deadline"
                    );
                }
            });
        }
        Ok(Self {
            listeners,
            stop,
            outputs: outputs.running,
        })
    }

    async fn run_until_told(self, mut signals: Signals) {
        loop {
            match signals.next().await {
                Signal::Flush => {
                    info!("flushing all buffers");
                    for output in &self.outputs {
                        output.schedule.flush().await;
                    }
                }
                Signal::Stop(name) => {
                    info!(signal = name, "stopping");
                    break;
                }
            }
        }
        self.stop().await;
        info!("stopped");
    }

    /// Stops in flow order: no new requests, those in flight answered, the buffers
    /// closed, the chunks flushed.
    async fn stop(mut self) {
        self.stop.cancel();
        while self.listeners.join_next().await.is_some() {}
        let deadline = Instant::now() + FLUSH_DEADLINE;
        let mut flushing = JoinSet::new();
        for output in self.outputs {
            flushing.spawn(async move {
                let stopping = async {
                    output.buffer.close().await;
                    output.schedule.stop(deadline).await;
                };
                // The schedule keeps the deadline by itself, unless the disk hangs.
                if timeout_at(deadline + LAST_WRITES, stopping).await.is_err() {
                    warn!("a buffer did not close in time; what it has stored is taken up at the next start");
                }
            });
        }
        while flushing.join_next().await.is_some() {}
    }
}
