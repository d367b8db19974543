//! From the settings to a client of the SDK.

use std::path::Path;
use std::time::Duration;

use aws_config::credential_process::CredentialProcessProvider;
use aws_config::profile::{ProfileFileCredentialsProvider, credentials as profile};
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::web_identity_token::{StaticConfiguration, WebIdentityTokenCredentialsProvider};
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_s3::config::RuntimeComponents;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    Region, RequestChecksumCalculation, ResponseChecksumValidation, SharedCredentialsProvider,
    SharedHttpClient,
};
use aws_sdk_s3::{Client, config};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::config::{AccessKey, Addressing, Credentials, Role, S3Config};
use super::{ConnectError, instance};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A client for the bucket. Talks to nobody yet.
pub(super) async fn connect(settings: &S3Config) -> Result<Client, ConnectError> {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(settings.region.clone()))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .build(),
        );
    let trust = trust(settings.ca_bundle.as_deref())?;
    if settings.ca_bundle.is_some() {
        loader = loader.http_client(http_client(trust.clone(), ProxyConfig::disabled()));
    }
    let shared = loader.load().await;

    let mut builder = config::Builder::from(&shared)
        // The schedule tries again, and it must know of each attempt.
        .retry_config(RetryConfig::disabled())
        // IMPORTANT: else the SDK puts a checksum behind the body, which some stores
        // refuse; ours goes ahead of it.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .force_path_style(settings.addressing == Addressing::Path)
        .accelerate(settings.amazon.accelerate)
        .use_dual_stack(settings.amazon.dual_stack);
    if let Some(endpoint) = &settings.endpoint {
        builder = builder.endpoint_url(endpoint.as_str());
    }
    if let Some(proxy) = &settings.proxy {
        let proxy = ProxyConfig::all(proxy.url().expose())
            .expect("invariant: what a proxy's URL has to be is checked when it is made");
        builder = builder.http_client(http_client(trust, proxy));
    }
    if let Some(credentials) = credentials(&settings.credentials, &shared).await {
        builder = builder.credentials_provider(credentials);
    }
    Ok(Client::from_conf(builder.build()))
}

/// The system's certificates and these.
///
/// They are read here and handed on one by one, since the SDK's client looks at them at
/// the first request, and panics if it does not like them.
fn trust(pem: Option<&[u8]>) -> Result<TlsContext, ConnectError> {
    let certificates = match pem {
        Some(pem) => forebay_certs::load_certificates(pem)?,
        None => Vec::new(),
    };
    let trust = certificates
        .iter()
        .fold(TrustStore::default(), |trust, certificate| {
            let text = BASE64_STANDARD.encode(certificate);
            trust.with_pem_certificate(format!(
                "-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"
            ))
        });
    TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .map_err(|error| ConnectError::Tls(error.to_string()))
}

fn http_client(trust: TlsContext, proxy: ProxyConfig) -> SharedHttpClient {
    let connector = move |settings: Option<&_>, components: Option<&RuntimeComponents>| {
        let mut builder = Connector::builder().proxy_config(proxy.clone());
        builder.set_connector_settings(settings.cloned());
        // Timeouts need it.
        builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        builder
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(trust.clone())
            .build()
    };
    aws_smithy_http_client::Builder::new().build_with_connector_fn(connector)
}

/// `None` for the chain that is in `shared` already.
async fn credentials(from: &Credentials, shared: &SdkConfig) -> Option<SharedCredentialsProvider> {
    Some(match from {
        Credentials::Chain => return None,
        Credentials::Key(key) => fixed(key),
        Credentials::InstanceProfile(profile) => {
            instance::provider(profile, &provider_config(shared))
        }
        Credentials::AssumeRole {
            base,
            role,
            external_id,
        } => {
            let mut sts = sts_config(role, shared);
            if let Some(key) = base {
                sts = sts.into_builder().credentials_provider(fixed(key)).build();
            }
            let mut builder = AssumeRoleProvider::builder(&role.arn)
                .session_name(&role.session_name)
                .configure(&sts);
            if let Some(id) = external_id {
                builder = builder.external_id(id.expose());
            }
            if let Some(policy) = &role.policy {
                builder = builder.policy(policy);
            }
            if let Some(duration) = role.duration {
                builder = builder.session_length(duration);
            }
            SharedCredentialsProvider::new(builder.build().await)
        }
        Credentials::WebIdentity { role, token_file } => {
            let mut builder = WebIdentityTokenCredentialsProvider::builder()
                .configure(&provider_config(&sts_config(role, shared)))
                .static_configuration(StaticConfiguration {
                    web_identity_token_file: token_file.clone(),
                    role_arn: role.arn.clone(),
                    session_name: role.session_name.clone(),
                });
            if let Some(policy) = &role.policy {
                builder = builder.policy(policy);
            }
            SharedCredentialsProvider::new(builder.build())
        }
        Credentials::Process(command) => {
            SharedCredentialsProvider::new(CredentialProcessProvider::new(command.clone()))
        }
        Credentials::Profile { name, path } => {
            let mut builder =
                ProfileFileCredentialsProvider::builder().configure(&provider_config(shared));
            if let Some(name) = name {
                builder = builder.profile_name(name);
            }
            if let Some(path) = path {
                builder = reading(builder, path);
            }
            SharedCredentialsProvider::new(builder.build())
        }
    })
}

#[expect(
    deprecated,
    reason = "the types have moved to aws-runtime, which nothing else here needs"
)]
fn reading(builder: profile::Builder, credentials_file: &Path) -> profile::Builder {
    use aws_config::profile::profile_file::{ProfileFileKind, ProfileFiles};

    let files = ProfileFiles::builder()
        .with_file(ProfileFileKind::Credentials, credentials_file)
        .build();
    builder.profile_files(files)
}

fn fixed(key: &AccessKey) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(config::Credentials::new(
        key.id.expose(),
        key.secret.expose(),
        None,
        None,
        "fluent.conf",
    ))
}

fn sts_config(role: &Role, shared: &SdkConfig) -> SdkConfig {
    let mut builder = shared.clone().into_builder();
    if let Some(region) = &role.sts_region {
        builder = builder.region(Region::new(region.clone()));
    }
    if let Some(endpoint) = &role.sts_endpoint {
        builder = builder.endpoint_url(endpoint);
    }
    builder.build()
}

fn provider_config(shared: &SdkConfig) -> ProviderConfig {
    let mut config = ProviderConfig::without_region().with_region(shared.region().cloned());
    if let Some(client) = shared.http_client() {
        config = config.with_http_client(client);
    }
    config
}
