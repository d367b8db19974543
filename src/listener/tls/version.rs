//! Which versions of TLS are spoken.

use std::fmt;
use std::str::FromStr;

use tokio_rustls::rustls::SupportedProtocolVersion;
use tokio_rustls::rustls::version::{TLS12, TLS13};

/// A version of TLS that can be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2
    V1_2,
    /// TLS 1.3
    V1_3,
}

/// A range of versions, never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    min: TlsVersion,
    max: TlsVersion,
}

/// A version, or a range of them, that cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// The range is empty.
    #[error("no version lies between {min} and {max}")]
    Empty {
        /// Fluentd's `min_version`.
        min: TlsVersion,
        /// Fluentd's `max_version`.
        max: TlsVersion,
    },
    /// Fluentd has it, we do not.
    #[error("{found} is broken and not served; allowed are TLSv1_2 and TLSv1_3")]
    Broken {
        /// What was found.
        found: String,
    },
    /// No version of TLS at all.
    #[error("{found} is no version of TLS; allowed are TLSv1_2 and TLSv1_3")]
    Unknown {
        /// What was found.
        found: String,
    },
}

impl FromStr for TlsVersion {
    type Err = VersionError;

    /// Reads Fluentd's two spellings, `TLSv1_2` and `TLS1_2`.
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let found = text.to_owned();
        match text {
            "TLSv1_3" | "TLS1_3" => Ok(Self::V1_3),
            "TLSv1_2" | "TLS1_2" => Ok(Self::V1_2),
            "TLSv1_1" | "TLS1_1" => Err(VersionError::Broken { found }),
            _ => Err(VersionError::Unknown { found }),
        }
    }
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1_2 => "TLSv1_2",
            Self::V1_3 => "TLSv1_3",
        })
    }
}

impl Versions {
    /// From `min` to `max`, both included.
    ///
    /// # Errors
    /// [`VersionError::Empty`] if `min` is above `max`.
    pub fn new(min: TlsVersion, max: TlsVersion) -> Result<Self, VersionError> {
        if min > max {
            return Err(VersionError::Empty { min, max });
        }
        Ok(Self { min, max })
    }

    /// The one version, as Fluentd's `version` means it.
    pub fn only(version: TlsVersion) -> Self {
        Self {
            min: version,
            max: version,
        }
    }

    pub(super) fn for_rustls(self) -> Vec<&'static SupportedProtocolVersion> {
        let known = [(TlsVersion::V1_2, &TLS12), (TlsVersion::V1_3, &TLS13)];
        let within = known
            .into_iter()
            .filter(|(version, _)| (self.min..=self.max).contains(version));
        within.map(|(_, version)| version).collect()
    }
}

impl Default for Versions {
    /// TLS 1.2 and 1.3. (Fluentd's default is 1.2 alone.)
    fn default() -> Self {
        Self {
            min: TlsVersion::V1_2,
            max: TlsVersion::V1_3,
        }
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max {
            write!(f, "{}", self.min)
        } else {
            write!(f, "{} to {}", self.min, self.max)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_of_fluentds_spellings_are_read() {
        assert_eq!("TLSv1_2".parse(), Ok(TlsVersion::V1_2));
        assert_eq!("TLS1_3".parse(), Ok(TlsVersion::V1_3));
    }

    #[test]
    fn tls_1_1_is_refused_as_broken() {
        let error = "TLSv1_1".parse::<TlsVersion>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "TLSv1_1 is broken and not served; allowed are TLSv1_2 and TLSv1_3"
        );
    }

    #[test]
    fn an_empty_range_is_refused() {
        let error = Versions::new(TlsVersion::V1_3, TlsVersion::V1_2).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no version lies between TLSv1_3 and TLSv1_2"
        );
    }

    #[test]
    fn a_range_holds_both_its_ends() {
        assert_eq!(Versions::default().for_rustls(), [&TLS12, &TLS13]);
        assert_eq!(Versions::only(TlsVersion::V1_3).for_rustls(), [&TLS13]);
    }
}
