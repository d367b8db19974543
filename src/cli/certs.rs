//! What `forebay certs` takes.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

const DAY: u64 = 86_400;

/// What `forebay certs` takes; its names are those of Teleport's tool where that has them.
#[derive(Debug, Args)]
pub(crate) struct CertsCommand {
    /// Where the files are written; made if it is not there
    pub(crate) dir: PathBuf,

    /// What the server is called by, in both certificates [default: localhost, 127.0.0.1]
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = dns_name)]
    pub(crate) dns_names: Vec<String>,

    /// The same, for addresses
    #[arg(long = "ip", value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) addresses: Vec<IpAddr>,

    /// How long they are good for
    #[arg(long, value_name = "DAYS", default_value_t = 3650, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,

    /// The kind of key
    #[arg(long, value_enum, default_value_t = KeyKind::Rsa4096)]
    pub(crate) key: KeyKind,

    /// Leave server.key unencrypted, and write no passphrase
    #[arg(long, conflicts_with = "renew")]
    plain_key: bool,

    /// Replace server.* and client.* by new ones of the CA that is there, for the same names
    /// unless others are given
    #[arg(long)]
    pub(crate) renew: bool,
}

/// The kind of the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyKind {
    /// What Teleport's tool makes
    Rsa4096,
    /// RSA with 2048 bits
    Rsa2048,
    /// ECDSA on P-256: smaller, and made at once
    P256,
}

/// How `server.key` is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passphrases {
    /// With a passphrase made for it.
    Random,
    /// Not at all.
    None,
}

impl CertsCommand {
    pub(crate) fn lifetime(&self) -> Duration {
        Duration::from_secs(u64::from(self.days) * DAY)
    }

    pub(crate) fn passphrases(&self) -> Passphrases {
        match self.plain_key {
            true => Passphrases::None,
            false => Passphrases::Random,
        }
    }
}

/// Labels of letters, digits and hyphens, the first of which may be `*`.
fn dns_name(text: &str) -> Result<String, String> {
    let is_label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let hyphens = label.starts_with('-') || label.ends_with('-');
        (1..=63).contains(&label.len()) && label.bytes().all(inner) && !hyphens
    };
    let name = text.strip_prefix("*.").unwrap_or(text);
    if text.parse::<IpAddr>().is_ok() {
        return Err("this is an address; `--ip` takes those".to_owned());
    }
    match text.len() <= 253 && name.split('.').all(is_label) {
        true => Ok(text.to_owned()),
        false => {
            Err("allowed are letters, digits and hyphens between dots, after `*.` too".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_client_could_ask_for_are_refused() {
        for good in ["localhost", "forebay.audit.svc", "*.example.com", "a_b"] {
            assert_eq!(dns_name(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "a..b",
            "-a",
            "a b",
            "https://a",
            "a:8888",
            "10.0.0.1",
            "ä",
            "a.*.b",
        ] {
            assert!(dns_name(bad).is_err(), "{bad}");
        }
    }
}
