//! `<match>` and `<store>`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use fluent_compat::chunk::ChunkKeys;
use fluent_compat::config::{Params, Span};
use fluent_compat::format::Formatter;
use fluent_compat::inject::Inject;
use fluent_compat::timekey::TimekeySlots;

use super::buffer::{self, BufferDefaults, BufferSettings, ObjectSize, Owner};
use super::context::Context;
use super::file::Unfilled;
use super::naming::Naming;
use super::plugins::{OUTPUTS, plugin_type};
use super::remark::no_effect;
use super::routes::Labels;
use super::{
    BufferedOutput, OutputKind, OutputSettings, SinkSettings, StoreSettings, TargetSettings, copy,
    file, format, inject, s3, secondary, traps,
};
use crate::buffer::Place;
use crate::{evidence, route};

/// Reads `<match>` and `<store>` sections one after the other, and sees to it that they do
/// not share what each must have for itself.
pub(super) struct Outputs<'c> {
    context: &'c Context<'c>,
    /// What buffers' files have in common, the outputs that have them, and where it is said.
    buffer_paths: HashMap<PathBuf, (String, Span)>,
    /// The same for ledgers of digests.
    ledgers: HashMap<PathBuf, (String, Span)>,
}

impl<'c> Outputs<'c> {
    pub(super) fn new(context: &'c Context<'c>) -> Self {
        Self {
            context,
            buffer_paths: HashMap::new(),
            ledgers: HashMap::new(),
        }
    }

    /// Reads a whole section; `name` is for the log, if it has no `@id`.
    pub(super) fn read(
        &mut self,
        section: Params<'_>,
        name: &str,
        labels: &mut Labels<'_>,
    ) -> Option<TargetSettings> {
        let name = section.plugin_id().unwrap_or(name);
        let target = match plugin_type(&section, &OUTPUTS)? {
            "copy" => self.copy(&section, name, labels),
            "null" => Some(null(&section)),
            "relabel" => labels.relabel(&section).map(TargetSettings::Relabel),
            plugin => self.writing(plugin, &section, name),
        };
        section.known_but_ignored(&["@log_level"]);
        no_effect(&section, &["time_as_integer"], "times keep their fraction");
        section.finish();
        target
    }

    fn writing(
        &mut self,
        plugin: &str,
        section: &Params<'_>,
        name: &str,
    ) -> Option<TargetSettings> {
        let slow = slow_flush(section);
        let (rest, mut kind) = match plugin {
            "s3" => self.s3(section, name),
            "file" => self.file(section, name),
            _ => self.stdout(section, name),
        }?;
        if let (Some(slow), OutputKind::Buffered(buffered)) = (slow, &mut kind) {
            buffered.schedule.slow = slow;
        }
        let route = route::Config {
            formatter: rest.formatter,
            inject: rest.inject,
            chunk_keys: rest.chunk_keys,
            slots: rest.slots,
        };
        let name = name.to_owned();
        let output = OutputSettings { name, route, kind };
        Some(TargetSettings::Output(Box::new(output)))
    }

    fn copy(
        &mut self,
        section: &Params<'_>,
        name: &str,
        labels: &mut Labels<'_>,
    ) -> Option<TargetSettings> {
        copy::read_what_changes_nothing(section);
        let stores = section.sections("store");
        if stores.is_empty() {
            let message = "section <store> is missing in <match>: `@type copy` has one for each";
            section.diagnostics().error(section.span(), message);
            return None;
        }
        let stores: Vec<_> = stores
            .into_iter()
            .enumerate()
            .map(|(place, store)| {
                let name = format!("{name} store {}", place + 1);
                let policy = copy::policy(&store, place);
                let target = self.read(store, &name, labels)?;
                Some(StoreSettings {
                    name,
                    policy: policy?,
                    target,
                })
            })
            .collect();
        let stores = stores.into_iter().collect::<Option<_>>()?;
        Some(TargetSettings::Copy(stores))
    }

    fn s3(&mut self, section: &Params<'_>, name: &str) -> Option<(Written, OutputKind)> {
        let format_is_given = section.section("format").is_some();
        let written = self.written(section, "out_file");
        let objects = s3::object_size(section);
        let buffer = self.buffer(section, name, BufferDefaults::S3, objects);
        if !format_is_given {
            traps::warn_of_lines_that_are_no_json(section);
        }
        let naming = Naming::new(section, buffer);
        let config = s3::s3(section, &naming.chunks(), self.context);
        let secondary = self.secondary(section, "s3", &naming);
        let chunks = naming.buffer().map(|buffer| &buffer.buffer);
        let digest = s3::digest::digest(section, config.as_ref(), chunks, self.context);
        let digest = digest.and_then(|digest| self.alone(digest, section, name));
        let (buffer, (formatter, inject)) = (naming.into_buffer()?, written?);
        let sink = SinkSettings::S3(Box::new(config?));
        let (written, mut kind) = assemble(formatter, inject, buffer, sink, secondary?);
        if let OutputKind::Buffered(buffered) = &mut kind {
            buffered.digest = digest?;
        }
        Some((written, kind))
    }

    /// A ledger of digests that no other output has; `None` if one has it.
    fn alone(
        &mut self,
        digest: Option<evidence::Config>,
        section: &Params<'_>,
        name: &str,
    ) -> Option<Option<evidence::Config>> {
        let Some(config) = digest else {
            return Some(None);
        };
        let span = section
            .section("digest")
            .map_or(section.span(), |it| it.span());
        let taken = self.ledgers.get(&config.directory);
        if let Some((other, first)) = taken {
            let directory = config.directory.display();
            let message =
                format!("ledger {directory} is already <match {other}>'s: each needs its own");
            let diagnostics = self.context.diagnostics;
            diagnostics.error_with_other(span, message, *first);
            return None;
        }
        let directory = config.directory.clone();
        self.ledgers.insert(directory, (name.to_owned(), span));
        Some(Some(config))
    }

