//! Where a chunk's file lies.

use std::fmt;

use fluent_compat::chunk::ChunkKeys;
use fluent_compat::object_key::NameError;
use fluent_compat::placeholder::{PlaceholderWarning, Placeholders};
use fluent_compat::time::Zone;

use crate::sink::ChunkInfo;

/// A path with placeholders, and the place in it where a numbered file has its number.
#[derive(Clone, Debug)]
pub struct FilePath {
    before: Placeholders,
    /// `_` in `@type file`, `.` in `secondary_file`.
    separator: char,
    after: Placeholders,
}

impl FilePath {
    /// Takes apart what stands before and after the number. `zone` is the buffer's.
    pub fn parse(
        before: &str,
        separator: char,
        after: &str,
        keys: &ChunkKeys,
        zone: &Zone,
    ) -> Self {
        Self {
            before: Placeholders::parse(before, keys, zone),
            separator,
            after: Placeholders::parse(after, keys, zone),
        }
    }

    /// The placeholders that will not be filled in.
    pub fn warnings(&self) -> impl Iterator<Item = &PlaceholderWarning> {
        self.before.warnings().iter().chain(self.after.warnings())
    }

    /// The path for a chunk, `index` in its place if the file is numbered.
    pub(super) fn render(
        &self,
        chunk: &ChunkInfo,
        index: Option<u64>,
    ) -> Result<String, NameError> {
        let mut path = self.before.render(chunk.id, &chunk.metadata)?;
        if let Some(index) = index {
            path.push(self.separator);
            path.push_str(&index.to_string());
        }
        path.push_str(&self.after.render(chunk.id, &chunk.metadata)?);
        Ok(path)
    }
}

impl fmt::Display for FilePath {
    /// As it is configured, without a number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.before.source())?;
        f.write_str(self.after.source())
    }
}
