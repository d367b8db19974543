//! Chunks that are to make objects of a size, and looks at what they hold.

use proptest::prelude::*;

use super::*;

/// A line of so many bytes.
fn line(bytes: usize) -> String {
    format!("{}\n", "a".repeat(bytes - 1))
}

async fn append(buffer: &Buffer, tag: &str, bytes: usize) {
    let portion = portion(tag, &line(bytes));
    buffer.append(vec![portion]).await.unwrap();
}

/// The sizes of all chunks of one tag, oldest first; the last is the one that was open.
async fn sizes(buffer: &Buffer) -> Vec<usize> {
    let texts = drain(buffer).await.remove("a").unwrap_or_default();
    texts.iter().map(String::len).collect()
}

#[tokio::test]
async fn a_chunk_is_full_from_the_size_it_is_to_be_filled_to() {
    let buffer = open(&CrashingFs::default());
    buffer.fill_chunks_to(100);
    for _ in 0..7 {
        append(&buffer, "a", 40).await;
    }
    assert_eq!(sizes(&buffer).await, [120, 120, 40]);
}

#[tokio::test]
async fn a_size_that_is_told_later_holds_for_the_chunk_that_is_open() {
    let buffer = open(&CrashingFs::default());
    for _ in 0..5 {
        append(&buffer, "a", 40).await;
    }
    buffer.fill_chunks_to(100);
    for _ in 0..2 {
        append(&buffer, "a", 40).await;
    }
    assert_eq!(sizes(&buffer).await, [200, 80]);
}

#[tokio::test]
async fn chunk_limit_size_stays_the_upper_bound() {
    let buffer = open(&CrashingFs::default());
    buffer.fill_chunks_to(5000);
    for _ in 0..4 {
        append(&buffer, "a", 400).await;
    }
    assert_eq!(sizes(&buffer).await, [800, 800]);
}

#[tokio::test]
async fn the_largest_staged_chunk_is_looked_at_up_to_a_whole_append() {
    let buffer = open(&CrashingFs::default());
    assert!(buffer.sample(100).unwrap().is_none());
    append(&buffer, "b", 20).await;
    for _ in 0..3 {
        append(&buffer, "a", 40).await;
    }
    let sample = buffer.sample(100).unwrap().unwrap();
    assert_eq!(sample.bytes, 80);
    assert_eq!(text_of_body(&sample.body), line(40).repeat(2));
}

#[tokio::test]
async fn a_sample_counts_what_the_chunk_counts() {
    let config = Config {
        compression: Compression::Gzip,
        ..config()
    };
    let buffer = open_with(&CrashingFs::default(), &config);
    append(&buffer, "a", 800).await;
    let sample = buffer.sample(1000).unwrap().unwrap();
    assert_eq!(sample.bytes, buffer.held());
    assert_eq!(text_of_body(&sample.body), line(800));
}

fn text_of_body(body: &ChunkBody) -> String {
    let mut text = String::new();
    body.open().unwrap().read_to_string(&mut text).unwrap();
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever is told in between: a chunk ends once it is large enough, and holds less than
    /// one append more, and never more than `chunk_limit_size`.
    #[test]
    fn a_chunk_is_filled_to_its_size_and_by_less_than_an_append_beyond(
        steps in prop::collection::vec((2..200_usize, prop::option::of(1..1500_u64)), 1..40)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let fs = Arc::new(CrashingFs::default());
            let clock = Arc::new(PausedClock::starting_at(1_700_000_000));
            let buffer = Buffer::open_without_thread(fs, &config(), clock).unwrap();
            // What the model says of each chunk.
            let (mut expected, mut open, mut enough) = (Vec::new(), 0, u64::MAX);
            for (bytes, told) in steps {
                if let Some(told) = told {
                    buffer.fill_chunks_to(told);
                    enough = told;
                }
                let full = |open: usize| open as u64 >= enough || open as f64 >= 950.0;
                if open > 0 && (open as u64 >= enough || open + bytes > 1000) {
                    expected.push(std::mem::take(&mut open));
                }
                append(&buffer, "a", bytes).await;
                open += bytes;
                if full(open) {
                    expected.push(std::mem::take(&mut open));
                }
            }
            expected.extend((open > 0).then_some(open));
            assert_eq!(sizes(&buffer).await, expected);
        });
    }
}
