//! Where things stand in the configuration: the files read and places in them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One file of a [`Sources`] table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileId(u32);

/// A piece of a file's text: `len` bytes from byte `offset` on.
///
/// Ordered as one reads: by file in order of inclusion, then by place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Span {
    pub(super) file: FileId,
    pub(super) offset: u32,
    pub(super) len: u32,
}

impl Span {
    /// The piece from byte `start` up to `end`. Files are far smaller than `u32::MAX`
    /// bytes: the reader refuses larger ones.
    pub(super) fn new(file: FileId, start: usize, end: usize) -> Self {
        let clamp = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        Self {
            file,
            offset: clamp(start),
            len: clamp(end.saturating_sub(start)),
        }
    }

    /// The file it lies in.
    pub fn file(self) -> FileId {
        self.file
    }

    fn start(self) -> usize {
        self.offset as usize
    }
}

/// A span for a human: `path:line:column`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Location<'s> {
    /// The file's path as it was given or included.
    pub path: &'s Path,
    /// Counts from 1.
    pub line: usize,
    /// Counts characters from 1.
    pub column: usize,
    /// The whole line, without its line break.
    pub text: &'s str,
}

/// Every file that was read, in the order of reading.
#[derive(Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
}

struct Source {
    path: PathBuf,
    text: Arc<str>,
}

/// Without the text: there are secrets in it.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.path)
    }
}

impl Sources {
    /// Takes a file in.
    pub(super) fn add(&mut self, path: PathBuf, text: Arc<str>) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(Source { path, text });
        id
    }

    /// The paths of the files, in the order of reading; the first is the main file.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|source| source.path.as_path())
    }

    /// How many files were read.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The text under a span; empty for a span of another table.
    pub fn text(&self, span: Span) -> &str {
        let end = span.start() + span.len as usize;
        self.source(span.file)
            .and_then(|source| source.text.get(span.start()..end))
            .unwrap_or("")
    }

    /// Line and column of a span's start; `None` for a span of another table.
    pub fn locate(&self, span: Span) -> Option<Location<'_>> {
        let source = self.source(span.file)?;
        // A JSON parser names bytes, which may lie in the middle of a character.
        let before = source
            .text
            .get(..source.text.floor_char_boundary(span.start()))?;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let rest = source.text.get(line_start..)?;
        Some(Location {
            path: &source.path,
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..)?.chars().count() + 1,
            text: rest.split(['\n', '\r']).next().unwrap_or(rest),
        })
    }

    fn source(&self, file: FileId) -> Option<&Source> {
        self.files.get(file.0 as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_located_by_line_and_character() {
        let mut sources = Sources::default();
        let file = sources.add("a.conf".into(), "one\r\n  żó x\n".into());
        let x = Span::new(file, 12, 13);
        let location = sources.locate(x).unwrap();
        assert_eq!(sources.text(x), "x");
        assert_eq!(
            (location.line, location.column, location.text),
            (2, 6, "  żó x")
        );
    }

    #[test]
    fn a_span_of_another_table_is_nowhere() {
        let mut sources = Sources::default();
        let file = sources.add("a.conf".into(), "text".into());
        assert_eq!(Sources::default().locate(Span::new(file, 0, 1)), None);
        assert_eq!(sources.text(Span::new(file, 2, 99)), "");
    }
}
