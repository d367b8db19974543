//! What every section is read with.

use std::sync::Arc;

use fluent_compat::config::{Diagnostics, Environment, Loader};
use fluent_compat::time::Zone;

use super::system::FileDefaults;
use crate::host::clock::Clock;

/// The surroundings of a configuration: where its remarks go, and the host it is read on.
#[derive(Clone)]
pub(super) struct Context<'a> {
    /// Takes every mistake and warning.
    pub(super) diagnostics: &'a Diagnostics,
    /// Reads key and certificate files.
    pub(super) loader: &'a dyn Loader,
    /// The variables that some parameters have their defaults from.
    pub(super) environment: &'a Environment,
    /// What `<system>` says of files.
    pub(super) files: FileDefaults,
    /// The host's time zone.
    pub(super) local_zone: Zone,
    /// The host's name.
    pub(super) hostname: String,
    /// Tells whether a certificate is in date.
    pub(super) clock: Arc<dyn Clock>,
}
