//! `<match>` and `<store>`.

use std::collections::HashMap;
use std::path::PathBuf;

use fluent_compat::chunk::ChunkKeys;
use fluent_compat::config::{Params, Span};
use fluent_compat::format::Formatter;
use fluent_compat::inject::Inject;
use fluent_compat::timekey::TimekeySlots;

use super::buffer::{self, BufferDefaults, BufferSettings, Owner};
use super::context::Context;
use super::plugins::{OUTPUTS, plugin_type};
use super::remark::no_effect;
use super::routes::Labels;
use super::s3::S3Buffer;
use super::{
    BufferedOutput, OutputKind, OutputSettings, SinkSettings, StoreSettings, TargetSettings, copy,
    format, inject, s3, traps,
};
use crate::buffer::Place;
use crate::route;

/// Reads `<match>` and `<store>` sections one after the other, and sees to it that they do
/// not share what each must have for itself.
pub(super) struct Outputs<'c> {
    context: &'c Context<'c>,
    /// What buffers' files have in common, the outputs that have them, and where it is said.
    buffer_paths: HashMap<PathBuf, (String, Span)>,
}

impl<'c> Outputs<'c> {
    pub(super) fn new(context: &'c Context<'c>) -> Self {
        Self {
            context,
            buffer_paths: HashMap::new(),
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
        section.known_but_ignored(&["@log_level", "slow_flush_log_threshold"]);
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
        let (rest, kind) = match plugin {
            "s3" => self.s3(section, name),
            _ => self.stdout(section, name),
        }?;
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
        let buffer = self.buffer(section, name, BufferDefaults::S3);
        if !format_is_given {
            traps::warn_of_lines_that_are_no_json(section);
        }
        // A mistake in <buffer> must not hide those beside it.
        let assumed_keys = readable_keys(section);
        let chunks = match &buffer {
            Some(buffer) => S3Buffer {
                keys: &buffer.chunk_keys,
                slots: buffer.slots.as_ref(),
                spool_directory: spool_directory(&buffer.buffer.place),
            },
            None => S3Buffer {
                keys: &assumed_keys,
                slots: None,
                spool_directory: PathBuf::new(),
            },
        };
        let config = s3::s3(section, &chunks, self.context);
        let (buffer, (formatter, inject)) = (buffer?, written?);
        let sink = SinkSettings::S3(Box::new(config?));
        Some(assemble(formatter, inject, buffer, sink))
    }

    fn stdout(&mut self, section: &Params<'_>, name: &str) -> Option<(Written, OutputKind)> {
        section.known_but_ignored(&["use_logger"]);
        let written = self.written(section, "stdout");
        if section.section("buffer").is_some() {
            let buffer = self.buffer(section, name, BufferDefaults::Stdout)?;
            let (formatter, inject) = written?;
            return Some(assemble(formatter, inject, buffer, SinkSettings::Stdout));
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
    ) -> Option<BufferSettings> {
        let buffer_section = section.section_or_empty("buffer");
        let span = buffer_section.span_of("path");
        let id = section.plugin_id();
        let owner = Owner { name, id };
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
) -> (Written, OutputKind) {
    let written = Written {
        formatter,
        inject,
        chunk_keys: buffer.chunk_keys,
        slots: buffer.slots,
    };
    let buffered = BufferedOutput {
        buffer: buffer.buffer,
        schedule: buffer.schedule,
        sink,
    };
    (written, OutputKind::Buffered(Box::new(buffered)))
}

/// Those chunk keys of a `<buffer>` with a mistake in it that can be read.
fn readable_keys(section: &Params<'_>) -> ChunkKeys {
    let buffer = section.section_or_empty("buffer");
    let names = buffer.argument().split(',').map(str::trim);
    let names: Vec<_> = names
        .filter(|name| ChunkKeys::parse(name).is_ok())
        .collect();
    match ChunkKeys::parse(&names.join(",")) {
        Ok(keys) if !keys.is_empty() => keys,
        _ => ChunkKeys::only_time(),
    }
}

/// Compressed objects wait where their chunks lie: there is room, and it is the user's
/// choice of disk.
fn spool_directory(place: &Place) -> PathBuf {
    match place {
        Place::Memory => std::env::temp_dir(),
        Place::File { path, .. } => crate::buffer::directory(path),
    }
}
