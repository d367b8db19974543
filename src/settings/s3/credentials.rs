//! Where the credentials come from.
//!
//! Several ways may be configured at once; the first in fluent-plugin-s3's order counts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use fluent_compat::config::Params;

use super::super::remark::no_effect;
use crate::sink::s3::{AccessKey, Credentials, InstanceProfile, Role};

/// Where a machine on EC2 is told its credentials.
const METADATA_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254));
const METADATA_PORT: u16 = 80;

pub(super) fn credentials(section: &Params<'_>) -> Credentials {
    let key = access_key(section);
    let ways = [
        ("assume_role_credentials", assume_role(section, key.clone())),
        // The role is assumed with the key: neither is in the other's way.
        ("aws_key_id", key.map(Credentials::Key)),
        ("aws_profile", profile(section)),
        ("aws_credential_process", process(section)),
        ("web_identity_credentials", web_identity(section)),
        ("instance_profile_credentials", instance_profile(section)),
        ("shared_credentials", shared(section)),
        ("aws_iam_retries", iam_retries(section)),
    ];
    let found = ways
        .into_iter()
        .filter_map(|(name, way)| Some((name, way?)));
    let mut found = found.peekable();
    let Some((first, credentials)) = found.next() else {
        return Credentials::Chain;
    };
    if matches!(credentials, Credentials::AssumeRole { base: Some(_), .. }) {
        found.next_if(|(name, _)| *name == "aws_key_id");
    }
    for (name, _) in found {
        let reason = format!("the credentials come from `{first}`");
        no_effect(section, &[name], &reason);
        section.ignore_section(name, &reason);
    }
    credentials
}

/// `aws_key_id` and `aws_sec_key`, one of which is nothing without the other.
fn access_key(section: &Params<'_>) -> Option<AccessKey> {
    let id = section.secret("aws_key_id");
    let secret = section.secret("aws_sec_key");
    if id.is_none() {
        no_effect(section, &["aws_sec_key"], "there is no `aws_key_id`");
    }
    if secret.is_none() {
        no_effect(section, &["aws_key_id"], "there is no `aws_sec_key`");
    }
    Some(AccessKey {
        id: id?,
        secret: secret?,
    })
}

fn assume_role(section: &Params<'_>, base: Option<AccessKey>) -> Option<Credentials> {
    let section = section.section("assume_role_credentials")?;
    let external_id = section.secret("external_id");
    // The most that a role can be set to.
    let duration = section.integer_in("duration_seconds", 900..=43_200);
    let role = role(&section, duration);
    section.finish();
    Some(Credentials::AssumeRole {
        base,
        role: role?,
        external_id,
    })
}

fn web_identity(section: &Params<'_>) -> Option<Credentials> {
    let section = section.section("web_identity_credentials")?;
    let token_file = section.required("web_identity_token_file", Params::string);
    let reason = "the role's own duration counts";
    no_effect(&section, &["duration_seconds"], reason);
    let role = role(&section, None);
    section.finish();
    Some(Credentials::WebIdentity {
        role: role?,
        token_file: PathBuf::from(token_file?),
    })
}

/// What the two sections of roles have in common.
fn role(section: &Params<'_>, duration_seconds: Option<u64>) -> Option<Role> {
    let text = |name| section.string(name).map(str::to_owned);
    let arn = section.required("role_arn", Params::secret);
    let session_name = section.required("role_session_name", Params::string);
    let _ = section.secret("sts_http_proxy");
    no_effect(section, &["sts_http_proxy"], "STS is asked without a proxy");
    let policy = text("policy");
    let (sts_region, sts_endpoint) = (text("sts_region"), text("sts_endpoint_url"));
    Some(Role {
        arn: arn?.expose().to_owned(),
        session_name: session_name?.to_owned(),
        policy,
        duration: duration_seconds.map(Duration::from_secs),
        sts_region,
        sts_endpoint,
    })
}

fn profile(section: &Params<'_>) -> Option<Credentials> {
    let name = section.string("aws_profile")?.to_owned();
    Some(Credentials::Profile {
        name: Some(name),
        path: None,
    })
}

fn shared(section: &Params<'_>) -> Option<Credentials> {
    let section = section.section("shared_credentials")?;
    let credentials = Credentials::Profile {
        name: section.string("profile_name").map(str::to_owned),
        path: section.string("path").map(PathBuf::from),
    };
    section.finish();
    Some(credentials)
}

fn process(section: &Params<'_>) -> Option<Credentials> {
    let command = section.string("aws_credential_process")?;
    Some(Credentials::Process(command.to_owned()))
}

fn instance_profile(section: &Params<'_>) -> Option<Credentials> {
    let section = section.section("instance_profile_credentials")?;
    let ip = section.parsed("ip_address", str::parse::<IpAddr>);
    let port = section.integer_in("port", 1..=u16::MAX);
    let is_elsewhere = ip.is_some() || port.is_some();
    let address = SocketAddr::new(
        ip.unwrap_or(METADATA_ADDRESS),
        port.unwrap_or(METADATA_PORT),
    );
    let profile = InstanceProfile {
        retries: section.integer_in("retries", 0..=100),
        address: is_elsewhere.then_some(address),
        connect_timeout: section.time("http_open_timeout"),
        read_timeout: section.time("http_read_timeout"),
    };
    section.finish();
    Some(Credentials::InstanceProfile(profile))
}

fn iam_retries(section: &Params<'_>) -> Option<Credentials> {
    let retries = section.integer_in("aws_iam_retries", 0..=100)?;
    let message = "`aws_iam_retries` is deprecated";
    let help = "write `retries` in an <instance_profile_credentials> section";
    let span = section.span_of("aws_iam_retries");
    section.diagnostics().warning_with_help(span, message, help);
    Some(Credentials::InstanceProfile(InstanceProfile {
        retries: Some(retries),
        ..InstanceProfile::default()
    }))
}
