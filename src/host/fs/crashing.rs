//! A disk for tests: it forgets what was not synced, and fails when told to.
//!
//! It is as unkind as a disk may be. What was not synced may survive a power cut all the
//! same, each sector and each entry of a directory on its own: what was changed later may
//! survive without what was changed before. A write that fails has written all of it. After a failed sync a later one says that all is well,
//! and what the failed one was for is never written, as on Linux.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::{File, Fs, Lock};

/// What the buffer may ask of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Create,
    Open,
    Rename,
    Remove,
    SyncDir,
    Write,
    SyncData,
    SetLen,
}

/// Decides for each operation whether it fails, and how.
pub(crate) type Fault = Box<dyn FnMut(Op, &Path) -> Option<io::Error> + Send>;

/// A disk whose power can be cut.
#[derive(Clone, Default)]
pub(crate) struct CrashingFs {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Directory entries as a running system sees them, and as they are on the platter.
    entries: BTreeMap<PathBuf, u64>,
    durable_entries: BTreeMap<PathBuf, u64>,
    /// Changes of directories that are not synced, in order.
    unsynced_entries: Vec<EntryChange>,
    inodes: BTreeMap<u64, Inode>,
    next_inode: u64,
    fault: Option<Fault>,
    /// Operations until whoever asks for them is dead.
    left_to_live: Option<u32>,
    operations: u32,
}

/// Bytes that survive a power cut independently of their neighbours. A real disk has 512
/// or more; the chunks of tests are small.
const SECTOR: usize = 64;

/// What one operation made of each name: a file, or nothing. It survives whole or not.
type EntryChange = Vec<(PathBuf, Option<u64>)>;

#[derive(Default)]
struct Inode {
    durable: Vec<u8>,
    /// What came after the last sync, in order.
    unsynced: Vec<Change>,
    /// What a failed sync was for: it is still read, and no sync will write it.
    lost: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

impl CrashingFs {
    /// From now on every operation is asked about first.
    pub(crate) fn fault(&self, fault: impl FnMut(Op, &Path) -> Option<io::Error> + Send + 'static) {
        self.state().fault = Some(Box::new(fault));
    }

    /// After so many operations none has any effect, as if their process had been killed.
    pub(crate) fn kill_after(&self, operations: u32) {
        self.state().left_to_live = Some(operations);
    }

    /// Whether `kill_after` has come to its end.
    pub(crate) fn is_killed(&self) -> bool {
        self.state().is_dead()
    }

    /// Counts something that is done beyond the disk, such as a request, as an operation.
    ///
    /// # Errors
    /// Whoever wants to do it is dead.
    pub(crate) fn step(&self) -> io::Result<()> {
        self.state().count()
    }

    /// How many operations were asked for so far, by whoever was not dead.
    pub(crate) fn operations(&self) -> u32 {
        self.state().operations
    }

    /// How many changes of directories a power cut may take back.
    pub(crate) fn unsynced_entries(&self) -> usize {
        self.state().unsynced_entries.len()
    }

    /// Operations succeed again.
    pub(crate) fn heal(&self) {
        let mut state = self.state();
        state.fault = None;
        state.left_to_live = None;
    }

    /// Does something while every operation succeeds.
    pub(crate) fn without_faults<T>(&self, work: impl FnOnce() -> T) -> T {
        let (fault, left) = {
            let mut state = self.state();
            (state.fault.take(), state.left_to_live.take())
        };
        let done = work();
        let mut state = self.state();
        (state.fault, state.left_to_live) = (fault, left);
        done
    }

    /// Cuts the power. Of what is not synced a part survives: `survives` is asked for each
    /// change of a directory whether it does (1 or 0), and then for each sector that was
    /// written how many of its bytes.
    pub(crate) fn crash(&self, mut survives: impl FnMut(usize) -> usize) {
        self.heal();
        let mut state = self.state();
        for change in std::mem::take(&mut state.unsynced_entries) {
            if survives(1) == 0 {
                continue;
            }
            for (path, inode) in change {
                set_entry(&mut state.durable_entries, path, inode);
            }
        }
        state.entries = state.durable_entries.clone();
        for inode in state.inodes.values_mut() {
            let lost = std::mem::take(&mut inode.lost);
            let unsynced = std::mem::take(&mut inode.unsynced);
            for change in lost.into_iter().chain(unsynced) {
                match change {
                    Change::Write { offset, bytes } => {
                        for (offset, mut bytes) in sectors(offset, &bytes) {
                            bytes.truncate(survives(bytes.len()));
                            if !bytes.is_empty() {
                                apply(&mut inode.durable, &Change::Write { offset, bytes });
                            }
                        }
                    }
                    length @ Change::Length(_) if survives(1) > 0 => {
                        apply(&mut inode.durable, &length);
                    }
                    Change::Length(_) => {}
                }
            }
        }
    }

    /// Cuts the power; nothing unsynced survives.
    pub(crate) fn crash_hard(&self) {
        self.crash(|_| 0);
    }

    /// Changes a file behind everybody's back, as a failing disk does.
    pub(crate) fn corrupt(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let inode = state.entries[path];
        change(&mut state.inodes.get_mut(&inode).unwrap().durable);
    }

    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        self.state().entries.keys().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn is_dead(&self) -> bool {
        self.left_to_live == Some(0)
    }

    fn count(&mut self) -> io::Result<()> {
        if self.is_dead() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.left_to_live = self.left_to_live.map(|left| left - 1);
        self.operations += 1;
        Ok(())
    }

