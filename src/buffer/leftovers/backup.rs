//! What cannot be delivered is moved to the backup directory, as it is.

use std::io;
use std::path::{Path, PathBuf};

use fluent_compat::leftover::Meta;
use tracing::{error, warn};

use super::{Broken, Leftover, TakeOver, directory};

impl TakeOver<'_> {
    /// Moves a broken leftover to the backup directory.
    pub(super) fn set_aside(&self, leftover: &Leftover, broken: &Broken) {
        let path = leftover.body.display();
        // NOTE: body last: a cut in between leaves a body without metadata, which is moved
        // at the next start.
        let files = leftover.meta.iter().chain([&leftover.body]);
        match self.move_to_backup(files) {
            Ok(moved_to) => {
                warn!(%path, moved_to = %moved_to.display(), reason = %broken, "a broken chunk of Fluentd's set aside");
            }
            Err(error) => {
                error!(%path, reason = %broken, %error, "a broken chunk of Fluentd's could not be set aside; it is left where it is");
            }
        }
    }

    /// Metadata without a body: what is left of a leftover whose chunk is ours, or an
    /// oddity.
    pub(super) fn clear_lone_meta(&self, path: &Path) {
        let id = self
            .fs
            .read(path)
            .ok()
            .and_then(|file| Meta::read(&file).ok());
        let ours = id.is_some_and(|meta| self.chunk_of(meta.id).is_ok_and(|it| it.is_some()));
        let cleared = match ours {
            true => self.remove_synced(path).map(|()| None),
            false => self.move_to_backup([path]).map(Some),
        };
        let path = path.display();
        match cleared {
            Ok(None) => {}
            Ok(Some(moved_to)) => {
                warn!(%path, moved_to = %moved_to.display(), "metadata of Fluentd's without a chunk set aside");
            }
            Err(error) => warn!(%path, %error, "metadata without a chunk could not be removed"),
        }
    }

    /// Moves files of one directory; returns the last one's new path.
    fn move_to_backup<'p, P: AsRef<Path> + ?Sized + 'p>(
        &self,
        files: impl IntoIterator<Item = &'p P>,
    ) -> io::Result<PathBuf> {
        let backup = self.names.backup_dir();
        self.fs.create_dir_all(&backup)?;
        self.fs.sync_dir(self.names.dir())?;
        let taken = self.fs.list(&backup)?;
        let mut moved_to = backup.clone();
        for file in files {
            let file = file.as_ref();
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let candidates = (0..).map(|n| match n {
                0 => backup.join(&*name),
                n => backup.join(format!("{n}.{name}")),
            });
            let free = candidates.into_iter().find(|path| !taken.contains(path));
            moved_to = free.ok_or(io::ErrorKind::AlreadyExists)?;
            self.fs.rename(file, &moved_to)?;
            // The new name first: a power cut in between may show both, never none.
            self.fs.sync_dir(&backup)?;
            self.fs.sync_dir(directory(file))?;
        }
        Ok(moved_to)
    }
}
