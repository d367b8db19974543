//! A real S3-protocol server on loopback: signatures are checked, objects are files in a
//! directory, and what goes wrong in S3's life can be switched on while it runs.
//!
//! ```text
//! <directory>/<bucket>/<key>             the object's bytes, as they came
//! <directory>/.store/meta/<bucket>/<key> its headers, as JSON
//! <directory>/.store/incoming/           what is on its way in
//! ```
//!
//! File operations block: objects are small here, and a test has nothing else to do.

mod checksum;
mod disk;
mod faults;
mod front;
mod object;
mod refusal;
mod service;
mod sidecar;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use self::disk::Disk;
pub use self::faults::{Conditions, Fault, Faults, Reads};
use self::front::Front;
pub use self::front::{Answer, LoggedRequest};
pub use self::object::StoredObject;
pub use self::refusal::Refusal;
use self::service::Service;

/// The access key a running store takes.
pub const ACCESS_KEY: &str = "FOREBAYTESTACCESSKEY";
/// The secret key that belongs to [`ACCESS_KEY`]; it opens nothing but a test's own store.
pub const SECRET_KEY: &str = "forebay-test-secret-key-that-opens-nothing";

/// Why a store does not start or cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or directory of the store.
    #[error("{path}: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The loopback socket.
    #[error("no loopback socket for the store: {0}")]
    Socket(std::io::Error),
    /// A sidecar that is not ours.
    #[error("{path}: not an object's sidecar: {source}")]
    Sidecar {
        /// Which one.
        path: PathBuf,
        /// Where it stops making sense.
        source: serde_json::Error,
    },
    /// A bucket name or key that has no place in the directory.
    #[error("`{0}` cannot be a file below the store's directory")]
    Name(String),
    /// What was waited for did not come in time.
    #[error("the store did not get there within {limit:?}: {objects} objects, {requests} requests")]
    Late {
        /// How long was waited.
        limit: Duration,
        /// Objects at the end.
        objects: usize,
        /// Requests at the end.
        requests: usize,
    },
}

/// A running store; it stops when dropped, its files stay.
#[derive(Debug)]
pub struct Store {
    address: SocketAddr,
    disk: Arc<Disk>,
    front: Arc<Front>,
    changes: watch::Receiver<u64>,
    accepting: JoinHandle<()>,
}

impl Store {
    /// Starts on a port the system chooses, with the given buckets; what lies in the
    /// directory from an earlier run is there again.
    pub async fn start(directory: &Path, buckets: &[&str]) -> Result<Store, StoreError> {
        let disk = Arc::new(Disk::open(directory)?);
        for bucket in buckets {
            disk.create_bucket(bucket)?;
        }
        let faults = Faults::default();
        let mut builder = S3ServiceBuilder::new(Service::new(Arc::clone(&disk), faults.clone()));
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let (front, changes) = Front::new(builder.build(), faults);

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(StoreError::Socket)?;
        let address = listener.local_addr().map_err(StoreError::Socket)?;
        let accepting = tokio::spawn(front::accept(listener, Arc::clone(&front)));
        Ok(Store {
            address,
            disk,
            front,
            changes,
            accepting,
        })
    }

    /// `http://127.0.0.1:PORT`, for `s3_endpoint`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the objects lie.
    pub fn directory(&self) -> &Path {
        self.disk.root()
    }

    /// The switchboard of faults.
    pub fn faults(&self) -> &Faults {
        self.front.faults()
    }

    /// Makes a bucket appear, as an operator would.
    pub fn create_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        self.disk.create_bucket(bucket)
    }

    /// Removes a bucket and all that is in it.
    pub fn remove_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        self.disk.remove_bucket(bucket)
    }

    /// All objects of all buckets, by bucket and key.
    pub fn objects(&self) -> Result<Vec<StoredObject>, StoreError> {
        self.disk.objects()
    }

    /// Every request so far, in the order of the answers.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.front.requests()
    }

    /// Waits until the objects are as the caller wants them, looking after every request.
    pub async fn wait_for_objects(
        &self,
        limit: Duration,
        mut wanted: impl FnMut(&[StoredObject]) -> bool,
    ) -> Result<Vec<StoredObject>, StoreError> {
        let mut changes = self.changes.clone();
        let arrive = async {
            loop {
                changes.mark_unchanged();
                let objects = self.objects()?;
                if wanted(&objects) || changes.changed().await.is_err() {
                    return Ok(objects);
                }
            }
        };
        match timeout(limit, arrive).await {
            Ok(result) => result,
            Err(_) => Err(self.late(limit)),
        }
    }

    /// Waits until the request log is as the caller wants it.
    pub async fn wait_for_requests(
        &self,
        limit: Duration,
        mut wanted: impl FnMut(&[LoggedRequest]) -> bool,
    ) -> Result<Vec<LoggedRequest>, StoreError> {
        let mut changes = self.changes.clone();
        let arrive = async {
            loop {
                changes.mark_unchanged();
                let requests = self.requests();
                if wanted(&requests) || changes.changed().await.is_err() {
                    return requests;
                }
            }
        };
        timeout(limit, arrive).await.map_err(|_| self.late(limit))
    }

    fn late(&self, limit: Duration) -> StoreError {
        StoreError::Late {
            limit,
            objects: self.objects().map_or(0, |objects| objects.len()),
            requests: self.requests().len(),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

#[cfg(test)]
mod tests;
