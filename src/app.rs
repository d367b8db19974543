//! Wiring: settings become running stages, signals change and stop them in flow order.
//!
//! Stages start sink first, so that nothing is accepted which could not go on, and stop
//! listener first, so that nothing accepted is left behind. A reload has two halves: all that
//! can fail is prepared beside what runs, and only then each part is switched.

mod board;
mod certificates;
mod drain;
mod monitors;
mod outputs;
mod running;
mod signals;
mod sources;

#[cfg(test)]
mod simulation;

use std::io::{self, Stdout};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use fluent_compat::config::Ink;
use tokio::time::{Instant, interval};
use tracing::{error, info, warn};

use crate::cli::Arguments;
use crate::host::clock::Clock;
use crate::host::descriptors::Descriptors;
use crate::host::fs::DiskFs;
use crate::host::notify;
use crate::monitor::Observe;
use crate::route::Router;
use crate::settings::{self, Files, Loaded, Settings};
use crate::sink::{self, stdout::StdoutSink};
use crate::telemetry::{self, LogHandle, LogLevel, LogSettings};
use board::{Board, Stages};
use certificates::{Watch, warn_of_expiry};
use monitors::Monitors;
use outputs::Preparation;
use running::Running;
use signals::{Signal, Signals};
use sources::Sources;

/// How long chunks may take to be delivered once the listeners have stopped. With the
/// listeners' own deadline it stays below the 90 s after which systemd kills.
const FLUSH_DEADLINE: Duration = Duration::from_secs(45);

/// What still blocks a thread when all stages have stopped has this long.
const LAST_WRITES: Duration = Duration::from_secs(1);

/// How often outputs that are gone from the configuration are looked after.
const REAPING: Duration = Duration::from_secs(1);

