//! An object as a test looks at it.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use flate2::read::MultiGzDecoder;

use super::StoreError;

/// One object of a store; its bytes are read when they are asked for.
#[derive(Clone, Debug)]
pub struct StoredObject {
    /// The bucket it lies in.
    pub bucket: String,
    /// Its name there.
    pub key: String,
    /// Its size in bytes, as stored.
    pub size: u64,
    /// Its `Content-Type`.
    pub content_type: Option<String>,
    /// Its `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// Its `x-amz-storage-class`.
    pub storage_class: Option<String>,
    /// Its user metadata, without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// The file that holds it.
    pub path: PathBuf,
}

impl StoredObject {
    /// The bytes as they were put.
    pub fn bytes(&self) -> Result<Vec<u8>, StoreError> {
        std::fs::read(&self.path).map_err(|source| self.error(source))
    }

    /// The text in it: gzip (of any number of members) and zstd (of any number of frames)
    /// are unpacked by their first bytes, all else is taken as it is.
    pub fn text(&self) -> Result<String, StoreError> {
        decompress(&self.bytes()?).map_err(|source| self.error(source))
    }

    fn error(&self, source: std::io::Error) -> StoreError {
        StoreError::File {
            path: self.path.clone(),
            source,
        }
    }
}

fn decompress(bytes: &[u8]) -> std::io::Result<String> {
    let mut text = String::new();
    let mut reader: Box<dyn Read + '_> = match bytes {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(bytes)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::Decoder::new(bytes)?),
        _ => Box::new(bytes),
    };
    reader.read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_gzip_member_is_read() {
        let bytes = [gzip("one\n"), gzip("two\n")].concat();
        assert_eq!(decompress(&bytes).unwrap(), "one\ntwo\n");
    }

    #[test]
    fn every_zstd_frame_is_read() {
        let frame = |text: &str| zstd::encode_all(text.as_bytes(), 1).unwrap();
        let bytes = [frame("one\n"), frame("two\n")].concat();
        assert_eq!(decompress(&bytes).unwrap(), "one\ntwo\n");
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        assert_eq!(decompress(b"{\"a\":1}\n").unwrap(), "{\"a\":1}\n");
    }

    #[test]
    fn a_cut_gzip_member_is_an_error() {
        let mut bytes = gzip("one\n");
        bytes.truncate(bytes.len() - 4);
        assert!(decompress(&bytes).is_err());
    }
}
