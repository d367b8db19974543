//! What a buffer directory holds when the server starts.
//!
//! Nothing found here may keep the server from starting, and nothing that an
//! acknowledgement may have covered is deleted: what cannot be read is moved aside.
//!
//! Reading gigabytes takes its time, in which no event would be accepted. So at the start only
//! those chunks are read that are to be written again; of the others the header is, and
//! [`recover_chunk`] does the rest before they are delivered.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use fluent_compat::chunk::ChunkId;
use tracing::{error, info, warn};

use super::glance::{Foremost, Glance};
use super::header::{Header, ObjectName};
use super::names::{ChunkNames, State};
use super::scan::{Scan, Tail, scan};
use crate::buffer::parallel;
use crate::host::fs::{File, Fs};

/// A chunk that was on disk.
#[derive(Clone, Debug)]
pub(in crate::buffer) struct Recovered {
    pub(in crate::buffer) state: State,
    pub(in crate::buffer) path: PathBuf,
    pub(in crate::buffer) header: Header,
    pub(in crate::buffer) name: Option<ObjectName>,
    pub(in crate::buffer) records: u64,
    /// Payload bytes of the events, packed as they are.
    pub(in crate::buffer) bytes: u64,
    /// Where the file ends.
    pub(in crate::buffer) length: u64,
    pub(in crate::buffer) reading: Reading,
}

/// How much of a chunk was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::buffer) enum Reading {
    /// Its header alone. There are no more than `bytes`; whether it has a name, and how many
    /// records, is not known.
    Header,
    /// Every frame; what was wrong is mended, and the file is synced.
    Whole,
}

/// Looks through a buffer's directory and says what is there. Staged chunks are read, and
/// mended if need be, as far as `read_now` bytes go.
///
/// # Errors
/// Only when the directory itself cannot be created or listed.
pub(in crate::buffer) fn recover(
    fs: &dyn Fs,
    names: &ChunkNames,
    read_now: u64,
) -> io::Result<Vec<Recovered>> {
    fs.create_dir_all(names.dir())?;
    let mut found: BTreeMap<ChunkId, ChunkFiles> = BTreeMap::new();
    for path in fs.list(names.dir())? {
        if names.is_unfinished(&path) {
            info!(path = %path.display(), "removing a copy that was not finished");
            remove(fs, &path);
        } else if let Some((state, id)) = names.parse(&path) {
            found.entry(id).or_default().set(state, path);
        }
    }
    let found: Vec<_> = found.into_values().collect();
    let glances = parallel::map(&found, |files| {
        let (state, path) = files.clone().only(fs)?;
        Glance::at(fs, state, path)
    });
    let glances = those_well(glances, found.iter().map(|files| files.any().display()));
    let chosen = Glance::choose(&glances, read_now);
    let chosen: Vec<_> = glances.iter().zip(chosen).collect();
    let recovered = parallel::map(&chosen, |(glance, read_now)| match &glance.header {
        Some(foremost) if !read_now => Ok(Some(glance.unread(foremost))),
        _ => recover_chunk(fs, names, glance.state, &glance.path),
    });
    let paths = glances.iter().map(|glance| glance.path.display());
    let chunks = those_well(recovered, paths);
    if let Err(error) = fs.sync_dir(names.dir()) {
        warn!(%error, "the buffer's directory could not be synced");
    }
    Ok(chunks.into_iter().flatten().collect())
}

/// The results that are good. Of the others there is a line in the log each.
fn those_well<T>(
    results: Vec<io::Result<T>>,
    whose: impl Iterator<Item = impl std::fmt::Display>,
) -> Vec<T> {
    let mut well = Vec::with_capacity(results.len());
    for (result, files) in results.into_iter().zip(whose) {
        match result {
            Ok(result) => well.push(result),
            Err(error) => {
                error!(%files, %error, "chunk could not be taken up; it is left where it is");
            }
        }
    }
    well
}