/// Runs until a signal says stop. `files` are what the settings were read from.
///
/// # Errors
/// A stage cannot start: a port in use, a buffer directory that cannot be written.
pub(crate) fn run(
    settings: Settings,
    files: Files,
    arguments: &Arguments,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<()> {
    let overrides = Overrides::of(arguments);
    let log = overrides.applied_to(settings.log.clone());
    let handle = start_logging(&log)?;
    in_runtime(async {
        keep_telling_that_it_lives();
        let signals = Signals::listen().context("signals cannot be received")?;
        let conf = arguments.config().to_owned();
        let mut server = Server {
            board: Arc::new(Board::new(Arc::clone(&clock), conf.clone())),
            conf,
            overrides,
            clock,
            log,
            handle,
            stdout: Arc::new(StdoutSink::new(io::stdout())),
            appended: sink::file::Files::new(Arc::new(DiskFs::default())),
            sources: Sources::default(),
            outputs: Running::default(),
            monitors: Monitors::default(),
            labels: Vec::new(),
            watch: Watch::start(files.material().clone()),
            files,
        };
        server.switch_to(settings).await?;
        notify::ready();
        server.run_until_told(signals).await;
        Ok(())
    })
}

/// Delivers what the buffers hold, without sources, and returns when they are empty.
///
/// # Errors
/// A buffer cannot be opened, or is not empty after `limit`.
pub(crate) fn drain(
    settings: Settings,
    arguments: &Arguments,
    limit: Duration,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<()> {
    let log = Overrides::of(arguments).applied_to(settings.log);
    let _handle = start_logging(&log)?;
    in_runtime(drain::drain(settings.labels, limit, clock))
}

fn start_logging(log: &LogSettings) -> anyhow::Result<LogHandle> {
    let file = log.file.clone().unwrap_or_default();
    telemetry::start_logging(log.clone())
        .with_context(|| format!("the log file {} cannot be opened", file.display()))
}

fn in_runtime(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")?;
    // NOTE: before anything is opened.
    Descriptors::raise();
    let ended = runtime.block_on(work);
    // Else a write to an output that nobody reads would keep the process for ever.
    runtime.shutdown_timeout(LAST_WRITES);
    ended
}

/// On a task of its own, from the first moment to the last: reading large buffers at a start
/// and flushing them at a stop take their time, and are no reason to be killed.
fn keep_telling_that_it_lives() {
    let Some(every) = notify::heartbeat() else {
        return;
    };
    tokio::spawn(async move {
        let mut beats = interval(every);
        loop {
            beats.tick().await;
            notify::alive();
        }
    });
}

/// What the command line says instead of the configuration.
struct Overrides {
    verbose: u8,
    quiet: u8,
    log_file: Option<PathBuf>,
}

impl Overrides {
    fn of(arguments: &Arguments) -> Self {
        Self {
            verbose: arguments.verbose,
            quiet: arguments.quiet,
            log_file: arguments.log_file.clone(),
        }
    }

    fn applied_to(&self, log: LogSettings) -> LogSettings {
        LogSettings {
            level: log.level.turned(self.verbose, self.quiet),
            file: self.log_file.clone().or(log.file),
            ..log
        }
    }
}

/// All stages, running.
struct Server {
    conf: PathBuf,
    overrides: Overrides,
    clock: Arc<dyn Clock>,
    log: LogSettings,
    handle: LogHandle,
    /// One for all, so that their lines do not mix.
    stdout: Arc<StdoutSink<Stdout>>,
    /// One for all, so that two outputs can add to one file.
    appended: sink::file::Files,
    sources: Sources,
    outputs: Running,
    monitors: Monitors,
    /// What the monitors show.
    board: Arc<Board>,
    /// What the configuration adds to Fluentd's metrics.
    labels: Vec<(String, String)>,
    /// What the configuration in force was read from.
    files: Files,
    watch: Watch,
}

impl Server {
    async fn run_until_told(mut self, mut signals: Signals) {
        let mut reaping = interval(REAPING);
        loop {
            tokio::select! {
                signal = signals.next() => match signal {
                    Signal::Flush => {
                        self.reopen_log();
                        info!("flushing all buffers");
                        self.outputs.flush().await;
                    }
                    Signal::Reload(name) => {
                        self.reopen_log();
                        info!(signal = name, "reading the configuration again");
                        notify::reloading();
                        self.reload().await;
                        notify::ready();
                    }
                    Signal::Stop(name) => {
                        self.board.stopping();
                        info!(signal = name, "stopping");
                        notify::stopping();
                        break;
                    }
                },
                () = self.watch.changed() => self.renew_certificates().await,
                _ = reaping.tick(), if self.outputs.any_retired() => {
                    self.outputs.reap().await;
                    self.show();
                }
            }
        }
        self.stop_unless_told_again(signals).await;
    }

    /// Reads the configuration and switches to it, or says what is wrong and leaves all as it
    /// is.
    async fn reload(&mut self) {
        let (conf, clock) = (self.conf.clone(), Arc::clone(&self.clock));
        let Some(loaded) = blocking(move || settings::load(&conf, clock)).await else {
            return;
        };
        let remarks = loaded.remarks(Ink::Plain);
        let Some(settings) = loaded.settings else {
            error!("the configuration is wrong; the one before stays in force:\n{remarks}");
            return;
        };
        if !remarks.is_empty() {
            warn!("about the configuration:\n{remarks}");
        }
        if let Err(error) = self.switch_to(settings).await {
            error!("the configuration cannot be put in force; the one before stays: {error:#}");
            return;
        }
        self.watch = Watch::start(loaded.files.material().clone());
        self.files = loaded.files;
        info!("configuration reloaded");
    }

    /// Puts the settings in force.
    ///
    /// # Errors
    /// A port or buffer that is new cannot be opened; nothing has changed then.
    async fn switch_to(&mut self, settings: Settings) -> anyhow::Result<()> {
        let preparation = Preparation::new(
            Arc::clone(&self.clock),
            Arc::clone(&self.stdout),
            self.appended.clone(),
            &self.outputs,
        );
        let prepared = preparation.labels(settings.labels).await?;
        let sources = self.sources.prepare(settings.sources)?;
        let monitors = self.monitors.prepare(settings.monitors)?;
        // From here on nothing fails.
        self.outputs.switch(prepared.outputs, &self.clock).await;
        let router = Router::new(prepared.labels);
        self.sources.switch(sources, &router, &self.clock);
        self.labels = settings.metric_labels;
        // NOTE: before the monitors: the first page has all there is.
        self.show();
        let observed: Arc<dyn Observe> = self.board.clone();
        self.monitors.switch(monitors, &observed);
        self.outputs.seal_other_formats().await;
        self.switch_log(self.overrides.applied_to(settings.log));
        warn_of_expiry(self.sources.transports(), self.clock.now().seconds());
        Ok(())
    }

    /// Lets the monitors show what runs now.
    fn show(&self) {
        self.board.show(Stages {
            labels: self.labels.clone(),
            sources: self.sources.views(),
            outputs: self.outputs.views(),
        });
    }

    /// Fluentd does so at the same signals, and logrotate's scripts count on it.
    fn reopen_log(&self) {
        if let Err(error) = self.handle.reopen() {
            error!(%error, "the log file cannot be opened anew");
        }
    }

    fn switch_log(&mut self, log: LogSettings) {
        if log.file != self.log.file || log.format != self.log.format {
            warn!("`path` and `format` of <log> take effect at a restart");
        }
        self.set_log_level(log.level);
    }

    fn set_log_level(&mut self, level: LogLevel) {
        if level != self.log.level {
            self.handle.set_level(level);
            self.log.level = level;
        }
    }

    /// Serves the keys and certificates that are there now, under the configuration that is
    /// in force, or goes on with those from before. The file may have been changed meanwhile,
    /// and be wrong: that must not keep certificates from being renewed.
    async fn renew_certificates(&mut self) {
        let (conf, files) = (self.conf.clone(), self.files.clone());
        let clock = Arc::clone(&self.clock);
        let load = move || settings::load_renewed(&conf, &files, clock);
        let Some(loaded) = blocking(load).await else {
            return;
        };
        let remarks = loaded.remarks(Ink::Plain);
        let Some(settings) = loaded.settings else {
            error!(
                "keys or certificates have changed and cannot be used; those from before stay in force:\n{remarks}"
            );
            return;
        };
        self.sources.renew(settings.sources);
        self.monitors.renew(settings.monitors);
        self.show();
        info!("certificates reloaded");
        warn_of_expiry(self.sources.transports(), self.clock.now().seconds());
    }

    async fn stop_unless_told_again(self, mut signals: Signals) {
        let basins = self.outputs.basins();
        tokio::select! {
            () = self.stop() => {}
            signal = signals.next_stop() => {
                for (output, place, basin) in basins {
                    let bytes = basin.held();
                    if bytes > 0 {
                        warn!(output, bytes, "not delivered: {place} still holds events");
                    }
                }
                warn!(signal, "told to stop again: ending at once");
            }
        }
        info!("stopped");
    }

    /// Stops in flow order: no new requests, those in flight answered, the buffers
    /// closed, the chunks flushed.
    async fn stop(self) {
        self.sources.stop().await;
        self.outputs.stop(Instant::now() + FLUSH_DEADLINE).await;
        // Last, so that a probe learns of the stop.
        self.monitors.stop().await;
    }
}

/// Reads files where it may block; `None` if that has panicked, which is logged.
async fn blocking(load: impl FnOnce() -> Loaded + Send + 'static) -> Option<Loaded> {
    match tokio::task::spawn_blocking(load).await {
        Ok(loaded) => Some(loaded),
        Err(error) => {
            error!(%error, "reading the configuration failed; the one before stays in force");
            None
        }
    }
}
