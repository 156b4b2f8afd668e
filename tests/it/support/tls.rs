//! TLS at a server, with a certificate that nobody trusts unless a test says so.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Self-signed, of `provider.invalid` and of `127.0.0.1`.
pub(crate) const CERTIFICATE: &str = include_str!("certificate/self_signed.pem");
const KEY: &[u8] = include_bytes!("certificate/self_signed.key");

/// A server with [`CERTIFICATE`].
pub(crate) fn server() -> Arc<ServerConfig> {
    // Needed once per process; any earlier call has set the same provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(KEY));
    Arc::new(ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap())
}
