//! Chunks into files, over a disk that forgets what was not synced.

use fluent_compat::chunk::{ChunkId, ChunkKeys, Metadata};
use fluent_compat::time::{EventTime, Zone};

use super::*;
use crate::host::fs::crashing::{CrashingFs, Op};
use crate::sink::Earlier;

struct Lines(&'static str);

impl Body for Lines {
    fn open(&self) -> io::Result<Box<dyn io::Read + Send>> {
        Ok(Box::new(self.0.as_bytes()))
    }
}

/// A chunk on its way: what the schedule does with it, without its buffer.
struct Chunk {
    info: ChunkInfo,
    lines: &'static str,
    /// What is written in the chunk.
    name: Option<(String, u64)>,
}

impl Chunk {
    fn new(id: u8, lines: &'static str) -> Self {
        let info = ChunkInfo {
            id: ChunkId::from_bytes([id; 16]),
            metadata: Metadata::default(),
            created: EventTime::new(0, 0),
            records: 1,
            bytes: lines.len() as u64,
        };
        let name = None;
        Self { info, lines, name }
    }

    /// Until it is stored, or something fails.
    async fn deliver(&mut self, sink: &FileSink) -> Result<Put, PutError> {
        if self.name.is_none() {
            self.get_name(sink, 0).await?;
        }
        loop {
            let (name, index) = self.name.clone().unwrap();
            let attempt = Attempt {
                name: Some(&name),
                index,
                earlier: Earlier::MaybeStored,
                witness: None,
            };
            let body = Arc::new(Lines(self.lines));
            match sink.put(&self.info, attempt, body).await? {
                Put::NameTaken => self.get_name(sink, index + 1).await?,
                put => return Ok(put),
            }
        }
    }

    /// It keeps the name it has if there is no other to be had.
    async fn get_name(&mut self, sink: &FileSink, from: u64) -> Result<(), PutError> {
        let body = Arc::new(Lines(self.lines));
        let index = sink.prepare(&self.info, from, body).await?;
        let name = sink.object_name(&self.info, index).unwrap().unwrap();
        self.name = Some((name, index));
        Ok(())
    }
}

fn sink(fs: &CrashingFs, mode: FileMode, packing: Packing) -> FileSink {
    let path = FilePath::parse("/out/a", '_', ".log", &ChunkKeys::default(), &Zone::Utc);
    let config = FileConfig {
        path,
        mode,
        packing,
    };
    FileSink::new(config, Files::new(Arc::new(fs.clone())))
}

fn read(fs: &CrashingFs, path: &str) -> String {
    String::from_utf8(fs.read(Path::new(path)).unwrap()).unwrap()
}

/// The files that are no secrets of the sink's, with their contents.
fn visible(fs: &CrashingFs) -> Vec<(String, String)> {
    let paths = fs.paths().into_iter();
    let paths = paths.map(|path| path.to_str().unwrap().to_owned());
    let paths = paths.filter(|path| !path.contains("/."));
    paths.map(|path| (path.clone(), read(fs, &path))).collect()
}

fn file(path: &str, content: &str) -> (String, String) {
    (path.to_owned(), content.to_owned())
}

mod append;
mod numbered;
