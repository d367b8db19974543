//! The training of an executable that was built to count what it runs (`rustc -C
//! profile-generate`): all that `compare` and `flush` measure, for a moment each. It writes its
//! counts when it ends in order, where `LLVM_PROFILE_FILE` says.

use std::io::Write;
use std::path::Path;

use crate::bodies::Bodies;
use crate::forebay::{Buffer, Configuration, Executable};
use crate::store::RunningStore;
use crate::work::Work;
use crate::{keys, scratch};

/// Which executable.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    executable: Executable,
    /// How long each kind of work is done with each kind of buffer.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
}

/// Trains, and says what it has done.
pub(crate) fn run(options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    let executable = options.executable.path()?;
    let scratch = scratch(None)?;
    let keys = scratch.path().join("keys");
    keys::issue(&keys)?;
    let bodies = Bodies::write(scratch.path())?;
    let train = |work: Work, told: &Configuration| {
        let server = told.start(&executable)?;
        let report = work.put_on(&server, &keys, &bodies, options.seconds)?;
        server.stop()?;
        anyhow::Ok(report.events_per_second())
    };
    for buffer in Buffer::ALL {
        for work in Work::ALL {
            let place = tempfile::tempdir_in(scratch.path())?;
            let told = Configuration::unflushed(buffer, place.path(), &keys)
                .line("flush_at_shutdown false");
            let rate = train(*work, &told)?;
            writeln!(out, "{buffer:?}: {work}: {rate:.0} events/s")?;
        }
    }
    let place = tempfile::tempdir_in(scratch.path())?;
    let store = RunningStore::start(&place.path().join("objects"))?;
    train(Work::Batches, &flushed(place.path(), &keys, &store))?;
    writeln!(out, "flushed")?;
    Ok(())
}

/// With chunks that are soon full, all of which are delivered before the end.
fn flushed(directory: &Path, keys: &Path, store: &RunningStore) -> Configuration {
    Configuration::flushed(Buffer::Synced, directory, keys, store.endpoint())
        .line("chunk_limit_size 8m")
        .line("flush_at_shutdown true")
}
