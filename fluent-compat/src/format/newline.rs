//! What ends a line.

/// What is written behind an event: `newline`, unless `add_newline` is false.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Newline {
    /// Nothing (`add_newline false`).
    None,
    /// A line feed (`newline lf`).
    #[default]
    Lf,
    /// Carriage return and line feed (`newline crlf`).
    CrLf,
}

impl Newline {
    pub(super) fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(match self {
            Self::None => b"",
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
        });
    }

    /// Takes the line's end from what was written since `start`, as Ruby's `chomp` does.
    pub(super) fn chomp(out: &mut Vec<u8>, start: usize) {
        let line = out.get(start..).unwrap_or_default();
        let ending = match line {
            [.., b'\r', b'\n'] => 2,
            [.., b'\n' | b'\r'] => 1,
            _ => 0,
        };
        out.truncate(out.len() - ending);
    }
}
