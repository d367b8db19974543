//! What Fluentd calls a chunk's files.

use std::path::Path;

use crate::chunk::ChunkId;

/// The names that `buf_file` gives under one `path`: `<prefix>.b<id>.<suffix>`, and the same
/// with `.meta` behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftoverNames {
    /// With its dot at the end.
    prefix: String,
    /// With its dot at the beginning; `None` when `path` does not say it but `path_suffix`.
    suffix: Option<String>,
}

/// Which file of which chunk a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftoverFile {
    /// The letter before the id.
    pub state: LeftoverState,
    /// The id in the name; the metadata's is the one that counts.
    pub id: ChunkId,
    /// Body or metadata.
    pub part: Part,
}

/// Where a chunk was in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftoverState {
    /// `b`: it took events.
    Staged,
    /// `q`: it waited for its output.
    Queued,
}

/// One of the two files of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The formatted events.
    Body,
    /// `.meta`.
    Meta,
}

const META: &str = ".meta";

impl LeftoverNames {
    /// The names under the `path` of a `<buffer>`: a directory (`buffer.*`), or a file name
    /// with a `.*`, of which what follows the star is the suffix.
    pub fn new(path: &Path) -> Self {
        let last = path.file_name().and_then(|name| name.to_str());
        let (prefix, suffix) = match last.and_then(|name| name.split_once(".*")) {
            Some((prefix, suffix)) => (prefix, Some(suffix)),
            None => ("buffer", None),
        };
        let suffix = suffix.filter(|suffix| suffix.starts_with('.'));
        Self {
            prefix: format!("{prefix}."),
            suffix: suffix.map(str::to_owned),
        }
    }

    /// Which file of a chunk this name means, if any of these.
    pub fn parse(&self, name: &str) -> Option<LeftoverFile> {
        let (file, suffix) = split(name.strip_prefix(&self.prefix)?)?;
        let expected = self.suffix.as_deref();
        expected
            .is_none_or(|expected| suffix == expected)
            .then_some(file)
    }
}

impl LeftoverFile {
    /// Which file of a chunk this name means under any `path`: for those who look at a
    /// directory without its configuration.
    pub fn of_any(name: &str) -> Option<Self> {
        let candidates = name.match_indices('.');
        let mut found = candidates.filter_map(|(dot, _)| split(name.get(dot + 1..)?));
        found.next().map(|(file, _)| file)
    }
}

/// `b<id>.log.meta` → the file and `.log`.
fn split(rest: &str) -> Option<(LeftoverFile, &str)> {
    let (rest, part) = match rest.strip_suffix(META) {
        Some(body) => (body, Part::Meta),
        None => (rest, Part::Body),
    };
    let (chunk, suffix) = rest.split_at(rest.find('.')?);
    let state = match chunk.get(..1)? {
        "b" => LeftoverState::Staged,
        "q" => LeftoverState::Queued,
        _ => return None,
    };
    let id = chunk.get(1..)?.parse().ok()?;
    // forebay's own files lie beside them.
    let is_ours = suffix.starts_with(".chunk") || suffix == ".tmp";
    (suffix.len() > 1 && !is_ours).then_some((LeftoverFile { state, id, part }, suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "660c0216c4b832abb92eba5e472f494f";

    fn parse(path: &str, name: &str) -> Option<(LeftoverState, Part)> {
        let name = name.replace("ID", ID);
        let file = LeftoverNames::new(Path::new(path)).parse(&name)?;
        assert_eq!(file.id.to_string(), ID);
        Some((file.state, file.part))
    }

    #[test]
    fn a_directory_holds_files_that_begin_with_buffer() {
        let dir = "/var/log/fluent/s3";
        let staged = Some((LeftoverState::Staged, Part::Body));
        assert_eq!(parse(dir, "buffer.bID.log"), staged);
        // `path_suffix .buf`.
        assert_eq!(parse(dir, "buffer.bID.buf"), staged);
        let meta = Some((LeftoverState::Queued, Part::Meta));
        assert_eq!(parse(dir, "buffer.qID.log.meta"), meta);
    }

    #[test]
    fn a_path_with_a_star_says_prefix_and_suffix() {
        let path = "/var/log/fluent/s3.*.dat";
        let queued = Some((LeftoverState::Queued, Part::Body));
        assert_eq!(parse(path, "s3.qID.dat"), queued);
        assert_eq!(parse(path, "s3.qID.log"), None);
        assert_eq!(parse(path, "buffer.qID.dat"), None);
        // The suffix is added, and `path_suffix` may say another.
        assert_eq!(parse("/var/log/fluent/s3.*", "s3.qID.log"), queued);
    }

    #[test]
    fn names_of_others_are_not_taken() {
        for name in [
            "buffer.bID.chunk",
            "buffer.qID.tmp",
            "buffer.xID.log",
            "buffer.b60.log",
            "buffer.bID",
            "buffer.bID.",
            "buffer.other.bID.log",
            "buffer.log",
        ] {
            assert_eq!(parse("/d", name), None, "{name}");
        }
    }

    #[test]
    fn without_a_configuration_any_prefix_will_do() {
        let found = LeftoverFile::of_any(&format!("audit.s3.q{ID}.log.meta")).unwrap();
        assert_eq!(found.part, Part::Meta);
        assert_eq!(LeftoverFile::of_any(&format!("audit.s3.q{ID}.chunk")), None);
    }
}
