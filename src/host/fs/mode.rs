//! Permissions as parameters say them.

use std::str::FromStr;

/// `file_permission` and `dir_permission`. What is not given is what Fluentd gives, 0644
/// and 0755, without what the process's umask takes away; what is given is given as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modes {
    /// Of files.
    pub file: Option<Mode>,
    /// Of directories.
    pub dir: Option<Mode>,
}

impl Modes {
    /// For the process's own user alone.
    pub const PRIVATE: Self = Self {
        file: Some(Mode(0o600)),
        dir: Some(Mode(0o700)),
    };

    /// These, and where nothing is given the others.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            file: self.file.or(others.file),
            dir: self.dir.or(others.dir),
        }
    }
}

/// Permission bits, written in octal as in `0640`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode(u32);

/// A text that is no permissions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected permissions in octal, such as 0640, found \"{found}\"")]
pub struct ModeError {
    found: String,
}

impl Mode {
    /// As the system takes it.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// Whether it gives the owner all of these.
    pub fn lets_owner(self, bits: u32) -> bool {
        self.0 & bits == bits
    }
}

impl FromStr for Mode {
    type Err = ModeError;

    fn from_str(text: &str) -> Result<Self, ModeError> {
        const MOST: u32 = 0o7777;
        let is_octal = text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
        let bits = u32::from_str_radix(text, 8).ok();
        match bits.filter(|bits| is_octal && *bits <= MOST) {
            Some(bits) => Ok(Self(bits)),
            None => Err(ModeError {
                found: text.to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_octal() {
        assert_eq!("0640".parse(), Ok(Mode(0o640)));
        assert_eq!("755".parse(), Ok(Mode(0o755)));
        for text in ["", "0o640", "rw", "0888", "+640", "17777"] {
            assert!(text.parse::<Mode>().is_err(), "{text}");
        }
    }
}
