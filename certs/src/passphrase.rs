//! What opens an encrypted key.

use std::fmt;

use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use crate::{IssueError, random};

/// A passphrase: never shown by `Debug`, wiped from memory when dropped.
///
/// Follows Fluentd's `private_key_passphrase` and `ca_private_key_passphrase`.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes the text as it is: a trailing newline belongs to it.
    pub fn new(text: impl Into<String>) -> Passphrase {
        Passphrase(Zeroizing::new(text.into()))
    }

    /// 32 random bytes as 64 lower-case hex digits, as Teleport's tool makes them.
    pub(crate) fn random() -> Result<Passphrase, IssueError> {
        let mut bytes = Zeroizing::new([0; 32]);
        random::fill(bytes.as_mut())?;
        Ok(Passphrase::new(HEXLOWER.encode(bytes.as_ref())))
    }

    /// The text itself, for the one who writes a `fluent.conf`.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::Passphrase;

    #[test]
    fn debug_output_does_not_show_the_passphrase() {
        let passphrase = Passphrase::new("hunter2");
        assert_eq!(format!("{passphrase:?}"), "Passphrase([redacted])");
    }

    #[test]
    fn random_passphrases_are_64_hex_digits_and_differ() {
        let first = Passphrase::random().unwrap();
        let second = Passphrase::random().unwrap();
        assert_eq!(first.expose().len(), 64);
        assert!(first.expose().bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(first.expose(), second.expose());
    }
}
