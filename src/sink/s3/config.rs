//! What an S3 output is set up with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use fluent_compat::config::Secret;
use fluent_compat::object_key::ObjectKeyTemplate;
use http::Uri;

use super::store_as::StoreAs;

/// An S3 output, all checked. [`S3Config::new`] has the defaults.
#[derive(Clone, Debug)]
pub struct S3Config {
    /// `s3_bucket`.
    pub bucket: String,
    /// `s3_region`; us-east-1 unless it is set.
    pub region: String,
    /// `s3_endpoint`; Amazon's own if it is not set.
    pub endpoint: Option<Endpoint>,
    /// `force_path_style`.
    pub addressing: Addressing,
    /// `enable_dual_stack`, `enable_transfer_acceleration`.
    pub amazon: AmazonEndpoints,
    /// `proxy_uri`: what requests to the store go through.
    pub proxy: Option<Proxy>,
    /// Certificates (PEM) to trust besides the system's: the content of `ssl_ca_bundle`.
    pub ca_bundle: Option<Vec<u8>>,
    /// Where the credentials come from.
    pub credentials: Credentials,
    /// The objects' names.
    pub keys: ObjectKeyTemplate,
    /// `store_as`.
    pub store_as: StoreAs,
    /// `overwrite`.
    pub existing: Existing,
    /// `auto_create_bucket`.
    pub missing_bucket: MissingBucket,
    /// `warn_for_delay`: a chunk whose slot of time began longer ago than this when it is
    /// stored is told in the log.
    pub warn_for_delay: Option<Duration>,
    /// What goes with each object.
    pub object: ObjectAttributes,
    /// `compute_checksums`.
    pub checksum: Checksum,
    /// The directory for what is too large to be packed in memory.
    pub spool_directory: PathBuf,
    /// How long one attempt may take, beside the time that the object's size takes at
    /// 256 KiB a second.
    pub put_timeout: Duration,
}

impl S3Config {
    /// An output with the defaults of fluent-plugin-s3.
    pub fn new(bucket: String, keys: ObjectKeyTemplate, spool_directory: PathBuf) -> Self {
        Self {
            bucket,
            region: "us-east-1".to_owned(),
            endpoint: None,
            addressing: Addressing::VirtualHost,
            amazon: AmazonEndpoints::default(),
            proxy: None,
            ca_bundle: None,
            credentials: Credentials::Chain,
            keys,
            store_as: StoreAs::Gzip,
            existing: Existing::Keep,
            missing_bucket: MissingBucket::Await,
            warn_for_delay: None,
            object: ObjectAttributes::default(),
            checksum: Checksum::Crc32c,
            spool_directory,
            put_timeout: Duration::from_secs(60),
        }
    }
}

/// `auto_create_bucket`: what is done when the store says that there is no such bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingBucket {
    /// Chunks are tried again until somebody has created it. Unlike in fluent-plugin-s3 the
    /// default: to create one takes more than a permission to write.
    Await,
    /// It is created.
    Create,
}

/// `s3_endpoint`: the address of an S3-compatible store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(String);

/// An `s3_endpoint` that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Amazon's own, which follows from the region.
    #[error(
        "s3_endpoint is {found:?}, and Amazon's own address follows from s3_region: set that instead"
    )]
    Amazon {
        /// As configured.
        found: String,
    },
    /// Neither http nor https.
    #[error("s3_endpoint is {found:?}, and must begin with http:// or https://")]
    Scheme {
        /// As configured.
        found: String,
    },
}

impl Endpoint {
    /// Takes the configured address.
    ///
    /// # Errors
    /// As Fluentd, it refuses Amazon's own addresses, but for those of VPC endpoints,
    /// FIPS and GovCloud.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let found = text.to_owned();
        if !["http://", "https://"]
            .iter()
            .any(|scheme| text.starts_with(scheme))
        {
            return Err(EndpointError::Scheme { found });
        }
        let is_amazon = is_amazon(text);
        let is_special = ["vpce.amazonaws.com", "fips", "gov"]
            .iter()
            .any(|special| text.contains(special));
        if is_amazon && !is_special {
            return Err(EndpointError::Amazon { found });
        }
        Ok(Self(found))
    }

    /// Whether Amazon's own S3 is behind it.
    pub fn is_amazon(&self) -> bool {
        is_amazon(&self.0)
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_amazon(url: &str) -> bool {
    url.trim_end_matches('/').ends_with("amazonaws.com")
}

/// `proxy_uri`. There may be a password in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy(Secret);

/// A `proxy_uri` that cannot be; it is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("proxy_uri must be like http://host:port")]
pub struct ProxyError;

impl Proxy {
    /// Takes the configured address.
    ///
    /// # Errors
    /// If it does not begin with http:// or https://, or names no host.
    pub fn parse(text: &str) -> Result<Self, ProxyError> {
        let url: Uri = text.parse().map_err(|_| ProxyError)?;
        match (url.scheme_str(), url.host()) {
            (Some("http" | "https"), Some(host)) if !host.is_empty() => Ok(Self(Secret::new(text))),
            _ => Err(ProxyError),
        }
    }

    /// The address.
    pub fn url(&self) -> &Secret {
        &self.0
    }
}

/// Where the bucket's name stands in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// In the path: `force_path_style true`.
    Path,
    /// In the host's name.
    VirtualHost,
}

/// Which of Amazon's own endpoints are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AmazonEndpoints {
    /// `enable_dual_stack`: those that have IPv6 as well.
    pub dual_stack: bool,
    /// `enable_transfer_acceleration`.
    pub accelerate: bool,
}

