use std::io::Read;
use std::time::Duration;

use fluent_compat::chunk::{ChunkId, ChunkKeys, Metadata};
use fluent_compat::config::Secret;
use fluent_compat::object_key::{
    CheckObject, HexRandomLength, IndexFormat, ObjectKeyOptions, ObjectKeyTemplate,
};
use fluent_compat::tag::Tag;
use fluent_compat::time::{EventTime, Zone};
use forebay_testbed::store::{
    ACCESS_KEY, Conditions, Fault, LoggedRequest, Reads, Refusal, SECRET_KEY, Store,
};

use super::*;
use crate::sink::{Earlier, Remedy};

mod guard;
mod outcomes;
mod requests;

const BUCKET: &str = "audit";
const KEY_FORMAT: &str = "logs/${tag}_%{index}.%{file_extension}";
const LINES: &str = "{\"event\":\"session.start\"}\n{\"event\":\"session.end\"}\n";

/// A store, and a sink that puts into it.
struct Bench {
    store: Store,
    sink: S3Sink,
    /// The store's, and the spool.
    _directory: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        Self::with(KEY_FORMAT, |_| ()).await
    }

    /// The store is known to honour the condition, as Amazon's is.
    async fn with(key_format: &str, change: impl FnOnce(&mut S3Config)) -> Self {
        let bench = Self::unproven(key_format, change).await;
        bench.sink.guard.is_honoured();
        bench
    }

    /// Nothing is known of the store yet.
    async fn unproven(key_format: &str, change: impl FnOnce(&mut S3Config)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::start(directory.path(), &[BUCKET]).await.unwrap();
        let mut config = S3Config::new(
            BUCKET.to_owned(),
            template(key_format),
            directory.path().to_owned(),
        );
        config.endpoint = Some(Endpoint::parse(&store.endpoint()).unwrap());
        config.addressing = Addressing::Path;
        config.credentials = Credentials::Key(AccessKey {
            id: Secret::new(ACCESS_KEY),
            secret: Secret::new(SECRET_KEY),
        });
        change(&mut config);
        let sink = S3Sink::connect(config, clock()).await.unwrap();
        Self {
            store,
            sink,
            _directory: directory,
        }
    }

    /// Puts the chunk under its first name.
    async fn put(&self, chunk: &ChunkInfo, earlier: Earlier) -> Result<Put, PutError> {
        self.put_at(chunk, 0, earlier).await
    }

    async fn put_at(
        &self,
        chunk: &ChunkInfo,
        index: u64,
        earlier: Earlier,
    ) -> Result<Put, PutError> {
        self.put_text(chunk, index, earlier, LINES).await
    }

    async fn put_text(
        &self,
        chunk: &ChunkInfo,
        index: u64,
        earlier: Earlier,
        text: &str,
    ) -> Result<Put, PutError> {
        let name = self.sink.object_name(chunk, index).unwrap();
        let attempt = Attempt {
            name: name.as_deref(),
            index,
            earlier,
            witness: None,
        };
        let body = Arc::new(Text(text.to_owned()));
        self.sink.put(chunk, attempt, body).await
    }

    /// Puts the chunk under the name that it has from before.
    async fn put_as(
        &self,
        name: Option<&str>,
        chunk: &ChunkInfo,
        earlier: Earlier,
    ) -> Result<Put, PutError> {
        let attempt = Attempt {
            name,
            index: 1,
            earlier,
            witness: None,
        };
        let body = Arc::new(Text(LINES.to_owned()));
        self.sink.put(chunk, attempt, body).await
    }

    fn keys(&self) -> Vec<String> {
        let objects = self.store.objects().unwrap();
        objects.into_iter().map(|object| object.key).collect()
    }

    /// The requests so far, as `PUT 200`.
    fn log(&self) -> Vec<String> {
        let line = |request: &LoggedRequest| match request.status() {
            Some(status) => format!("{} {}", request.method, status.as_u16()),
            None => format!("{} cut", request.method),
        };
        self.store.requests().iter().map(line).collect()
    }

    /// The requests since the last call.
    fn log_since(&self, seen: &mut usize) -> Vec<String> {
        let log = self.log();
        let new = log.iter().skip(*seen).cloned().collect();
        *seen = log.len();
        new
    }

    fn header(&self, name: &str) -> Option<String> {
        let requests = self.store.requests();
        let value = requests.last()?.headers.get(name)?;
        Some(value.to_str().unwrap().to_owned())
    }
}

/// An hour after the chunks that [`chunk`] makes were begun.
fn clock() -> Arc<dyn Clock> {
    Arc::new(Stopped(EventTime::new(1_707_992_202, 0)))
}

struct Stopped(EventTime);

impl Clock for Stopped {
    fn now(&self) -> EventTime {
        self.0
    }
}

struct Text(String);

impl Body for Text {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(io::Cursor::new(self.0.clone())))
    }
}

fn template(format: &str) -> ObjectKeyTemplate {
    ObjectKeyTemplate::new(&ObjectKeyOptions {
        path: "",
        format: Some(format),
        check_object: CheckObject::Yes,
        index_format: IndexFormat::default(),
        hex_random_length: HexRandomLength::default(),
        time_slice_format: None,
        file_extension: "gz",
        hostname: "h1",
        chunk_keys: &ChunkKeys::parse("tag").unwrap(),
        slots: None,
        zone: &Zone::Utc,
    })
    .unwrap()
}

fn chunk(seed: u8) -> ChunkInfo {
    ChunkInfo {
        id: ChunkId::from_bytes([seed; 16]),
        metadata: Metadata {
            timekey: None,
            tag: Some(Tag::new("test.log")),
            variables: Vec::new(),
        },
        created: EventTime::new(1_707_988_602, 0),
        records: 2,
        bytes: LINES.len() as u64,
    }
}