    fn check(&mut self, op: Op, path: &Path) -> io::Result<()> {
        self.count()?;
        match self.fault.as_mut().and_then(|fault| fault(op, path)) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    fn change_entries(&mut self, change: EntryChange) {
        for (path, inode) in &change {
            set_entry(&mut self.entries, path.clone(), *inode);
        }
        self.unsynced_entries.push(change);
    }
}

fn set_entry(entries: &mut BTreeMap<PathBuf, u64>, path: PathBuf, inode: Option<u64>) {
    match inode {
        Some(inode) => drop(entries.insert(path, inode)),
        None => drop(entries.remove(&path)),
    }
}

impl Inode {
    fn content(&self) -> Vec<u8> {
        let mut content = self.durable.clone();
        for change in self.lost.iter().chain(&self.unsynced) {
            apply(&mut content, change);
        }
        content
    }
}

/// An opinion for [`CrashingFs::crash`]: of each change nothing survives, all, or a part.
pub(crate) fn dice(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed | 1;
    move |most| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        match state % 4 {
            0 => 0,
            1 => (state >> 8) as usize % (most + 1),
            _ => most,
        }
    }
}

/// The parts of a write that lie in different sectors, each with its offset.
fn sectors(mut offset: usize, mut bytes: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let mut parts = Vec::new();
    while !bytes.is_empty() {
        let (part, rest) = bytes.split_at(bytes.len().min(SECTOR - offset % SECTOR));
        parts.push((offset, part.to_vec()));
        offset += part.len();
        bytes = rest;
    }
    parts
}

impl Change {
    /// Cuts off what reaches beyond a length; whether anything is left.
    fn ends_within(&mut self, length: usize) -> bool {
        match self {
            Self::Write { offset, bytes } => {
                bytes.truncate(length.saturating_sub(*offset));
                !bytes.is_empty()
            }
            Self::Length(_) => true,
        }
    }
}

fn apply(content: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { offset, bytes } => {
            let end = offset + bytes.len();
            if content.len() < end {
                content.resize(end, 0);
            }
            content[*offset..end].copy_from_slice(bytes);
        }
        Change::Length(length) => content.resize(*length, 0),
    }
}

impl Fs for CrashingFs {
    fn create_dir_all(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let state = self.state();
        let in_dir = state
            .entries
            .keys()
            .filter(|path| path.parent() == Some(dir));
        Ok(in_dir.cloned().collect())
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let mut state = self.state();
        state.check(Op::Create, path)?;
        if state.entries.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.next_inode += 1;
        let inode = state.next_inode;
        state.inodes.insert(inode, Inode::default());
        state.change_entries(vec![(path.to_owned(), Some(inode))]);
        Ok(self.file(inode, path))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let mut state = self.state();
        state.check(Op::Open, path)?;
        let inode = *state.entries.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(self.file(inode, path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.check(Op::Rename, from)?;
        let inode = *state.entries.get(from).ok_or(io::ErrorKind::NotFound)?;
        state.change_entries(vec![(from.to_owned(), None), (to.to_owned(), Some(inode))]);
        Ok(())
    }

    fn rename_exclusive(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.check(Op::Rename, from)?;
        let inode = *state.entries.get(from).ok_or(io::ErrorKind::NotFound)?;
        if state.entries.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.change_entries(vec![(from.to_owned(), None), (to.to_owned(), Some(inode))]);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.check(Op::Remove, path)?;
        if !state.entries.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change_entries(vec![(path.to_owned(), None)]);
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.check(Op::SyncDir, dir)?;
        for mut change in std::mem::take(&mut state.unsynced_entries) {
            let of_dir = |part: &mut (PathBuf, Option<u64>)| part.0.parent() == Some(dir);
            for (path, inode) in change.extract_if(.., of_dir) {
                set_entry(&mut state.durable_entries, path, inode);
            }
            if !change.is_empty() {
                state.unsynced_entries.push(change);
            }
        }
        Ok(())
    }

    /// A test is the only process there is.
    fn lock(&self, _path: &Path) -> io::Result<Lock> {
        Ok(Lock::alone())
    }
}

impl CrashingFs {
    fn file(&self, inode: u64, path: &Path) -> Box<dyn File> {
        Box::new(CrashingFile {
            fs: self.clone(),
            inode,
            path: path.to_owned(),
        })
    }
}

struct CrashingFile {
    fs: CrashingFs,
    inode: u64,
    path: PathBuf,
}

impl CrashingFile {
    fn content(&self) -> Vec<u8> {
        self.fs.state().inodes[&self.inode].content()
    }
}

impl File for CrashingFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let offset = offset as usize;
        let bytes = bytes.to_vec();
        let mut state = self.fs.state();
        if state.is_dead() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let checked = state.check(Op::Write, &self.path);
        let inode = state.inodes.get_mut(&self.inode).unwrap();
        inode.unsynced.push(Change::Write { offset, bytes });
        checked
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let content = self.content();
        let rest = content.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.fs.state();
        if state.is_dead() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let checked = state.check(Op::SyncData, &self.path);
        let inode = state.inodes.get_mut(&self.inode).unwrap();
        let unsynced = std::mem::take(&mut inode.unsynced);
        match checked {
            Ok(()) => unsynced.iter().for_each(|change| {
                apply(&mut inode.durable, change);
                // What is cut off is gone for good, and its pages are written anew.
                if let Change::Length(length) = change {
                    inode.lost.retain_mut(|lost| lost.ends_within(*length));
                }
            }),
            Err(_) => inode.lost.extend(unsynced),
        }
        checked
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let length = length as usize;
        let mut state = self.fs.state();
        state.check(Op::SetLen, &self.path)?;
        let inode = state.inodes.get_mut(&self.inode).unwrap();
        inode.unsynced.push(Change::Length(length));
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.content().len() as u64)
    }
}
