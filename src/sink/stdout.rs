//! `@type stdout`: chunks go to the standard output, for people who look.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fluent_compat::object_key::NameError;

use super::{Attempt, Body, BoxFuture, ChunkInfo, Put, PutError, Sink};

const TARGET: &str = "stdout";

/// Writes each chunk's events to a writer. The lines of two chunks never mix.
///
/// A put that fails half way leaves what it has written, and the next attempt writes
/// the chunk from its beginning.
#[derive(Debug)]
pub struct StdoutSink<W> {
    /// Held while one chunk is written, from a blocking thread; nothing is locked
    /// under it but what the writer locks itself.
    writer: Arc<Mutex<W>>,
}

impl<W: Write + Send + 'static> StdoutSink<W> {
    /// A sink over the process's standard output, or what stands for it.
    pub fn new(writer: W) -> Self {
        Self {
            writer: Arc::new(Mutex::new(writer)),
        }
    }

    /// Writes whole lines that are in no chunk, and flushes. Blocks.
    ///
    /// # Errors
    /// If the writer fails; the lines may have been written in part.
    pub fn write(&self, lines: &[u8]) -> io::Result<()> {
        let mut writer = lock(&self.writer);
        writer.write_all(lines)?;
        writer.flush()
    }
}

impl<W: Write + Send + 'static> Sink for StdoutSink<W> {
    fn object_name(&self, _chunk: &ChunkInfo, _index: u64) -> Result<Option<String>, NameError> {
        Ok(None)
    }

    fn put<'a>(
        &'a self,
        _chunk: &'a ChunkInfo,
        _attempt: Attempt<'a>,
        body: Arc<dyn Body>,
    ) -> BoxFuture<'a, Result<Put, PutError>> {
        let writer = Arc::clone(&self.writer);
        Box::pin(async move {
            let written =
                tokio::task::spawn_blocking(move || write_body(body.as_ref(), &mut *lock(&writer)));
            let outcome = written
                .await
                .unwrap_or_else(|panic| Err(io::Error::other(panic)));
            outcome
                .map(|()| Put::Stored)
                .map_err(|source| PutError::Local {
                    target: TARGET.to_owned(),
                    what: "the chunk could not be written",
                    source,
                })
        })
    }
}

/// A writer whose user has panicked is still a writer.
fn lock<W>(writer: &Mutex<W>) -> MutexGuard<'_, W> {
    writer.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write_body(body: &dyn Body, writer: &mut dyn Write) -> io::Result<()> {
    let mut reader = body.open()?;
    io::copy(&mut reader, writer)?;
    writer.flush()
}

#[cfg(test)]
mod tests {
    use fluent_compat::chunk::{ChunkId, Metadata};
    use fluent_compat::time::EventTime;

    use super::*;
    use crate::sink::Earlier;

    struct Lines(&'static str);

    impl Body for Lines {
        fn open(&self) -> io::Result<Box<dyn io::Read + Send>> {
            Ok(Box::new(self.0.as_bytes()))
        }
    }

    /// Takes so many bytes, then fails.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self
                .0
                .checked_sub(bytes.len())
                .ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    async fn put<W: Write + Send + 'static>(
        sink: &StdoutSink<W>,
        lines: &'static str,
    ) -> Result<Put, PutError> {
        let chunk = ChunkInfo {
            id: ChunkId::from_bytes([7; 16]),
            metadata: Metadata::default(),
            created: EventTime::new(0, 0),
            records: 1,
            bytes: 0,
        };
        let attempt = Attempt {
            name: None,
            index: 0,
            earlier: Earlier::None,
            witness: None,
        };
        assert_eq!(sink.object_name(&chunk, 0), Ok(None));
        sink.put(&chunk, attempt, Arc::new(Lines(lines))).await
    }

    #[tokio::test]
    async fn chunks_stand_one_after_the_other() {
        let sink = StdoutSink::new(Vec::new());
        assert_eq!(put(&sink, "a\nb\n").await.unwrap(), Put::Stored);
        sink.write(b"between\n").unwrap();
        assert_eq!(put(&sink, "c\n").await.unwrap(), Put::Stored);
        assert_eq!(*sink.writer.lock().unwrap(), b"a\nb\nbetween\nc\n");
    }

    #[tokio::test]
    async fn a_writer_that_fails_is_told_and_can_be_tried_again() {
        let error = put(&StdoutSink::new(Full(2)), "abc\n").await.unwrap_err();
        assert!(error.is_retryable());
        assert_eq!(error.leaves(), Earlier::None);
        assert!(
            error.to_string().starts_with("stdout: the chunk could not"),
            "{error}"
        );
    }
}