/// Where the credentials come from. All but the fixed ones are renewed in time.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// `<assume_role_credentials>`, on top of a key if there is one.
    AssumeRole {
        /// Whose credentials assume the role; the chain's if there are none.
        base: Option<AccessKey>,
        /// The role.
        role: Role,
        /// `external_id`.
        external_id: Option<Secret>,
    },
    /// The SDK's own chain: environment, profile, web identity, container, instance.
    Chain,
    /// `<instance_profile_credentials>`: the role of the container or machine.
    InstanceProfile(InstanceProfile),
    /// `aws_key_id` and `aws_sec_key`.
    Key(AccessKey),
    /// `aws_credential_process`: a command that prints credentials.
    Process(String),
    /// `aws_profile`, or `<shared_credentials>`.
    Profile {
        /// `profile_name`.
        name: Option<String>,
        /// `path`: the file with the credentials.
        path: Option<PathBuf>,
    },
    /// `<web_identity_credentials>`.
    WebIdentity {
        /// The role.
        role: Role,
        /// `web_identity_token_file`.
        token_file: PathBuf,
    },
}

/// A key that does not change.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// `aws_key_id`, which Fluentd keeps secret, too.
    pub id: Secret,
    /// `aws_sec_key`.
    pub secret: Secret,
}

/// How the role of the container or machine is asked for; the SDK's defaults where
/// nothing is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceProfile {
    /// `retries`.
    pub retries: Option<u32>,
    /// `ip_address` and `port` of the machine's metadata service.
    pub address: Option<SocketAddr>,
    /// `http_open_timeout`.
    pub connect_timeout: Option<Duration>,
    /// `http_read_timeout`.
    pub read_timeout: Option<Duration>,
}

/// A role to be assumed.
#[derive(Clone, Debug)]
pub struct Role {
    /// `role_arn`.
    pub arn: String,
    /// `role_session_name`.
    pub session_name: String,
    /// `policy`: a policy in JSON that narrows the role down.
    pub policy: Option<String>,
    /// `duration_seconds`.
    pub duration: Option<Duration>,
    /// `sts_region`; the bucket's unless it is set.
    pub sts_region: Option<String>,
    /// `sts_endpoint_url`.
    pub sts_endpoint: Option<String>,
}

/// What becomes of an object that has the name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and ours gets another name.
    Keep,
    /// `overwrite true`: where the template has no `%{index}`, it is overwritten.
    Overwrite,
}

/// The checksum that goes with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// In a header, computed beforehand: a checksum that trails the body is refused by
    /// some stores.
    Crc32c,
    /// For stores that take none.
    None,
}

/// What goes with each object. Texts are passed on as they are.
#[derive(Clone, Debug)]
pub struct ObjectAttributes {
    /// `storage_class`.
    pub storage_class: String,
    /// `acl`.
    pub acl: Option<String>,
    /// `grant_full_control`.
    pub grant_full_control: Option<String>,
    /// `grant_read`.
    pub grant_read: Option<String>,
    /// `grant_read_acp`.
    pub grant_read_acp: Option<String>,
    /// `grant_write_acp`.
    pub grant_write_acp: Option<String>,
    /// `use_server_side_encryption`.
    pub server_side_encryption: Option<String>,
    /// `ssekms_key_id`.
    pub kms_key_id: Option<Secret>,
    /// `sse_customer_algorithm`, `sse_customer_key`, `sse_customer_key_md5`.
    pub customer_key: CustomerKey,
    /// `tagging`: `key=value&…`.
    pub tagging: Option<String>,
    /// `s3_metadata`: names and what their values are made from.
    pub metadata: Vec<(String, ObjectKeyTemplate)>,
}

/// A key of the customer's own for encryption in the store.
#[derive(Clone, Debug, Default)]
pub struct CustomerKey {
    /// `sse_customer_algorithm`.
    pub algorithm: Option<String>,
    /// `sse_customer_key`.
    pub key: Option<Secret>,
    /// `sse_customer_key_md5`.
    pub key_md5: Option<Secret>,
}

impl Default for ObjectAttributes {
    fn default() -> Self {
        Self {
            storage_class: "STANDARD".to_owned(),
            acl: None,
            grant_full_control: None,
            grant_read: None,
            grant_read_acp: None,
            grant_write_acp: None,
            server_side_encryption: None,
            kms_key_id: None,
            customer_key: CustomerKey::default(),
            tagging: None,
            metadata: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amazons_own_address_is_refused_as_an_endpoint() {
        let error = Endpoint::parse("https://s3.eu-west-1.amazonaws.com").unwrap_err();
        assert!(error.to_string().contains("set that instead"), "{error}");
        for taken in [
            "https://bucket.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com",
            "https://s3-fips.us-east-1.amazonaws.com",
            "https://s3.us-gov-west-1.amazonaws.com",
            "http://127.0.0.1:9000",
        ] {
            assert_eq!(Endpoint::parse(taken).unwrap().as_str(), taken);
        }
    }

    #[test]
    fn a_proxy_has_a_scheme_and_a_host() {
        let proxy = Proxy::parse("http://user:hush@proxy:3128").unwrap();
        assert!(!format!("{proxy:?}").contains("hush"));
        for refused in ["proxy:3128", "socks5://proxy", "/proxy", ""] {
            assert_eq!(Proxy::parse(refused), Err(ProxyError), "{refused}");
        }
    }

    #[test]
    fn an_endpoint_without_a_scheme_is_refused() {
        let error = Endpoint::parse("minio:9000").unwrap_err();
        assert!(error.to_string().contains("\"minio:9000\""), "{error}");
    }
}
