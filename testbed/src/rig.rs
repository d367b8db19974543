//! A whole installation in a fresh directory, for one test: keys, store, configuration, and
//! the executable that is under test.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;

use crate::client::{Client, ClientError, Protocol, Target, TlsOptions, TlsOptionsError};
use crate::conf::{Buffer, Conf, HttpSource, Match};
use crate::events::{AuditEvent, EventMaker};
use crate::keys::{Keys, KeysError};
use crate::server::{Exit, Launch, Server, ServerError};
use crate::store::{LoggedRequest, Store, StoreError, StoredObject};
use crate::tally::{Report, Tally};

/// The bucket every rig has.
pub const BUCKET: &str = "audit";
/// How long a rig waits for what is due.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it looks whether it is there, when nothing tells.
const GLANCE: Duration = Duration::from_millis(200);

/// Why a test cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RigError {
    /// The directory.
    #[error("no directory for the test: {0}")]
    Directory(#[from] std::io::Error),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The client's TLS.
    #[error(transparent)]
    Tls(#[from] TlsOptionsError),
    /// The client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// An event that was to be taken was not.
    #[error("{path}: {status} {body}")]
    NotTaken {
        /// Where it was posted.
        path: String,
        /// The answer's status.
        status: u16,
        /// The answer's text.
        body: String,
    },
}

/// The installation; its files go when it is dropped.
#[derive(Debug)]
pub struct Rig {
    executable: PathBuf,
    directory: TempDir,
    /// The keys of both sides.
    pub keys: Keys,
    /// The store, with the bucket [`BUCKET`].
    pub store: Store,
}

impl Rig {
    /// Issues keys and starts a store; the server is started from a configuration later.
    pub async fn new(executable: &str) -> Result<Rig, RigError> {
        let directory = tempfile::Builder::new().prefix("forebay-test-").tempdir()?;
        Ok(Rig {
            executable: executable.into(),
            keys: Keys::issue(&directory.path().join("keys"))?,
            store: Store::start(&directory.path().join("s3"), &[BUCKET]).await?,
            directory,
        })
    }

    /// The directory of all this.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Everything over mTLS into S3, by way of a file buffer, a second a chunk.
    pub fn conf(&self) -> Conf {
        self.conf_with(self.s3("**", self.buffer(1)))
    }

    /// The mTLS source and the given output.
    pub fn conf_with(&self, output: Match) -> Conf {
        Conf::new().source(&self.source()).output(&output)
    }

    /// An mTLS source.
    pub fn source(&self) -> HttpSource {
        HttpSource::tls(self.keys.transport())
    }

    /// An output to the rig's bucket.
    pub fn s3(&self, pattern: &str, buffer: Buffer) -> Match {
        Match::s3(pattern, &self.store, BUCKET, buffer)
    }

    /// A file buffer that the next start finds again.
    pub fn buffer(&self, timekey_seconds: u32) -> Buffer {
        Buffer::file(&self.directory().join("buffer"), timekey_seconds)
    }

    /// How to start the executable here.
    pub fn launch(&self) -> Launch {
        Launch::new(&self.executable, self.directory())
    }

    /// Starts the server and waits until it listens.
    pub async fn start(&self, conf: &Conf) -> Result<Server, RigError> {
        Ok(self.launch().start(&conf.to_string()).await?)
    }

    /// Runs a configuration that is expected to end by itself.
    pub async fn run(&self, conf: impl ToString) -> Result<Exit, RigError> {
        Ok(self.launch().run(&conf.to_string()).await?)
    }

    /// A client with the right certificate, over HTTP/1.1.
    pub fn client(&self, server: &Server) -> Result<Client, RigError> {
        self.client_with(server, Protocol::Http1, &self.keys.client())
    }

    /// Any client over TLS.
    pub fn client_with(
        &self,
        server: &Server,
        protocol: Protocol,
        options: &TlsOptions,
    ) -> Result<Client, RigError> {
        let target = Target::tls(server.address(), protocol, options)?;
        Ok(Client::new(target))
    }

    /// Waits until as many records are stored as were acknowledged, ends the server, which
    /// could still write one twice, and counts. What does not come is in the report: the
    /// wait ends when the store has heard nothing for a while.
    pub async fn finish(&self, server: Server, tally: &Tally) -> Result<Report, RigError> {
        let wanted = tally.acknowledged_count();
        let mut quiet = Duration::ZERO;
        while quiet < PATIENCE {
            let heard = self.store.requests().len();
            // The store lives in this process, and counting keeps it from working: only
            // when the buffers are all but empty it is worth while.
            if self.chunks_left()? <= 1 && records(&self.store.objects()?) >= wanted {
                break;
            }
            let more = |requests: &[LoggedRequest]| requests.len() > heard;
            // After the last request nothing but the chunks' removal is to come.
            match self.store.wait_for_requests(GLANCE, more).await {
                Ok(_) => quiet = Duration::ZERO,
                Err(StoreError::Late { .. }) => quiet += GLANCE,
                Err(error) => return Err(error.into()),
            }
        }
        server.terminate().await?;
        self.count(tally)
    }

    /// Chunk files in all buffers.
    fn chunks_left(&self) -> Result<usize, RigError> {
        let mut left = 0;
        let mut directories = vec![self.directory().join("buffer")];
        while let Some(directory) = directories.pop() {
            let Ok(entries) = std::fs::read_dir(&directory) else {
                continue;
            };
            for entry in entries {
                let path = entry?.path();
                if path.is_dir() {
                    directories.push(path);
                } else if path
                    .extension()
                    .is_some_and(|extension| extension == "chunk")
                {
                    left += 1;
                }
            }
        }
        Ok(left)
    }

    /// Counts what is stored now.
    pub fn count(&self, tally: &Tally) -> Result<Report, RigError> {
        let texts = self
            .store
            .objects()?
            .iter()
            .map(StoredObject::text)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(tally.check(texts))
    }
}

/// Events of the present: their chunk is open, and is due when its slot ends.
pub fn present() -> EventMaker {
    EventMaker::new(1, Timestamp::now())
}

/// Events of a day in 2024: their chunk is due at once.
pub fn past() -> EventMaker {
    const PAST: &str = "2024-02-29T12:34:00Z";
    let start = PAST.parse().expect("invariant: the literal is a timestamp");
    EventMaker::new(2, start)
}

/// Posts events one after the other and notes them; the first that is not taken is an error.
pub async fn deliver(
    client: &mut Client,
    events: &[AuditEvent],
    tally: &mut Tally,
) -> Result<(), RigError> {
    for event in events {
        let reply = client.post(&event.path, event.body.clone(), &[]).await?;
        if reply.status != 200 {
            return Err(RigError::NotTaken {
                path: event.path.clone(),
                status: reply.status.as_u16(),
                body: reply.text(),
            });
        }
        tally.acknowledged(event);
    }
    Ok(())
}

/// Records in all objects together; an object that cannot be read counts for none.
pub fn records(objects: &[StoredObject]) -> usize {
    objects
        .iter()
        .filter_map(|object| object.text().ok())
        .map(|text| text.lines().count())
        .sum()
}
