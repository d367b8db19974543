//! From `fluent.conf` to each stage's own configuration.
//!
//! Three forms: located text, which `fluent_compat::config` reads; settings, typed and
//! checked, which are made here; and objects, which `app` builds once all is valid.
//! Nothing is opened, bound or created before. All mistakes of a file are told in one run.

mod buffer;
mod compat;
mod context;
mod copy;
mod file;
mod files;
mod filter;
mod format;
mod inject;
mod loader;
mod monitor;
mod naming;
mod output;
mod parse;
mod plugins;
mod remark;
mod routes;
mod s3;
mod secondary;
mod source;
mod system;
mod time_section;
mod transport;
mod traps;
mod workers;

#[cfg(test)]
mod testing;

use std::path::Path;
use std::sync::Arc;

use fluent_compat::config::{self, Document, Environment, Ink, Loader, Params, Texts};
use fluent_compat::filter::{Grep, RecordTransformer};
use fluent_compat::format::Formatter;
use fluent_compat::inject::Inject;
use fluent_compat::tag::MatchPatterns;
use fluent_compat::time::Zone;

use crate::host::clock::Clock;
use crate::host::environment;
use crate::route::{LabelId, StorePolicy};
use crate::sink::file::FileConfig;
use crate::sink::s3::S3Config;
use crate::telemetry::LogSettings;
use crate::{
    buffer as buffering, decode, evidence, listener, monitor as monitoring, route, schedule,
};
use context::Context;
pub use files::Files;
use files::Recorder;
pub(crate) use loader::DiskLoader;
use system::{FileDefaults, Intake};

/// Everything that a valid configuration says.
pub struct Settings {
    /// `<system>`'s `log_level` and `<log>`.
    pub log: LogSettings,
    /// Every `<source>`, in order; none with `without_source true`.
    pub sources: Vec<HttpSource>,
    /// Every `<source> @type prometheus` and `@type monitor_agent`; also with
    /// `without_source true`, since no event comes in by them.
    pub monitors: Vec<MonitorSource>,
    /// `<labels>` of `prometheus_output_monitor` and `prometheus_monitor`.
    pub metric_labels: Vec<(String, String)>,
    /// What stands in no `<label>`, then every `<label>`.
    pub labels: Vec<LabelSettings>,
}

impl Settings {
    /// All outputs, those in labels and stores too, in the order of the file.
    pub fn outputs(&self) -> Vec<&OutputSettings> {
        let steps = self.labels.iter().flat_map(|label| &label.steps);
        let targets = steps.filter_map(|step| match step {
            StepSettings::Filter(..) => None,
            StepSettings::Match(_, target) => Some(target),
        });
        targets.flat_map(TargetSettings::outputs).collect()
    }
}

/// `<source> @type prometheus` and `@type monitor_agent`.
pub struct MonitorSource {
    /// Address, TLS and limits.
    pub listener: listener::Config,
    /// What is shown where.
    pub config: monitoring::Config,
}

/// `<source> @type http`.
pub struct HttpSource {
    /// Its `@id`, or its type and port.
    pub id: String,
    /// Where its events go: `@label`.
    pub label: LabelId,
    /// Address, TLS and limits.
    pub listener: listener::Config,
    /// Paths, bodies and answers.
    pub decode: decode::Config,
}

/// A `<label>`, or what stands in none.
pub struct LabelSettings {
    /// The name with its `@`; `None` for what stands in no label.
    pub name: Option<String>,
    /// `<filter>` and `<match>` sections in order.
    pub steps: Vec<StepSettings>,
}

/// A section that events come to.
pub enum StepSettings {
    /// `<filter>`: changes what the matches after it get.
    Filter(MatchPatterns, Box<FilterSettings>),
    /// `<match>`: the first that takes a tag has it.
    Match(MatchPatterns, TargetSettings),
}

/// `@type` of a `<filter>`.
pub enum FilterSettings {
    /// `grep`.
    Grep(Grep),
    /// `record_transformer`.
    RecordTransformer(Box<RecordTransformer>),
    /// `stdout`.
    Stdout {
        /// `<format>`.
        formatter: Formatter,
        /// `<inject>`.
        inject: Option<Inject>,
    },
}

/// `@type` of a `<match>` or `<store>`.
pub enum TargetSettings {
    /// `copy`.
    Copy(Vec<StoreSettings>),
    /// `null`.
    Null,
    /// One that writes.
    Output(Box<OutputSettings>),
    /// `relabel`.
    Relabel(LabelId),
}

impl TargetSettings {
    fn outputs(&self) -> Vec<&OutputSettings> {
        match self {
            Self::Copy(stores) => {
                let stores = stores.iter().map(|store| &store.target);
                stores.flat_map(Self::outputs).collect()
            }
            Self::Null | Self::Relabel(_) => Vec::new(),
            Self::Output(output) => vec![output],
        }
    }
}

/// `<store>`.
pub struct StoreSettings {
    /// Its name in the log.
    pub name: String,
    /// Its argument.
    pub policy: StorePolicy,
    /// What it does with events.
    pub target: TargetSettings,
}

/// A `<match>` or `<store>` that writes.
pub struct OutputSettings {
    /// Its `@id`, or its pattern: its name in the log.
    pub name: String,
    /// Formatting and chunk keys.
    pub route: route::Config,
    /// What stands behind the route.
    pub kind: OutputKind,
}

/// Whether an output has a buffer.
pub enum OutputKind {
    /// `@type stdout` without a `<buffer>`: lines go straight out.
    Direct,
    /// Events go through chunks.
    Buffered(Box<BufferedOutput>),
}

