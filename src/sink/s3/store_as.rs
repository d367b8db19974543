//! `store_as`: the form of an object's body.

/// How a chunk is packed, and what its object is called by that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreAs {
    /// `gzip`
    Gzip,
    /// `json`: as it is.
    Json,
    /// `text`: as it is.
    Text,
    /// `zstd`
    Zstd(ZstdLevel),
}

impl StoreAs {
    /// The packing of that name; `gzip_command` packs as `gzip`, without the command.
    ///
    /// `None` for a name that we do not know: fluent-plugin-s3 warns and stores as
    /// [`StoreAs::Text`].
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "gzip" | "gzip_command" => Some(Self::Gzip),
            "json" => Some(Self::Json),
            "text" => Some(Self::Text),
            "zstd" => Some(Self::Zstd(ZstdLevel::default())),
            _ => None,
        }
    }

    /// What `%{file_extension}` is.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Gzip => "gz",
            Self::Json => "json",
            Self::Text => "txt",
            Self::Zstd(_) => "zst",
        }
    }

    /// The object's `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Gzip => "application/x-gzip",
            Self::Json => "application/json",
            Self::Text => "text/plain",
            Self::Zstd(_) => "application/x-zst",
        }
    }
}

/// `level` of the `<compress>` section: 1 (fast) to 22 (small).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZstdLevel(i32);

/// A level that zstd does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the zstd level is {found}, and must be 1 to 22")]
pub struct ZstdLevelError {
    found: i64,
}

impl ZstdLevel {
    /// Takes the configured number.
    ///
    /// # Errors
    /// If zstd does not have the level.
    pub fn new(level: i64) -> Result<Self, ZstdLevelError> {
        i32::try_from(level)
            .ok()
            .filter(|level| (1..=22).contains(level))
            .map(Self)
            .ok_or(ZstdLevelError { found: level })
    }

    pub(super) fn get(self) -> i32 {
        self.0
    }
}

impl Default for ZstdLevel {
    fn default() -> Self {
        Self(3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_we_do_not_know_are_told_apart() {
        assert_eq!(StoreAs::from_name("gzip_command"), Some(StoreAs::Gzip));
        assert_eq!(StoreAs::from_name("bogus"), None);
    }

    #[test]
    fn levels_beyond_zstds_are_refused() {
        assert_eq!(ZstdLevel::new(22).map(ZstdLevel::get), Ok(22));
        for found in [0, 23, i64::MAX] {
            assert_eq!(ZstdLevel::new(found), Err(ZstdLevelError { found }));
        }
    }
}
