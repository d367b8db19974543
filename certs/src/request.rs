//! What a certificate is to say: names, validity, role.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose,
    KeyUsagePurpose, SanType, SerialNumber,
};
use time::OffsetDateTime;

use crate::{IssueError, KeyAlgorithm, random};

/// The ten years of Teleport's tool and of Fluentd: leap days are not counted.
pub(crate) const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 86_400);

/// A distinguished name; parts that are `None` are left out, and all of them may be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// `C`: two letters.
    pub country: Option<String>,
    /// `ST`
    pub state: Option<String>,
    /// `L`
    pub locality: Option<String>,
    /// `CN`
    pub common_name: Option<String>,
}

impl Subject {
    /// Only a common name.
    pub fn common_name(name: impl Into<String>) -> Subject {
        Subject {
            common_name: Some(name.into()),
            ..Subject::default()
        }
    }

    fn distinguished_name(&self) -> Result<DistinguishedName, rcgen::Error> {
        let mut name = DistinguishedName::new();
        if let Some(country) = &self.country {
            let country = DnValue::PrintableString(country.as_str().try_into()?);
            name.push(DnType::CountryName, country);
        }
        let parts = [
            (DnType::StateOrProvinceName, &self.state),
            (DnType::LocalityName, &self.locality),
            (DnType::CommonName, &self.common_name),
        ];
        for (kind, value) in parts {
            if let Some(value) = value {
                name.push(kind, value.as_str());
            }
        }
        Ok(name)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("C", &self.country),
            ("ST", &self.state),
            ("L", &self.locality),
            ("CN", &self.common_name),
        ];
        let mut separator = "";
        for (kind, value) in parts {
            if let Some(value) = value {
                write!(f, "{separator}{kind}={value}")?;
                separator = ",";
            }
        }
        Ok(())
    }
}

/// The subject alternative names: what a client may call the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    /// DNS names, in the order in which they are written.
    pub dns_names: Vec<String>,
    /// IP addresses, written after the names.
    pub addresses: Vec<IpAddr>,
}

impl Hosts {
    /// `localhost` and `127.0.0.1`, the default of Teleport's tool.
    pub fn localhost() -> Hosts {
        Hosts {
            dns_names: vec!["localhost".to_owned()],
            addresses: vec![Ipv4Addr::LOCALHOST.into()],
        }
    }

    /// One host, which may be a name or an address.
    pub fn one(host: &str) -> Hosts {
        match host.parse() {
            Ok(address) => Hosts {
                addresses: vec![address],
                ..Hosts::default()
            },
            Err(_) => Hosts {
                dns_names: vec![host.to_owned()],
                ..Hosts::default()
            },
        }
    }

    fn alternative_names(&self) -> Result<Vec<SanType>, rcgen::Error> {
        let names = self
            .dns_names
            .iter()
            .map(|name| Ok(SanType::DnsName(name.as_str().try_into()?)));
        let addresses = self
            .addresses
            .iter()
            .map(|address| Ok(SanType::IpAddress(*address)));
        names.chain(addresses).collect()
    }
}

/// From when to when a certificate is valid, in unix seconds; both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    not_before: i64,
    not_after: i64,
}

impl Validity {
    /// From `not_before` (unix seconds) for `lifetime`, whose part of a second is cut.
    pub fn starting(not_before: i64, lifetime: Duration) -> Validity {
        let not_after = not_before.saturating_add_unsigned(lifetime.as_secs());
        Validity {
            not_before,
            not_after,
        }
    }

    /// Ten times 365 days from `now` (unix seconds), as Teleport's tool has it.
    pub fn ten_years(now: i64) -> Validity {
        Validity::starting(now, TEN_YEARS)
    }

    /// An hour that ended an hour before `now`: for those who test with expired certificates.
    pub fn expired(now: i64) -> Validity {
        Validity::starting(now.saturating_sub(7200), Duration::from_secs(3600))
    }
}

/// What a leaf is for: its extended key usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `serverAuth`
    Server,
    /// `clientAuth`
    Client,
}

impl Role {
    fn usage(self) -> ExtendedKeyUsagePurpose {
        match self {
            Role::Server => ExtendedKeyUsagePurpose::ServerAuth,
            Role::Client => ExtendedKeyUsagePurpose::ClientAuth,
        }
    }
}

/// A server's or client's certificate as it is to be issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafRequest {
    /// Its distinguished name.
    pub subject: Subject,
    /// Its subject alternative names; without any the extension is left out.
    pub hosts: Hosts,
    /// What it may be used for.
    pub role: Role,
    /// The key to make for it.
    pub algorithm: KeyAlgorithm,
    /// From when to when it is valid.
    pub validity: Validity,
}

impl LeafRequest {
    /// `digitalSignature` and the role's usage; no basic constraints, no authority key
    /// identifier: as Teleport's tool writes leaves.
    pub(crate) fn parameters(&self) -> Result<CertificateParams, IssueError> {
        let mut parameters = parameters(&self.subject, self.validity)?;
        parameters.subject_alt_names = self
            .hosts
            .alternative_names()
            .map_err(|source| refused(&self.subject, source))?;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![self.role.usage()];
        Ok(parameters)
    }
}

/// What all certificates have: subject, validity, and a random serial number of 128 bits.
pub(crate) fn parameters(
    subject: &Subject,
    validity: Validity,
) -> Result<CertificateParams, IssueError> {
    let mut serial = [0; 16];
    random::fill(&mut serial)?;

    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = subject
        .distinguished_name()
        .map_err(|source| refused(subject, source))?;
    parameters.serial_number = Some(SerialNumber::from_slice(&serial));
    parameters.not_before = date(validity.not_before)?;
    parameters.not_after = date(validity.not_after)?;
    Ok(parameters)
}

/// rcgen's refusal, with the subject that it was about.
pub(crate) fn refused(subject: &Subject, source: rcgen::Error) -> IssueError {
    IssueError::Certificate {
        subject: subject.to_string(),
        source,
    }
}

/// Years before 1 and after 9999 have no spelling in a certificate.
fn date(unix_seconds: i64) -> Result<OffsetDateTime, IssueError> {
    let out_of_range = IssueError::Date {
        found: unix_seconds,
    };
    match OffsetDateTime::from_unix_timestamp(unix_seconds) {
        Ok(date) if (1..=9999).contains(&date.year()) => Ok(date),
        _ => Err(out_of_range),
    }
}
