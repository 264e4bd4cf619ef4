//! The HTTP client: rustls with the platform's trust anchors, a bound for every exchange, and no
//! redirects.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

/// A client whose whole exchange takes at most `limit`, and that trusts the certificates in `ca_file`
/// besides the platform's. It blocks, and so belongs into a thread of its own.
///
/// An answer is an answer whatever its status says. What is asked of an address has no business at
/// another one, so that a redirect is an answer like any other.
///
/// # Errors
///
/// A sentence about a `ca_file` that cannot be used.
pub fn agent(ca_file: Option<&Path>, limit: Duration) -> Result<ureq::Agent, String> {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(roots(ca_file)?)
        .build();
    let config = ureq::Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(limit))
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent(concat!("acewatch/", env!("CARGO_PKG_VERSION")));
    Ok(config.build().into())
}

fn roots(ca_file: Option<&Path>) -> Result<RootCerts, String> {
    let mut trusted: Vec<Certificate<'static>> = rustls_native_certs::load_native_certs()
        .certs
        .iter()
        .map(|certificate| Certificate::from_der(certificate).to_owned())
        .collect();
    if let Some(path) = ca_file {
        let refused = |why: String| format!("cannot use `ca-file` {}: {why}", path.display());
        let pem = std::fs::read(path).map_err(|error| refused(error.to_string()))?;
        let before = trusted.len();
        for item in parse_pem(&pem) {
            if let PemItem::Certificate(certificate) =
                item.map_err(|error| refused(error.to_string()))?
            {
                trusted.push(certificate);
            }
        }
        if trusted.len() == before {
            return Err(refused("it holds no certificate".to_owned()));
        }
    }
    Ok(RootCerts::Specific(Arc::new(trusted)))
}
