//! What tells one version of a file from the next without reading it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A version of a file. A link is what it points at, so that the exchange of a link shows,
/// by which Kubernetes renews mounted secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    device: u64,
    inode: u64,
    size: u64,
    /// Seconds and nanoseconds of the content's last change.
    modified: (i64, i64),
    /// The same of the last change of anything: permissions too, which may be what it was
    /// about.
    changed: (i64, i64),
}

impl Fingerprint {
    /// The version that is there; `None` if there is none, or nobody may know.
    pub fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        Some(Self {
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}
