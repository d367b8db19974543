//! One mTLS set for both sides: as PEM files in a directory, so that any server can be given it.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use forebay_certs::{KeyAlgorithm, Options, Passphrase, ServerPassphrase, issue_set};
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

/// Issues a set with ECDSA keys for localhost; the server's key is not encrypted, since not
/// every server opens the kind that Teleport's tool writes.
pub(crate) fn issue(directory: &Path) -> anyhow::Result<()> {
    let set = issue_set(&Options {
        algorithm: KeyAlgorithm::EcdsaP256,
        passphrase: ServerPassphrase::Given(Passphrase::new("")),
        ..Options::new(jiff::Timestamp::now().as_second())
    })?;
    std::fs::create_dir_all(directory)?;
    set.write_to(directory)?;
    Ok(())
}

/// The client's side, without ALPN. With `resumption` a second connection resumes the session of
/// the first.
pub(crate) fn client(directory: &Path, resumption: Resumption) -> anyhow::Result<ClientConfig> {
    let (chain, key) = identity(directory, "client")?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(authority(directory)?)
        .with_client_auth_cert(chain, key)?;
    config.resumption = resumption;
    Ok(config)
}

/// The server's side, with everything that forebay's listener has: client certificates, tickets,
/// and HTTP/2 for those who offer it.
pub(crate) fn server(directory: &Path) -> anyhow::Result<ServerConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let roots = Arc::new(authority(directory)?);
    let clients = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider));
    let (chain, key) = identity(directory, "server")?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients.build()?)
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(config)
}

fn authority(directory: &Path) -> anyhow::Result<RootCertStore> {
    let path = directory.join("ca.crt");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&path).with_context(|| path.display().to_string())?)?;
    Ok(roots)
}

type Chain = Vec<CertificateDer<'static>>;

fn identity(directory: &Path, name: &str) -> anyhow::Result<(Chain, PrivateKeyDer<'static>)> {
    let path = directory.join(name);
    let (certificate, key) = (path.with_extension("crt"), path.with_extension("key"));
    let chain = CertificateDer::pem_file_iter(&certificate)
        .and_then(Iterator::collect)
        .with_context(|| certificate.display().to_string())?;
    let key = PrivateKeyDer::from_pem_file(&key).with_context(|| key.display().to_string())?;
    Ok((chain, key))
}
