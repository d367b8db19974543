//! Texts that must not appear in any output.

use std::fmt;

/// What stands in a secret's place, as in Fluentd's own logs.
pub(super) const MASK: &str = "xxxxxx";

/// A passphrase or a key, as Fluentd's `secret: true` parameters. Neither `Debug` nor
/// `Display` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one who needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Whether a parameter of this name is taken for a secret where nobody knows its type yet:
/// in messages about a line that could not be read, and in dumps of the tree.
///
/// Rather one too many than one too few: `aws_key_id` is masked by Fluentd, too.
pub(super) fn sounds_secret(parameter: &str) -> bool {
    const WORDS: [&str; 9] = [
        "pass",
        "secret",
        "sec_key",
        "key_id",
        "token",
        "credential",
        "shared_key",
        "customer_key",
        "authorization",
    ];
    let parameter = parameter.to_ascii_lowercase();
    WORDS.iter().any(|word| parameter.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show() {
        let secret = Secret::new("hunter2");
        assert_eq!(
            format!("{secret} {secret:?} {:?}", Some(&secret)),
            "xxxxxx xxxxxx Some(xxxxxx)"
        );
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn the_secrets_of_the_plugins_we_know_sound_so() {
        for name in [
            "private_key_passphrase",
            "ca_private_key_passphrase",
            "aws_key_id",
            "aws_sec_key",
            "sse_customer_key",
            "password",
        ] {
            assert!(sounds_secret(name), "{name}");
        }
        for name in ["private_key_path", "s3_bucket", "path", "chunk_limit_size"] {
            assert!(!sounds_secret(name), "{name}");
        }
    }
}
