//! When a change is told. Time is paused; the files are real ones.

use std::path::Path;

use tokio::time::{Instant, timeout};

use super::*;

const LONG: Duration = Duration::from_secs(60);

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

fn watch_file(path: &Path) -> Watch {
    let version = Fingerprint::of(path);
    Watch::start(BTreeMap::from([(path.to_owned(), version)]))
}

#[tokio::test(start_paused = true)]
async fn a_file_that_changes_is_told_once_when_it_has_settled() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("server.key");
    write(&path, "old");
    let mut watch = watch_file(&path);
    assert!(timeout(LONG, watch.changed()).await.is_err(), "unchanged");

    write(&path, "the new one");
    let start = Instant::now();
    timeout(LONG, watch.changed()).await.unwrap();
    assert!(start.elapsed() >= INTERVAL, "{:?}", start.elapsed());
    assert!(timeout(LONG, watch.changed()).await.is_err(), "told twice");
}

#[tokio::test(start_paused = true)]
async fn an_exchanged_link_and_a_file_that_goes_are_changes() {
    let directory = tempfile::tempdir().unwrap();
    let [link, first, second] = ["link", "first", "second"].map(|name| directory.path().join(name));
    write(&first, "same");
    write(&second, "same");
    std::os::unix::fs::symlink(&first, &link).unwrap();
    let mut watch = watch_file(&link);

    let new_link = directory.path().join("new");
    std::os::unix::fs::symlink(&second, &new_link).unwrap();
    std::fs::rename(&new_link, &link).unwrap();
    timeout(LONG, watch.changed()).await.unwrap();

    std::fs::remove_file(&link).unwrap();
    timeout(LONG, watch.changed()).await.unwrap();
}
