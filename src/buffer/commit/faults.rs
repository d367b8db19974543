//! What is done when the disk fails: nothing that was refused may stay in a chunk, and
//! nothing that was acknowledged may leave it.

use std::io;

use fluent_compat::chunk::{ChunkId, Metadata};
use tracing::{error, warn};

use super::{Committer, Extent};
use crate::buffer::stage::Condition;

impl Committer {
    /// What a line of the log says of a chunk beside its id.
    fn about(&self, id: ChunkId) -> Metadata {
        let chunk = self.stage.get(id);
        chunk.map_or_else(Metadata::default, |chunk| chunk.header.metadata.clone())
    }

    /// Some request failed: those that touch several chunks are refused all together, and
    /// their frames are cut off wherever they were written.
    pub(super) fn cut_shared(&mut self, extent: &mut Extent) {
        for id in extent.touched.clone() {
            if extent.failed.contains_key(&id) {
                continue;
            }
            let Some(chunk) = self.stage.get_mut(id).filter(|c| c.pending.is_shared()) else {
                continue;
            };
            chunk.pending.keep_alone();
            let length = chunk.length + chunk.pending.frames.length() as u64;
            if let Err(error) = self.storage.cut(chunk, length) {
                self.spoil(id, &error, extent);
            }
        }
    }

    /// A write failed: the file is cut back to what was synced before.
    pub(super) fn fail(&mut self, id: ChunkId, what: &str, error: &io::Error, extent: &mut Extent) {
        if let Some(held_back) = self.complaints.pass() {
            let about = self.about(id);
            error!(chunk = %id, tag = about.tag_text(), key = about.key_text(), %error, held_back, "{what} failed; the requests in it are refused");
        }
        extent
            .failed
            .insert(id, format!("{what} failed: {error}").into());
        let Some(chunk) = self.stage.get_mut(id) else {
            return;
        };
        if chunk.length == 0 {
            self.discard(id);
            return;
        }
        chunk.pending.clear(&mut self.spare);
        if let Err(error) = self.storage.cut(chunk, chunk.length) {
            self.spoil(id, &error, extent);
        }
    }

    /// Removes a chunk in which nothing was ever acknowledged, and its file.
    pub(super) fn discard(&mut self, id: ChunkId) {
        self.files.pop(&id);
        let Some(chunk) = self.stage.remove(id) else {
            return;
        };
        match self.storage.discard(&chunk) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let about = &chunk.header.metadata;
                warn!(chunk = %id, tag = about.tag_text(), key = about.key_text(), %error, "the file of a refused chunk could not be removed");
            }
            _ => {}
        }
    }

    /// A sync or a cut failed: nobody knows what the disk holds behind the last sync, so
    /// the file is never written again.
    pub(super) fn spoil(&mut self, id: ChunkId, error: &io::Error, extent: &mut Extent) {
        if let Some(held_back) = self.complaints.pass() {
            let about = self.about(id);
            error!(chunk = %id, tag = about.tag_text(), key = about.key_text(), %error, held_back, "sync failed; the chunk is sealed where it was last synced");
        }
        extent
            .failed
            .insert(id, format!("sync failed: {error}").into());
        self.files.pop(&id);
        match self.stage.get_mut(id) {
            Some(chunk) if chunk.content.records == 0 => self.discard(id),
            Some(chunk) => {
                chunk.condition = Condition::Spoiled;
                chunk.pending.clear(&mut self.spare);
                // If this server is killed before the chunk is copied, the next one must not
                // take what is refused for what was stored. No sync is asked for its word.
                if let Err(error) = self.storage.shorten(chunk, chunk.length) {
                    let about = &chunk.header.metadata;
                    warn!(chunk = %id, tag = about.tag_text(), key = about.key_text(), %error, "refused events could not be cut off");
                }
                self.stage.shut(id);
            }
            None => {}
        }
    }
}