    fn file(&mut self, section: &Params<'_>, name: &str) -> Option<(Written, OutputKind)> {
        let written = self.written(section, "out_file");
        // The file's defaults are out_s3's; its `path` has been made the buffer's.
        let buffer = self.buffer(section, name, BufferDefaults::S3, None);
        let naming = Naming::new(section, buffer);
        let config = file::file(section, &(&naming.chunks()).into(), Unfilled::Refused);
        let secondary = self.secondary(section, "file", &naming);
        let (buffer, (formatter, inject)) = (naming.into_buffer()?, written?);
        let sink = SinkSettings::File(config?);
        Some(assemble(formatter, inject, buffer, sink, secondary?))
    }

    fn stdout(&mut self, section: &Params<'_>, name: &str) -> Option<(Written, OutputKind)> {
        section.known_but_ignored(&["use_logger"]);
        let written = self.written(section, "stdout");
        if section.section("buffer").is_some() {
            let buffer = self.buffer(section, name, BufferDefaults::Stdout, None);
            let naming = Naming::new(section, buffer);
            let secondary = self.secondary(section, "stdout", &naming);
            let (buffer, (formatter, inject)) = (naming.into_buffer()?, written?);
            let sink = SinkSettings::Stdout;
            return Some(assemble(formatter, inject, buffer, sink, secondary?));
        }
        if let Some(secondary) = section.section("secondary") {
            let message = "<secondary> takes chunks, and without a <buffer> there are none";
            let span = secondary.span();
            section.diagnostics().error(span, message);
        }
        let (formatter, inject) = written?;
        let written = Written {
            formatter,
            inject,
            chunk_keys: ChunkKeys::default(),
            slots: None,
        };
        Some((written, OutputKind::Direct))
    }

    /// `<secondary>`; the outer `None` is a mistake in it.
    fn secondary(
        &self,
        section: &Params<'_>,
        output_type: &'static str,
        naming: &Naming,
    ) -> Option<Option<SinkSettings>> {
        let limit = naming.buffer().map(|buffer| buffer.schedule.retry.limit);
        secondary::secondary(section, output_type, &naming.chunks(), limit, self.context)
    }

    /// `<format>` and `<inject>`.
    fn written(
        &self,
        section: &Params<'_>,
        default_type: &str,
    ) -> Option<(Formatter, Option<Inject>)> {
        let formatter = format::formatter(
            section.section_or_empty("format"),
            default_type,
            self.context,
        );
        let inject = inject::inject(section.section_or_empty("inject"), self.context);
        Some((formatter?, inject))
    }

    fn buffer(
        &mut self,
        section: &Params<'_>,
        name: &str,
        defaults: BufferDefaults,
        objects: Option<ObjectSize>,
    ) -> Option<BufferSettings> {
        let buffer_section = section.section_or_empty("buffer");
        let span = buffer_section.span_of("path");
        let id = section.plugin_id();
        let owner = Owner { name, id, objects };
        let settings = buffer::buffer(buffer_section, owner, defaults, self.context)?;
        if let Place::File { path, .. } = &settings.buffer.place {
            let files = crate::buffer::file_prefix(path);
            if let Some((other, first)) = self.buffer_paths.get(&files) {
                let path = path.display();
                let message =
                    format!("buffer path {path} is already <match {other}>'s: each needs its own");
                let diagnostics = self.context.diagnostics;
                diagnostics.error_with_other(span, message, *first);
                return None;
            }
            self.buffer_paths.insert(files, (name.to_owned(), span));
        }
        Some(settings)
    }
}

/// `slow_flush_log_threshold`, in seconds.
fn slow_flush(section: &Params<'_>) -> Option<Duration> {
    const NAME: &str = "slow_flush_log_threshold";
    let seconds = section.float(NAME)?;
    let threshold = Duration::try_from_secs_f64(seconds);
    if threshold.is_err() {
        let message = format!("found `{seconds}`, expected seconds, 0 or more");
        section.diagnostics().error(section.span_of(NAME), message);
    }
    threshold.ok()
}

/// `@type null`: nothing is kept, so nothing can be set.
fn null(section: &Params<'_>) -> TargetSettings {
    section.ignore_section("buffer", "events are dropped as they come");
    section.known_but_ignored(&["never_flush"]);
    TargetSettings::Null
}

/// What is the same of all outputs.
struct Written {
    formatter: Formatter,
    inject: Option<Inject>,
    chunk_keys: ChunkKeys,
    slots: Option<TimekeySlots>,
}

fn assemble(
    formatter: Formatter,
    inject: Option<Inject>,
    buffer: BufferSettings,
    sink: SinkSettings,
    secondary: Option<SinkSettings>,
) -> (Written, OutputKind) {
    let written = Written {
        formatter,
        inject,
        chunk_keys: buffer.chunk_keys,
        slots: buffer.slots,
    };
    let mut schedule = buffer.schedule;
    if secondary.is_none() {
        schedule.retry.secondary = None;
    }
    let buffered = BufferedOutput {
        buffer: buffer.buffer,
        schedule,
        sink,
        secondary,
        digest: None,
    };
    (written, OutputKind::Buffered(Box::new(buffered)))
}
