//! The first thing that is done with a chunk from before the start: it is read.

use super::{Courier, Delivery, blocking};
use crate::buffer::{SealedChunk, Verified};
use crate::sink::Earlier;

impl Courier {
    /// The chunk once it is known to be whole, and to have a name or none.
    pub(super) async fn verified(&self, chunk: SealedChunk) -> Result<SealedChunk, Delivery> {
        if chunk.is_verified() {
            return Ok(chunk);
        }
        let id = chunk.header.id;
        let buffer = self.buffer.clone();
        let (chunk, verified) = blocking(move || {
            let mut chunk = chunk;
            let verified = buffer.verify(&mut chunk);
            (chunk, verified)
        })
        .await;
        match verified {
            Ok(Verified::Events) => Ok(chunk),
            Ok(Verified::Nothing) => Err(Delivery::Empty { id }),
            Err(error) => Err(Delivery::Failed {
                chunk,
                // It may have a name, under which an earlier server has put it.
                earlier: Earlier::MaybeStored,
                reason: format!("the chunk could not be read: {error}"),
            }),
        }
    }
}
