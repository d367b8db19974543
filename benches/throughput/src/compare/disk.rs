//! What the disk gives: the time of one sync.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use tokio::time::Instant;

/// The p50 of an fdatasync after an append of 600 bytes, in microseconds.
pub(super) fn sync_microseconds(directory: &Path) -> io::Result<f64> {
    const SYNCS: usize = 501;
    const APPEND: [u8; 600] = [b'x'; 600];

    let mut file = File::create(directory.join("sync"))?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        file.write_all(&APPEND)?;
        let begun = Instant::now();
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let middle = times.get(SYNCS / 2).copied().unwrap_or_default();
    Ok(middle.as_secs_f64() * 1e6)
}
