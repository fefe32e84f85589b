//! TLS to a broker: whom to trust, and who we are. One provider of cryptography (ring), named here and not taken from
//! what the process has installed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::config::TlsConfig;

/// Why TLS could not be set up. All of these are for a person to mend.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is missing or is not PEM.
    #[error("cannot read {what} from {}: {reason}", path.display())]
    File {
        /// `certificates` or `a private key`.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file holds none.
    #[error("there is no certificate in {}", .0.display())]
    Empty(PathBuf),
    /// The system has no authorities.
    #[error("the system names no authorities to trust; name a ca_file")]
    NoRoots,
    /// A certificate without its key, or the reverse.
    #[error("cert_file and key_file go together; one of them is missing")]
    Half,
    /// rustls does not take it.
    #[error("the certificate and key cannot be used: {0}")]
    Refused(#[from] rustls::Error),
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let refuse = |error: rustls::pki_types::pem::Error| TlsError::File {
        what: "certificates",
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let found: Vec<_> =
        CertificateDer::pem_file_iter(path).map_err(refuse)?.collect::<Result<_, _>>().map_err(refuse)?;
    if found.is_empty() { Err(TlsError::Empty(path.to_owned())) } else { Ok(found) }
}

/// Reads the files and makes of them what a connection needs.
pub(super) fn client_config(tls: &TlsConfig) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    match &tls.ca_file {
        Some(path) => {
            for certificate in certificates(path)? {
                roots.add(certificate)?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(TlsError::NoRoots);
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let config = match (&tls.cert_file, &tls.key_file) {
        (None, None) => builder.with_no_client_auth(),
        (Some(chain), Some(key)) => {
            let private = PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError::File {
                what: "a private key",
                path: key.clone(),
                reason: error.to_string(),
            })?;
            builder.with_client_auth_cert(certificates(chain)?, private)?
        }
        (Some(_), None) | (None, Some(_)) => return Err(TlsError::Half),
    };
    Ok(Arc::new(config))
}
