//! A process's output: kept whole, and followed line by line.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;

/// What a stream has brought so far.
#[derive(Debug, Default)]
pub(super) struct Output {
    text: Mutex<String>,
}

/// The reading end of an [`Output`].
#[derive(Debug)]
pub(super) struct Tail {
    output: Arc<Output>,
    /// Changes with every line, and closes at the end of the stream.
    growth: watch::Receiver<()>,
}

impl Output {
    /// Reads a stream to its end in the background; no stream is an empty one.
    pub(super) fn collect(stream: Option<impl AsyncRead + Unpin + Send + 'static>) -> Tail {
        let output = Arc::new(Output::default());
        let (grown, growth) = watch::channel(());
        if let Some(stream) = stream {
            let output = Arc::clone(&output);
            tokio::spawn(async move {
                let mut lines = BufReader::new(stream);
                let mut line = Vec::new();
                while lines
                    .read_until(b'\n', &mut line)
                    .await
                    .is_ok_and(|n| n > 0)
                {
                    output.push(&String::from_utf8_lossy(&line));
                    line.clear();
                    grown.send_replace(());
                }
            });
        }
        Tail { output, growth }
    }

    fn push(&self, line: &str) {
        self.text
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_str(line);
    }

    fn text(&self) -> String {
        self.text
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Tail {
    pub(super) fn text(&self) -> String {
        self.output.text()
    }

    /// The first thing found in a line, from the beginning on; none when the stream ends
    /// without it.
    pub(super) async fn find<T>(&mut self, mut seek: impl FnMut(&str) -> Option<T>) -> Option<T> {
        let mut seen = 0;
        loop {
            let ended = self.growth.has_changed().is_err();
            self.growth.mark_unchanged();
            let text = self.text();
            for line in text.lines().skip(seen) {
                if let Some(found) = seek(line) {
                    return Some(found);
                }
                seen += 1;
            }
            if ended || self.growth.changed().await.is_err() && self.text() == text {
                return None;
            }
        }
    }

    /// Waits for the end of the stream.
    pub(super) async fn finish(&mut self) {
        while self.growth.changed().await.is_ok() {}
    }
}