/// The stages behind a route.
pub struct BufferedOutput {
    /// Where events are kept.
    pub buffer: buffering::Config,
    /// When chunks go out.
    pub schedule: schedule::Config,
    /// Where chunks go.
    pub sink: SinkSettings,
    /// `<secondary>`: where those go that the sink does not take.
    pub secondary: Option<SinkSettings>,
    /// `<digest>`: what is put is listed in signed digests.
    pub digest: Option<evidence::Config>,
}

/// Where chunks go.
pub enum SinkSettings {
    /// `@type file` and `secondary_file`.
    File(FileConfig),
    /// `@type s3`.
    S3(Box<S3Config>),
    /// `@type stdout` with a `<buffer>`.
    Stdout,
}

impl SinkSettings {
    /// Its `@type`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::S3(_) => "s3",
            Self::Stdout => "stdout",
        }
    }
}

/// A configuration that was read.
pub struct Loaded {
    /// `None` when something in it is wrong.
    pub settings: Option<Settings>,
    /// The files it was read from; none where [`load_on`] has read it.
    pub files: Files,
    document: Document,
}

impl Loaded {
    /// What there is to say about it: mistakes and warnings with their places, secrets
    /// masked. Empty if there is nothing.
    pub fn remarks(&self, ink: Ink) -> String {
        self.document.show_diagnostics(ink)
    }

    /// How many mistakes there are.
    pub fn errors(&self) -> usize {
        self.document.diagnostics.error_count()
    }

    /// How many warnings there are.
    pub fn warnings(&self) -> usize {
        self.document.diagnostics.warning_count()
    }
}

/// The machine a configuration is read on; tests make one up.
pub struct Host<'a> {
    /// Reads configurations, keys and certificates.
    pub loader: &'a dyn Loader,
    /// What `"#{…}"` may ask for.
    pub environment: Environment,
    /// The zone of times that name none.
    pub local_zone: Zone,
    /// What `%{hostname}` and `<inject>` write.
    pub hostname: String,
    /// Tells whether a certificate is in date.
    pub clock: Arc<dyn Clock>,
}

/// Reads a configuration and all it refers to on this machine.
pub fn load(path: &Path, clock: Arc<dyn Clock>) -> Loaded {
    load_from(path, &DiskLoader, clock)
}

/// Reads the same configuration again, as it was, with the keys and certificates that are
/// there now.
pub fn load_renewed(path: &Path, files: &Files, clock: Arc<dyn Clock>) -> Loaded {
    load_from(path, &files.over(&DiskLoader), clock)
}

fn load_from(path: &Path, loader: &dyn Loader, clock: Arc<dyn Clock>) -> Loaded {
    let recorder = Recorder::new(loader);
    let hostname = environment::hostname();
    let host = Host {
        loader: &recorder,
        environment: Environment::new(&hostname).with_variables(environment::variables()),
        local_zone: environment::local_zone(),
        hostname,
        clock,
    };
    let loaded = load_on(path, &host);
    let files = recorder.finish(loaded.document.sources.paths());
    Loaded { files, ..loaded }
}

/// Reads a configuration on a given host.
pub fn load_on(path: &Path, host: &Host<'_>) -> Loaded {
    if is_yaml(path) {
        return refused_yaml(path, host);
    }
    let document = config::parse(path, host.loader, &host.environment);
    let context = Context {
        diagnostics: &document.diagnostics,
        loader: host.loader,
        environment: &host.environment,
        files: FileDefaults::default(),
        local_zone: host.local_zone.clone(),
        hostname: host.hostname.clone(),
        clock: Arc::clone(&host.clock),
    };
    let root = compat::modernised(&document.root, &document.diagnostics);
    let root = Params::new(&root, &document.diagnostics);
    let settings = read(&root, &context);
    root.finish();
    let valid = settings.filter(|_| !document.diagnostics.has_errors());
    Loaded {
        settings: valid,
        files: Files::default(),
        document,
    }
}

fn is_yaml(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("yaml" | "yml"))
}

/// Fluentd takes a file for YAML by its name, and so it is refused by its name.
fn refused_yaml(path: &Path, host: &Host<'_>) -> Loaded {
    let nothing = Texts::one(path, "");
    let document = config::parse(path, &nothing, &host.environment);
    let message = "configurations in YAML are not read";
    let help = "write it as a fluent.conf, with <source> and <match> sections";
    let span = document.root.span;
    document.diagnostics.error_with_help(span, message, help);
    Loaded {
        settings: None,
        files: Files::default(),
        document,
    }
}

/// Reads all sections, whatever is found wrong in any of them.
fn read(root: &Params<'_>, context: &Context<'_>) -> Option<Settings> {
    if !context.diagnostics.has_errors() {
        plugins::require_a_way_through(root);
    }
    let system = system::system(root.section_or_empty("system"), context);
    let files = system.files.clone();
    let context = &Context {
        files,
        ..context.clone()
    };
    let workers = workers::taken_in(root);
    let scopes: Vec<_> = std::iter::once(root).chain(&workers).collect();
    let mut labels = routes::Labels::of(&scopes, context);
    let sources: Vec<_> = scopes
        .iter()
        .flat_map(|scope| scope.sections("source"))
        .map(|section| source::source(section, &mut labels, context))
        .collect();
    let routes = labels.read(&scopes);
    workers.into_iter().for_each(Params::finish);
    let sources = source::sorted(sources.into_iter().collect::<Option<_>>()?);
    Some(Settings {
        log: system.log,
        sources: match system.sources {
            Intake::Open => sources.http,
            Intake::Closed => Vec::new(),
        },
        monitors: sources.monitors,
        metric_labels: sources.labels,
        labels: routes?,
    })
}
