//! Which cipher suites are offered: OpenSSL's cipher strings, as far as they mean anything here.
//!
//! Only suites with forward secrecy and authenticated encryption exist here, so most of what
//! such strings exclude was never there.

use std::fmt;
use std::str::FromStr;

use tokio_rustls::rustls::SupportedCipherSuite;
use tokio_rustls::rustls::crypto::aws_lc_rs::cipher_suite::{
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256,
};

/// The suites of TLS 1.3, which a cipher string does not touch (nor does it in OpenSSL).
const TLS13: [SupportedCipherSuite; 3] = [
    TLS13_AES_256_GCM_SHA384,
    TLS13_AES_128_GCM_SHA256,
    TLS13_CHACHA20_POLY1305_SHA256,
];

/// The suites of TLS 1.2 with OpenSSL's names.
const TLS12: [(&str, SupportedCipherSuite); 6] = [
    (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "ECDHE-RSA-AES256-GCM-SHA384",
        TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-RSA-AES128-GCM-SHA256",
        TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-RSA-CHACHA20-POLY1305",
        TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

/// The suites a listener offers, in order of preference. Fluentd's `ciphers`.
#[derive(Clone, Debug, PartialEq)]
pub struct Ciphers(Vec<SupportedCipherSuite>);

/// A cipher string that leaves nothing for TLS 1.2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{found} names no cipher suite that is served; allowed are ALL and {}",
    names()
)]
pub struct CipherError {
    /// What was found.
    pub found: String,
}

impl Ciphers {
    pub(super) fn suites(&self) -> &[SupportedCipherSuite] {
        let Self(suites) = self;
        suites
    }
}

impl Default for Ciphers {
    fn default() -> Self {
        let tls12 = TLS12.into_iter().map(|(_, suite)| suite);
        Self(TLS13.into_iter().chain(tls12).collect())
    }
}

impl FromStr for Ciphers {
    type Err = CipherError;

    /// Reads an OpenSSL cipher string. Names and groups add suites in their order; `!x` and
    /// `-x` take suites away; `+x` and `@x`, which reorder, change nothing. What is unknown is
    /// a suite that is not served: it adds nothing and takes nothing away.
    fn from_str(text: &str) -> Result<Self, CipherError> {
        let mut chosen: Vec<(&str, SupportedCipherSuite)> = Vec::new();
        let mut banned: Vec<&str> = Vec::new();
        for word in text.split([':', ',', ' ']).filter(|word| !word.is_empty()) {
            if word.starts_with(['+', '@']) {
                continue;
            }
            if let Some(name) = word.strip_prefix(['!', '-']) {
                chosen.retain(|(suite, _)| !stands_for(name, suite));
                if word.starts_with('!') {
                    banned.push(name);
                }
                continue;
            }
            for (name, suite) in TLS12 {
                let known = chosen.iter().any(|(chosen, _)| *chosen == name);
                let banned = banned.iter().any(|banned| stands_for(banned, name));
                if stands_for(word, name) && !known && !banned {
                    chosen.push((name, suite));
                }
            }
        }
        if chosen.is_empty() {
            return Err(CipherError {
                found: text.to_owned(),
            });
        }
        let tls12 = chosen.into_iter().map(|(_, suite)| suite);
        Ok(Self(TLS13.into_iter().chain(tls12).collect()))
    }
}

impl fmt::Display for Ciphers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, suite) in self.suites().iter().enumerate() {
            let separator = if position == 0 { "" } else { ":" };
            write!(f, "{separator}{:?}", suite.suite())?;
        }
        Ok(())
    }
}

/// Whether a word of a cipher string stands for the suite: its name, a group that all suites
/// here belong to, or parts of the name joined by `+` (`ECDHE+AESGCM`).
fn stands_for(word: &str, suite: &str) -> bool {
    const EVERY_SUITE: [&str; 7] = [
        "ALL", "DEFAULT", "HIGH", "ECDHE", "EECDH", "kEECDH", "TLSv1.2",
    ];
    word == suite
        || word.split('+').all(|part| match part {
            part if EVERY_SUITE.contains(&part) => true,
            "AESGCM" => suite.contains("-GCM-"),
            "AES" => suite.contains("-AES"),
            "AES128" => suite.contains("-AES128-"),
            "AES256" => suite.contains("-AES256-"),
            "CHACHA20" => suite.contains("-CHACHA20-"),
            "aRSA" | "RSA" if word != "RSA" => suite.contains("-RSA-"),
            "aECDSA" | "ECDSA" => suite.contains("-ECDSA-"),
            _ => false,
        })
}

fn names() -> String {
    TLS12.map(|(name, _)| name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls12(text: &str) -> Vec<&'static str> {
        let ciphers: Ciphers = text.parse().unwrap();
        let suites = ciphers.suites().iter().skip(TLS13.len());
        let name = |suite| TLS12.iter().find(|(_, known)| known == suite);
        suites.map(|suite| name(suite).unwrap().0).collect()
    }

    #[test]
    fn fluentds_default_is_everything() {
        let parsed: Ciphers = "ALL:!aNULL:!eNULL:!SSLv2".parse().unwrap();
        assert_eq!(parsed, Ciphers::default());
    }

    #[test]
    fn names_are_taken_in_their_order() {
        let names = ["ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-RSA-AES128-GCM-SHA256"];
        assert_eq!(tls12(&names.join(":")), names);
    }

    #[test]
    fn an_exclusion_holds_for_what_comes_later() {
        let left = tls12("!CHACHA20:!ECDSA:ALL");
        let rsa_gcm = ["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256"];
        assert_eq!(left, rsa_gcm);
    }

    #[test]
    fn parts_joined_by_plus_must_all_fit() {
        let left = tls12("EECDH+AES256+aRSA");
        assert_eq!(left, ["ECDHE-RSA-AES256-GCM-SHA384"]);
    }

    #[test]
    fn suites_that_are_not_served_are_passed_over() {
        let left = tls12("AES256-SHA:ECDHE-RSA-AES256-GCM-SHA384");
        assert_eq!(left, ["ECDHE-RSA-AES256-GCM-SHA384"]);
    }

    #[test]
    fn a_string_that_leaves_nothing_is_refused_with_what_is_allowed() {
        let error = "RC4-MD5:!aNULL".parse::<Ciphers>().unwrap_err();
        let message = error.to_string();
        assert!(
            message.starts_with("RC4-MD5:!aNULL names no cipher suite"),
            "{message}"
        );
        assert!(message.contains("ECDHE-RSA-AES256-GCM-SHA384"), "{message}");
    }
}
