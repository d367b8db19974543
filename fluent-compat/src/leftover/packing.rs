//! `compress` of `<buffer>`, as a chunk's body shows it.

use std::fmt;

/// How a body is packed. Each append is a member (or frame) of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// `compress text`: the events as they are.
    Text,
    /// `compress gzip`.
    Gzip,
    /// `compress zstd`.
    Zstd,
}

impl Packing {
    /// What a body that begins like this is packed with. Four bytes are enough.
    ///
    /// The configuration may say something else by now, so the bytes are asked: no format of
    /// Fluentd's begins a record like this.
    pub fn of(beginning: &[u8]) -> Self {
        match beginning {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::Text,
        }
    }
}

impl fmt::Display for Packing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell() {
        assert_eq!(Packing::of(&[0x1f, 0x8b, 8, 0]), Packing::Gzip);
        assert_eq!(Packing::of(&[0x28, 0xb5, 0x2f, 0xfd]), Packing::Zstd);
        assert_eq!(Packing::of(b"{\"ei\":1}"), Packing::Text);
        assert_eq!(Packing::of(b""), Packing::Text);
    }
}
