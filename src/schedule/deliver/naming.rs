//! How a chunk gets its name: readied in the sink, then written into the chunk and synced.

use std::sync::Arc;

use fluent_compat::retry::Target;
use tracing::debug;

use super::{Courier, Delivery, Outlet, blocking, refused, survived, unknown};
use crate::buffer::{ObjectName, SealedChunk};
use crate::sink::{ChunkInfo, Earlier};

impl Courier {
    /// Gives a chunk its first name at a target, to which it belongs from then on.
    ///
    /// `known` is what is known of the name it has now, for the case that it keeps that.
    pub(super) async fn name(
        &self,
        target: Target,
        chunk: SealedChunk,
        info: &ChunkInfo,
        known: Earlier,
    ) -> Result<SealedChunk, Delivery> {
        let Outlet { sink, indexes } = self.outlet(target);
        let first = match sink.object_name(info, 0) {
            Ok(Some(first)) => first,
            Ok(None) if target == Target::Primary => return Ok(chunk),
            // No name is written all the same: that the chunk is the secondary's now.
            Ok(None) => String::new(),
            Err(error) => {
                let reason = error.to_string();
                return Err(Delivery::Hopeless { chunk, reason });
            }
        };
        let hint = indexes.next_for(&first);
        let named = self.write_name(target, chunk, info, hint, known).await;
        match &named {
            Ok(chunk) => indexes.is_taken(&first, index_of(chunk)),
            Err(_) => indexes.give_back(&first, hint),
        }
        named
    }

    /// The name is somebody else's, the `in_a_row`th: a later index.
    pub(super) async fn rename(
        &self,
        target: Target,
        chunk: SealedChunk,
        info: &ChunkInfo,
        in_a_row: u32,
    ) -> Result<SealedChunk, Delivery> {
        let taken = index_of(&chunk);
        let Outlet { sink, indexes } = self.outlet(target);
        let first = sink.object_name(info, 0).ok().flatten();
        let next = match &first {
            Some(first) => indexes.next_after(first, taken, in_a_row),
            None => taken.saturating_add(1),
        };
        let renamed = self
            .write_name(target, chunk, info, next, Earlier::None)
            .await;
        if let (Some(first), Ok(chunk)) = (&first, &renamed) {
            indexes.is_taken(first, index_of(chunk));
        }
        renamed
    }

    /// NOTE: returns only when the name is synced; nothing may be put under it before.
    async fn write_name(
        &self,
        target: Target,
        chunk: SealedChunk,
        info: &ChunkInfo,
        from: u64,
        known: Earlier,
    ) -> Result<SealedChunk, Delivery> {
        let sink = &self.outlet(target).sink;
        let body = Arc::new(self.buffer.body(&chunk));
        // NOTE: before the name is written, so that a chunk with a name is known to be ready.
        let prepared = survived(sink.prepare(info, from, body)).await;
        let prepared = prepared.unwrap_or_else(|reason| Err(unknown(None, "prepare", reason)));
        let index = match prepared {
            Ok(index) => index,
            Err(error) => return Err(refused(target, chunk, known, &error)),
        };
        let name = match sink.object_name(info, index) {
            Ok(name) => name.unwrap_or_default(),
            Err(error) => {
                let reason = error.to_string();
                return Err(Delivery::Hopeless { chunk, reason });
            }
        };
        let about = &info.metadata;
        debug!(output = self.name, chunk = %info.id, tag = about.tag_text(), key = about.key_text(), name, "naming the chunk");
        let object = ObjectName {
            name,
            index,
            target,
        };
        let buffer = self.buffer.clone();
        let (chunk, written) = blocking(move || {
            let mut chunk = chunk;
            let written = buffer.write_name(&mut chunk, object);
            (chunk, written)
        })
        .await;
        match written {
            Ok(()) => Ok(chunk),
            Err(error) => Err(Delivery::Failed {
                chunk,
                earlier: known,
                reason: format!("the object's name could not be written into the chunk: {error}"),
            }),
        }
    }
}

fn index_of(chunk: &SealedChunk) -> u64 {
    chunk.name.as_ref().map_or(0, |object| object.index)
}
