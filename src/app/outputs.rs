//! From labels' settings to labels whose outputs run.

use std::io::{self, Stdout};
use std::pin::Pin;
use std::sync::Arc;

use anyhow::Context;

use super::running::{PreparedOutput, Running};
use crate::buffer::{Basin, Buffer};
use crate::evidence::{self, Evidence};
use crate::host::clock::Clock;
use crate::route::{Destination, Filter, Label, LineWriter, Output, Printer, Step, Store, Target};
use crate::schedule::Sinks;
use crate::settings::{
    FilterSettings, LabelSettings, OutputKind, OutputSettings, SinkSettings, StepSettings,
    TargetSettings,
};
use crate::sink::Sink;
use crate::sink::file::{FileSink, Files};
use crate::sink::s3::S3Sink;
use crate::sink::stdout::StdoutSink;

/// Makes labels of settings. An output whose buffer runs already gets that buffer.
pub(super) struct Preparation<'a> {
    clock: Arc<dyn Clock>,
    /// One for all, so that their lines do not mix.
    stdout: Arc<StdoutSink<Stdout>>,
    /// One for all, so that two outputs can add to one file.
    files: Files,
    running: &'a Running,
    prepared: Vec<PreparedOutput>,
}

/// Labels, and the outputs behind them that are to run from now on.
pub(super) struct Prepared {
    pub(super) labels: Vec<Label>,
    pub(super) outputs: Vec<PreparedOutput>,
}

impl<'a> Preparation<'a> {
    pub(super) fn new(
        clock: Arc<dyn Clock>,
        stdout: Arc<StdoutSink<Stdout>>,
        files: Files,
        running: &'a Running,
    ) -> Self {
        Self {
            clock,
            stdout,
            files,
            running,
            prepared: Vec::new(),
        }
    }

    /// Connects sinks and opens buffers that are new. What runs is left alone, so that
    /// nothing has happened if something here fails.
    pub(super) async fn labels(mut self, labels: Vec<LabelSettings>) -> anyhow::Result<Prepared> {
        let mut ready = Vec::with_capacity(labels.len());
        for label in labels {
            ready.push(self.label(label).await?);
        }
        Ok(Prepared {
            labels: ready,
            outputs: self.prepared,
        })
    }

    async fn label(&mut self, label: LabelSettings) -> anyhow::Result<Label> {
        let mut steps = Vec::with_capacity(label.steps.len());
        for step in label.steps {
            steps.push(match step {
                StepSettings::Filter(patterns, filter) => {
                    Step::Filter(patterns, Box::new(self.filter(*filter)))
                }
                StepSettings::Match(patterns, target) => {
                    Step::Match(patterns, self.target(target).await?)
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
    fn target(
        &mut self,
        target: TargetSettings,
    ) -> Pin<Box<dyn Future<Output = anyhow::Result<Target>> + '_>> {
        Box::pin(async move {
            Ok(match target {
                TargetSettings::Copy(settings) => {
                    let mut stores = Vec::with_capacity(settings.len());
                    for store in settings {
                        let target = self.target(store.target).await?;
                        stores.push(Store::new(store.name, store.policy, target));
                    }
                    Target::Copy(stores)
                }
                TargetSettings::Null => Target::Null,
                TargetSettings::Output(output) => {
                    Target::Output(Box::new(self.output(*output).await?))
                }
                TargetSettings::Relabel(label) => Target::Relabel(label),
            })
        })
    }

    async fn output(&mut self, output: OutputSettings) -> anyhow::Result<Output> {
        let name = output.name;
        let buffered = match output.kind {
            OutputKind::Direct => {
                let writer: Arc<dyn LineWriter> = self.stdout.clone();
                return Ok(Output::new(output.route, Destination::Direct(writer)));
            }
            OutputKind::Buffered(buffered) => buffered,
        };
        let kind = buffered.sink.kind();
        let primary = self.connect(buffered.sink, &name).await?;
        let secondary = match buffered.secondary {
            Some(sink) => Some(self.connect(sink, &name).await?),
            None => None,
        };
        let taken = |basin: &Basin| self.prepared.iter().any(|other| other.basin.is(basin));
        let basin = match self.running.find(&buffered.buffer, taken) {
            Some(basin) => basin,
            None => {
                let opened = Buffer::open(&buffered.buffer, Arc::clone(&self.clock));
                Basin::new(opened.with_context(|| {
                    let place = &buffered.buffer.place;
                    format!("<match {name}>: {place} cannot be opened")
                })?)
            }
        };
        let evidence = match buffered.digest {
            Some(config) => Some(self.evidence(config, &name)?),
            None => None,
        };
        let formatting = format!("{:?}", output.route);
        let destination = Destination::Buffered(basin.clone());
        self.prepared.push(PreparedOutput {
            name,
            kind,
            formatting,
            buffer: buffered.buffer,
            schedule: buffered.schedule,
            sinks: Sinks {
                primary,
                secondary,
                evidence: evidence.as_ref().map(|(evidence, _)| Arc::clone(evidence)),
            },
            digest: evidence.map(|(_, config)| config),
            basin,
        });
        Ok(Output::new(output.route, destination))
    }

    /// The evidence that runs in this directory, or a new one. It follows its configuration
    /// once that is in force.
    fn evidence(
        &self,
        config: evidence::Config,
        name: &str,
    ) -> anyhow::Result<(Arc<Evidence>, evidence::Config)> {
        let evidence = match self.running.evidence(&config.directory) {
            Some(evidence) => evidence,
            None => {
                let opened = Evidence::open(config.clone(), self.clock.now());
                Arc::new(opened.with_context(|| {
                    let ledger = config.directory.display();
                    format!("<match {name}>: the ledger of digests {ledger} cannot be opened")
                })?)
            }
        };
        Ok((evidence, config))
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
