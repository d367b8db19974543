//! `@type file` and `@type secondary_file`: each chunk becomes a file, or is added to the
//! end of one. A put returns when all of it is synced.
//!
//! # Once, by the chunk's id
//! Chunks may have equal bytes, so what a file holds never tells whose it is. A numbered file
//! is made under a name with the chunk's id in it and renamed; a file that chunks are added
//! to has a ledger of their ids beside it. See `numbered` and `append`.

mod append;
mod numbered;
mod packing;
mod path;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use fluent_compat::object_key::NameError;

pub use packing::Packing;
pub use path::FilePath;

use super::{Attempt, Body, BoxFuture, ChunkInfo, Put, PutError, Sink};
use crate::host::fs::Fs;

/// Which files chunks go to, and how.
#[derive(Clone, Debug)]
pub struct FileConfig {
    /// `path`, or `directory` and `basename`.
    pub path: FilePath,
    /// `append`.
    pub mode: FileMode,
    /// `compress`.
    pub packing: Packing,
}

/// `append`: whether chunks share a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileMode {
    /// `true`: chunks go to the end of one file.
    Append,
    /// `false`: each chunk has a file of its own, with a number in its name.
    Numbered,
}

/// The filesystem that all sinks for files write to. Clones are handles on the same one.
#[derive(Clone)]
pub struct Files {
    fs: Arc<dyn Fs>,
    appends: Appends,
}

/// Held while a chunk is added to a file, from a blocking thread, so that two do not mix;
/// nothing is locked under it. It has the files whose last append failed here: what stands
/// at their end may be in memory alone, whatever a later sync says.
type Appends = Arc<Mutex<BTreeSet<PathBuf>>>;

impl Files {
    /// Directories and files are made when they are needed.
    pub fn new(fs: Arc<dyn Fs>) -> Self {
        Self {
            fs,
            appends: Arc::default(),
        }
    }
}

/// Writes chunks into files.
pub struct FileSink {
    config: FileConfig,
    files: Files,
}

impl FileSink {
    /// A sink over a filesystem.
    pub fn new(config: FileConfig, files: Files) -> Self {
        Self { config, files }
    }
}

impl FileConfig {
    /// The file of a chunk; all indexes lead to the same if chunks share it.
    ///
    /// # Errors
    /// If a tag or a field must not become part of a path.
    pub fn file_name(&self, chunk: &ChunkInfo, index: u64) -> Result<String, NameError> {
        let index = match self.mode {
            FileMode::Append => None,
            FileMode::Numbered => Some(index),
        };
        let name = self.path.render(chunk, index)?;
        Ok(name + self.packing.extension())
    }
}

impl Sink for FileSink {
    fn object_name(&self, chunk: &ChunkInfo, index: u64) -> Result<Option<String>, NameError> {
        self.config.file_name(chunk, index).map(Some)
    }

    fn prepare<'a>(
        &'a self,
        chunk: &'a ChunkInfo,
        from: u64,
        body: Arc<dyn Body>,
    ) -> BoxFuture<'a, Result<u64, PutError>> {
        if self.config.mode == FileMode::Append {
            return Box::pin(std::future::ready(Ok(from)));
        }
        let (fs, config) = (Arc::clone(&self.files.fs), self.config.clone());
        let chunk = chunk.clone();
        Box::pin(blocking(move || {
            for index in from..u64::MAX {
                let name = config.file_name(&chunk, index);
                let name = name.map_err(|error| invalid(&config, &error))?;
                let file = numbered::File::new(Path::new(&name), chunk.id, config.packing);
                let ready = match fs.exists(file.path) {
                    Ok(true) => continue,
                    Ok(false) => file.make_ready(&*fs, &*body),
                    Err(error) => Err(error),
                };
                return ready.map(|()| index).map_err(|error| local(&name, error));
            }
            Ok(from)
        }))
    }

    fn put<'a>(
        &'a self,
        chunk: &'a ChunkInfo,
        attempt: Attempt<'a>,
        body: Arc<dyn Body>,
    ) -> BoxFuture<'a, Result<Put, PutError>> {
        let name = attempt.name.unwrap_or_default().to_owned();
        let Files { fs, appends } = self.files.clone();
        let FileConfig { mode, packing, .. } = self.config;
        let id = chunk.id;
        Box::pin(blocking(move || {
            let path = Path::new(&name);
            let put = match mode {
                FileMode::Append => {
                    let mut failed = appends.lock().unwrap_or_else(PoisonError::into_inner);
                    append::put(&*fs, path, id, packing, &*body, &mut failed)
                }
                FileMode::Numbered => numbered::File::new(path, id, packing).put(&*fs, &*body),
            };
            put.map_err(|error| local(&name, error))
        }))
    }
}

/// Runs filesystem calls where they may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PutError> + Send + 'static,
) -> Result<T, PutError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panic| Err(local("the file", io::Error::other(panic))))
}

fn local(name: &str, source: io::Error) -> PutError {
    PutError::Local {
        target: name.to_owned(),
        what: "the chunk could not be written",
        source,
    }
}

fn invalid(config: &FileConfig, error: &NameError) -> PutError {
    PutError::Invalid {
        target: config.path.to_string(),
        reason: error.to_string(),
    }
}

/// Makes a file's directory, and its own directories, so that a power cut leaves them.
fn make_directory(fs: &dyn Fs, dir: &Path) -> io::Result<()> {
    let mut holders = Vec::new();
    for above in dir.ancestors().skip(1).map(or_here) {
        holders.push(above);
        match fs.sync_dir(above) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // It is there: those above it are, too.
            _ => break,
        }
    }
    fs.create_dir_all(dir)?;
    // From the top.
    holders
        .into_iter()
        .rev()
        .try_for_each(|dir| fs.sync_dir(dir))
}

/// The directory that a file lies in.
fn directory_of(path: &Path) -> &Path {
    or_here(path.parent().unwrap_or(path))
}

fn or_here(dir: &Path) -> &Path {
    match dir.as_os_str().is_empty() {
        true => Path::new("."),
        false => dir,
    }
}
