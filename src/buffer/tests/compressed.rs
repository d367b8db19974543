//! `compress`: chunks hold packed events, and nobody who reads them notices.

use std::path::Path;

use super::*;

const BOTH: [Compression; 2] = [Compression::Gzip, Compression::Zstd];

fn packing(compression: Compression) -> Config {
    let mut config = config();
    config.compression = compression;
    config
}

/// An event that becomes a tenth when it is packed.
fn wordy(number: u32) -> String {
    format!("{number} {}\n", "session.command ".repeat(30))
}

#[tokio::test(start_paused = true)]
async fn packed_events_come_out_as_they_went_in() {
    for compression in BOTH {
        let fs = CrashingFs::default();
        let buffer = open_with(&fs, &packing(compression));
        for number in 0..3 {
            let portion = portion("a", &wordy(number));
            buffer.append(vec![portion]).await.unwrap();
        }
        let expected: String = (0..3).map(wordy).collect();
        assert_eq!(after_a_crash(&fs).await, texts(&[("a", &[&expected])]));
    }
}

#[tokio::test(start_paused = true)]
async fn limits_count_packed_bytes() {
    for compression in BOTH {
        let mut config = packing(compression);
        config.total_limit_size = 1000;
        let buffer = open_with(&CrashingFs::default(), &config);
        for number in 0..4 {
            let portion = portion("a", &wordy(number));
            buffer.append(vec![portion]).await.unwrap();
        }
        buffer.seal(|_| true).await;
        let chunk = take(&buffer).await.unwrap();
        assert_eq!(chunk.records, 4, "{compression:?}");
        assert!(chunk.bytes < 500, "{compression:?}: {}", chunk.bytes);
        buffer.purge(chunk).unwrap();
        assert_eq!(buffer.shared.limits.held(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_chunk_goes_on_with_another_packing_after_a_restart() {
    let fs = CrashingFs::default();
    let compressions = [Compression::Gzip, Compression::Text, Compression::Zstd];
    for (number, compression) in (0..).zip(compressions) {
        let buffer = open_with(&fs, &packing(compression));
        let portion = portion("a", &wordy(number));
        buffer.append(vec![portion]).await.unwrap();
        buffer.close().await;
    }
    let expected: String = (0..3).map(wordy).collect();
    assert_eq!(after_a_crash(&fs).await, texts(&[("a", &[&expected])]));
}

#[tokio::test(start_paused = true)]
async fn damage_in_packed_events_is_set_aside_and_the_rest_is_kept() {
    for compression in BOTH {
        let fs = CrashingFs::default();
        let buffer = open_with(&fs, &packing(compression));
        buffer.append(vec![portion("a", "one\n")]).await.unwrap();
        let path = fs.paths().remove(0);
        let first = fs.read(&path).unwrap().len();
        for number in [2, 3] {
            let portion = portion("a", &wordy(number));
            buffer.append(vec![portion]).await.unwrap();
        }
        buffer.close().await;
        // Behind the frame's head and the packing's own.
        fs.corrupt(&path, |content| content[first + 40] ^= 1);
        let kept = format!("one\n{}", wordy(3));
        assert_eq!(after_a_crash(&fs).await, texts(&[("a", &[&kept])]));
        let aside = |path: &PathBuf| path.parent() == Some(Path::new("/buffer/backup"));
        assert!(fs.paths().iter().any(aside), "{compression:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_unpacked_again_is_refused() {
    for compression in BOTH {
        let mut config = packing(compression);
        config.decompression_size_limit = 100;
        let buffer = open_with(&CrashingFs::default(), &config);
        let refused = buffer.append(vec![portion("a", &wordy(0))]).await;
        let (found, limit) = (wordy(0).len() as u64, 100);
        assert_eq!(refused, Err(AppendError::TooLarge { found, limit }));
    }
}

#[tokio::test]
async fn a_large_request_is_packed_beside_the_others() {
    let mut config = packing(Compression::Gzip);
    config.chunk_limit_size = 1 << 20;
    let buffer = open_with(&CrashingFs::default(), &config);
    let large: String = (0..500).map(wordy).collect();
    buffer.append(vec![portion("a", &large)]).await.unwrap();
    assert_eq!(drain(&buffer).await, texts(&[("a", &[&large])]));
}
