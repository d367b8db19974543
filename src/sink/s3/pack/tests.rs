use std::io::Read;

use super::*;
use crate::sink::s3::ZstdLevel;

struct Repeated(&'static str, usize);

impl Body for Repeated {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(io::Cursor::new(self.0.repeat(self.1))))
    }
}

const LINES: Repeated = Repeated("{\"event\":\"session.start\",\"uid\":\"4a1b\"}\n", 10_000);

fn pack(store_as: StoreAs, memory_limit: usize) -> Packed {
    let spool = tempfile::tempdir().unwrap();
    Packed::with_limit(&LINES, store_as, spool.path(), memory_limit).unwrap()
}

async fn bytes(packed: &Packed) -> Vec<u8> {
    let stream = packed.stream().await.unwrap();
    stream.collect().await.unwrap().to_vec()
}

#[tokio::test]
async fn every_packing_gives_the_lines_back() {
    let lines = LINES.0.repeat(LINES.1);
    for store_as in [
        StoreAs::Gzip,
        StoreAs::Json,
        StoreAs::Text,
        StoreAs::Zstd(ZstdLevel::default()),
    ] {
        let packed = bytes(&pack(store_as, MEMORY_LIMIT)).await;
        let mut text = String::new();
        match store_as {
            StoreAs::Gzip => flate2::read::GzDecoder::new(packed.as_slice())
                .read_to_string(&mut text)
                .unwrap(),
            StoreAs::Zstd(_) => zstd::Decoder::new(packed.as_slice())
                .unwrap()
                .read_to_string(&mut text)
                .unwrap(),
            StoreAs::Json | StoreAs::Text => packed.as_slice().read_to_string(&mut text).unwrap(),
        };
        assert_eq!(text, lines, "{store_as:?}");
    }
}

#[tokio::test]
async fn the_same_chunk_gives_the_same_bytes_in_memory_and_on_disk() {
    for store_as in [StoreAs::Gzip, StoreAs::Zstd(ZstdLevel::default())] {
        let in_memory = pack(store_as, MEMORY_LIMIT);
        let on_disk = pack(store_as, 16);
        assert!(matches!(in_memory.data, Data::Memory(_)));
        assert!(matches!(on_disk.data, Data::Disk(_)));
        assert_eq!(in_memory.crc32c, on_disk.crc32c);
        assert_eq!(bytes(&in_memory).await, bytes(&on_disk).await);
    }
}

#[tokio::test]
async fn length_and_checksum_are_those_of_the_packed_bytes() {
    let packed = pack(StoreAs::Gzip, 16);
    let bytes = bytes(&packed).await;
    assert_eq!(packed.length, bytes.len() as u64);
    assert_eq!(packed.crc32c, crc32c::crc32c(&bytes));
}

#[tokio::test]
async fn a_body_on_disk_can_be_read_again() {
    let packed = pack(StoreAs::Text, 16);
    assert_eq!(bytes(&packed).await, bytes(&packed).await);
}

#[tokio::test]
async fn a_gzip_header_has_neither_time_nor_name() {
    let bytes = bytes(&pack(StoreAs::Gzip, MEMORY_LIMIT)).await;
    assert_eq!(bytes[..8], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
}

#[test]
fn a_chunk_that_cannot_be_read_is_an_error() {
    struct Unreadable;
    impl Body for Unreadable {
        fn open(&self) -> io::Result<Box<dyn Read + Send>> {
            Err(io::ErrorKind::NotFound.into())
        }
    }
    let spool = tempfile::tempdir().unwrap();
    let error = Packed::new(&Unreadable, StoreAs::Gzip, spool.path()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_spool_directory_that_is_missing_is_an_error() {
    let spool = tempfile::tempdir().unwrap();
    let missing = spool.path().join("gone");
    Packed::with_limit(&LINES, StoreAs::Text, &missing, 16).unwrap_err();
}
