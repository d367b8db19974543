//! Credentials of the role that the container or the machine runs with.

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::provider_config::ProviderConfig;
use aws_sdk_s3::config::SharedCredentialsProvider;

use super::config::InstanceProfile;

/// Where the environment names a container's credentials these are taken, as in
/// fluent-plugin-s3, else the machine's.
pub(super) fn provider(
    profile: &InstanceProfile,
    config: &ProviderConfig,
) -> SharedCredentialsProvider {
    let mut container = EcsCredentialsProvider::builder().configure(config);
    if let Some(timeout) = profile.connect_timeout {
        container = container.connect_timeout(timeout);
    }
    if let Some(timeout) = profile.read_timeout {
        container = container.read_timeout(timeout);
    }
    let machine = ImdsCredentialsProvider::builder()
        .configure(config)
        .imds_client(metadata_service(profile, config))
        .build();
    let chain = CredentialsProviderChain::first_try("container", container.build())
        .or_else("instance", machine);
    SharedCredentialsProvider::new(chain)
}

fn metadata_service(profile: &InstanceProfile, config: &ProviderConfig) -> imds::Client {
    let mut builder = imds::Client::builder().configure(config);
    if let Some(retries) = profile.retries {
        builder = builder.max_attempts(retries.saturating_add(1));
    }
    if let Some(timeout) = profile.connect_timeout {
        builder = builder.connect_timeout(timeout);
    }
    if let Some(timeout) = profile.read_timeout {
        // Else the SDK's own limit of an attempt cuts a longer one short.
        builder = builder.read_timeout(timeout).operation_attempt_timeout(
            timeout.saturating_add(profile.connect_timeout.unwrap_or(timeout)),
        );
    }
    if let Some(address) = profile.address {
        builder = builder
            .endpoint(format!("http://{address}"))
            .expect("invariant: an address and a port make a URL");
    }
    builder.build()
}