impl Glance {
    fn unread(&self, foremost: &Foremost) -> Recovered {
        Recovered {
            state: self.state,
            path: self.path.clone(),
            header: foremost.header.clone(),
            name: None,
            records: 0,
            bytes: self.length.saturating_sub(foremost.end),
            length: self.length,
            reading: Reading::Header,
        }
    }
}

/// The files of one chunk.
#[derive(Clone, Debug, Default)]
struct ChunkFiles {
    staged: Option<PathBuf>,
    queued: Option<PathBuf>,
}

impl ChunkFiles {
    fn set(&mut self, state: State, path: PathBuf) {
        match state {
            State::Staged => self.staged = Some(path),
            State::Queued => self.queued = Some(path),
        }
    }

    /// One of them, to say where the chunk is.
    fn any(&self) -> &Path {
        let path = self.queued.as_deref().or(self.staged.as_deref());
        path.unwrap_or(Path::new(""))
    }

    /// Of a chunk's `b` and `q` file the `q` file is the whole copy. One that has been
    /// replaced and cannot be removed would come back when its copy is delivered.
    fn only(self, fs: &dyn Fs) -> io::Result<(State, PathBuf)> {
        match (self.staged, self.queued) {
            (Some(replaced), Some(queued)) => {
                info!(path = %replaced.display(), "removing the file that a copy has replaced");
                fs.remove(&replaced)?;
                fs.sync_dir(replaced.parent().unwrap_or(Path::new(".")))?;
                Ok((State::Queued, queued))
            }
            (None, Some(queued)) => Ok((State::Queued, queued)),
            (Some(staged), None) => Ok((State::Staged, staged)),
            (None, None) => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// Reads a chunk from its first byte to its last, mends what can be mended, and syncs it. `None`
/// if it holds no event; the file is gone then.
///
/// # Errors
/// It could not be read, mended or synced. All of it is to be done again.
pub(in crate::buffer) fn recover_chunk(
    fs: &dyn Fs,
    names: &ChunkNames,
    state: State,
    path: &Path,
) -> io::Result<Option<Recovered>> {
    let file = fs.open(path)?;
    let mut found = scan(&*file)?;
    let Some(header) = found.header.take() else {
        drop(file);
        return set_aside_headless(fs, names, path, &found);
    };
    mend(fs, names, &header, path, &*file, &mut found)?;
    if found.bytes == 0 {
        remove(fs, path);
        return Ok(None);
    }
    let state = match found.name {
        Some(_) => State::Queued,
        None => state,
    };
    Ok(Some(Recovered {
        state,
        path: path.to_owned(),
        header,
        name: found.name,
        records: found.records,
        bytes: found.bytes,
        length: found.good_end,
        reading: Reading::Whole,
    }))
}

/// Without a header nobody knows what the events are. A file that holds less than its
/// header was never acknowledged; any other is kept.
fn set_aside_headless(
    fs: &dyn Fs,
    names: &ChunkNames,
    path: &Path,
    found: &Scan,
) -> io::Result<Option<Recovered>> {
    if found.good_end == 0 && found.damage.is_empty() && found.tail != Tail::Unreadable {
        remove(fs, path);
        return Ok(None);
    }
    let aside = damaged_path(fs, names, path)?;
    fs.rename(path, &aside)?;
    error!(path = %path.display(), moved_to = %aside.display(), "chunk without a readable header set aside");
    Ok(None)
}

/// Cuts a torn tail, and takes damage out of the file after copying it aside.
fn mend(
    fs: &dyn Fs,
    names: &ChunkNames,
    header: &Header,
    path: &Path,
    file: &dyn File,
    found: &mut Scan,
) -> io::Result<()> {
    let length = file.len()?;
    let (id, about) = (header.id, &header.metadata);
    if found.tail == Tail::Unreadable {
        found.damage.push(found.good_end..length);
    } else if found.tail == Tail::Torn {
        warn!(chunk = %id, tag = about.tag_text(), key = about.key_text(), path = %path.display(), bytes = length - found.good_end, "cut a torn tail that was never acknowledged");
    }
    if found.damage.is_empty() {
        if found.good_end < length {
            file.set_len(found.good_end)?;
        }
        // NOTE: a name that is read may still be nowhere but in the kernel's memory, where a
        // failed sync of a killed server leaves it and no sync of ours would write it. Put
        // under it, and without it after a power cut, the chunk would be put again.
        copy_range(file, found.name_at.clone(), file, found.name_at.start)?;
        // What a killed server had written and not synced counts from now on.
        let Err(error) = file.sync_data() else {
            return Ok(());
        };
        // Another sync might say that all is well without having written anything.
        warn!(path = %path.display(), %error, "a chunk from before could not be synced; it is copied");
        rewrite_without(fs, path, file, found)?;
        return fs.sync_dir(names.dir());
    }
    let aside = damaged_path(fs, names, path)?;
    let kept_aside = fs.create_new(&aside)?;
    let mut lost = 0;
    for range in &found.damage {
        lost += copy_range(file, range.clone(), &*kept_aside, lost)?;
    }
    kept_aside.sync_data()?;
    fs.sync_dir(&names.backup_dir())?;
    error!(chunk = %id, tag = about.tag_text(), key = about.key_text(), path = %path.display(), moved_to = %aside.display(), bytes = lost, "damaged bytes taken out of a chunk and set aside");
    rewrite_without(fs, path, file, found)?;
    // NOTE: before anything is appended to what may still have the old one's name.
    fs.sync_dir(names.dir())
}

/// Writes the good frames to a new file and puts it in the old one's place.
fn rewrite_without(fs: &dyn Fs, path: &Path, file: &dyn File, found: &mut Scan) -> io::Result<()> {
    let unfinished = path.with_extension("tmp");
    if fs.exists(&unfinished)? {
        // Of an attempt that has failed.
        fs.remove(&unfinished)?;
    }
    let fresh = fs.create_new(&unfinished)?;
    let (mut from, mut written) = (0, 0);
    for range in &found.damage {
        written += copy_range(file, from..range.start, &*fresh, written)?;
        from = range.end;
    }
    if from < found.good_end {
        written += copy_range(file, from..found.good_end, &*fresh, written)?;
    }
    fresh.sync_data()?;
    fs.rename(&unfinished, path)?;
    found.good_end = written;
    Ok(())
}

/// Copies a range of one file to an offset of another; returns its length.
pub(in crate::buffer) fn copy_range(
    from: &dyn File,
    range: Range<u64>,
    to: &dyn File,
    mut offset: u64,
) -> io::Result<u64> {
    let mut window = vec![0; 256 * 1024];
    let mut at = range.start;
    while at < range.end {
        let wanted = usize::try_from(range.end - at).map_or(window.len(), |n| n.min(window.len()));
        let target = window.get_mut(..wanted).unwrap_or_default();
        let count = from.read_full_at(target, at)?;
        let Some(found) = target.get(..count).filter(|found| !found.is_empty()) else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        to.write_all_at(found, offset)?;
        at += count as u64;
        offset += count as u64;
    }
    Ok(range.end - range.start)
}

/// A name in the backup directory that is free.
fn damaged_path(fs: &dyn Fs, names: &ChunkNames, path: &Path) -> io::Result<PathBuf> {
    let backup = names.backup_dir();
    fs.create_dir_all(&backup)?;
    let taken = fs.list(&backup)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let candidates = (0..).map(|n| match n {
        0 => backup.join(format!("{name}.damaged")),
        n => backup.join(format!("{name}.{n}.damaged")),
    });
    let free = candidates.into_iter().find(|path| !taken.contains(path));
    free.ok_or_else(|| io::ErrorKind::AlreadyExists.into())
}

fn remove(fs: &dyn Fs, path: &Path) {
    if let Err(error) = fs.remove(path) {
        warn!(path = %path.display(), %error, "file could not be removed");
    }
}
