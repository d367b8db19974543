//! From labels' settings to labels whose outputs run.

use std::io::{self, Stdout};
use std::pin::Pin;
use std::sync::Arc;

use anyhow::Context;

use crate::buffer::Buffer;
use crate::host::clock::Clock;
use crate::host::fs::DiskFs;
use crate::route::{Destination, Filter, Label, LineWriter, Output, Printer, Step, Store, Target};
use crate::schedule::{Schedule, Sinks};
use crate::settings::{
    FilterSettings, LabelSettings, OutputKind, OutputSettings, SinkSettings, StepSettings,
    TargetSettings,
};
use crate::sink::Sink;
use crate::sink::file::{FileSink, Files};
use crate::sink::s3::S3Sink;
use crate::sink::stdout::StdoutSink;

/// Starts outputs and keeps those that are to be flushed and stopped.
pub(super) struct Outputs {
    clock: Arc<dyn Clock>,
    /// One for all, so that their lines do not mix.
    stdout: Arc<StdoutSink<Stdout>>,
    /// One for all, so that two outputs can add to one file.
    files: Files,
    pub(super) running: Vec<RunningOutput>,
}

/// The stages behind a buffered output.
pub(super) struct RunningOutput {
    pub(super) buffer: Buffer,
    pub(super) schedule: Schedule,
}

impl Outputs {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            stdout: Arc::new(StdoutSink::new(io::stdout())),
            files: Files::new(Arc::new(DiskFs::default())),
            running: Vec::new(),
        }
    }

    /// Starts the outputs of a label.
    pub(super) async fn start_label(&mut self, label: LabelSettings) -> anyhow::Result<Label> {
        let mut steps = Vec::with_capacity(label.steps.len());
        for step in label.steps {
            steps.push(match step {
                StepSettings::Filter(patterns, filter) => {
                    Step::Filter(patterns, Box::new(self.filter(*filter)))
                }
                StepSettings::Match(patterns, target) => {
                    Step::Match(patterns, self.start_target(target).await?)
                }
            });
        }
        let name = label.name;
        Ok(Label { name, steps })
    }

    fn filter(&self, filter: FilterSettings) -> Filter {
        match filter {
            FilterSettings::Grep(grep) => Filter::Grep(grep),
            FilterSettings::RecordTransformer(transformer) => {
                Filter::RecordTransformer(transformer)
            }
            FilterSettings::Stdout { formatter, inject } => {
                let writer: Arc<dyn LineWriter> = self.stdout.clone();
                Filter::Stdout(Box::new(Printer::new(formatter, inject, writer)))
            }
        }
    }

    /// Boxed, because stores have targets, too.
    fn start_target(
        &mut self,
        target: TargetSettings,
    ) -> Pin<Box<dyn Future<Output = anyhow::Result<Target>> + Send + '_>> {
        Box::pin(async move {
            Ok(match target {
                TargetSettings::Copy(settings) => {
                    let mut stores = Vec::with_capacity(settings.len());
                    for store in settings {
                        let target = self.start_target(store.target).await?;
                        stores.push(Store::new(store.name, store.policy, target));
                    }
                    Target::Copy(stores)
                }
                TargetSettings::Null => Target::Null,
                TargetSettings::Output(output) => {
                    Target::Output(Box::new(self.start_output(*output).await?))
                }
                TargetSettings::Relabel(label) => Target::Relabel(label),
            })
        })
    }

    async fn start_output(&mut self, output: OutputSettings) -> anyhow::Result<Output> {
        let name = output.name;
        let buffered = match output.kind {
            OutputKind::Direct => {
                let writer: Arc<dyn LineWriter> = self.stdout.clone();
                return Ok(Output::new(output.route, Destination::Direct(writer)));
            }
            OutputKind::Buffered(buffered) => buffered,
        };
        let primary = self.connect(buffered.sink, &name).await?;
        let secondary = match buffered.secondary {
            Some(sink) => Some(self.connect(sink, &name).await?),
            None => None,
        };
        let sinks = Sinks { primary, secondary };
        let buffer =
            Buffer::open(&buffered.buffer, Arc::clone(&self.clock)).with_context(|| {
                format!("<match {name}>: {} cannot be opened", buffered.buffer.place)
            })?;
        let clock = Arc::clone(&self.clock);
        let schedule = Schedule::start(buffered.schedule, buffer.clone(), sinks, clock);
        let destination = Destination::Buffered(buffer.clone());
        self.running.push(RunningOutput { buffer, schedule });
        Ok(Output::new(output.route, destination))
    }

    async fn connect(&self, sink: SinkSettings, name: &str) -> anyhow::Result<Arc<dyn Sink>> {
        Ok(match sink {
            SinkSettings::File(config) => Arc::new(FileSink::new(config, self.files.clone())),
            SinkSettings::Stdout => self.stdout.clone(),
            SinkSettings::S3(config) => {
                let connected = S3Sink::connect(*config, Arc::clone(&self.clock)).await;
                Arc::new(connected.with_context(|| format!("<match {name}>"))?)
            }
        })
    }
}

impl LineWriter for StdoutSink<Stdout> {
    fn write_lines(&self, lines: &[u8]) -> io::Result<()> {
        self.write(lines)
    }
}
